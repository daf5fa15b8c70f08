"""What can be taken out of the books: for each kind its stable columns, its rows as a stream, and CSV or JSON of them.

The columns are documented in `docs/database.md`; they are only ever added to, at the end.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, select

from shared.errors import ConfigurationError
from shared.tables import Bot, Sleeve, export_statements
from shared.tables.export_statements import Filters
from shared.units import to_datetime

BATCH_ROWS = 2_000
LISTED_NAMES = 12

EVERYTHING = Filters()

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind is selected: its statement in order, and the column its times are filtered by."""

    statement: Callable[[int, Filters], Select]
    time: str


@cache
def columns(kind: str) -> tuple[str, ...]:
    """Give the columns of a kind: `time` (ISO, UTC) and then those of its statement."""
    return ("time", *(column.name for column in _kind(kind).statement(0, Filters()).selected_columns))


def check_names(connection: Connection, portfolio_id: int, filters: Filters) -> None:
    """Refuse a sleeve, bot or symbol the books of a portfolio do not have."""
    for title, wanted, column in (
        ("sleeve", filters.sleeve, Sleeve.name),
        ("bot", filters.bot, Bot.name),
        ("symbol", filters.symbol, Bot.symbol),
    ):
        if wanted is None:
            continue
        owner = Sleeve.portfolio_id if title == "sleeve" else Bot.portfolio_id
        known = sorted(connection.execute(select(column).distinct().where(owner == portfolio_id)).scalars())
        for name in (wanted,) if isinstance(wanted, str) else wanted:
            if name not in known:
                raise ConfigurationError(f"{title} must be one of {_listed(known, name)}, was {name!r}")


def _listed(known: list[str], name: str) -> str:
    if len(known) <= LISTED_NAMES:
        return ", ".join(known)
    near = get_close_matches(name, known, n=LISTED_NAMES // 2, cutoff=0.4)
    return f"the {len(known)} of these books, like {', '.join(near or known[: LISTED_NAMES // 2])}"


def stream(connection: Connection, kind: str, portfolio_id: int, filters: Filters = EVERYTHING) -> Iterator[list[Row]]:
    """Give the rows of a kind in batches, oldest first, never more than a batch in memory."""
    statement = _kind(kind).statement(portfolio_id, filters)
    at = [column.name for column in statement.selected_columns].index(_kind(kind).time)
    rows = connection.execute(statement.execution_options(yield_per=BATCH_ROWS))
    for batch in rows.partitions():
        yield [(_iso(row[at]), *row) for row in batch]


def csv_chunks(connection: Connection, kind: str, portfolio_id: int, filters: Filters = EVERYTHING) -> Iterator[str]:
    """Give the rows of a kind as CSV with a header, in pieces."""
    yield _csv([columns(kind)])
    for batch in stream(connection, kind, portfolio_id, filters):
        yield _csv(batch)


def json_chunks(connection: Connection, kind: str, portfolio_id: int, filters: Filters = EVERYTHING) -> Iterator[str]:
    """Give the rows of a kind as one JSON array of objects, in pieces."""
    names = columns(kind)
    opening = "[\n"
    for batch in stream(connection, kind, portfolio_id, filters):
        lines = (json.dumps(dict(zip(names, row, strict=True)), allow_nan=False) for row in batch)
        yield opening + ",\n".join(lines)
        opening = ",\n"
    yield "[]\n" if opening == "[\n" else "\n]\n"


def _csv(rows: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _iso(time_ms: int) -> str:
    return to_datetime(time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _kind(kind: str) -> _Kind:
    if kind not in KINDS:
        raise ConfigurationError(f"an export must be one of {', '.join(KINDS)}, was {kind!r}")
    return KINDS[kind]


KINDS = {
    "fills": _Kind(export_statements.fills, "time_ms"),
    "orders": _Kind(export_statements.orders, "decided_ms"),
    "round_trips": _Kind(export_statements.round_trips, "closed_ms"),
    "equity": _Kind(export_statements.equity, "last_ms"),
    "allocations": _Kind(export_statements.allocations, "time_ms"),
    "transfers": _Kind(export_statements.transfers, "time_ms"),
    "decisions": _Kind(export_statements.decisions, "from_ms"),
    "events": _Kind(export_statements.events, "time_ms"),
}
