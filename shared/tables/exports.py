"""What can be taken out of the books: for each kind its stable columns, its rows as a stream, and CSV or JSON of them.

The columns are documented in `docs/database.md`; they are only ever added to, at the end.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from sqlalchemy import Connection, Select, select

from shared.enums import ScopeKind, Side, Trigger
from shared.errors import ConfigurationError
from shared.tables import export_bars, export_scopes, export_statements
from shared.tables.export_filters import EVERYTHING, Filters, Wanted, several
from shared.tables.export_formats import Row, csv_pieces, iso, json_pieces
from shared.tables.fleet import Bot, Sleeve

BATCH_ROWS = 2_000
LISTED_NAMES = 12


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
    """Refuse a sleeve, bot or symbol the books of a portfolio do not have, and a word no vocabulary has."""
    for title, wanted, column in (
        ("sleeve", filters.sleeve, Sleeve.name),
        ("bot", filters.bot, Bot.name),
        ("symbol", filters.symbol, Bot.symbol),
    ):
        if wanted is None:
            continue
        owner = Sleeve.portfolio_id if title == "sleeve" else Bot.portfolio_id
        known = sorted(connection.execute(select(column).distinct().where(owner == portfolio_id)).scalars())
        _check(title, wanted, known)
    for title, wanted, vocabulary in (
        ("side", filters.side, Side),
        ("exit reason", filters.exit_reason, Trigger),
        ("scope kind", filters.scope_kind, ScopeKind),
    ):
        _check(title, wanted, list(vocabulary.__members__))


def _check(title: str, wanted: Wanted, known: list[str]) -> None:
    for name in several(wanted):
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
        yield [(iso(row[at]), *row) for row in batch]


def csv_chunks(connection: Connection, kind: str, portfolio_id: int, filters: Filters = EVERYTHING) -> Iterator[str]:
    """Give the rows of a kind as CSV with a header, in pieces."""
    return csv_pieces(columns(kind), stream(connection, kind, portfolio_id, filters))


def json_chunks(connection: Connection, kind: str, portfolio_id: int, filters: Filters = EVERYTHING) -> Iterator[str]:
    """Give the rows of a kind as one JSON array of objects, in pieces."""
    return json_pieces(columns(kind), stream(connection, kind, portfolio_id, filters))


def _kind(kind: str) -> _Kind:
    if kind not in KINDS:
        raise ConfigurationError(f"an export must be one of {', '.join(KINDS)}, was {kind!r}")
    return KINDS[kind]


KINDS = {
    "fills": _Kind(export_statements.fills, "time_ms"),
    "orders": _Kind(export_statements.orders, "decided_ms"),
    "round_trips": _Kind(export_statements.round_trips, "closed_ms"),
    "equity": _Kind(export_scopes.equity, "last_ms"),
    "allocations": _Kind(export_scopes.allocations, "time_ms"),
    "transfers": _Kind(export_scopes.transfers, "time_ms"),
    "funding": _Kind(export_scopes.funding, "time_ms"),
    "decisions": _Kind(export_statements.decisions, "from_ms"),
    "events": _Kind(export_scopes.events, "time_ms"),
    "commands": _Kind(export_scopes.commands, "asked_ms"),
    "candles": _Kind(export_bars.candles, "open_ms"),
    "bar_records": _Kind(export_bars.bar_records, "open_ms"),
}
