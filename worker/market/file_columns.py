"""One file of candles or funding as columns: Parquet, Feather or CSV, whatever its column order and kind of time."""

import gzip
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet

from shared.errors import CandleError
from worker.market.impossible import UNREADABLE_MS
from worker.strategies.bars import Bars, make_bars

TIME_NAMES = ("timestamp", "date", "datetime", "time", "open_time", "calc_time", "fundingtime")
NUMBER_NAMES = ("open", "high", "low", "close", "volume")
# Freqtrade keeps the rate of a funding file in its column `open`.
RATE_NAMES = ("funding_rate", "fundingrate", "last_funding_rate", "rate", "open")

# The exchanges' dumps: time, open, high, low, close, volume, and then what is not read.
_DUMP_COLUMNS = ("open_time", *NUMBER_NAMES)

# Epoch numbers up to these are seconds, milliseconds, microseconds: each holds the years 1973 to 5138.
_EPOCH_LIMITS = ((1e11, 1e-3), (1e14, 1.0), (1e17, 1e3))


@dataclass(frozen=True)
class Columns:
    """What a file says, unchecked: times that cannot be read are `UNREADABLE_MS`, numbers NaN."""

    time_ms: np.ndarray
    numbers: dict[str, np.ndarray]
    table: pa.Table
    names: dict[str, str]

    def shown(self, column: str, row: int) -> str:
        """Write a cell as the file has it."""
        value = self.table.column(self.names[column])[row].as_py()
        return "empty" if value is None else str(value)

    def bars(self) -> Bars:
        """Give the columns of candles as bars."""
        return make_bars(self.time_ms, *(self.numbers[name] for name in NUMBER_NAMES))


def read_candle_columns(path: Path) -> Columns:
    """Read a file of candles. Raises CandleError naming the file."""
    return _columns(path, {name: (name,) for name in NUMBER_NAMES})


def read_funding_columns(path: Path) -> Columns:
    """Read a file of funding rates into the number column `funding_rate`. Raises CandleError naming the file."""
    return _columns(path, {"funding_rate": RATE_NAMES})


def _columns(path: Path, wanted: dict[str, tuple[str, ...]]) -> Columns:
    wanted = {"timestamp": TIME_NAMES, **wanted}
    try:
        table = _read_table(path, wanted)
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CandleError(f"{path.name} must be a readable {path.suffix.lstrip('.')} file: {reason}") from error
    names = {column: _found(path, table.column_names, column, aliases) for column, aliases in wanted.items()}
    if not table.num_rows:
        raise CandleError(f"{path.name} must hold at least one row, was empty")
    numbers = {column: _numbers(table.column(name)) for column, name in names.items() if column != "timestamp"}
    return Columns(_times_ms(table.column(names["timestamp"])), numbers, table, names)


def _found(path: Path, present: list[str], column: str, aliases: tuple[str, ...]) -> str:
    lower = {name.lower(): name for name in reversed(present)}
    for alias in aliases:
        if alias in lower:
            return lower[alias]
    expected = " or ".join(aliases[:2])
    raise CandleError(f"{path.name} must have a column {expected}, has {', '.join(present) or 'none'}")


def _read_table(path: Path, wanted: dict[str, tuple[str, ...]]) -> pa.Table:
    if path.stat().st_size == 0:
        raise CandleError(f"{path.name} must hold at least one row, was empty")
    if path.suffix == ".parquet":
        file = pa.parquet.ParquetFile(path)
        aliases = {alias for names in wanted.values() for alias in names}
        return file.read([name for name in file.schema_arrow.names if name.lower() in aliases])
    if path.suffix == ".feather":
        return pa.feather.read_table(path)
    return _read_csv(path)


def _read_csv(path: Path) -> pa.Table:
    with _opened(path) as stream:
        first = stream.readline().decode("utf-8-sig").strip()
    cells = first.split(",")
    headed = first[:1] in ('"', "'") or first[:1].isalpha()
    if not headed and len(cells) < len(_DUMP_COLUMNS):
        raise CandleError(
            f"{path.name} must have a header or columns {', '.join(_DUMP_COLUMNS)}, first row was {first[:80]!r}"
        )
    unread = (f"unread_{place}" for place in range(len(cells) - len(_DUMP_COLUMNS)))
    names = None if headed else [*_DUMP_COLUMNS, *unread]
    header = [cell.strip("\"' ") for cell in cells] if headed else names or []
    numeric = {name: pa.float64() for name in header if name.lower() in {*NUMBER_NAMES, *RATE_NAMES}}
    try:
        return _parse_csv(path, names, numeric)
    except pa.ArrowInvalid:
        # A cell that is no number or time: read all as text, so that the row can be named.
        return _parse_csv(path, names, dict.fromkeys(header, pa.string()))


def _parse_csv(path: Path, names: list[str] | None, types: dict[str, pa.DataType]) -> pa.Table:
    with _opened(path) as stream:
        return pa.csv.read_csv(
            stream,
            read_options=pa.csv.ReadOptions(column_names=names),
            # An empty cell alone is none: a NaN that is written out is shown as such.
            convert_options=pa.csv.ConvertOptions(column_types=types, null_values=[""]),
        )


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if path.suffix == ".zip":
        archive = zipfile.ZipFile(path)
        inside = [name for name in archive.namelist() if name.endswith(".csv")]
        if len(inside) != 1:
            raise CandleError(f"{path.name} must hold one CSV file, holds {len(inside)}")
        return archive.open(inside[0])
    return path.open("rb")


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_decimal(column.type):
        return column.cast(pa.float64()).to_numpy()
    return pd.to_numeric(pd.Series(column.to_pylist(), dtype=object), errors="coerce").to_numpy(np.float64)


def _times_ms(column: pa.ChunkedArray) -> np.ndarray:
    kind = column.type
    if pa.types.is_date(kind):
        column, kind = column.cast(pa.timestamp("ms")), pa.timestamp("ms")
    if pa.types.is_timestamp(kind):
        return _scaled(column.cast(pa.int64()), {"s": 1e-3, "ms": 1.0, "us": 1e3, "ns": 1e6}[kind.unit])
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _scaled(column, None)
    texts = pd.Series(column.to_pylist(), dtype=object)
    numbers = pd.to_numeric(texts, errors="coerce")
    if numbers.notna().any():
        return _scaled(pa.chunked_array([pa.array(numbers.to_numpy(np.float64), from_pandas=True)]), None)
    times = pd.to_datetime(texts, utc=True, format="ISO8601", errors="coerce")
    return np.where(times.isna(), UNREADABLE_MS, times.dt.as_unit("ms").astype(np.int64))


def _scaled(column: pa.ChunkedArray, per_ms: float | None) -> np.ndarray:
    """Turn epoch numbers into milliseconds; without `per_ms` their unit is told by the size of the first."""
    missing = column.is_null(nan_is_null=True).to_numpy()
    values = column.fill_null(0).to_numpy()
    values = np.where(missing | ~np.isfinite(values), 0, values)
    readable = values[~missing]
    if per_ms is None:
        size = float(abs(readable[0])) if len(readable) else 0.0
        per_ms = next((scale for limit, scale in _EPOCH_LIMITS if size < limit), 1e6)
    if per_ms < 1.0:
        times_ms = np.rint(values * 1000).astype(np.int64)
    elif np.issubdtype(values.dtype, np.integer):
        times_ms = values.astype(np.int64) // int(per_ms)
    else:
        times_ms = np.rint(values / per_ms).astype(np.int64)
    return np.where(missing, UNREADABLE_MS, times_ms)
