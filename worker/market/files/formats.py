"""What a file holds as a table: CSV, Parquet, Feather and JSON, plain or packed, with cells as they are written."""

import gzip
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from shared.errors import CandleError
from worker.market.files.columns import choose
from worker.market.files.csv_layout import DUMP_COLUMNS
from worker.market.files.csv_rows import read_csv_sheet
from worker.market.files.names import FORMATS
from worker.market.files.sheet import Sheet, Wanted, arrow_buffer

# An archive that unpacks to more is not a file of candles.
MOST_BYTES = 1 << 31


def read_sheet(path: Path, wanted: Wanted) -> Sheet:
    """Read the wanted columns of a file; raises CandleError naming it where it cannot be read or lacks one."""
    try:
        form, content = _unpacked(path)
        if not content:
            raise CandleError(f"{path.name} must hold at least one row, was empty")
        sheet = _READERS[form](path.name, content, wanted)
        if not sheet.numbers:
            raise CandleError(f"{path.name} must hold at least one row, was empty")
    except CandleError:
        raise
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        kind = path.suffix.lstrip(".").lower()
        raise CandleError(f"{path.name} must be a readable {kind} file: {reason}") from error
    return sheet


def _unpacked(path: Path) -> tuple[str, pa.Buffer]:
    """Give the format and the bytes, in memory of Arrow's own: its threads must never wait for Python's."""
    name = path.name.lower()
    if name.endswith(".zip"):
        return _from_zip(path)
    if name.endswith(".gz"):
        inner = Path(name.removesuffix(".gz")).suffix
        with gzip.open(path, "rb") as stream:
            content = _limited(path, stream)
        return (inner if inner in FORMATS else _guessed(content)), arrow_buffer(content)
    with pa.OSFile(str(path), "rb") as file:
        return Path(name).suffix, file.read_buffer()


def _from_zip(path: Path) -> tuple[str, pa.Buffer]:
    with zipfile.ZipFile(path) as archive:
        # macOS adds a file of its own to each.
        inside = [
            name for name in archive.namelist() if name.lower().endswith(FORMATS) and not name.startswith("__MACOSX")
        ]
        if len(inside) != 1:
            raise CandleError(f"{path.name} must hold one file of candles, holds {len(inside)}")
        with archive.open(inside[0]) as stream:
            return Path(inside[0].lower()).suffix, arrow_buffer(_limited(path, stream))


def release_memory() -> None:
    """Give back to the system what the files that were read are held in no more: pyarrow keeps it for the next ones."""
    pa.default_memory_pool().release_unused()


def _limited(path: Path, stream: Any) -> bytes:
    content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise CandleError(f"{path.name} must unpack to at most {MOST_BYTES >> 30} GiB, was more")
    return bytes(content)


def _guessed(content: bytes) -> str:
    return ".json" if content[:64].lstrip()[:1] in (b"[", b"{") else ".csv"


def _read_parquet(file: str, content: pa.Buffer, wanted: Wanted) -> Sheet:
    from pyarrow.parquet import ParquetFile

    parquet = ParquetFile(pa.BufferReader(content))
    names = parquet.schema_arrow.names
    return _of_table(file, names, lambda chosen: parquet.read([names[place] for place in chosen]), wanted)


def _read_feather(file: str, content: pa.Buffer, wanted: Wanted) -> Sheet:
    from pyarrow.feather import read_table

    table = read_table(pa.BufferReader(content))
    return _of_table(file, table.column_names, table.select, wanted)


def _of_table(file: str, names: Sequence[str], read: Callable[[list[int]], pa.Table], wanted: Wanted) -> Sheet:
    chosen = choose(file, [(name,) for name in names], wanted.roles, wanted.symbol)
    places = list(chosen.places.values()) + ([] if chosen.clock is None else [chosen.clock])
    table = read(places)
    # What is damaged would otherwise be found by reading beyond the end of memory.
    table.validate(full=True)
    columns = {role: table.column(names[place]) for role, place in chosen.places.items()}
    clock = None if chosen.clock is None else table.column(names[chosen.clock])
    shown = {role: names[place] for role, place in chosen.places.items()}
    return Sheet(columns, shown, clock, range(1, table.num_rows + 1))


def _read_json(file: str, content: pa.Buffer, wanted: Wanted) -> Sheet:
    rows = _json_rows(json.loads(content.to_pybytes()))
    if not rows:
        return Sheet({}, {}, None, ())
    if isinstance(rows[0], list):
        width = len(DUMP_COLUMNS)
        names = list(DUMP_COLUMNS) if len(wanted.roles) > 2 else ["timestamp", "funding_rate"]
        short = next((number for number, row in enumerate(rows, 1) if len(row) < len(names)), 0)
        if short:
            raise CandleError(f"{file} row {short} must hold {', '.join(names)}, was {str(rows[short - 1])[:80]}")
        cells = [dict(zip(names, row[:width], strict=False)) for row in rows]
    else:
        cells, names = rows, list(dict.fromkeys(name for row in rows for name in row))
    return _of_table(file, names, lambda chosen: _table_of(cells, [names[place] for place in chosen]), wanted)


def _json_rows(value: Any) -> list[Any]:
    """Find the rows: a list of rows or of records, alone or as what an object holds, or an object of columns."""
    if isinstance(value, list):
        return value
    if {"columns", "data"} <= set(value) and isinstance(value["columns"], list):
        index = value.get("index") or [None] * len(value["data"])
        return [
            {"index": at, **dict(zip(value["columns"], row, strict=True))}
            for at, row in zip(index, value["data"], strict=True)
        ]
    columns = {name: _cells_of(cells) for name, cells in value.items() if isinstance(cells, list | dict)}
    lengths = {len(cells) for cells in columns.values()}
    if len(columns) > 2 and len(lengths) == 1:
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if len(columns) != 1:
        raise ValueError("it must hold rows or columns of candles")
    (inner,) = (value[name] for name in columns)
    return _json_rows(inner)


def _cells_of(cells: Any) -> list[Any]:
    return list(cells.values()) if isinstance(cells, dict) else cells


def _table_of(records: Sequence[dict[str, Any]], names: Sequence[str]) -> pa.Table:
    return pa.table({name: _array([record.get(name) for record in records]) for name in names})


def _array(cells: list[Any]) -> pa.Array:
    kinds = {type(cell) for cell in cells} - {type(None)}
    if kinds <= {int} or kinds <= {int, float}:
        return pa.array(cells, pa.int64() if kinds == {int} else pa.float64())
    return pa.array([None if cell is None else str(cell) for cell in cells], pa.string())


_READERS: dict[str, Callable[[str, pa.Buffer, Wanted], Sheet]] = {
    ".csv": read_csv_sheet,
    ".json": _read_json,
    ".parquet": _read_parquet,
    ".feather": _read_feather,
}
