"""Passwords looked at a few at a time, beside the serving loop, those of whoever tried least first.

A hash takes a quarter of a second of a core. In the order of arrival, whoever sends many would keep others waiting for
all of theirs; and whoever has sent many would keep both cores busy for as long as they like.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from shared.passwords import password_matches

# Each hash takes 32 MiB. The threads are their own: whoever waits for one of Streamlit's does not wait for a hash.
HASHES_AT_ONCE = 2
MOST_WAITING = 64
# Whoever tried more often within some minutes is busy. All who are have one hash at a time, the last of them a rest
# after it, and few places in the line: the other hash is for those who tried seldom.
FEW_TRIES = 5
MOST_BUSY = 8
REST_SECONDS = 1.0
# About how long a full line takes, and no longer than people wait before an answer.
RETRY_SECONDS = 10


class Standing(NamedTuple):
    """Where a try stands: of a stranger or somebody known, and how often was tried lately where it comes from."""

    is_stranger: bool
    tries: int

    @property
    def is_busy(self) -> bool:
        return self.tries > FEW_TRIES


Stands = Callable[[], Standing]


class Crowded(Exception):
    """There are too many tries at once, and this one stood last: it is answered that it may come again."""


@dataclass(eq=False, slots=True)
class _Waiting:
    stands: Stands
    number: int
    turn: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def place(self) -> tuple[bool, Standing, int]:
        standing = self.stands()
        return standing.is_busy, standing, self.number


class Hashing:
    """The line before the hashes."""

    def __init__(
        self,
        matches: Callable[[str, str | None], bool] = password_matches,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        self._matches = matches
        self._rest_seconds = rest_seconds
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE, "hash")
        self._free = HASHES_AT_ONCE
        self._busy_may = True
        self._numbers = count()
        self._line: list[_Waiting] = []

    async def matches(self, password: str, kept: str | None, stands: Stands) -> bool:
        """Tell whether a password is the one kept; raises Crowded.

        `stands` is asked whenever somebody's turn comes: those who are not busy are next, of them who is known, then
        who tried least, of equal ones who came first.
        """
        was_busy = await self._turn(stands)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._matches, password, kept)
        finally:
            self._give_back(was_busy)

    async def _turn(self, stands: Stands) -> bool:
        mine = _Waiting(stands, next(self._numbers))
        self._line.append(mine)
        self._call_next()
        self._keep_short()
        try:
            return await mine.turn
        except asyncio.CancelledError:
            self._leave(mine)
            raise

    def _keep_short(self) -> None:
        busy = [one for one in self._line if one.stands().is_busy]
        crowd = busy if len(busy) > MOST_BUSY else self._line if len(self._line) > MOST_WAITING else []
        if crowd:
            last = max(crowd, key=_Waiting.place)
            self._line.remove(last)
            if not last.turn.done():
                last.turn.set_exception(Crowded())

    def _call_next(self) -> None:
        while self._free and self._line:
            called = min(self._line, key=_Waiting.place)
            is_busy = called.stands().is_busy
            if is_busy and not self._busy_may:
                return
            self._line.remove(called)
            # Whose request was cancelled a moment ago leaves the line when it comes to run.
            if not called.turn.done():
                self._free -= 1
                self._busy_may = self._busy_may and not is_busy
                called.turn.set_result(is_busy)

    def _give_back(self, was_busy: bool) -> None:
        self._free += 1
        if was_busy:
            asyncio.get_running_loop().call_later(self._rest_seconds, self._end_rest)
        self._call_next()

    def _end_rest(self) -> None:
        self._busy_may = True
        self._call_next()

    def _leave(self, mine: _Waiting) -> None:
        if mine in self._line:
            self._line.remove(mine)
        elif not mine.turn.cancelled() and mine.turn.exception() is None:
            self._give_back(mine.turn.result())
