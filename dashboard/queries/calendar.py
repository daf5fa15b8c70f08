"""Profit, return and fees of each UTC day, week and month."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np
from pandas import DataFrame, Series
from sqlalchemy import Connection, case, func, select

from dashboard.queries.equity import PORTFOLIO, Scope
from dashboard.queries.filters import Filters
from dashboard.queries.fleet import load_members, select_members
from dashboard.queries.frames import frame
from dashboard.queries.returns import load_daily
from dashboard.queries.trips import members_where
from dashboard.queries.window import marked_day_ms, marked_where, windowed
from shared.enums import ScopeKind
from shared.tables import Fill, Portfolio
from shared.units import DAY_MS, to_datetime


class Stretch(StrEnum):
    """What profits are summed over: UTC days, weeks from Monday, months."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def load_profit_by_time(
    connection: Connection,
    portfolio_id: int,
    by: Stretch = Stretch.DAY,
    scope: Scope = PORTFOLIO,
    start_ms: int | None = None,
    end_ms: int | None = None,
) -> DataFrame:
    """Load what a scope made in each stretch of the window of some times (`load_window`), oldest first.

    Columns: from_ms (where the stretch begins), profit (quote, open positions at its last close), return_fraction
    (flow-free), fees (quote), fills, days (with marks). They sum to those of the window; the first stretch and the last
    may be cut.
    """
    daily = load_daily(connection, portfolio_id, scope, start_ms, end_ms).iloc[1:]
    # A mark at midnight ends the day before.
    days = DataFrame(
        {
            "day_ms": (daily["time_ms"].to_numpy(np.int64) - 1) // DAY_MS * DAY_MS,
            "profit": daily["profit"].to_numpy(np.float64),
            "growth": 1.0 + daily["return_fraction"].to_numpy(np.float64),
        }
    )
    paid = _paid(connection, portfolio_id, scope, Filters(start_ms, end_ms))
    days = days.join(paid.set_index("day_ms"), on="day_ms").fillna({"fees": 0.0, "fills": 0})
    days["from_ms"] = Series([_begin_ms(day_ms, by) for day_ms in days["day_ms"].tolist()], dtype="int64")
    summed = days.groupby("from_ms").agg(
        profit=("profit", "sum"),
        return_fraction=("growth", "prod"),
        fees=("fees", "sum"),
        fills=("fills", "sum"),
        days=("profit", "size"),
    )
    summed["return_fraction"] -= 1.0
    kinds = {"from_ms": "int64", "profit": "float64", "return_fraction": "float64", "fees": "float64"}
    return summed.reset_index().astype({**kinds, "fills": "int64", "days": "int64"})


def _begin_ms(day_ms: int, by: Stretch) -> int:
    day = to_datetime(day_ms)
    if by is Stretch.MONTH:
        day = datetime(day.year, day.month, 1, tzinfo=UTC)
    elif by is Stretch.WEEK:
        day -= timedelta(days=day.weekday())
    return int(day.timestamp()) * 1000


def _paid(connection: Connection, portfolio_id: int, scope: Scope, filters: Filters) -> DataFrame:
    """Sum the fees and count the fills of each day in which their mark is. Columns: day_ms, fees, fills."""
    own, portfolio = Fill.__table__.c, Portfolio.__table__.c
    members, filters = load_members(connection, portfolio_id), windowed(connection, portfolio_id, filters)
    taken = select_members(members, _of(scope))
    quote = select(portfolio.quote).where(portfolio.id == portfolio_id).scalar_subquery()
    day = marked_day_ms(own.time_ms, own.trigger).label("day_ms")
    fees = func.sum(case((own.fee_currency == quote, own.fee), else_=0.0)).label("fees")
    terms = (
        members_where(own.bot_id, portfolio_id, own.portfolio_id, members, Filters(bots=tuple(taken["bot"]))),
        *marked_where(own.time_ms, own.trigger, filters),
    )
    return frame(connection, select(day, fees, func.count().label("fills")).where(*terms).group_by(day))


def _of(scope: Scope) -> Filters:
    if scope.kind is ScopeKind.PORTFOLIO:
        return Filters()
    return Filters(sleeves=(scope.name,)) if scope.kind is ScopeKind.SLEEVE else Filters(bots=(scope.name,))
