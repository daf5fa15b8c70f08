"""Bars that keep what was measured of them, so that strategies of one symbol and timeframe share it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from worker.strategies.bars import Bars

# So many last asked for. Strategies ask for what they share soon after each other; to keep more costs memory that the
# machine must find and clear each time, which takes longer than to measure again.
MEASURES_KEPT = 6


@dataclass(frozen=True, slots=True)
class SharedBars(Bars):
    """Bars of which each average, range or extreme is computed once, whoever asks for it."""

    band_rows: tuple[np.ndarray, np.ndarray] | None
    _measures: dict[tuple[object, ...], np.ndarray] = field(default_factory=dict, init=False, repr=False, compare=False)

    def measure(self, make: Callable[..., np.ndarray], *numbers: int) -> np.ndarray:
        """Give `make(bars, *numbers)` as it was last given; raises what `make` raises."""
        asked = (make, *numbers)
        known = self._measures.pop(asked, None)
        if known is None:
            known = make(self, *numbers)
            if len(self._measures) == MEASURES_KEPT:
                del self._measures[next(iter(self._measures))]
        self._measures[asked] = known
        return known

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Give two arrays of the bars' length to write a band into: the same ones each time where there are such."""
        if self.band_rows is None:
            return Bars.rows(self)
        low, high = self.band_rows
        return low[: len(self)], high[: len(self)]


def share(bars: Bars, rows: tuple[np.ndarray, np.ndarray] | None = None) -> SharedBars:
    """Let whoever measures these bars share what is measured, and write bands into `rows` one after another."""
    return SharedBars(bars.open_ms, bars.open, bars.high, bars.low, bars.close, bars.volume, rows)
