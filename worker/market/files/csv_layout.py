"""How a CSV file is laid out: what separates its cells, where its header is and where the rows begin."""

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

from worker.market.files.columns import CANDLE_ROLES, FUNDING_ROLES, is_known

DELIMITERS = (",", ";", "\t", "|")
# A header is looked for in so many lines, and so many bytes.
_HEAD_LINES, _HEAD_BYTES = 40, 65_536
# The exchanges' dumps: time, open, high, low, close, volume, and then what is not read.
DUMP_COLUMNS = ("open_time", "open", "high", "low", "close", "volume")

_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|$)")
_TIME_LIKE = re.compile(r"\D?\d{1,4}[-/.]\d|\d{6,}|\d{1,2}[- ][A-Za-z]{3}|[A-Za-z]{3,9} \d{1,2},? \d{4}")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_NUMBER = re.compile(r"[-+]?[\d.,' ]*\d(e[-+]?\d+)?[kmb%]?", re.IGNORECASE)


class Layout(NamedTuple):
    """`names` of each column, from one header line or several; the rows begin at byte `start`."""

    delimiter: str
    names: list[tuple[str, ...]]
    start: int


class _Line(NamedTuple):
    text: str
    end: int


def find_layout(content: bytes) -> Layout | None:
    """Find the layout of a CSV file; None where its first row is neither a header nor that of a known dump."""
    lines = _head(content)
    layouts = [layout for delimiter in DELIMITERS if (layout := _headed(lines, delimiter))]
    layouts = layouts or [layout for delimiter in DELIMITERS if (layout := _headless(lines, delimiter))]
    if layouts:
        return max(layouts, key=lambda layout: len(layout.names))
    first = next((line for line in lines if line.text.strip()), None)
    if first is None or not first.text.strip()[:1].isalpha():
        return None
    return Layout(",", [(name,) for name in _cells(first.text, ",")], first.end)


def _head(content: bytes) -> list[_Line]:
    lines: list[_Line] = []
    for match in _LINE.finditer(content[:_HEAD_BYTES]):
        if match.end() == match.start() or len(lines) >= _HEAD_LINES:
            break
        lines.append(_Line(match[1].decode(errors="replace"), match.end()))
    return lines


def _headed(lines: Sequence[_Line], delimiter: str) -> Layout | None:
    for place, line in enumerate(lines):
        names = _cells(line.text, delimiter)
        if not (is_known(names, CANDLE_ROLES) or is_known(names, FUNDING_ROLES)):
            continue
        headers, end = [names], line.end
        for more in lines[place + 1 :]:
            cells = _cells(more.text, delimiter)
            # Two further lines at most, of tickers and of the index's name.
            if len(headers) == 3 or not more.text.strip() or _is_row(cells):
                break
            headers.append(cells)
            end = more.end
        rows = [_cells(row.text, delimiter) for row in lines[place + len(headers) :] if row.text.strip()]
        return Layout(delimiter, _names(headers, rows), end)
    return None


def _headless(lines: Sequence[_Line], delimiter: str) -> Layout | None:
    for place, line in enumerate(lines):
        cells = _cells(line.text, delimiter)
        times = 2 if len(cells) > len(DUMP_COLUMNS) and _CLOCK.fullmatch(cells[1]) else 1
        known = ("date", "time", *DUMP_COLUMNS[1:]) if times == 2 else DUMP_COLUMNS
        if len(cells) < len(known) or not _TIME_LIKE.match(cells[0]):
            continue
        if all(_NUMBER.fullmatch(cell) for cell in cells[times : len(known)]):
            unread = (f"unread_{number}" for number in range(len(cells) - len(known)))
            return Layout(delimiter, [(name,) for name in (*known, *unread)], lines[place - 1].end if place else 0)
    return None


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _is_row(cells: Sequence[str]) -> bool:
    return not cells or bool(_TIME_LIKE.match(cells[0])) or any(_NUMBER.fullmatch(cell) for cell in cells[1:])


def _names(headers: Sequence[Sequence[str]], rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Give the names of each column, one more or less where the rows have an index or a comma the header has not."""
    width = len(headers[0])
    names = [tuple(line[place] for line in headers if place < len(line)) for place in range(width)]
    widths = [len(row) for row in rows]
    usual = max(set(widths), key=widths.count) if widths else width
    if usual == width + 1:
        return [*names, ("",)] if not any(row[-1] for row in rows if len(row) == usual) else [("",), *names]
    return names[:-1] if usual == width - 1 and not any(names[-1]) else names
