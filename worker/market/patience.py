"""What a market did while an order rested: the first part of a bar, by the finest bars there are."""

from typing import NamedTuple

import numpy as np

from worker.market.protocol import FinestBars
from worker.strategies.bars import Bars


class Patience(NamedTuple):
    """The extremes of the time in which an order may rest, and the price when it is over; float64, one per bar."""

    low: np.ndarray
    high: np.ndarray
    close: np.ndarray


def patience_of(bars: Bars, finest: FinestBars, step_ms: int, patience_ms: int) -> Patience:
    """Give the first `patience_ms` of each bar, in whole finer bars, at least one of them.

    Where the bars are the finest themselves, or are rested in all through, they are those. A bar whose finer ones are
    missing there stands at its open: nothing is known to have traded.
    """
    fine, fine_ms = finest
    count = max(min(patience_ms, step_ms) // fine_ms, 1)
    if count * fine_ms >= step_ms:
        return Patience(bars.low, bars.high, bars.close)
    low, high, close = bars.open.copy(), bars.open.copy(), bars.open.copy()
    is_first = np.ones(len(bars), bool)
    for number in range(count if len(fine) else 0):
        rows, there = _at(fine, bars.open_ms + number * fine_ms)
        low = np.where(there, np.where(is_first, fine.low[rows], np.minimum(low, fine.low[rows])), low)
        high = np.where(there, np.where(is_first, fine.high[rows], np.maximum(high, fine.high[rows])), high)
        close = np.where(there, fine.close[rows], close)
        is_first &= ~there
    return Patience(low, high, close)


def _at(fine: Bars, times_ms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the row of the finer bar that opens at each time, and whether there is one."""
    rows = np.minimum(np.searchsorted(fine.open_ms, times_ms), len(fine) - 1)
    return rows, fine.open_ms[rows] == times_ms
