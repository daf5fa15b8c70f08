"""A local exchange for the unmodified ccxt client: engine (no I/O), faults, Binance's wire format, server."""
