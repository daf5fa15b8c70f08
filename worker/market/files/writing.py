"""What was read of a folder, written as one Parquet file for each symbol and timeframe."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from shared.errors import ConfigurationError
from shared.settings import MarketSettings
from shared.units import file_symbol
from worker.market.files.columns import TIME
from worker.market.files.folder import CandleFolder, Series
from worker.market.files.joining import Joined
from worker.market.files.names import CandleFile
from worker.market.files.reading import read_file
from worker.market.files.rows import Rows


class Written(NamedTuple):
    """One file that an import writes, and the files its rows are from."""

    file: str
    symbol: str
    timeframe: str
    rows: int
    first_ms: int
    last_ms: int
    sources: tuple[str, ...]


def import_candles(folder: CandleFolder, into: Path) -> tuple[list[Written], list[str]]:
    """Write every series of a folder that nothing is wrong with; give what was written, and why the rest was not.

    Each file is written whole or not at all. One that is there is replaced only where all of its rows are in the new
    one; raises ConfigurationError for any other before the first is written.
    """
    refusals = [report.refusal for report in folder.reports() if not report.usable and report.kind != "unknown"]
    good = [(series, joined) for series, joined in _whole_series(folder) if not joined.refusals]
    wanted = [(_written(series, joined), joined.rows, bool(series.timeframe_ms)) for series, joined in good]
    for written, rows, is_candles in wanted:
        _refuse_other(into / written.file, written, rows, is_candles)
    for written, rows, _ in wanted:
        _write(into / written.file, rows)
    return [written for written, _, _ in wanted], refusals


def _whole_series(folder: CandleFolder) -> list[tuple[Series, Joined]]:
    """Leave out series that a refused file belongs to, or may belong to."""
    refused = {(reading.file.symbol, reading.file.funding, reading.timeframe_ms) for reading in folder.refused()}
    return [
        (series, folder.joined(series))
        for series in folder.series()
        if not {(series.symbol, not series.timeframe_ms, step_ms) for step_ms in (0, series.timeframe_ms)} & refused
    ]


def _written(series: Series, joined: Joined) -> Written:
    timeframe = series.readings[0].report.timeframe
    kind = "" if series.timeframe_ms else "-funding"
    name = "-".join(filter(None, (file_symbol(series.symbol), timeframe)))
    times = joined.rows.time_ms
    return Written(
        f"{name}{kind}.parquet",
        series.symbol,
        timeframe,
        len(times),
        int(times[0]),
        int(times[-1]),
        tuple(reading.file.path.name for reading in series.readings),
    )


def _refuse_other(path: Path, written: Written, rows: Rows, is_candles: bool) -> None:
    if not path.exists():
        return
    found = read_file(CandleFile(path, written.symbol, 0, not is_candles), MarketSettings())
    old, at = found.rows, np.searchsorted(rows.time_ms, found.rows.time_ms)
    inside = np.minimum(at, len(rows) - 1)
    is_same = np.array_equal(rows.time_ms[inside], old.time_ms) and all(
        np.array_equal(rows.values[name][inside], column) for name, column in old.values.items()
    )
    if not (found.report.usable and is_same):
        raise ConfigurationError(
            f"file {path} must not be there, or hold nothing but rows that are written: {written.rows:,} of "
            f"{written.symbol} from {', '.join(written.sources)}; it holds something else and is left as it is"
        )


def _write(path: Path, rows: Rows) -> None:
    from pyarrow.parquet import write_table

    table = pa.table({TIME: pa.array(rows.time_ms, pa.timestamp("ms", "UTC")), **rows.values})
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_table(table, draft, compression="zstd")
        draft.replace(path)
    except OSError as error:
        raise ConfigurationError(f"file {path} must be one that can be written: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
