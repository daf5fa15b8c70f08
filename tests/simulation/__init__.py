"""The whole worker against the local exchange, in one thread and on a virtual clock: everything from one seed."""
