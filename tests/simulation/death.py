"""Places where a process may end: between any two of its writes and of its requests."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event


class Killed(BaseException):
    """The process ends here."""


class Places:
    """Counts writes and requests of a process, and calls `reached` with what comes next before each.

    Once a process is dead nothing of it is written or sent any more, whatever still unwinds.
    """

    def __init__(self, reached: Callable[[str], None], number: int = 0) -> None:
        self.number = number
        self.seen = 0
        self.is_dead = False
        self._reached = reached

    def watch(self, engine: Engine) -> None:
        """Count the commits of an engine."""
        event.listen(engine, "commit", lambda *_: self.see("commit"))
        event.listen(engine, "before_cursor_execute", self._statement)

    def see(self, place: str) -> None:
        """Be at a place; raises Killed where the process ends here."""
        if self.is_dead:
            raise Killed(place)
        self.seen += 1
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
    """Ends a process at its n-th place."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self, place: str) -> None:
        self._left -= 1
        if self._left == 0:
            raise Killed(place)
