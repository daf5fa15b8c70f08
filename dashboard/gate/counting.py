"""Counts what repeats: the first of a key is told at once, the others in one line when the window ends.

So whoever repeats something without end fills neither a file nor the memory.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from shared.clock import Clock

WINDOW_MS = 5 * 60 * 1000
MOST_SOURCES = 1_000

Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class Tally:
    """How often, and when first and last (wall times)."""

    count: int = 0
    first_ms: int = 0
    last_ms: int = 0

    def add(self, now_ms: int) -> None:
        """Count one more."""
        self.first_ms = self.first_ms or now_ms
        self.last_ms = now_ms
        self.count += 1


@dataclass(slots=True)
class Ended(Generic[Key]):
    """What a window held beside the first of each key: the others of a key, and those there was no room to tell apart.

    `sources` is from how many sources the latter came, at least.
    """

    again: dict[Key, Tally] = field(default_factory=dict)
    rest: Tally = field(default_factory=Tally)
    sources: int = 0


class Counting(Generic[Key]):
    """Counts by key within windows, for many threads; at most `most_keys` keys of a window are told apart."""

    def __init__(self, clock: Clock, most_keys: int, window_ms: int = WINDOW_MS) -> None:
        self._clock = clock
        self._most_keys = most_keys
        self._window_ms = window_ms
        self._lock = Lock()
        self._began_ms: int | None = None
        self._counted: Ended[Key] = Ended()
        self._sources: set[str] = set()

    def is_first(self, key: Key, source: str = "") -> bool:
        """Count one, and tell whether it is the first of its key in this window; `source` is where it comes from."""
        with self._lock:
            if self._began_ms is None:
                self._began_ms = self._clock.monotonic_ms()
            counted = self._counted
            if key not in counted.again and len(counted.again) < self._most_keys:
                counted.again[key] = Tally()
                return True
            if key not in counted.again and len(self._sources) < MOST_SOURCES:
                self._sources.add(source)
            counted.again.get(key, counted.rest).add(self._clock.now_ms())
            return False

    def ended(self, at_once: bool = False) -> Ended[Key] | None:
        """End the window whose time is over, or `at_once`; None where none ends."""
        with self._lock:
            began_ms = self._began_ms
            if began_ms is None or not (at_once or self._clock.monotonic_ms() - began_ms >= self._window_ms):
                return None
            again = {key: tally for key, tally in self._counted.again.items() if tally.count}
            ended = Ended(again, self._counted.rest, len(self._sources))
            self._began_ms, self._counted, self._sources = None, Ended(), set()
            return ended
