"""Places where a process may end: between any two of its writes and of its requests."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event


class Killed(BaseException):
    """The process ends here."""


class Places:
    """Calls `reached` with what comes next before each write and request of a process.

    Once a process is dead nothing of it is written or sent any more, whatever still unwinds.
    """

    def __init__(self, reached: Callable[[str], None], number: int = 0) -> None:
        self.number = number
        self.is_dead = False
        self._reached = reached

    def watch(self, engine: Engine) -> None:
        """Be at a place before each commit of an engine."""
        event.listen(engine, "commit", lambda *_: self.see("commit"))
        event.listen(engine, "before_cursor_execute", self._statement)

    def reach_with(self, reached: Callable[[str], None]) -> None:
        """Call another from here on."""
        self._reached = reached

    def see(self, place: str) -> None:
        """Be at a place; raises Killed where the process ends here."""
        if self.is_dead:
            raise Killed(place)
        try:
            self._reached(place)
        except Killed:
            self.is_dead = True
            raise

    def _statement(self, *_: Any) -> None:
        if self.is_dead:
            raise Killed("statement")


def never(place: str) -> None:
    """Let a process live."""


class DeathAt:
    """Ends a process at the n-th place; with 0 it only counts them."""

    def __init__(self, number: int) -> None:
        self.seen = 0
        self._number = number

    def __call__(self, place: str) -> None:
        self.seen += 1
        if self.seen == self._number:
            raise Killed(place)
