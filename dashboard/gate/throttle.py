"""Wrong passwords, counted: who guesses must wait, and nobody waits for another's guesses."""

from collections import OrderedDict

from dashboard.gate.places import place_of
from shared.clock import Clock

WINDOW_MS = 5 * 60 * 1000
# Of one name from one place; from one place whatever the name. There is no limit of a name wherever from: whoever
# guesses elsewhere would keep its owner out.
PAIR_LIMIT = 5
ADDRESS_LIMIT = 20
MOST_KEYS = 20_000
# So many are let go at once where there is no room, for looking through all of them takes its time.
ROOM = 2_000
MOST_WELCOME = 1_000

Key = tuple[str, ...]


class Throttle:
    """Counts tries before they are looked at, so that many at once are counted too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: dict[Key, list[int]] = {}
        self._welcome: OrderedDict[Key, None] = OrderedDict()

    def wait_seconds(self, name: str, address: str) -> int:
        """Count a try; give 0 where it may be made, else the seconds to wait, and count nothing."""
        now_ms = self._clock.monotonic_ms()
        limits = _limits(name, address)
        free_ms = max(self._free_ms(key, limit, now_ms) for key, limit in limits)
        if free_ms > now_ms:
            return -(-(free_ms - now_ms) // 1000)
        for key in (*(key for key, _ in limits), _asked(address)):
            tries = self._tries.setdefault(key, [])
            tries.append(now_ms)
            del tries[:-ADDRESS_LIMIT]
        if len(self._tries) > MOST_KEYS:
            self._make_room(now_ms)
        return 0

    def forgive(self, name: str, address: str) -> None:
        """Forget the try that was right and the wrong ones of this name from there, and know them from now on."""
        (pair, _), (place, _) = _limits(name, address)
        self._tries.pop(pair, None)
        for key in (place, _asked(address)):
            if self._tries.get(key):
                self._tries[key].pop()
        self._welcome[pair] = None
        self._welcome.move_to_end(pair)
        if len(self._welcome) > MOST_WELCOME:
            self._welcome.popitem(last=False)

    def take_back(self, name: str, address: str) -> None:
        """Let a try that nobody looked at count against no limit."""
        for key, _ in _limits(name, address):
            if self._tries.get(key):
                self._tries[key].pop()

    def weight(self, name: str, address: str) -> int:
        """Tell how far behind others a try stands: by the tries of its place, those that nobody looked at among them.

        Who has signed in from there before is known, and stands before all that are not.
        """
        (pair, _), _ = _limits(name, address)
        return 0 if pair in self._welcome else len(self._tries.get(_asked(address), ()))

    def _free_ms(self, key: Key, limit: int, now_ms: int) -> int:
        tries = self._tries.get(key, [])
        tries[:] = _recent(tries, now_ms)
        return tries[-limit] + WINDOW_MS if len(tries) >= limit else 0

    def _make_room(self, now_ms: int) -> None:
        """Let go of what is over, then of those that tried least: many newcomers displace nobody who guesses on."""
        recent = ((key, _recent(tries, now_ms)) for key, tries in self._tries.items())
        kept = sorted(((key, tries) for key, tries in recent if tries), key=lambda item: len(item[1]), reverse=True)
        self._tries = dict(kept[: MOST_KEYS - ROOM])


def _recent(tries: list[int], now_ms: int) -> list[int]:
    return [try_ms for try_ms in tries if try_ms > now_ms - WINDOW_MS]


def _asked(address: str) -> Key:
    return ("asked", place_of(address))


def _limits(name: str, address: str) -> tuple[tuple[Key, int], tuple[Key, int]]:
    place = place_of(address)
    return (("pair", name, place), PAIR_LIMIT), (("address", place), ADDRESS_LIMIT)
