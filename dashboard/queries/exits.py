"""What ended the round trips of a bot, and what each kind of end brought."""

from pandas import DataFrame
from sqlalchemy import Connection, case, func, select

from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members
from dashboard.queries.frames import empty, frame
from dashboard.queries.trips import period_where
from shared.tables import RoundTrip


def load_exits(connection: Connection, portfolio_id: int, bot: str, filters: Filters = EVERYTHING) -> DataFrame:
    """Sum the closed round trips of a bot by exit reason, the one that lost most first.

    Columns: exit_reason, round_trips, wins, profit (after fees), fees. Filters: times (of the close).
    """
    members = load_members(connection, portfolio_id)
    ids = [int(bot_id) for bot_id in members.loc[members["bot"] == bot, "bot_id"]]
    if not ids:
        return empty(exit_reason="str", round_trips="int64", wins="int64", profit="float64", fees="float64")
    own = RoundTrip.__table__.c
    profit = func.sum(own.profit)
    statement = select(
        own.exit_reason,
        func.count().label("round_trips"),
        func.sum(case((own.profit > 0.0, 1), else_=0)).label("wins"),
        profit.label("profit"),
        func.sum(own.fees).label("fees"),
    ).where(own.bot_id.in_(ids), *period_where(own.closed_ms, filters))
    return frame(connection, statement.group_by(own.exit_reason).order_by(profit))
