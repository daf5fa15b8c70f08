"""Bands as changes: a signal's band stands until the next change, so memory grows with what it says, not with bars."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from worker.jit import compile_in_place

# A block of bars, with the changes in it, stays in the processor's caches while the signals are gone through.
_BLOCK_BARS = 8192


class Bands(NamedTuple):
    """The bands of all signals: those that change with bar `t` are the rows from `first[t]` to before `first[t + 1]`.

    `first` is int64 (bars + 1); `signal` int32, `low` and `high` float64 are of one row per change.
    """

    first: np.ndarray
    signal: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Changes(NamedTuple):
    """Where the band of one signal changes, int32, and to what."""

    bar: np.ndarray
    low: np.ndarray
    high: np.ndarray


class ChangeFinder:
    """Finds where bands change, one after another in the same room: each thread has its own."""

    def __init__(self, bars: int) -> None:
        self._room = (np.empty(bars, np.int32), np.empty(bars), np.empty(bars))

    def find(self, first: int, low: np.ndarray, high: np.ndarray, atr_fraction: np.ndarray) -> Changes:
        """Give the changes of a band that begins at bar `first`; it is NaN before.

        Where its ATR becomes known, or no longer is, counts as a change too: a band without it is not acted on.
        """
        count = _find_changes(low, high, atr_fraction, first, *self._room)
        return Changes(*(column[:count].copy() for column in self._room))


def lay_changes(found: Sequence[Changes], bars: int) -> Bands:
    """Give the changes of all signals in the order of the bars."""
    first = np.zeros(bars + 1, np.int64)
    for changes in found:
        first[1:] += np.bincount(changes.bar, minlength=bars)
    np.cumsum(first, out=first)
    count, place = first[-1], first[:-1].copy()
    bands = Bands(first, np.empty(count, np.int32), np.empty(count), np.empty(count))
    edges = np.arange(0, bars + _BLOCK_BARS, _BLOCK_BARS)
    rows = [np.searchsorted(changes.bar, edges) for changes in found]
    for block in range(len(edges) - 1):
        for signal, changes in enumerate(found):
            _lay_by_bar(signal, *changes, rows[signal][block], rows[signal][block + 1], place, bands)
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
def _lay_by_bar(signal: int, bars, low, high, start: int, stop: int, place, bands) -> None:
    """Lay some changes of a signal where those of their bars lie: the next one of bar `t` at `place[t]`."""
    for row in range(start, stop):
        laid = place[bars[row]]
        place[bars[row]] += 1
        bands.signal[laid], bands.low[laid], bands.high[laid] = signal, low[row], high[row]
