"""A local exchange for the unmodified ccxt client: one engine without I/O, a face per language, three ways in."""
