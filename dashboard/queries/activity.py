"""What bots paid and received in a period."""

from typing import Any

from pandas import DataFrame, Series
from sqlalchemy import Connection, and_, case, func, select

from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members, select_members
from dashboard.queries.frames import frame
from dashboard.queries.trips import members_where
from dashboard.queries.window import marked_where, windowed
from shared.tables import BotState, Fill, Funding, Portfolio

# By what activity is summed, and the column of members and fills for it: fills have an index on each.
GROUPS = {"bot": "bot_id", "sleeve": "sleeve_id", "symbol": "symbol"}


def load_activity(connection: Connection, portfolio_id: int, by: str, filters: Filters = EVERYTHING) -> DataFrame:
    """Load what each bot, sleeve or symbol paid and received in a period.

    Columns: group (its name; all there are, in the order of the books), fees (quote), other_fees (fills whose fee was
    in another currency, a count), funding (+ was received), saved (by netting, quote), fills. Filters: times (of their
    window), bots, sleeves, symbols.
    """
    filters = windowed(connection, portfolio_id, filters)
    members = load_members(connection, portfolio_id)
    key = GROUPS[by]
    taken = select_members(members, filters)
    chosen = _chosen(portfolio_id, Fill.__table__.c, members, filters)
    fills = _fills(connection, portfolio_id, by, chosen, filters)
    paid = _funding(connection, portfolio_id, members, filters)
    funding = taken.join(paid.set_index("bot_id"), on="bot_id").groupby(key)["funding"].sum()
    table = DataFrame({"key": taken[key], "group": taken[by]}).drop_duplicates()
    table = table.join(fills.set_index("key"), on="key").join(funding, on="key")
    for name in ("fees", "other_fees", "funding", "saved", "fills"):
        kind = "int64" if name in ("other_fees", "fills") else "float64"
        table[name] = Series(table[name], dtype="float64").fillna(0.0).astype(kind)
    return table[["group", "fees", "other_fees", "funding", "saved", "fills"]].reset_index(drop=True)


def _chosen(portfolio_id: int, own: Any, members: DataFrame, filters: Filters) -> Any:
    return members_where(own.bot_id, portfolio_id, own.portfolio_id, members, filters)


def _fills(connection: Connection, portfolio_id: int, by: str, chosen: Any, filters: Filters) -> DataFrame:
    own, portfolio = Fill.__table__.c, Portfolio.__table__.c
    quote = connection.execute(select(portfolio.quote).where(portfolio.id == portfolio_id)).scalar()
    in_quote = own.fee_currency == quote
    terms = [chosen, *marked_where(own.time_ms, own.trigger, filters)]
    key = own[GROUPS[by]]
    statement = select(
        key.label("key"),
        func.sum(case((in_quote, own.fee), else_=0.0)).label("fees"),
        func.sum(case((and_(~in_quote, own.fee != 0.0), 1), else_=0)).label("other_fees"),
        func.sum(own.saved).label("saved"),
        func.count().label("fills"),
    )
    return frame(connection, statement.where(*terms).group_by(key))


def _funding(connection: Connection, portfolio_id: int, members: DataFrame, filters: Filters) -> DataFrame:
    """Sum funding by bot; since the books were opened by what each bot keeps in mind, less what came later."""
    own, state, until_ms = Funding.__table__.c, BotState.__table__.c, filters.end_ms or 0
    chosen = _chosen(portfolio_id, own, members, filters)
    summed = select(own.bot_id, func.sum(own.amount).label("funding")).group_by(own.bot_id)
    if filters.start_ms is not None:
        return frame(connection, summed.where(chosen, own.time_ms > filters.start_ms, own.time_ms <= until_ms))
    later = frame(connection, summed.where(chosen, own.time_ms > until_ms)).set_index("bot_id")["funding"]
    whole = select(state.bot_id, (-state.funding_paid).label("funding"))
    ids = [int(bot_id) for bot_id in members["bot_id"]]
    table = frame(connection, whole.where(state.bot_id.in_(ids)))
    table["funding"] -= table["bot_id"].map(later).fillna(0.0)
    return table
