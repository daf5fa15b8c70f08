"""Candles and funding from a folder of files, checked row by row and brought to the timeframe asked for."""

from pathlib import Path

import numpy as np

from worker.market.files.folder import CandleFolder, Candles
from worker.market.files.formats import release_memory
from worker.strategies.bars import Bars

__all__ = ["CandleFolder", "Candles", "find_symbols", "load_candles", "load_funding", "read_candles", "release_memory"]


def find_symbols(folder: Path) -> tuple[str, ...]:
    """Give the symbols a folder has candles of, in order of name."""
    return CandleFolder(folder).symbols


def read_candles(folder: Path, symbol: str, timeframe_ms: int) -> Candles:
    """Give all candles of a symbol.

    Raises CandleError naming file and row (from 1) of the first bar that cannot be true, and ConfigurationError where
    the folder, the symbol or a fine enough timeframe is not there.
    """
    return CandleFolder(folder, asked=[symbol]).candles(symbol, timeframe_ms)


def load_candles(
    folder: Path, symbol: str, timeframe_ms: int, start_ms: int | None = None, end_ms: int | None = None
) -> Bars:
    """Give the candles of a symbol that open in `[start_ms, end_ms)`, resampled where the files are finer."""
    bars = read_candles(folder, symbol, timeframe_ms).bars
    if not len(bars):
        return bars
    start_ms = int(bars.open_ms[0]) if start_ms is None else start_ms
    end_ms = int(bars.open_ms[-1]) + 1 if end_ms is None else end_ms
    return bars.between(start_ms, end_ms)


def load_funding(folder: Path, symbol: str) -> tuple[np.ndarray, np.ndarray]:
    """Give all settlement times (int64 ms, ascending) and rates (float64 fractions) of a symbol."""
    return CandleFolder(folder, asked=[symbol]).funding(symbol)
