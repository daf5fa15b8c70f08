"""Market time of a market that is not real: it goes on from where it began, one bar per so many wall seconds."""

from shared.clock import Clock


class Pace:
    """Market time at `bar_seconds` wall seconds per bar of `step_ms`; it stands still while no worker runs.

    Whole milliseconds on both sides, so that market time has arrived whenever `seconds_until` has passed. Counted by
    the time that only moves on: setting the wall clock moves no market.
    """

    def __init__(self, clock: Clock, step_ms: int, bar_seconds: float) -> None:
        self._clock = clock
        self._step_ms = step_ms
        self._bar_wall_ms = max(1, round(bar_seconds * 1000))
        self._from_wall_ms = 0
        self._from_ms = 0

    def begin(self, market_ms: int) -> None:
        """Let it be `market_ms` now."""
        self._from_wall_ms = self._clock.monotonic_ms()
        self._from_ms = market_ms

    def now_ms(self) -> int:
        """Give the market time."""
        passed_wall_ms = self._clock.monotonic_ms() - self._from_wall_ms
        return self._from_ms + passed_wall_ms * self._step_ms // self._bar_wall_ms

    def seconds_until(self, time_ms: int) -> float:
        """Give the wall seconds until market time is `time_ms`; less than 0 where it has been."""
        ahead_wall_ms = -((self._from_ms - time_ms) * self._bar_wall_ms // self._step_ms)
        return (self._from_wall_ms + ahead_wall_ms - self._clock.monotonic_ms()) / 1000
