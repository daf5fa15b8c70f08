"""Round trips, fills and orders as pages of rows, the newest first, however long the history is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pandas import DataFrame, Series
from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, union_all

from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members, select_members
from dashboard.queries.frames import first_row, frame
from dashboard.queries.trips import period_where
from dashboard.queries.window import marked_where
from shared.enums import Side
from shared.tables import Bot, Fill, Order, RoundTrip

PAGE_ROWS = 2_000
# Counting goes no further: a page says "more than 50,000".
COUNT_LIMIT = 50_000
# So many bots are each read by their own index; more are found fast enough among all rows in the order of time.
MOST_BOTS_BY_INDEX = 40

_ROUND_TRIP = (
    *("closed_ms", "opened_ms", "duration_ms", "bot_id", "symbol", "side", "quantity", "entry_price", "exit_price"),
    *("profit", "fees", "return_fraction", "exit_reason", "best_fraction", "worst_fraction", "fills"),
)
_FILL = (
    *("time_ms", "step", "bot_id", "symbol", "leg", "trigger", "quantity", "price", "fee", "fee_currency"),
    *("crossed", "saved", "client_order_id"),
)
_ORDER = (
    *("decided_ms", "step", "client_order_id", "account", "symbol", "side", "quantity", "filled_quantity", "price"),
    *("fee", "status", "trigger", "sent_ms", "done_ms", "reason"),
)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first, and how many there are in all: exactly, or more than `COUNT_LIMIT`."""

    rows: DataFrame
    count: int
    is_exact: bool

    @property
    def is_whole(self) -> bool:
        """Say whether these are all the rows there are."""
        return self.is_exact and len(self.rows) == self.count


def load_round_trips(
    connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING, limit: int = PAGE_ROWS, offset: int = 0
) -> Page:
    """Load closed round trips by the time they closed.

    Columns: round_trip_id, closed_ms, opened_ms, duration_ms, bot, sleeve, symbol, side (BUY for a long), quantity,
    entry_price, exit_price, profit (after fees), fees, return_fraction, exit_reason, best_fraction, worst_fraction,
    fills. All filters.
    """
    own = RoundTrip.__table__.c
    terms = marked_where(own.closed_ms, own.exit_reason, filters)
    if filters.sides:
        terms.append(own.side.in_(filters.sides))
    if filters.exit_reasons:
        terms.append(own.exit_reason.in_(filters.exit_reasons))
    columns = [own.id.label("round_trip_id"), *(own[name] for name in _ROUND_TRIP)]
    return _page(
        connection, portfolio_id, filters, _Kind(own, own.closed_ms, columns, and_(True, *terms)), limit, offset
    )


def load_trip_times(connection: Connection, portfolio_id: int, bot: str, round_trip_id: int) -> dict[str, Any] | None:
    """Load when a round trip of a bot opened and closed (opened_ms, closed_ms); None where it is none of this bot's."""
    own, member = RoundTrip.__table__.c, Bot.__table__.c
    statement = select(own.opened_ms, own.closed_ms).join(Bot.__table__, member.id == own.bot_id)
    statement = statement.where(own.id == round_trip_id, member.name == bot, own.portfolio_id == portfolio_id)
    return first_row(connection, statement)


def load_fills(
    connection: Connection,
    portfolio_id: int,
    filters: Filters = EVERYTHING,
    limit: int = PAGE_ROWS,
    offset: int = 0,
    crossed_only: bool = False,
) -> Page:
    """Load fills: one bot's leg of an execution each.

    Columns: fill_id, time_ms, step, bot, sleeve, symbol, side (BUY or SELL), leg, trigger, quantity (signed), price,
    notional (positive, quote), fee, fee_currency, crossed (signed part in house), saved (quote), client_order_id. All
    filters; exit reasons are held against the trigger. `crossed_only` leaves out those of which nothing crossed.
    """
    own = Fill.__table__.c
    terms = marked_where(own.time_ms, own.trigger, filters)
    if filters.sides:
        signs = {Side.BUY.name: own.quantity > 0.0, Side.SELL.name: own.quantity < 0.0}
        terms.append(or_(False, *(signs[side] for side in filters.sides if side in signs)))
    if filters.exit_reasons:
        terms.append(own.trigger.in_(filters.exit_reasons))
    if crossed_only:
        terms.append(own.crossed != 0.0)
    columns = [own.id.label("fill_id"), *(own[name] for name in _FILL)]
    page = _page(connection, portfolio_id, filters, _Kind(own, own.time_ms, columns, and_(True, *terms)), limit, offset)
    side = np.where(page.rows["quantity"] > 0.0, Side.BUY.name, Side.SELL.name)
    page.rows.insert(6, "side", Series(side, dtype="str"))
    page.rows.insert(11, "notional", (page.rows["quantity"] * page.rows["price"]).abs())
    return page


