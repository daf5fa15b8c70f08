"""The time of an exchange, kept by the time that only moves on: somebody may set this machine's clock meanwhile."""

from collections.abc import Callable

from shared.clock import SET_MS, Clock, WallWatch
from shared.errors import MarketError
from shared.units import DAY_MS, MINUTE_MS

ASK_EVERY_MS = 10 * MINUTE_MS
# An exchange that did not say is asked again sooner.
ASK_SOON_MS = MINUTE_MS
# A candle further in the future is taken for a mistake in the candle.
LONGEST_BEHIND_MS = DAY_MS


class ExchangeTime:
    """The exchange's time as it was last heard, moved on; before the first answer this machine's.

    `ask` gives the exchange's time; None where it has no such answer. It is asked every ten minutes, and at once where
    the wall clock was set or a candle opened in what should be the future.
    """

    def __init__(self, clock: Clock, ask: Callable[[], int] | None) -> None:
        self._clock = clock
        self._ask = ask
        self._heard_ms = clock.now_ms()
        self._at_ms = clock.monotonic_ms()
        self._ask_at_ms = self._at_ms
        self._watch = WallWatch(clock)

    def now_ms(self) -> int:
        """Give the exchange's time."""
        return self._heard_ms + self._clock.monotonic_ms() - self._at_ms

    def ahead_ms(self) -> int:
        """Give how far the exchange's time is ahead of this machine's clock."""
        return self.now_ms() - self._clock.now_ms()

    def keep(self) -> None:
        """Ask the exchange where it is time to, or where its time and this machine's have come apart."""
        moved_ms = self._watch.moved_ms()
        was_set = abs(moved_ms) > SET_MS
        if self._ask is not None:
            if was_set or self._clock.monotonic_ms() >= self._ask_at_ms:
                self._measure(self._ask)
        elif not was_set:
            # A clock that drifts is followed, one that was set is not: nobody says that it was set right.
            self._heard_ms += moved_ms

    def doubt(self) -> None:
        """Take in that the exchange finds the time wrong: it is asked at the next look."""
        self._ask_at_ms = self._clock.monotonic_ms()

    def saw(self, open_ms: int) -> None:
        """Take in that a candle which opened then was given: the exchange's time should not be before it."""
        ahead_ms = open_ms - self.now_ms()
        if ahead_ms <= 0:
            return
        self.doubt()
        if self._ask is None and ahead_ms < LONGEST_BEHIND_MS:
            self._heard_ms += ahead_ms

    def _measure(self, ask: Callable[[], int]) -> None:
        began_ms = self._clock.monotonic_ms()
        try:
            heard_ms = ask()
        except MarketError:
            self._ask_at_ms = self._clock.monotonic_ms() + ASK_SOON_MS
            return
        ended_ms = self._clock.monotonic_ms()
        self._heard_ms, self._at_ms = heard_ms, (began_ms + ended_ms) // 2
        self._ask_at_ms = ended_ms + ASK_EVERY_MS
