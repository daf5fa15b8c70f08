"""Wrong passwords, counted: who guesses must wait."""

import ipaddress
from collections import OrderedDict, deque

from shared.clock import Clock

WINDOW_MS = 5 * 60 * 1000
# Of one name from one address; from one address whatever the name; of one name wherever from. The last is high, so
# that nobody can keep a person out by guessing for them.
PAIR_LIMIT = 5
ADDRESS_LIMIT = 20
NAME_LIMIT = 200
MOST_KEYS = 20_000

Key = tuple[str, ...]


class Throttle:
    """Counts tries before they are looked at, so that many at once are counted too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: OrderedDict[Key, deque[int]] = OrderedDict()

    def wait_seconds(self, name: str, address: str) -> int:
        """Count a try; give 0 where it may be made, else the seconds to wait, and count nothing."""
        now_ms = self._clock.now_ms()
        limits = _limits(name, address)
        free_ms = max(self._free_ms(key, limit, now_ms) for key, limit in limits)
        if free_ms > now_ms:
            return -(-(free_ms - now_ms) // 1000)
        for key, _ in limits:
            self._tries.setdefault(key, deque()).append(now_ms)
            self._tries.move_to_end(key)
        while len(self._tries) > MOST_KEYS:
            self._tries.popitem(last=False)
        return 0

    def forgive(self, name: str, address: str) -> None:
        """Forget the try that was right, and the wrong ones of this name from this address."""
        (pair, _), *others = _limits(name, address)
        self._tries.pop(pair, None)
        for key, _ in others:
            if self._tries.get(key):
                self._tries[key].pop()

    def _free_ms(self, key: Key, limit: int, now_ms: int) -> int:
        tries = self._tries.get(key, deque())
        while tries and tries[0] <= now_ms - WINDOW_MS:
            tries.popleft()
        return tries[-limit] + WINDOW_MS if len(tries) >= limit else 0


def _limits(name: str, address: str) -> list[tuple[Key, int]]:
    place = _place(address)
    return [(("pair", name, place), PAIR_LIMIT), (("address", place), ADDRESS_LIMIT), (("name", name), NAME_LIMIT)]


def _place(address: str) -> str:
    """Whoever has one IPv6 address has all of its /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
