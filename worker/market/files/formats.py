"""What a file holds as a table: CSV, Parquet, Feather and JSON, plain or packed, with cells as they are written."""

import codecs
import gzip
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from shared.errors import CandleError
from worker.market.files.columns import Roles, choose
from worker.market.files.csv_layout import DUMP_COLUMNS, find_layout
from worker.market.files.names import FORMATS

# An archive that unpacks to more is not a file of candles.
MOST_BYTES = 1 << 31
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Sheet(NamedTuple):
    """The columns of a file by role. `numbers` of rows count from 1; `decimal_comma` is what its separators suggest.

    `clock` holds times of day that stand apart from their dates; `ragged` says of rows that were left out what they
    lack.
    """

    columns: dict[str, pa.ChunkedArray]
    names: dict[str, str]
    clock: pa.ChunkedArray | None
    numbers: Sequence[int] | range
    decimal_comma: bool = False
    ragged: tuple[tuple[int, str], ...] = ()


class Wanted(NamedTuple):
    """What is to be read of a file: its roles, for a symbol; times as text where their form is told."""

    roles: Roles
    symbol: str
    times_as_text: bool = False
    skip_ragged: bool = False


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
        return (inner if inner in FORMATS else _guessed(content)), _buffer(content)
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
            return Path(inside[0].lower()).suffix, _buffer(_limited(path, stream))


def _limited(path: Path, stream: Any) -> bytes:
    content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise CandleError(f"{path.name} must unpack to at most {MOST_BYTES >> 30} GiB, was more")
    return bytes(content)


def _guessed(content: bytes) -> str:
    return ".json" if content[:64].lstrip()[:1] in (b"[", b"{") else ".csv"


def _buffer(content: bytes) -> pa.Buffer:
    stream = pa.BufferOutputStream()
    stream.write(content)
    return stream.getvalue()


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


def _read_csv(file: str, content: pa.Buffer, wanted: Wanted) -> Sheet:
    content = _as_utf8(content)
    layout = find_layout(content[: 1 << 16].to_pybytes())
    if layout is None:
        first = next(iter(content[:80].to_pybytes().decode(errors="replace").splitlines()), "")
        raise CandleError(f"{file} must have a header or columns {', '.join(DUMP_COLUMNS)}, first row was {first!r}")
    chosen = choose(file, layout.names, wanted.roles, wanted.symbol)
    places = {**chosen.places, **({} if chosen.clock is None else {"clock": chosen.clock})}
    texts = {"clock", *(("timestamp",) if wanted.times_as_text or chosen.clock is not None else ())}
    kinds = {
        role: pa.string() if role in texts else pa.float64() for role in places if role not in {"timestamp"} - texts
    }
    parse = _CsvParser(file, content[layout.start :], layout.delimiter, len(layout.names))
    try:
        table = parse(places, kinds)
    except pa.ArrowInvalid:
        # A cell that is no plain number, or a row of another width: read all as text, so that it can be named.
        table = parse(places, dict.fromkeys(places, pa.string()), keep_going=True)
        if parse.ragged and not wanted.skip_ragged:
            number, lacks = parse.ragged[0]
            raise CandleError(f"{file} must be a readable csv file: row {number} {lacks}") from None
    numbers = _numbers_without(table.num_rows, parse.ragged)
    columns = {role: table.column(role) for role in chosen.places}
    shown = {role: layout.names[place][0] for role, place in chosen.places.items()}
    clock = None if chosen.clock is None else table.column("clock")
    return Sheet(columns, shown, clock, numbers, layout.delimiter in ";\t", tuple(parse.ragged))


def _as_utf8(content: pa.Buffer) -> pa.Buffer:
    """Bring a CSV to UTF-8 without a mark; what is neither UTF-8 nor UTF-16 is read byte by byte."""
    mark = content[:3].to_pybytes()
    if mark[:2] in _UTF16_MARKS:
        return _buffer(content.to_pybytes().decode("utf-16").encode())
    if mark == b"\xef\xbb\xbf":
        return content[3:]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content[: 1 << 16].to_pybytes())
    except UnicodeDecodeError:
        return _buffer(content.to_pybytes().decode("latin-1").encode())
    return content


class _CsvParser:
    """Parse the rows of one CSV file; rows of another width are gathered where it is to keep going."""

    def __init__(self, file: str, content: pa.Buffer, delimiter: str, width: int) -> None:
        self.ragged: list[tuple[int, str]] = []
        self._content, self._delimiter = content, delimiter
        self._width = width

    def __call__(self, places: dict[str, int], kinds: dict[str, pa.DataType], keep_going: bool = False) -> pa.Table:
        from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, read_csv

        names = [f"column {place}" for place in range(self._width)]
        for role, place in places.items():
            names[place] = role
        if not len(self._content):
            return pa.table({role: pa.array([], pa.string()) for role in places})
        return read_csv(
            pa.BufferReader(self._content),
            # One thread: with several, Arrow's go on after an error and meet the end of the process.
            read_options=ReadOptions(column_names=names, use_threads=False),
            parse_options=ParseOptions(
                delimiter=self._delimiter, invalid_row_handler=self._note if keep_going else None
            ),
            # An empty cell alone is none: a NaN that is written out is shown as such.
            convert_options=ConvertOptions(
                include_columns=list(places), column_types=kinds, null_values=[""], strings_can_be_null=True
            ),
        )

    def _note(self, row: Any) -> str:
        self.ragged.append((row.number, f"must have {row.expected_columns} cells, has {row.actual_columns}"))
        return "skip"


def _numbers_without(rows: int, ragged: Sequence[tuple[int, str]]) -> Sequence[int] | range:
    if not ragged:
        return range(1, rows + 1)
    left_out = {number for number, _ in ragged}
    return [number for number in range(1, rows + len(left_out) + 1) if number not in left_out]


_READERS: dict[str, Callable[[str, pa.Buffer, Wanted], Sheet]] = {
    ".csv": _read_csv,
    ".json": _read_json,
    ".parquet": _read_parquet,
    ".feather": _read_feather,
}
