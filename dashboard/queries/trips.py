"""The conditions on round trips and fills that filters become."""

from typing import Any

from pandas import DataFrame
from sqlalchemy import ColumnElement, and_

from dashboard.queries.filters import Filters
from dashboard.queries.fleet import select_members
from dashboard.queries.window import marked_where
from shared.tables import RoundTrip


def members_where(column: Any, portfolio_id: int, portfolio: Any, members: DataFrame, filters: Filters) -> Any:
    """Say which bots' rows to take: all of the portfolio by its own column, else those of the bots taken.

    A bot has one symbol and one sleeve, so that these filters are one list of bots.
    """
    taken = select_members(members, filters)
    if len(taken) == len(members):
        return portfolio == portfolio_id
    return column.in_([int(bot_id) for bot_id in taken["bot_id"]])


def period_where(time: Any, filters: Filters) -> list[ColumnElement[bool]]:
    """Say which times to take."""
    terms = []
    if filters.start_ms is not None:
        terms.append(time >= filters.start_ms)
    if filters.end_ms is not None:
        terms.append(time < filters.end_ms)
    return terms


def trips_where(portfolio_id: int, members: DataFrame, filters: Filters) -> ColumnElement[bool]:
    """Say which round trips to take, by the time they closed; the times are those of `windowed`."""
    own = RoundTrip.__table__.c
    terms = [members_where(own.bot_id, portfolio_id, own.portfolio_id, members, filters)]
    terms += marked_where(own.closed_ms, own.exit_reason, filters)
    if filters.sides:
        terms.append(own.side.in_(filters.sides))
    if filters.exit_reasons:
        terms.append(own.exit_reason.in_(filters.exit_reasons))
    return and_(*terms)
