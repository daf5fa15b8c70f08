"""Returns over days and months, ratios, and correlation of bots."""

from dataclasses import dataclass

import numpy as np
from pandas import DataFrame
from sqlalchemy import Connection

from dashboard.queries import marks
from dashboard.queries.depths import deepest_of_days, lasted_ms, load_fine
from dashboard.queries.equity import PORTFOLIO, Scope, find_scope
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members, select_members
from dashboard.queries.flows import flow_free
from dashboard.queries.frames import empty
from dashboard.queries.window import load_window
from shared.enums import Resolution, ScopeKind
from shared.metrics import drawdowns, ratios
from shared.metrics import equity as metrics
from shared.units import to_datetime

# Fewer daily returns in common say nothing about two bots.
FEWEST_DAYS = 5


@dataclass(frozen=True, slots=True)
class ReturnFigures:
    """The figures of `docs/metrics.md` that daily returns give; fractions, NaN where one cannot be known.

    `days` is how many daily returns they rest on. `max_drawdown` is below the highest since the first of the marks:
    since the books began the deepest the worker marked at any step, in a period by marks of `drawdown_of` (a name of
    `Resolution`). `max_drawdown_ms` is how long that one lasted: from its peak until equity was as high again, or to
    the last mark; told from the finest marks that are not too many.
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
    money_in. They are of the window of these times (`load_window`): the first is the mark it begins with, so that the
    first day and the last are shorter where it begins or ends within a day. `attrs["drawdown_of"]` names the resolution
    of the marks that tell the drawdown, `attrs["lasted_ms"]` how long the deepest lasted.
    """
    found = find_scope(connection, portfolio_id, scope)
    window = load_window(connection, portfolio_id, Filters(start_ms, end_ms))
    if found is None or window is None:
        return _no_days()
    points = marks.load_between(connection, portfolio_id, found.kind, [found.scope_id], Resolution.DAY, window)
    if not len(points):
        return _no_days()
    grown = flow_free(connection, portfolio_id, scope.kind, points, Resolution.DAY)
    earned = points["equity"].to_numpy() - points["money_in"].to_numpy()
    fine, resolution = load_fine(connection, portfolio_id, scope.kind, points)
    if window.start_ms is None:
        # The worker marked the deepest at every step.
        depth, resolution = points["drawdown_fraction"].to_numpy(), Resolution.STEP
    else:
        depth = deepest_of_days(points, fine)
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
    lasted = lasted_ms(fine["last_ms"].to_numpy(np.int64), fine["high"].to_numpy(), fine["depth"].to_numpy())
    daily.attrs.update(drawdown_of=resolution.name, lasted_ms=lasted)
    return daily


def _no_days() -> DataFrame:
    names = ("flow_free_equity", "return_fraction", "profit", "drawdown_fraction", "equity", "money_in")
    return empty(time_ms="int64", **dict.fromkeys(names, "float64"))


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
        max_drawdown_ms=float(daily.attrs.get("lasted_ms", np.nan)),
        value_at_risk=ratios.value_at_risk(returns),
        drawdown_of=str(daily.attrs.get("drawdown_of", Resolution.DAY.name)),
    )


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
    connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING, most: int = 40
) -> DataFrame:
    """Load how much the daily flow-free returns of bots move together.

    A square frame with the names of the bots (the first `most` of those asked, or of all) as index and columns, NaN
    where two have fewer than 5 days in common or one never moved. `attrs["days"]` is how many days it rests on,
    `attrs["left_out"]` how many bots are not shown. Filters: times, bots, sleeves, symbols.
    """
    wanted = select_members(load_members(connection, portfolio_id), filters)
    shown, window = wanted.iloc[:most], load_window(connection, portfolio_id, filters)
    ids = [int(bot_id) for bot_id in shown["bot_id"]]
    columns = {}
    if window is not None and ids:
        points = marks.load_between(connection, portfolio_id, ScopeKind.BOT, ids, Resolution.DAY, window)
        points["grown"] = flow_free(connection, portfolio_id, ScopeKind.BOT, points, Resolution.DAY)
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
