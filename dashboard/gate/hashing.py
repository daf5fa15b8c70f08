"""Passwords looked at a few at a time, beside the serving loop, those of whoever tried least first.

A hash takes a quarter of a second of a core. In the order of arrival, whoever sends many would keep others waiting for
all of theirs.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count

from shared.passwords import password_matches

# Each hash takes 32 MiB. The threads are their own: whoever waits for one of Streamlit's does not wait for a hash.
HASHES_AT_ONCE = 2
MOST_WAITING = 64
# About how long a full line takes, and no longer than people wait before an answer.
RETRY_SECONDS = 10

Weight = Callable[[], int]


class Crowded(Exception):
    """There are too many tries at once, and this one stood last: it is answered that it may come again."""


@dataclass(eq=False, slots=True)
class _Waiting:
    weight: Weight
    number: int
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def place(self) -> tuple[int, int]:
        return self.weight(), self.number


class Hashing:
    """The line before the hashes."""

    def __init__(self, matches: Callable[[str, str | None], bool] = password_matches) -> None:
        self._matches = matches
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE, "hash")
        self._free = HASHES_AT_ONCE
        self._numbers = count()
        self._line: list[_Waiting] = []

    async def matches(self, password: str, kept: str | None, weight: Weight) -> bool:
        """Tell whether a password is the one kept; raises Crowded.

        `weight` is asked whenever somebody's turn comes: the lowest is next, of equal ones who came first.
        """
        await self._turn(weight)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._matches, password, kept)
        finally:
            self._free += 1
            self._call_next()

    async def _turn(self, weight: Weight) -> None:
        mine = _Waiting(weight, next(self._numbers))
        self._line.append(mine)
        self._call_next()
        if len(self._line) > MOST_WAITING:
            last = max(self._line, key=_Waiting.place)
            self._line.remove(last)
            if not last.turn.done():
                last.turn.set_exception(Crowded())
        try:
            await mine.turn
        except asyncio.CancelledError:
            self._leave(mine)
            raise

    def _call_next(self) -> None:
        while self._free and self._line:
            called = min(self._line, key=_Waiting.place)
            self._line.remove(called)
            # Whose request was cancelled a moment ago leaves the line when it comes to run.
            if not called.turn.done():
                self._free -= 1
                called.turn.set_result(None)

    def _leave(self, mine: _Waiting) -> None:
        if mine in self._line:
            self._line.remove(mine)
        elif not mine.turn.cancelled() and mine.turn.exception() is None:
            self._free += 1
            self._call_next()
