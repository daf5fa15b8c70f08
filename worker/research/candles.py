"""Candles and funding of several symbols on one common grid, gaps as missing bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shared.enums import BarStatus
from shared.errors import ConfigurationError
from worker.market.protocol import FinestBars
from worker.strategies.bars import Bars

_NAMES = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Grid:
    """Bars of several symbols at the same times. Missing bars carry the last close in all prices, 0 before the first.

    `columns` are open, high, low, close and volume, each with one row per symbol and one column per bar.
    """

    symbols: tuple[str, ...]
    open_ms: np.ndarray
    columns: np.ndarray
    status: dict[str, np.ndarray]
    # what orders that rest are filled by, where there is finer than the bars themselves
    finest: dict[str, FinestBars] = field(default_factory=dict)

    @property
    def bars(self) -> dict[str, Bars]:
        """Give each symbol's bars, which are rows of the columns."""
        return {symbol: Bars(self.open_ms, *self.columns[:, row]) for row, symbol in enumerate(self.symbols)}

    def rows(self, symbols: Sequence[str]) -> np.ndarray:
        """Give the columns of symbols; where these are those of the grid, no copy is made."""
        rows = [self.symbols.index(symbol) for symbol in symbols]
        return self.columns if rows == list(range(len(self.symbols))) else np.take(self.columns, rows, axis=1)


def lay_on_grid(bars_of: Mapping[str, Bars], step_ms: int) -> Grid:
    """Lay each symbol's bars on the grid from the first to the last open of any of them."""
    filled = {symbol: bars for symbol, bars in bars_of.items() if len(bars)}
    if not filled:
        raise ConfigurationError(f"candles must cover the period asked for, was no bar of {', '.join(bars_of)}")
    first = min(int(bars.open_ms[0]) for bars in filled.values())
    last = max(int(bars.open_ms[-1]) for bars in filled.values())
    open_ms = np.arange(first, last + 1, step_ms, dtype=np.int64)
    columns, status = np.empty((len(_NAMES), len(bars_of), len(open_ms))), {}
    for row, (symbol, bars) in enumerate(bars_of.items()):
        laid, status[symbol] = fill_gaps(bars, open_ms)
        for place, name in enumerate(_NAMES):
            columns[place, row] = getattr(laid, name)
    return Grid(tuple(bars_of), open_ms, columns, status)


def fill_gaps(bars: Bars, open_ms: np.ndarray) -> tuple[Bars, np.ndarray]:
    """Give bars at every time of the grid and their status (int8); a missing one is flat at the last close."""
    if len(bars) == len(open_ms) and np.array_equal(bars.open_ms, open_ms):
        return bars, np.full(len(open_ms), BarStatus.FRESH, np.int8)
    rows = np.searchsorted(bars.open_ms, open_ms, side="right") - 1
    has_bar = rows >= 0
    has_bar[has_bar] = bars.open_ms[rows[has_bar]] == open_ms[has_bar]
    closes = np.concatenate((bars.close, [0.0]))[rows]
    columns: list[Any] = [open_ms]
    for column in (bars.open, bars.high, bars.low, bars.close):
        columns.append(np.where(has_bar, column[rows], closes) if len(bars) else closes)
    columns.append(np.where(has_bar, bars.volume[rows], 0.0) if len(bars) else np.zeros(len(open_ms)))
    status = np.where(has_bar, np.int8(BarStatus.FRESH), np.int8(BarStatus.MISSING)).astype(np.int8)
    return Bars(*columns), status


def funding_per_bar(times_ms: np.ndarray, rates: np.ndarray, open_ms: np.ndarray, step_ms: int) -> np.ndarray:
    """Sum the rates that settle in `(open, close]` of each bar."""
    per_bar = np.zeros(len(open_ms))
    rows = np.searchsorted(open_ms, times_ms, side="left") - 1
    is_inside = (rows >= 0) & (times_ms <= open_ms[np.maximum(rows, 0)] + step_ms)
    np.add.at(per_bar, rows[is_inside], rates[is_inside])
    return per_bar


def stack(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Put equally long rows under each other, contiguous."""
    return np.ascontiguousarray(np.vstack(rows))
