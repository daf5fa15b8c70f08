"""Many bots as one: the sum of their marks, and what each of them returned."""

import numpy as np
from pandas import DataFrame, concat
from sqlalchemy import Connection, func, select

from dashboard.queries import marks
from dashboard.queries.depths import deepest_of_days, lasted_ms, load_fine
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members, select_members
from dashboard.queries.flows import flow_free
from dashboard.queries.frames import empty, frame
from dashboard.queries.window import Window, load_window
from shared.enums import Resolution, ScopeKind
from shared.metrics import equity as metrics
from shared.tables.equity import equity_points
from shared.units import DAY_MS, HOUR_MS

# Hourly marks of bots that are added up; where there are more the daily ones.
MOST_MARKS = 400_000
_SUMMED = ("equity", "money_in")


def load_summed(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> DataFrame:
    """Load the sum of bots hour by hour, or day by day where that would be too much, oldest first.

    Columns: time_ms, equity, money_in, flow_free_equity (money that went from one of them to another cancels out; what
    came from elsewhere counts from the end of the hour or day), drawdown_fraction (of the sum, from these marks alone:
    what lay between is not known), resolution. They are of the window of the times (`load_window`): the first is what
    they had where it begins, else the money the books were opened with. Filters: times, bots, sleeves, symbols.
    """
    ids, window = _ids(connection, portfolio_id, filters), load_window(connection, portfolio_id, filters)
    resolution, rows = Resolution.HOUR, empty(last_ms="int64", equity="float64", money_in="float64")
    if window is not None:
        hours = (window.end_ms - window.begin_ms) // HOUR_MS
        resolution = Resolution.HOUR if hours * len(ids) <= MOST_MARKS else Resolution.DAY
        rows = _sums(connection, portfolio_id, ids, window, resolution)
    grown = marks.without_flows(rows["equity"].to_numpy(np.float64), rows["money_in"].to_numpy(np.float64))
    high = np.maximum.accumulate(grown)
    depth = np.divide(high - grown, high, out=np.zeros(len(grown)), where=high > 0.0)
    summed = rows[["last_ms", "equity", "money_in"]].rename(columns={"last_ms": "time_ms"})
    return summed.assign(flow_free_equity=grown, drawdown_fraction=depth, resolution=resolution.name)


def summed_daily(summed: DataFrame) -> DataFrame:
    """Give the days of `load_summed` with the columns of `load_daily`."""
    day = (summed["time_ms"].to_numpy(np.int64) - 1) // DAY_MS
    # The first mark is where it begins, also where that is within a day.
    day[:1] -= 1
    days = summed.groupby(day)
    daily = days.last().assign(drawdown_fraction=days["drawdown_fraction"].max())
    grown = daily["flow_free_equity"].to_numpy(np.float64)
    earned = (daily["equity"] - daily["money_in"]).to_numpy(np.float64)
    nothing = np.full(min(len(daily), 1), np.nan)
    daily["return_fraction"] = np.r_[nothing, metrics.returns(grown)]
    daily["profit"] = np.r_[nothing, np.diff(earned)]
    names = ("flow_free_equity", "return_fraction", "profit", "drawdown_fraction", "equity", "money_in")
    daily = daily[["time_ms", *names]].reset_index(drop=True)
    lasted = lasted_ms(*(summed[name].to_numpy() for name in ("time_ms", "flow_free_equity", "drawdown_fraction")))
    resolution = str(summed["resolution"].iloc[0]) if len(summed) else Resolution.DAY.name
    daily.attrs.update(drawdown_of=resolution, lasted_ms=lasted)
    return daily


def load_bot_returns(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> DataFrame:
    """Load the flow-free return of each bot in the window of some times, for the few that are asked for.

    Columns: bot, return_fraction (NaN where it had no money at first), max_drawdown (below its highest since the first
    mark; since the books began the deepest the worker marked; NaN where nothing was). Filters: times, bots, sleeves,
    symbols.
    """
    ids, window = _ids(connection, portfolio_id, filters), load_window(connection, portfolio_id, filters)
    taken = select_members(load_members(connection, portfolio_id), filters)
    if window is None or not ids:
        return taken[["bot"]].assign(return_fraction=np.nan, max_drawdown=np.nan).reset_index(drop=True)
    points = marks.load_between(connection, portfolio_id, ScopeKind.BOT, ids, Resolution.DAY, window)
    grown = flow_free(connection, portfolio_id, ScopeKind.BOT, points, Resolution.DAY)
    depth = points["drawdown_fraction"].to_numpy(np.float64)
    if window.start_ms is not None and len(points):
        fine, _ = load_fine(connection, portfolio_id, ScopeKind.BOT, points)
        depth = deepest_of_days(points, fine)
    points = points.assign(grown=grown, depth=depth)
    returned = {
        int(bot_id): metrics.total_return(own["grown"].to_numpy(np.float64))
        for bot_id, own in points.groupby("scope_id")
    }
    deepest = points.groupby("scope_id")["depth"].max().to_dict()
    fractions, fell = (
        np.array([found.get(int(bot_id), np.nan) for bot_id in taken["bot_id"]], np.float64)
        for found in (returned, deepest)
    )
    columns = {"bot": taken["bot"].to_numpy(), "return_fraction": fractions, "max_drawdown": fell}
    return DataFrame(columns).astype({"bot": "str"})


def _sums(
    connection: Connection, portfolio_id: int, ids: list[int], window: Window, resolution: Resolution
) -> DataFrame:
    """Add up marks at each slot. Columns: time_ms, last_ms, equity, money_in."""
    start_ms, end_ms = marks.slots(resolution, window)
    own = equity_points(ScopeKind.BOT, resolution, ids, start_ms, end_ms).order_by(None).subquery().c
    sums = (func.sum(own[name]).label(name) for name in ("equity", "money_in"))
    statement = select(own.time_ms, func.max(own.last_ms).label("last_ms"), *sums).group_by(own.time_ms)
    rows = frame(connection, statement.order_by(own.time_ms))
    last = frame(connection, select(own.scope_id, func.max(own.time_ms).label("time_ms")).group_by(own.scope_id))
    # What a bot had last stays what it made, once it is gone.
    for bot_id, time_ms in last[last["time_ms"] < last["time_ms"].max()].itertuples(index=False):
        left = select(own.equity, own.money_in).where(own.scope_id == int(bot_id), own.time_ms == int(time_ms))
        rows.loc[rows["time_ms"] > time_ms, ["equity", "money_in"]] += list(connection.execute(left).one())
    if resolution is Resolution.DAY and not window.is_newest:
        rows = _with(rows, marks.last_marks(connection, ScopeKind.BOT, ids, window.end_ms), window.end_ms)
    known = [int(bot_id) for bot_id in last["scope_id"]]
    if window.start_ms is not None:
        return _with(rows, marks.last_marks(connection, ScopeKind.BOT, known, window.start_ms), window.start_ms)
    begun = marks.openings(connection, portfolio_id, ScopeKind.BOT, known)
    return _with(rows, begun, window.opened_ms) if len(rows) else rows


def _with(rows: DataFrame, bots: DataFrame, time_ms: int) -> DataFrame:
    """Add the sum of some marks of bots, as one of that time."""
    if not len(bots) or (rows["last_ms"] == time_ms).any():
        return rows
    summed = {"time_ms": [time_ms], "last_ms": [time_ms], **{name: [bots[name].sum()] for name in _SUMMED}}
    both = concat([rows, DataFrame(summed)], ignore_index=True) if len(rows) else DataFrame(summed)
    return both.sort_values("last_ms", kind="stable", ignore_index=True)


def _ids(connection: Connection, portfolio_id: int, filters: Filters) -> list[int]:
    return [int(bot_id) for bot_id in select_members(load_members(connection, portfolio_id), filters)["bot_id"]]
