"""Candles and funding from a folder of files, checked row by row and brought to the timeframe asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from shared.errors import CandleError
from shared.units import SECOND_MS
from worker.market.file_columns import Columns, read_candle_columns, read_funding_columns
from worker.market.file_names import CandleFile, candle_files, find_symbols, funding_files
from worker.market.impossible import Broken, broken_times, broken_values, first_flaw, show_time
from worker.strategies.bars import Bars, make_bars, no_bars, resample

__all__ = ["Candles", "find_symbols", "load_candles", "load_funding", "read_candles"]


class Candles(NamedTuple):
    """Bars of one symbol, the timeframe of the files, and the opens of bars with parts missing."""

    bars: Bars
    file_timeframe_ms: int
    incomplete_ms: np.ndarray


def load_candles(
    folder: Path, symbol: str, timeframe_ms: int, start_ms: int | None = None, end_ms: int | None = None
) -> Bars:
    """Give the candles of a symbol that open in `[start_ms, end_ms)`, resampled where the files are finer.

    Raises CandleError naming file and row (from 1) of the first bar that cannot be true, and ConfigurationError where
    the folder, the symbol or a fine enough timeframe is not there.
    """
    bars = read_candles(folder, symbol, timeframe_ms).bars
    if not len(bars):
        return bars
    start_ms = int(bars.open_ms[0]) if start_ms is None else start_ms
    end_ms = int(bars.open_ms[-1]) + 1 if end_ms is None else end_ms
    return bars.between(start_ms, end_ms)


def read_candles(folder: Path, symbol: str, timeframe_ms: int) -> Candles:
    """Give all candles of a symbol. A first or last bar the files begin or end in the middle of is left out.

    A bar with some of its parts missing is given, made from those there are, and named in `incomplete_ms`: an exchange
    forms its candle from the trades there were, too.
    """
    files = candle_files(folder, symbol, timeframe_ms)
    bars = _joined(files, [_checked_bars(file) for file in files])
    file_ms = files[0].timeframe_ms
    if file_ms == timeframe_ms:
        return Candles(bars, file_ms, np.empty(0, np.int64))
    bars = _whole(bars, file_ms, timeframe_ms)
    opens, parts = np.unique(bars.open_ms - bars.open_ms % timeframe_ms, return_counts=True)
    return Candles(resample(bars, timeframe_ms), file_ms, opens[parts < timeframe_ms // file_ms])


def load_funding(folder: Path, symbol: str) -> tuple[np.ndarray, np.ndarray]:
    """Give all settlement times (int64 ms, ascending) and rates (float64 fractions) of a symbol.

    Raises CandleError naming file and row, ConfigurationError where the folder holds no funding of the symbol.
    """
    files = funding_files(folder, symbol)
    parts = [_checked_funding(file) for file in files]
    _check_seams(files, [times for times, _ in parts])
    return np.concatenate([times for times, _ in parts]), np.concatenate([rates for _, rates in parts])


def settlement_ms(time_ms: np.ndarray) -> np.ndarray:
    """Bring settlement times to the whole second; exchanges stamp some a few milliseconds late."""
    return time_ms - time_ms % SECOND_MS


def funding_rules(columns: Columns) -> list[Broken]:
    """Give the rules of funding: ascending times, rates between -1 and 1."""
    rates = columns.numbers["funding_rate"]
    outside = np.flatnonzero(~(np.abs(rates) < 1.0))
    return [*broken_times(columns.time_ms, 0), Broken("funding_rate", outside, lambda row: "lie between -1 and 1")]


def _checked_bars(file: CandleFile) -> Bars:
    columns = read_candle_columns(file.path)
    bars = columns.bars()
    _refuse(file, [*broken_times(bars.open_ms, file.timeframe_ms), *broken_values(bars)], columns)
    return bars


def _checked_funding(file: CandleFile) -> tuple[np.ndarray, np.ndarray]:
    columns = read_funding_columns(file.path)
    _refuse(file, funding_rules(columns), columns)
    return settlement_ms(columns.time_ms), columns.numbers["funding_rate"]


def _refuse(file: CandleFile, rules: list[Broken], columns: Columns) -> None:
    if flaw := first_flaw(rules, columns.shown):
        raise CandleError(f"{file.path.name} row {flaw.row + 1}: {flaw.sentence}")


def _joined(files: Sequence[CandleFile], parts: Sequence[Bars]) -> Bars:
    _check_seams(files, [part.open_ms for part in parts])
    if len(parts) == 1:
        return parts[0]
    columns = ("open_ms", "open", "high", "low", "close", "volume")
    return make_bars(*(np.concatenate([getattr(part, column) for part in parts]) for column in columns))


def _check_seams(files: Sequence[CandleFile], times: Sequence[np.ndarray]) -> None:
    for place in range(1, len(files)):
        last_ms, first_ms = int(times[place - 1][-1]), int(times[place][0])
        if first_ms <= last_ms:
            raise CandleError(
                f"{files[place].path.name} row 1: timestamp must be after {show_time(last_ms)}, the last of "
                f"{files[place - 1].path.name}, was {show_time(first_ms)}"
            )


def _whole(bars: Bars, file_ms: int, timeframe_ms: int) -> Bars:
    """Leave out the parts of a first and last bar that the files begin or end in the middle of."""
    first_ms, end_ms = int(bars.open_ms[0]), int(bars.open_ms[-1]) + file_ms
    start_ms, end_ms = -(-first_ms // timeframe_ms) * timeframe_ms, end_ms - end_ms % timeframe_ms
    return bars.between(start_ms, end_ms) if start_ms < end_ms else no_bars()
