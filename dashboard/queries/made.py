"""What each bot made and paid in a period, to the hour it begins and ends in."""

from pandas import DataFrame, Series, concat
from sqlalchemy import Connection, and_, func, select

from dashboard.queries.activity import load_activity
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import select_members
from dashboard.queries.frames import frame
from dashboard.queries.states import load_bot_states
from shared.enums import Resolution, ScopeKind
from shared.tables.equity import equity_points
from shared.units import DAY_MS, HOUR_MS, bar_open_ms

_FOREVER_MS = 2**62


def load_made(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> DataFrame:
    """Load what each bot made in a period, open positions at the last close, and what it paid of fees.

    Times are cut to the hour, where marks are; without an end it is until the last step. Columns: bot, period_profit,
    period_fees (quote). Filters: times, bots, sleeves, symbols.
    """
    states = select_members(load_bot_states(connection, portfolio_id), filters).reset_index(drop=True)
    names, profit = states["bot"], states["equity"] - states["money_in"]
    if filters.start_ms is None and filters.end_ms is None:
        return DataFrame({"bot": names, "period_profit": profit, "period_fees": states["fees_paid"]})
    from_ms = bar_open_ms(filters.start_ms or 0, HOUR_MS)
    until_ms = _FOREVER_MS if filters.end_ms is None else bar_open_ms(filters.end_ms, HOUR_MS)
    ids = [int(bot_id) for bot_id in states["bot_id"]]
    if filters.end_ms is not None:
        profit = _earned_until(connection, ids, until_ms)
    paid = load_activity(connection, portfolio_id, "bot", from_ms, until_ms, filters).set_index("group")["fees"]
    made = profit - _earned_until(connection, ids, from_ms)
    return DataFrame({"bot": names, "period_profit": made, "period_fees": names.map(paid).astype("float64")})


def _earned_until(connection: Connection, ids: list[int], time_ms: int) -> Series:
    """Give equity less money put in of each bot at its last mark until an hour, in their order; 0 where none is."""
    midnight_ms = bar_open_ms(time_ms, DAY_MS)
    hours = _last_marks(connection, Resolution.HOUR, ids, midnight_ms, time_ms)
    others = sorted(set(ids) - {int(bot_id) for bot_id in hours["scope_id"]})
    # Nothing of that day yet: what it had last, be it days ago, it still had.
    days = _last_marks(connection, Resolution.DAY, others, None, midnight_ms)
    marks = concat([part for part in (hours, days) if len(part)] or [hours]).set_index("scope_id")
    return (marks["equity"] - marks["money_in"]).reindex(ids).fillna(0.0).astype("float64").reset_index(drop=True)


def _last_marks(
    connection: Connection, resolution: Resolution, ids: list[int], start_ms: int | None, end_ms: int
) -> DataFrame:
    points = equity_points(ScopeKind.BOT, resolution, ids, start_ms, end_ms).order_by(None)
    own, every = points.subquery().c, points.subquery().c
    last = select(every.scope_id, func.max(every.time_ms).label("time_ms")).group_by(every.scope_id).subquery().c
    statement = select(own.scope_id, own.equity, own.money_in)
    return frame(connection, statement.where(and_(own.scope_id == last.scope_id, own.time_ms == last.time_ms)))
