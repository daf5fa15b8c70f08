"""What a person is told of a wall clock that somebody set while the worker ran."""

from shared.clock import SET_MS, Clock, WallWatch
from shared.units import format_duration


class ClockNews:
    """Looks now and then whether the wall clock was set, and says so once."""

    def __init__(self, clock: Clock) -> None:
        self._watch = WallWatch(clock)
        self._untold_ms = 0

    def look(self) -> int:
        """Give by how much the clock was set since the last look, less than 0 for back; 0 where it only drifted."""
        moved_ms = self._watch.moved_ms()
        if abs(moved_ms) <= SET_MS:
            return 0
        self._untold_ms += moved_ms
        return moved_ms

    def tell(self) -> str:
        """Say what was not said yet; empty where there is nothing."""
        set_ms, self._untold_ms = self._untold_ms, 0
        where = "back" if set_ms < 0 else "forward"
        said = f"this machine's clock was set {where} by {format_duration(abs(set_ms))}; bars close all the same"
        return said if set_ms else ""
