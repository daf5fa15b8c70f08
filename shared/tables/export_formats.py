"""Rows as CSV and as JSON, in pieces: one way of writing for exports of the books and for what a page works out.

JSON is exact: numbers with all their digits, text as it is. In CSV, text that a spreadsheet would run as a formula gets
an apostrophe before it (OWASP, "CSV Injection"), and control characters are written out; numbers, also negative ones,
stay as they are.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from shared.printable import one_line
from shared.units import to_datetime

Row = tuple[Any, ...]
Batches = Iterable[list[Row]]
# What a spreadsheet takes for the beginning of a formula; the last four are full-width forms.
FORMULA_BEGINS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
# Where the decimal sign is a comma, spreadsheets begin a cell after each semicolon, quoted or not, and take quotes off.
_BEGIN = re.compile(rf'(^|;)(?=[\s"]*[{re.escape("".join(FORMULA_BEGINS))}])')
_MAY_BEGIN = (*FORMULA_BEGINS, " ", '"')


def csv_pieces(columns: tuple[str, ...], batches: Batches) -> Iterator[str]:
    """Write rows as CSV with a header; what is not there is empty."""
    yield _csv([columns])
    for batch in batches:
        yield _csv([[harmless(value) if type(value) is str else value for value in row] for row in batch])


def json_pieces(columns: tuple[str, ...], batches: Batches) -> Iterator[str]:
    """Write rows as one JSON array of objects; what is not there is null."""
    opening = "[\n"
    for batch in batches:
        lines = (json.dumps(dict(zip(columns, row, strict=True)), allow_nan=False) for row in batch)
        yield opening + ",\n".join(lines)
        opening = ",\n"
    yield "[]\n" if opening == "[\n" else "\n]\n"


Pieces = Callable[[tuple[str, ...], Batches], Iterator[str]]
PIECES: dict[str, Pieces] = {"csv": csv_pieces, "json": json_pieces}


def harmless(text: str) -> str:
    """Write text so that no spreadsheet takes it for a formula, whether commas or semicolons part its cells."""
    if text.isprintable() and ";" not in text and not text.startswith(_MAY_BEGIN):
        return text
    return _BEGIN.sub(r"\1'", one_line(text))


def iso(time_ms: int) -> str:
    """Write a time as exports do: `2026-01-31T12:00:00.000Z`."""
    return to_datetime(time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _csv(rows: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
