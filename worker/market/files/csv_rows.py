"""The rows of a CSV file, in whatever form they are laid out."""

import codecs
from collections.abc import Collection, Sequence
from typing import Any

import pyarrow as pa

from shared.errors import CandleError
from worker.market.files.columns import choose
from worker.market.files.csv_layout import DUMP_COLUMNS, find_layout
from worker.market.files.sheet import Sheet, Wanted, arrow_buffer

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_csv_sheet(file: str, content: pa.Buffer, wanted: Wanted) -> Sheet:
    """Read the wanted columns; raises CandleError where there is no known header or a row has another width."""
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
    numbers = _numbers_without(table.num_rows, {*parse.blank, *(number for number, _ in parse.ragged)})
    columns = {role: table.column(role) for role in chosen.places}
    shown = {role: layout.names[place][0] for role, place in chosen.places.items()}
    clock = None if chosen.clock is None else table.column("clock")
    return Sheet(columns, shown, clock, numbers, layout.delimiter in ";\t", tuple(parse.ragged))


def _as_utf8(content: pa.Buffer) -> pa.Buffer:
    """Bring a CSV to UTF-8 without a mark; what is neither UTF-8 nor UTF-16 is read byte by byte."""
    mark = content[:3].to_pybytes()
    if mark[:2] in _UTF16_MARKS:
        return arrow_buffer(content.to_pybytes().decode("utf-16").encode())
    if mark == b"\xef\xbb\xbf":
        return content[3:]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content[: 1 << 16].to_pybytes())
    except UnicodeDecodeError:
        return arrow_buffer(content.to_pybytes().decode("latin-1").encode())
    return content


class _CsvParser:
    """Parse the rows of one CSV file; rows of another width are gathered where it is to keep going."""

    def __init__(self, file: str, content: pa.Buffer, delimiter: str, width: int) -> None:
        self.ragged: list[tuple[int, str]] = []
        self.blank: list[int] = []
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
        if not row.text.strip():
            self.blank.append(row.number)
            return "skip"
        self.ragged.append((row.number, f"must have {row.expected_columns} cells, has {row.actual_columns}"))
        return "skip"


def _numbers_without(rows: int, left_out: Collection[int]) -> Sequence[int] | range:
    if not left_out:
        return range(1, rows + 1)
    return [number for number in range(1, rows + len(left_out) + 1) if number not in left_out]
