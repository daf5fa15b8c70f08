"""Closed candles of one symbol as columns, and resampling onto a coarser grid."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True, slots=True)
class Bars:
    """Closed candles, oldest first: `open_ms` int64 (strictly ascending), the rest float64, all of one length."""

    open_ms: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray

    def __len__(self) -> int:
        return len(self.open_ms)

    def __getitem__(self, rows: slice | np.ndarray) -> "Bars":
        return Bars(*(getattr(self, field.name)[rows] for field in fields(Bars)))

    def measure(self, make: Callable[..., np.ndarray], *numbers: int) -> np.ndarray:
        """Give `make(bars, *numbers)`, an array of the bars' length that is read, never written."""
        return make(self, *numbers)

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Give two arrays of the bars' length to write the low and the high of a band into, not filled yet."""
        return np.empty(len(self)), np.empty(len(self))

    def between(self, start_ms: int, end_ms: int) -> "Bars":
        """Give the bars that open in `[start_ms, end_ms)`."""
        first, last = np.searchsorted(self.open_ms, (start_ms, end_ms))
        return self[int(first) : int(last)]


def make_bars(open_ms: object, open: object, high: object, low: object, close: object, volume: object) -> Bars:
    """Build bars from anything array-like."""
    columns = [np.ascontiguousarray(column, np.float64) for column in (open, high, low, close, volume)]
    return Bars(np.ascontiguousarray(open_ms, np.int64), *columns)


def no_bars() -> Bars:
    """Give bars of length zero."""
    return make_bars([], [], [], [], [], [])


def resample(bars: Bars, timeframe_ms: int) -> Bars:
    """Merge bars into those of a coarser timeframe, named by their open on the coarser grid.

    Every bar that has any part is given, so the caller drops a first or last one that is not whole.
    """
    if not len(bars):
        return bars
    opens = bars.open_ms - bars.open_ms % timeframe_ms
    first = np.flatnonzero(np.r_[True, opens[1:] != opens[:-1]])
    last = np.r_[first[1:], len(opens)] - 1
    return Bars(
        opens[first],
        bars.open[first],
        np.maximum.reduceat(bars.high, first),
        np.minimum.reduceat(bars.low, first),
        bars.close[last],
        np.add.reduceat(bars.volume, first),
    )
