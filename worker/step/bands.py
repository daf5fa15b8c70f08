"""Bands as changes: a signal's band stands until the next change, so memory grows with what it says, not with bars."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from worker.jit import compile_in_place

# A block of bars, with the changes in it, stays in the processor's caches while the signals are gone through.
_BLOCK_BARS = 8192
# A room holds at least so many bands, were each to change at every bar.
_ROOM_BANDS = 4


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
    """Finds where bands change, one after another in rooms that hold many: each thread has its own."""

    def __init__(self, bars: int) -> None:
        self._bars = bars
        self._marks = np.zeros(-(-bars // 8), np.uint64)
        self._room = Changes(np.empty(0, np.int32), np.empty(0), np.empty(0))
        self._used = 0

    def find(self, first: int, low: np.ndarray, high: np.ndarray, atr_fraction: np.ndarray) -> Changes:
        """Give the changes of a band that begins at bar `first`; it is NaN before.

        Where its ATR becomes known, or no longer is, counts as a change too: a band without it is not acted on.
        """
        if self._used + self._bars > len(self._room.bar):
            # What is not written into takes no memory.
            room = _ROOM_BANDS * self._bars
            self._room, self._used = Changes(np.empty(room, np.int32), np.empty(room), np.empty(room)), 0
        begin, marks = self._used, self._marks.view(np.uint8)
        _mark_changes(low, high, atr_fraction, marks)
        self._used += _take_marked(low, high, first, marks, self._marks, *(column[begin:] for column in self._room))
        return Changes(*(column[begin : self._used] for column in self._room))


def lay_changes(found: Sequence[Changes], bars: int) -> Bands:
    """Give the changes of all signals in the order of the bars."""
    first = np.zeros(bars + 1, np.int64)
    for changes in found:
        _count_bars(changes.bar, first[1:])
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
def _mark_changes(low, high, atr_fraction, marks) -> None:
    """Mark with 1 the rows that differ from the one before, the first one from a band that is not known."""
    for row in range(1, len(low)):
        # NaN is as NaN was. A loop without branches is vectorised.
        is_low = (low[row] != low[row - 1]) & ((low[row] == low[row]) | (low[row - 1] == low[row - 1]))
        is_high = (high[row] != high[row - 1]) & ((high[row] == high[row]) | (high[row - 1] == high[row - 1]))
        is_known, was_known = atr_fraction[row] == atr_fraction[row], atr_fraction[row - 1] == atr_fraction[row - 1]
        marks[row] = is_low | is_high | (is_known != was_known)
    for row in range(min(1, len(low))):
        marks[row] = not (math.isnan(low[row]) and math.isnan(high[row]) and math.isnan(atr_fraction[row]))


@compile_in_place
def _take_marked(low, high, first: int, marks, eights, bars, lows, highs) -> int:
    """Write the bars of marked rows, and what is said there; give how many there are. `eights` are marks by eight."""
    count = 0
    for eight in range(len(low) // 8):
        if eights[eight] != 0:
            for more in range(8):
                # Written whether it counts or not: to guess wrong whether it does takes longer.
                bars[count] = 8 * eight + more
                count += marks[8 * eight + more]
    for row in range(len(low) // 8 * 8, len(low)):
        bars[count] = row
        count += marks[row]
    for at in range(count):
        row = bars[at]
        bars[at], lows[at], highs[at] = first + row, low[row], high[row]
    return count


@compile_in_place
def _count_bars(bars, counts) -> None:
    for row in range(len(bars)):
        counts[bars[row]] += 1


@compile_in_place
def _lay_by_bar(signal: int, bars, low, high, start: int, stop: int, place, bands) -> None:
    """Lay some changes of a signal where those of their bars lie: the next one of bar `t` at `place[t]`."""
    for row in range(start, stop):
        laid = place[bars[row]]
        place[bars[row]] += 1
        bands.signal[laid], bands.low[laid], bands.high[laid] = signal, low[row], high[row]
