"""Private networks: their keys, the connectors that are there, and the door where these enter."""