def load_orders(
    connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING, limit: int = PAGE_ROWS, offset: int = 0
) -> Page:
    """Load orders to accounts; several bots may share one.

    Columns: order_id, decided_ms, step, client_order_id, account, symbol, side, quantity (positive), filled_quantity,
    price (average, NaN before any), fee, status, trigger, sent_ms, done_ms (NaN before), reason. Filters: times,
    symbols, sides.
    """
    own = Order.__table__.c
    terms = [own.portfolio_id == portfolio_id, *period_where(own.decided_ms, filters)]
    if filters.symbols:
        terms.append(own.symbol.in_(filters.symbols))
    if filters.sides:
        terms.append(own.side.in_(filters.sides))
    statement = select(own.id.label("order_id"), *(own[name] for name in _ORDER)).where(*terms)
    rows = frame(connection, statement.order_by(own.decided_ms.desc(), own.id.desc()).limit(limit).offset(offset))
    return Page(rows, *_count(connection, [select(own.id).where(*terms)]))


@dataclass(frozen=True, slots=True)
class _Kind:
    """A table of rows that belong to bots: its columns, the one of its times, what is shown, what is taken."""

    own: Any
    time: Any
    columns: list[Any]
    terms: ColumnElement[bool]


def _page(connection: Connection, portfolio_id: int, filters: Filters, kind: _Kind, limit: int, offset: int) -> Page:
    members = load_members(connection, portfolio_id)
    scopes = _scopes(kind.own, portfolio_id, members, filters)
    reach = limit + offset
    order = (kind.time.desc(), kind.own.id.desc())
    parts = [select(*kind.columns).where(scope, kind.terms).order_by(*order).limit(reach) for scope in scopes]
    if len(parts) == 1:
        statement = select(*kind.columns).where(scopes[0], kind.terms).order_by(*order).limit(limit).offset(offset)
    else:
        merged = union_all(*(select(part.subquery()) for part in parts)).subquery()
        newest = (merged.c[kind.time.name].desc(), merged.c[kind.columns[0].name].desc())
        statement = select(merged).order_by(*newest).limit(limit).offset(offset)
    rows = _named(frame(connection, statement), members)
    return Page(rows, *_count(connection, [select(kind.own.id).where(scope, kind.terms) for scope in scopes]))


def _scopes(own: Any, portfolio_id: int, members: DataFrame, filters: Filters) -> list[ColumnElement[bool]]:
    """Give conditions that have an index with the time behind it, and together take the rows of the bots wanted."""
    taken = select_members(members, filters)
    ids = [int(bot_id) for bot_id in taken["bot_id"]]
    if len(ids) == len(members):
        return [own.portfolio_id == portfolio_id]
    if len(ids) > MOST_BOTS_BY_INDEX:
        return [and_(own.portfolio_id == portfolio_id, own.bot_id.in_(ids))]
    return [own.bot_id == bot_id for bot_id in ids] or [own.bot_id == -1]


def _count(connection: Connection, statements: list[Select]) -> tuple[int, bool]:
    left = COUNT_LIMIT + 1
    for statement in statements:
        some = statement.limit(left).subquery()
        left -= int(connection.execute(select(func.count()).select_from(some)).scalar_one())
        if left <= 0:
            return COUNT_LIMIT, False
    return COUNT_LIMIT + 1 - left, True


def _named(rows: DataFrame, members: DataFrame) -> DataFrame:
    at = rows.columns.get_loc("bot_id")
    known = members.set_index("bot_id")
    ids = rows.pop("bot_id")
    rows.insert(at, "bot", Series(known["bot"].reindex(ids).to_numpy(), dtype="str"))
    rows.insert(at + 1, "sleeve", Series(known["sleeve"].reindex(ids).to_numpy(), dtype="str"))
    return rows
