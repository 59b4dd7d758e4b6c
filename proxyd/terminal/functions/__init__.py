"""What a terminal does when it is told to: one table for each kind of sequence."""
