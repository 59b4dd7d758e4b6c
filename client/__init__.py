"""What the command line does itself over SSH, from where it runs, with the keys of who runs it."""
