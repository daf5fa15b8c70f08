"""Wrong passwords, counted: who guesses must wait, and nobody waits for another's guesses.

A name has so many tries from a place, and so many of its own from each browser it signed in with before. There is no
limit of a name wherever from, nor of a place whatever the name: somebody else would use it up, and keep people out.
What guesses cost is bounded by the line before the hashes, where each try stands by what was tried beside it.
"""

from typing import NamedTuple

from dashboard.gate.browsers import STRANGER, Browser
from dashboard.gate.hashing import Standing
from dashboard.gate.places import place_of
from shared.clock import Clock

WINDOW_MS = 5 * 60 * 1000
TRY_LIMIT = 5
# Of a source, so many are remembered to tell where it stands.
MOST_COUNTED = 20
MOST_KEYS = 20_000
# So many are let go at once where there is no room, for looking through all of them takes its time.
ROOM = 2_000

Key = tuple[str, ...]


class Try(NamedTuple):
    """A try to sign in, by what it counts for: `limited` has a limit, `source` decides where it stands in line."""

    limited: Key
    source: Key
    is_known: bool


class TooMany(Exception):
    """A try that is not looked at, and how long to wait for the next."""

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = wait_seconds


class Throttle:
    """Counts tries before they are looked at, so that many at once are counted too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: dict[Key, list[int]] = {}

    def begin(self, name: str, address: str, browser: Browser = STRANGER) -> Try:
        """Count a try; raises TooMany, and counts nothing, where it may not be made.

        A browser that is known by the name has tries of its own, and those of its place once they are used up.
        """
        now_ms = self._clock.monotonic_ms()
        place = place_of(address)
        ways = [Try(("pair", name, place), ("place", place), False)]
        if name in browser.names:
            ways.insert(0, Try(("browser", name, browser.key), ("name", name), True))
        free_ms = {way: self._free_ms(way.limited, now_ms) for way in ways}
        made = next((way for way in ways if free_ms[way] <= now_ms), None)
        if made is None:
            raise TooMany(-(-(min(free_ms.values()) - now_ms) // 1000))
        self._count(made, now_ms)
        return made

    def forgive(self, made: Try) -> None:
        """Forget the try that was right and the wrong ones of its name from there."""
        self._tries.pop(made.limited, None)
        if not made.is_known:
            # A known name stands before newcomers, so it pays for right tries too: they take as long as wrong ones.
            self._uncount(made.source)

    def take_back(self, made: Try) -> None:
        """Let a try that nobody looked at count against no limit; its source asked all the same."""
        self._uncount(made.limited)

    def standing(self, made: Try) -> Standing:
        """Tell where a try stands in line now."""
        return Standing(not made.is_known, len(self._recent(made.source, self._clock.monotonic_ms())))

    def _count(self, made: Try, now_ms: int) -> None:
        for key in (made.limited, made.source):
            tries = self._tries.setdefault(key, [])
            tries.append(now_ms)
            del tries[:-MOST_COUNTED]
        if len(self._tries) > MOST_KEYS:
            self._make_room(now_ms)

    def _uncount(self, key: Key) -> None:
        if self._tries.get(key):
            self._tries[key].pop()

    def _free_ms(self, key: Key, now_ms: int) -> int:
        tries = self._recent(key, now_ms)
        return tries[-TRY_LIMIT] + WINDOW_MS if len(tries) >= TRY_LIMIT else 0

    def _recent(self, key: Key, now_ms: int) -> list[int]:
        tries = self._tries.get(key, [])
        tries[:] = _after(tries, now_ms - WINDOW_MS)
        return tries

    def _make_room(self, now_ms: int) -> None:
        """Let go of what is over, then of those that tried least: many newcomers displace nobody who guesses on."""
        recent = ((key, _after(tries, now_ms - WINDOW_MS)) for key, tries in self._tries.items())
        kept = sorted(((key, tries) for key, tries in recent if tries), key=lambda item: len(item[1]), reverse=True)
        self._tries = dict(kept[: MOST_KEYS - ROOM])


def _after(tries: list[int], time_ms: int) -> list[int]:
    return [try_ms for try_ms in tries if try_ms > time_ms]
