"""What a person types and reads: one module per command, and how numbers and progress look on a terminal."""
