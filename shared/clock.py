"""Time as an argument: `SystemClock` is the only reader of the wall clock."""

import time
from typing import Protocol

# A clock that is kept by the network drifts by less than this between two looks.
SET_MS = 1_000
# Where it can be had, the reading that goes on while the machine sleeps.
_UPTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    def now_ms(self) -> int:
        """Give the wall time in milliseconds since the epoch, UTC; a person or the network may set it at any moment."""
        ...

    def monotonic_ms(self) -> int:
        """Give a time that only moves on, at the pace of the wall's, whatever the wall clock is set to.

        Every process of a machine reads the same until the machine starts again.
        """
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        return time.clock_gettime_ns(_UPTIME) // 1_000_000

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class WallWatch:
    """Notices that somebody set the wall clock: that it has left the time that only moves on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead_ms = self._look()

    def moved_ms(self) -> int:
        """Give by how much the wall clock was set since the last call, less than 0 for back."""
        before_ms, self._ahead_ms = self._ahead_ms, self._look()
        return self._ahead_ms - before_ms

    def _look(self) -> int:
        return self._clock.now_ms() - self._clock.monotonic_ms()


class ManualClock:
    """A clock that moves only when told to; sleeping moves it. `set_wall_ms` is somebody who sets the wall clock."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms
        self._monotonic_ms = 0

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_ms(self) -> int:
        return self._monotonic_ms

    def sleep(self, seconds: float) -> None:
        self.advance_ms(round(seconds * 1000))

    def advance_ms(self, duration_ms: int) -> None:
        self._now_ms += duration_ms
        self._monotonic_ms += duration_ms

    def set_wall_ms(self, now_ms: int) -> None:
        self._now_ms = now_ms
