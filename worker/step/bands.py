"""Bands as changes: a signal's band stands until the next change, so memory grows with what it says, not with bars."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from worker.jit import compile_in_place

# A block of bars, with the changes in it, stays in the processor's caches while the signals are gone through.
_BLOCK_BARS = 2048


class Bands(NamedTuple):
    """The bands of all signals: those that change with bar `t` are the rows from `first[t]` to before `first[t + 1]`.

    `first` is int64 (bars + 1); `signal` int32, `low` and `high` float64 are of one row per change.
    """

    first: np.ndarray
    signal: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Changes(NamedTuple):
    """Where the band of one signal changes, int64, and to what."""

    bar: np.ndarray
    low: np.ndarray
    high: np.ndarray


class ChangeFinder:
    """Finds where bands change, one after another in the same room: each thread has its own."""

    def __init__(self, bars: int) -> None:
        self._room = (np.empty(bars, np.int64), np.empty(bars), np.empty(bars))

    def find(self, first: int, low: np.ndarray, high: np.ndarray, atr_fraction: np.ndarray) -> Changes:
        """Give the changes of a band that begins at bar `first`; it is NaN before.

        Where its ATR becomes known, or no longer is, counts as a change too: a band without it is not acted on.
        """
        count = _find_changes(low, high, atr_fraction, first, *self._room)
        return Changes(*(column[:count].copy() for column in self._room))


def lay_changes(found: Sequence[Changes], bars: int) -> Bands:
    """Give the changes of all signals in the order of the bars."""
    ends = np.cumsum([len(changes.bar) for changes in found])
    bar, low, high = (np.concatenate([changes[column] for changes in found]) for column in range(3))
    first = np.concatenate(([0], np.cumsum(np.bincount(bar, minlength=bars))))
    bands = Bands(first, np.empty(len(bar), np.int32), np.empty(len(bar)), np.empty(len(bar)))
    _lay_by_bar(ends, np.concatenate(([0], ends[:-1])), bar, low, high, first[:-1].copy(), bands, _BLOCK_BARS)
    return bands


def lay_bands(low: np.ndarray, high: np.ndarray, atr_fraction: np.ndarray, series: np.ndarray) -> Bands:
    """Give the changes of whole bands, (signals, bars), whose ATRs are (series, bars)."""
    signals, bars = low.shape
    finder = ChangeFinder(bars)
    found = [finder.find(0, low[row], high[row], atr_fraction[series[row]]) for row in range(signals)]
    return lay_changes(found, bars)


@compile_in_place
def _find_changes(low, high, atr_fraction, first: int, bars, lows, highs) -> int:
    """Write the bars at which a band changes, and to what; give how many there are."""
    count, was_known = 0, False
    was_low, was_high = np.nan, np.nan
    for row in range(len(low)):
        is_known = atr_fraction[row] == atr_fraction[row]
        # NaN is as NaN was.
        is_low = low[row] == was_low or (low[row] != low[row] and was_low != was_low)
        is_high = high[row] == was_high or (high[row] != high[row] and was_high != was_high)
        if not (is_low and is_high) or is_known != was_known:
            bars[count], lows[count], highs[count] = first + row, low[row], high[row]
            count += 1
        was_low, was_high, was_known = low[row], high[row], is_known
    return count


@compile_in_place
def _lay_by_bar(ends, at, bars, low, high, place, bands, block: int) -> None:
    """Lay what lies signal by signal bar by bar: signal `k` from `at[k]` to `ends[k]`, bar `t` from `place[t]` on."""
    for begin in range(0, len(place), block):
        for signal in range(len(ends)):
            row = at[signal]
            while row < ends[signal] and bars[row] < begin + block:
                laid = place[bars[row]]
                place[bars[row]] += 1
                bands.signal[laid], bands.low[laid], bands.high[laid] = signal, low[row], high[row]
                row += 1
            at[signal] = row
