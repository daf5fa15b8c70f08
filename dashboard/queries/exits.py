"""What ended the round trips of a bot, what each kind of end brought, and which was the worst."""

from typing import Any

from pandas import DataFrame
from sqlalchemy import Connection, case, func, select

from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members
from dashboard.queries.frames import empty, first_row, frame
from dashboard.queries.window import marked_where, windowed
from shared.tables import RoundTrip


def load_exits(connection: Connection, portfolio_id: int, bot: str, filters: Filters = EVERYTHING) -> DataFrame:
    """Sum the closed round trips of a bot by exit reason, the one that lost most first.

    Columns: exit_reason, round_trips, wins, profit (after fees), fees. Filters: times (of the close).
    """
    ids = _ids(connection, portfolio_id, bot)
    if not ids:
        return empty(exit_reason="str", round_trips="int64", wins="int64", profit="float64", fees="float64")
    own, filters = RoundTrip.__table__.c, windowed(connection, portfolio_id, filters)
    profit = func.sum(own.profit)
    statement = select(
        own.exit_reason,
        func.count().label("round_trips"),
        func.sum(case((own.profit > 0.0, 1), else_=0)).label("wins"),
        profit.label("profit"),
        func.sum(own.fees).label("fees"),
    ).where(own.bot_id.in_(ids), *marked_where(own.closed_ms, own.exit_reason, filters))
    return frame(connection, statement.group_by(own.exit_reason).order_by(profit))


def load_worst_trip(
    connection: Connection, portfolio_id: int, bot: str, filters: Filters = EVERYTHING
) -> dict[str, Any] | None:
    """Load the closed round trip of a bot that lost most; None where none closed.

    Keys: round_trip_id, opened_ms, closed_ms, side (BUY for a long), profit (after fees), exit_reason. Filters: times
    (of the close).
    """
    own, filters = RoundTrip.__table__.c, windowed(connection, portfolio_id, filters)
    columns = (own[name] for name in ("opened_ms", "closed_ms", "side", "profit", "exit_reason"))
    terms = [
        own.bot_id.in_(_ids(connection, portfolio_id, bot)),
        *marked_where(own.closed_ms, own.exit_reason, filters),
    ]
    statement = select(own.id.label("round_trip_id"), *columns).where(*terms)
    return first_row(connection, statement.order_by(own.profit, own.closed_ms).limit(1))


def _ids(connection: Connection, portfolio_id: int, bot: str) -> list[int]:
    members = load_members(connection, portfolio_id)
    return [int(bot_id) for bot_id in members.loc[members["bot"] == bot, "bot_id"]]
