"""Bars that keep what was measured of them, so that strategies of one symbol and timeframe share it."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np

from worker.strategies.bars import Bars

# So many last asked for: a long grid of parameters costs no more memory than a short one.
MEASURES_KEPT = 16


@dataclass(frozen=True, slots=True)
class SharedBars(Bars):
    """Bars of which each average, range or extreme is computed once, whoever asks for it."""

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


def share(bars: Bars) -> SharedBars:
    """Let whoever measures these bars share what is measured."""
    return SharedBars(*(getattr(bars, column.name) for column in fields(Bars)))
