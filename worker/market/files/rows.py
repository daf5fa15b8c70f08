"""The rows of a file: in order, on the grid, with what is left out told by number."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shared.units import DAY_MS, SECOND_MS
from worker.market.impossible import UNREADABLE_MS
from worker.strategies.bars import Bars, make_bars

# How the rows that fall into one bar make it.
_MERGED = {"open": "first", "high": np.maximum, "low": np.minimum, "close": "last", "volume": np.add}


@dataclass(frozen=True)
class Rows:
    """Times (int64 ms), values by column, and of each row its place in what was read."""

    time_ms: np.ndarray
    values: Mapping[str, np.ndarray]
    places: np.ndarray

    def __len__(self) -> int:
        return len(self.time_ms)

    def take(self, rows: np.ndarray | slice) -> "Rows":
        """Give some of the rows."""
        values = {name: column[rows] for name, column in self.values.items()}
        return Rows(self.time_ms[rows], values, self.places[rows])

    def without(self, rows: np.ndarray) -> "Rows":
        """Leave some of the rows out."""
        return self.take(np.delete(np.arange(len(self.time_ms)), rows)) if len(rows) else self

    def bars(self) -> Bars:
        """Give rows of candles as bars."""
        return make_bars(self.time_ms, **self.values)


def oldest_first(rows: Rows) -> Rows:
    """Turn rows that go back in time."""
    steps = np.sign(np.diff(rows.time_ms[rows.time_ms != UNREADABLE_MS]))
    return rows.take(slice(None, None, -1)) if steps.sum() < 0 else rows


def distinct(time_ms: np.ndarray) -> np.ndarray:
    """Give the readable times, ascending, each once."""
    if (time_ms[1:] > time_ms[:-1]).all() and (not len(time_ms) or time_ms[0] != UNREADABLE_MS):
        return time_ms
    return np.unique(time_ms[time_ms != UNREADABLE_MS])


def usual_distance(time_ms: np.ndarray) -> int:
    """Give the time, in whole seconds, that most rows are apart; 0 for fewer than two."""
    times = distinct(time_ms)
    distances = np.rint(np.diff(times) / SECOND_MS).astype(np.int64) * SECOND_MS
    if not len(distances):
        return 0
    lengths, counts = np.unique(distances, return_counts=True)
    return int(lengths[np.argmax(counts)])


def grid_phase(time_ms: np.ndarray, timeframe_ms: int) -> int:
    """Give where bars begin within their length: at 0, but those of several days on the day that most begin on."""
    readable = time_ms[time_ms != UNREADABLE_MS]
    if timeframe_ms <= DAY_MS or not len(readable):
        return 0
    phases, counts = np.unique(readable % timeframe_ms, return_counts=True)
    return int(phases[np.argmax(counts)]) // DAY_MS * DAY_MS


def off_grid(time_ms: np.ndarray, timeframe_ms: int, phase_ms: int) -> np.ndarray:
    """Say of each row whether it begins beside the grid."""
    return (time_ms % timeframe_ms != phase_ms) & (time_ms != UNREADABLE_MS)


def snap(rows: Rows, timeframe_ms: int, phase_ms: int) -> Rows:
    """Move rows beside the grid to the bar they begin in, and merge those that meet another there.

    A row that is stamped within a second before a bar belongs to it.
    """
    is_off = off_grid(rows.time_ms, timeframe_ms, phase_ms)
    early_ms = min(SECOND_MS - 1, timeframe_ms // 60)
    moved = rows.time_ms + early_ms
    times = np.where(is_off, moved - (moved - phase_ms) % timeframe_ms, rows.time_ms)
    meets = (times[1:] == times[:-1]) & (is_off[1:] | is_off[:-1])
    first = np.flatnonzero(np.r_[True, ~meets])
    last = np.r_[first[1:], len(times)] - 1
    values = {name: _merged(name, column, first, last) for name, column in rows.values.items()}
    return Rows(times[first], values, rows.places[first])


def _merged(name: str, column: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    how = _MERGED[name]
    if isinstance(how, np.ufunc):
        return how.reduceat(column, first)
    return column[first if how == "first" else last]


def out_of_order(time_ms: np.ndarray) -> np.ndarray:
    """Give the fewest rows without which the times ascend."""
    # tails[n] is the last row of the ascending chain of n + 1 rows that ends earliest.
    tails: list[int] = []
    ends: list[int] = []
    before = np.full(len(time_ms), -1)
    for row, moment in enumerate(time_ms.tolist()):
        place = bisect_left(ends, moment)
        if ends[place : place + 1] == [moment]:
            # Of two rows of one time the first stays.
            continue
        before[row] = tails[place - 1] if place else -1
        tails[place : place + 1] = [row]
        ends[place : place + 1] = [moment]
    kept = np.zeros(len(time_ms), bool)
    row = tails[-1] if tails else -1
    while row >= 0:
        kept[row] = True
        row = int(before[row])
    return np.flatnonzero(~kept)
