"""Returns over days and months, ratios, and correlation of bots."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pandas import DataFrame
from sqlalchemy import Connection, select

from dashboard.queries import marks
from dashboard.queries.depths import load_depths
from dashboard.queries.equity import PORTFOLIO, Scope, find_scope
from dashboard.queries.fleet import load_members
from dashboard.queries.flows import flow_free
from dashboard.queries.frames import empty
from shared.enums import Resolution, ScopeKind
from shared.metrics import drawdowns, ratios
from shared.metrics import equity as metrics
from shared.tables import Portfolio, PortfolioState
from shared.units import DAY_MS, to_datetime

# Fewer daily returns in common say nothing about two bots.
FEWEST_DAYS = 5


@dataclass(frozen=True, slots=True)
class ReturnFigures:
    """The figures of `docs/metrics.md` that daily returns give; fractions, NaN where one cannot be known.

    `days` is how many daily returns they rest on. `max_drawdown` is below the highest since the first of the marks:
    since the books began the deepest the worker marked at any step, in a period by marks of `drawdown_of` (a name of
    `Resolution`). `max_drawdown_ms`, how long that one lasted, is told from daily marks: a day where it was over by
    the end of the day.
    """

    start_ms: int
    end_ms: int
    days: int
    total_return: float
    annual_return: float
    annual_volatility: float
    sharpe_ratio: float
    sortino_ratio: float
    calmar_ratio: float
    max_drawdown: float
    max_drawdown_ms: float
    value_at_risk: float
    drawdown_of: str


def load_daily(
    connection: Connection,
    portfolio_id: int,
    scope: Scope = PORTFOLIO,
    start_ms: int | None = None,
    end_ms: int | None = None,
) -> DataFrame:
    """Load a scope's marks at the ends of UTC days, flow-free, oldest first; the first is where it begins.

    Columns: time_ms (of the mark), flow_free_equity, return_fraction (of the day, NaN at first), profit (of the day,
    quote; NaN at first), drawdown_fraction (deepest of the day below the highest since the first; 0 at first), equity,
    money_in. The first is the last mark before the days asked for, else the money the books were opened with, so that
    no day's return is lost. `attrs["drawdown_of"]` names the resolution of the marks that tell the drawdown.
    """
    found = find_scope(connection, portfolio_id, scope)
    before = None if start_ms is None or found is None else marks.last_mark_before(connection, found, start_ms)
    points = _days(connection, portfolio_id, found, before, start_ms, end_ms) if found else None
    if points is None or not len(points):
        names = ("flow_free_equity", "return_fraction", "profit", "drawdown_fraction", "equity", "money_in")
        return empty(time_ms="int64", **dict.fromkeys(names, "float64"))
    grown = flow_free(connection, portfolio_id, scope.kind, points, Resolution.DAY)
    earned = points["equity"].to_numpy() - points["money_in"].to_numpy()
    depth, resolution = points["drawdown_fraction"].to_numpy(), Resolution.STEP
    if before is not None:
        depth, resolution = load_depths(connection, portfolio_id, scope.kind, points, grown)
    daily = DataFrame(
        {
            "time_ms": points["last_ms"].to_numpy(),
            "flow_free_equity": grown,
            "return_fraction": np.r_[np.nan, metrics.returns(grown)],
            "profit": np.r_[np.nan, np.diff(earned)],
            "drawdown_fraction": depth,
            **{name: points[name].to_numpy() for name in ("equity", "money_in")},
        }
    )
    daily.attrs["drawdown_of"] = resolution.name
    return daily


def _days(
    connection: Connection,
    portfolio_id: int,
    scope: marks.Scope,
    before: dict[str, Any] | None,
    start_ms: int | None,
    end_ms: int | None,
) -> DataFrame:
    first_ms = start_ms if before is None else int(before["time_ms"])
    points = marks.load_marks(connection, scope.kind, [scope.scope_id], Resolution.DAY, first_ms, end_ms)
    if before is not None:
        return points if len(points) > 1 else points.iloc[:0]
    opening = marks.load_opening(connection, portfolio_id)
    if opening is None:
        return points
    return marks.with_opening(points, opening.time_ms, marks.opening_amount(connection, opening, scope))


def return_figures(daily: DataFrame) -> ReturnFigures:
    """Give the figures of the marks of `load_daily`."""
    time_ms, grown = daily["time_ms"].to_numpy(np.int64), daily["flow_free_equity"].to_numpy(np.float64)
    returns = daily["return_fraction"].to_numpy(np.float64)[1:]
    fell = np.fmax(daily["drawdown_fraction"].to_numpy(np.float64), drawdowns.drawdown(grown))
    depth = float(fell.max()) if len(daily) else np.nan
    annual = metrics.annual_return(time_ms, grown)
    return ReturnFigures(
        start_ms=int(time_ms[0]) if len(daily) else 0,
        end_ms=int(time_ms[-1]) if len(daily) else 0,
        days=len(returns),
        total_return=metrics.total_return(grown),
        annual_return=annual,
        annual_volatility=ratios.annual_volatility(returns),
        sharpe_ratio=ratios.sharpe_ratio(returns),
        sortino_ratio=ratios.sortino_ratio(returns),
        calmar_ratio=annual / depth if depth > ratios.NOISE_FRACTION else np.nan,
        max_drawdown=depth,
        max_drawdown_ms=_lasted_ms(time_ms, grown, fell) if len(daily) else np.nan,
        value_at_risk=ratios.value_at_risk(returns),
        drawdown_of=str(daily.attrs.get("drawdown_of", Resolution.DAY.name)),
    )


def _lasted_ms(time_ms: np.ndarray, grown: np.ndarray, fell: np.ndarray) -> float:
    """Give how long the deepest of `fell` lasted: from the last mark at the peak before its day to the first back."""
    trough = int(np.argmax(fell))
    if not trough or fell[trough] <= 0.0:
        return 0.0
    high_water = np.max(grown[:trough])
    peak = int(np.flatnonzero(grown[:trough] == high_water)[-1])
    recovered = np.flatnonzero(grown[trough:] >= high_water)
    end = trough + int(recovered[0]) if len(recovered) else len(grown) - 1
    return float(time_ms[end] - time_ms[peak])


def monthly_returns(daily: DataFrame) -> DataFrame:
    """Give the return of each UTC month. Columns: year, month (1 to 12), return_fraction, profit (quote), days."""
    # A mark at midnight ends the day, and with it the month, before.
    ends = [to_datetime(int(time_ms) - 1) for time_ms in daily["time_ms"].iloc[1:]]
    rows = DataFrame(
        {
            "year": np.array([end.year for end in ends], np.int64),
            "month": np.array([end.month for end in ends], np.int64),
            "growth": 1.0 + daily["return_fraction"].to_numpy(np.float64)[1:],
            "profit": daily["profit"].to_numpy(np.float64)[1:],
        }
    )
    grouped = rows.groupby(["year", "month"])
    months = grouped.agg(
        return_fraction=("growth", "prod"), profit=("profit", "sum"), days=("growth", "size")
    ).reset_index()
    months["return_fraction"] = months["return_fraction"].astype("float64") - 1.0
    return months


def rolling_sharpe(daily: DataFrame, days: int = 30) -> DataFrame:
    """Give the Sharpe ratio of the last `days` daily returns at each day that has as many behind it.

    Columns: time_ms, sharpe_ratio, days.
    """
    returns = daily["return_fraction"].to_numpy(np.float64)[1:]
    time_ms = daily["time_ms"].to_numpy(np.int64)[1:]
    if len(returns) < days:
        return empty(time_ms="int64", sharpe_ratio="float64", days="int64")
    windows = np.lib.stride_tricks.sliding_window_view(returns, days)
    rolled = [ratios.sharpe_ratio(window) for window in windows]
    return DataFrame({"time_ms": time_ms[days - 1 :], "sharpe_ratio": np.array(rolled, np.float64), "days": days})


def load_correlations(
    connection: Connection, portfolio_id: int, bots: tuple[str, ...] = (), days: int = 365, most: int = 40
) -> DataFrame:
    """Load how much the daily flow-free returns of bots move together, over the last `days`.

    A square frame with the names of the bots (the first `most` of those asked, or of all) as index and columns, NaN
    where two have fewer than 5 days in common or one never moved. `attrs["days"]` is how many days it rests on,
    `attrs["left_out"]` how many bots are not shown.
    """
    members = load_members(connection, portfolio_id)
    wanted = members[members["bot"].isin(bots)] if bots else members
    shown = wanted.iloc[:most]
    ids = [int(bot_id) for bot_id in shown["bot_id"]]
    last_ms = _last_ms(connection, portfolio_id)
    points = marks.load_marks(connection, ScopeKind.BOT, ids, Resolution.DAY, last_ms - (days + 1) * DAY_MS)
    opening = marks.load_opening(connection, portfolio_id)
    if opening is not None and opening.time_ms > last_ms - (days + 1) * DAY_MS:
        points = marks.with_openings(points, opening)
    points["grown"] = flow_free(connection, portfolio_id, ScopeKind.BOT, points, Resolution.DAY)
    columns = {}
    for bot_id, name in zip(ids, shown["bot"], strict=True):
        own = points[points["scope_id"] == bot_id]
        returns = metrics.returns(own["grown"].to_numpy(np.float64))
        columns[name] = dict(zip(own["time_ms"].iloc[1:].tolist(), returns.tolist(), strict=True))
    returns = DataFrame(columns, dtype="float64")
    # A bot that never traded has no correlation: its returns do not vary.
    moved = returns.loc[:, returns.std() > ratios.NOISE_FRACTION] if len(returns) else returns
    table = moved.corr(min_periods=FEWEST_DAYS).reindex(index=shown["bot"], columns=shown["bot"])
    table.attrs.update(days=len(returns), left_out=len(wanted) - len(shown))
    return table


def _last_ms(connection: Connection, portfolio_id: int) -> int:
    state, portfolio = PortfolioState.__table__.c, Portfolio.__table__.c
    statement = select(state.time_ms + portfolio.step_ms).join(Portfolio.__table__, portfolio.id == state.portfolio_id)
    return int(connection.execute(statement.where(portfolio.id == portfolio_id)).scalar() or 0)
