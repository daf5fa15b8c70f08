"""What may be asked of an exchange and when: one account's weights, as the exchange counts them, and its silences."""

from collections import deque
from threading import Lock

from shared.clock import Clock

# What is kept back for exits and cancels.
RESERVED = 0.2
# Told to wait without a word of how long: this, twice as long each time, until an answer comes.
FIRST_SILENCE_MS = 10_000
LONGEST_SILENCE_MS = 600_000
# 418: this address is banned already.
FIRST_BAN_MS = 120_000
TOO_MANY, BANNED = 429, 418


class Withheld(Exception):
    """Nothing left this machine: the exchange wants silence, or the budget has no room in time."""


class TooLate(Withheld):
    """Nothing left this machine: the time by which it had to leave had passed."""


class WrongPlace(Withheld):
    """Nothing left this machine: it was meant for the testnet and addressed to the exchange, or the other way round."""


class RateBudget:
    """Keep what is asked within `limit` of weight in any `window_ms`; the last fifth is for what is urgent.

    Weights are counted in any stretch of that length, so that they hold in the exchange's own minutes, wherever those
    begin. Time is that of `clock`. One thread takes; others may look at what is used.
    """

    def __init__(self, limit: float, window_ms: int, clock: Clock) -> None:
        self.limit = limit
        self.window_ms = window_ms
        self._clock = clock
        self._spent: deque[tuple[int, float]] = deque()
        self._sum = 0.0
        self._lock = Lock()
        self._silent_to_ms = clock.monotonic_ms()
        self._refusals = 0

    @property
    def used(self) -> float:
        """Give the weight spent in the last `window_ms`."""
        with self._lock:
            self._forget(self._clock.monotonic_ms())
            return self._sum

    @property
    def silent_until_ms(self) -> int:
        """Give the wall time before which nothing may be asked; 0 where something may be now."""
        left_ms = self._silent_to_ms - self._clock.monotonic_ms()
        return self._clock.now_ms() + left_ms if left_ms > 0 else 0

    @silent_until_ms.setter
    def silent_until_ms(self, until_ms: int) -> None:
        left_ms = until_ms - self._clock.now_ms()
        self._silent_to_ms = max(self._silent_to_ms, self._clock.monotonic_ms() + left_ms)

    def take(self, weight: float, urgent: bool, until_ms: int) -> None:
        """Wait until there is room for `weight` and spend it.

        Raises Withheld at once where there will be none at the monotonic time `until_ms`, or where silence is wanted.
        """
        silent_ms = self._silent_to_ms - self._clock.monotonic_ms()
        if silent_ms > 0:
            raise Withheld(f"the exchange wants silence for {silent_ms / 1000:.1f} s more")
        now_ms = self._clock.monotonic_ms()
        wait_ms = self._wait_ms(weight, self.limit if urgent else self.limit * (1 - RESERVED), now_ms)
        if wait_ms > 0 and now_ms + wait_ms > until_ms:
            used = f"{self._sum:g} of {self.limit:g} used"
            raise Withheld(f"the rate budget has room in {wait_ms / 1000:.1f} s only, {used}")
        if wait_ms > 0:
            self._clock.sleep(wait_ms / 1000)
        self._spend(weight, self._clock.monotonic_ms())

    def heard_used(self, used: float) -> None:
        """Take in what the exchange says is used: others ask from the same address."""
        missing = used - self.used
        if missing > 0:
            self._spend(missing, self._clock.monotonic_ms())

    def answered(self) -> None:
        """Take in that the exchange answered and did not ask for silence."""
        self._refusals = 0

    def refused(self, status: int, wait_seconds: float | None) -> None:
        """Keep silent for as long as the exchange said, or longer each time where it did not say."""
        first_ms = FIRST_BAN_MS if status == BANNED else FIRST_SILENCE_MS
        back_off_ms = min(LONGEST_SILENCE_MS, first_ms * 2 ** min(self._refusals, 10))
        silent_ms = back_off_ms if wait_seconds is None else round(wait_seconds * 1000)
        self._refusals += 1
        self._silent_to_ms = max(self._silent_to_ms, self._clock.monotonic_ms() + silent_ms)

    def _wait_ms(self, weight: float, room: float, now_ms: int) -> int:
        with self._lock:
            self._forget(now_ms)
            over, free_ms = self._sum + weight - room, 0
            # What is heavier than all the room there is leaves when nothing else is counted.
            for at_ms, spent in self._spent:
                if over <= 0:
                    break
                over -= spent
                free_ms = at_ms + self.window_ms - now_ms
            return free_ms

    def _spend(self, weight: float, now_ms: int) -> None:
        with self._lock:
            self._forget(now_ms)
            self._spent.append((now_ms, weight))
            self._sum += weight

    def _forget(self, now_ms: int) -> None:
        while self._spent and self._spent[0][0] <= now_ms - self.window_ms:
            self._sum -= self._spent.popleft()[1]
        if not self._spent:
            self._sum = 0.0
