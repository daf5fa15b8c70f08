"""A person who asks for a position to be closed, of a fleet in its compiled form."""

from worker.jit import compile_loop
from worker.step.records import Fleet
from worker.step.withdraw import ask_close


@compile_loop
def ask_close_compiled(fleet: Fleet, b: int) -> None:
    """Do what `ask_close` does."""
    ask_close(fleet, b)
