"""Many bots as one: the sum of their marks, and what each of them made within a period of whole days."""

import numpy as np
from pandas import DataFrame, Series, concat
from sqlalchemy import Connection, func, select

from dashboard.queries import marks
from dashboard.queries.depths import load_depths
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members, select_members
from dashboard.queries.flows import flow_free
from dashboard.queries.frames import frame
from shared.enums import Resolution, ScopeKind
from shared.metrics import equity as metrics
from shared.tables.equity import equity_points
from shared.units import DAY_MS, HOUR_MS

# Hourly marks of bots that are added up; where there are more the daily ones.
MOST_MARKS = 400_000
_READ = (
    *("scope_id", "time_ms", "last_ms", "equity", "money_in"),
    *("drawdown_fraction", "low_equity", "high_equity"),
)
_SLOT_MS = {Resolution.HOUR: HOUR_MS, Resolution.DAY: DAY_MS}


def load_summed(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> DataFrame:
    """Load the sum of bots hour by hour, or day by day where that would be too much, oldest first.

    Columns: time_ms, equity, money_in, flow_free_equity (money that went from one of them to another cancels out; what
    came from elsewhere counts from the end of the hour or day), drawdown_fraction (of the sum, from these marks alone:
    what lay between is not known), resolution. The first is what they had before the period, else the money the books
    were opened with. Filters: times, bots, sleeves, symbols.
    """
    ids = _ids(connection, portfolio_id, filters)
    resolution, rows = Resolution.DAY, _sums(connection, portfolio_id, ids, filters, Resolution.DAY)
    hours = (int(rows["last_ms"].max()) - int(rows["last_ms"].min())) // HOUR_MS if len(rows) else 0
    if hours * len(ids) <= MOST_MARKS:
        resolution, rows = Resolution.HOUR, _sums(connection, portfolio_id, ids, filters, Resolution.HOUR)
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
    daily.attrs["drawdown_of"] = str(summed["resolution"].iloc[0]) if len(summed) else Resolution.DAY.name
    return daily


def load_bot_returns(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> DataFrame:
    """Load the flow-free return of each bot from its first mark to its last, for the few that are asked for.

    Columns: bot, return_fraction (NaN where it had no money at first), max_drawdown (below its highest since the first
    mark; since the books began the deepest the worker marked; NaN where nothing was). Filters: times, bots, sleeves,
    symbols.
    """
    points = _points(connection, portfolio_id, filters)
    grown = flow_free(connection, portfolio_id, ScopeKind.BOT, points, Resolution.DAY)
    depth = points["drawdown_fraction"].to_numpy(np.float64)
    if _before_ms(connection, portfolio_id, filters) is not None:
        depth, _ = load_depths(connection, portfolio_id, ScopeKind.BOT, points, grown)
    points = points.assign(grown=grown, depth=depth)
    returned = {
        int(bot_id): metrics.total_return(own["grown"].to_numpy(np.float64))
        for bot_id, own in points.groupby("scope_id")
    }
    deepest = points.groupby("scope_id")["depth"].max().to_dict()
    taken = select_members(load_members(connection, portfolio_id), filters)
    fractions, fell = (
        np.array([found.get(int(bot_id), np.nan) for bot_id in taken["bot_id"]], np.float64)
        for found in (returned, deepest)
    )
    columns = {"bot": taken["bot"].to_numpy(), "return_fraction": fractions, "max_drawdown": fell}
    return DataFrame(columns).astype({"bot": "str"})


def load_bot_profits(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> DataFrame:
    """Load what each bot made in a period of whole days, open positions at the last close; read from few of its marks.

    Columns: bot, sleeve, symbol, profit (quote; they sum to that of `load_daily`). Filters: times, bots, sleeves,
    symbols.
    """
    taken = select_members(load_members(connection, portfolio_id), filters)
    ids = [int(bot_id) for bot_id in taken["bot_id"]]
    days = equity_points(ScopeKind.BOT, Resolution.DAY, ids, filters.start_ms, filters.end_ms)
    own = days.order_by(None).subquery().c
    edges = select(own.scope_id, func.max(own.time_ms).label("last_ms")).group_by(own.scope_id)
    ends = frame(connection, edges).set_index("scope_id")
    ended = _earned(connection, ids, ends["last_ms"])
    begun = ended.iloc[:0]
    if filters.start_ms is not None:
        before = equity_points(ScopeKind.BOT, Resolution.DAY, ids, end_ms=filters.start_ms).order_by(None).subquery().c
        latest = select(before.scope_id, func.max(before.time_ms).label("last_ms")).group_by(before.scope_id)
        begun = _earned(connection, ids, frame(connection, latest).set_index("scope_id")["last_ms"])
    made = ended - begun.reindex(ended.index).fillna(0.0)
    rows = taken[["bot_id", "bot", "sleeve", "symbol"]].set_index("bot_id")
    # A bot that no mark of the period holds made nothing in it.
    rows["profit"] = made.reindex(rows.index).fillna(0.0).astype("float64")
    return rows.reset_index(drop=True)


def _earned(connection: Connection, ids: list[int], at: Series) -> Series:
    """Give equity less money put in of each bot at the day given for it."""
    days = equity_points(ScopeKind.BOT, Resolution.DAY, ids).order_by(None).subquery().c
    wanted = select(days.scope_id, days.time_ms, days.equity, days.money_in)
    # Nearly all bots have the same last day.
    rows = frame(connection, wanted.where(days.time_ms.in_(sorted({int(time_ms) for time_ms in at}))))
    own = rows[rows["time_ms"] == rows["scope_id"].map(at)].set_index("scope_id")
    return own["equity"] - own["money_in"]


def _sums(
    connection: Connection, portfolio_id: int, ids: list[int], filters: Filters, resolution: Resolution
) -> DataFrame:
    """Add up marks at each slot. Columns: time_ms, last_ms, equity, money_in."""
    before_ms = _before_ms(connection, portfolio_id, filters)
    first_ms = filters.start_ms if before_ms is None else before_ms - _SLOT_MS[resolution]
    own = equity_points(ScopeKind.BOT, resolution, ids, first_ms, filters.end_ms).order_by(None).subquery().c
    sums = (func.sum(own[name]).label(name) for name in ("equity", "money_in"))
    statement = select(own.time_ms, func.max(own.last_ms).label("last_ms"), *sums).group_by(own.time_ms)
    rows = frame(connection, statement.order_by(own.time_ms))
    last = frame(connection, select(own.scope_id, func.max(own.time_ms).label("time_ms")).group_by(own.scope_id))
    # What a bot had last stays what it made, once it is gone.
    for bot_id, time_ms in last[last["time_ms"] < last["time_ms"].max()].itertuples(index=False):
        left = select(own.equity, own.money_in).where(own.scope_id == int(bot_id), own.time_ms == int(time_ms))
        rows.loc[rows["time_ms"] > time_ms, ["equity", "money_in"]] += list(connection.execute(left).one())
    opening = marks.load_opening(connection, portfolio_id) if before_ms is None else None
    if opening is None or not len(rows) or int(rows["last_ms"].iloc[0]) <= opening.time_ms:
        return rows
    amount = sum(opening.amounts.get(bot_id, 0.0) for bot_id in ids)
    first = {"time_ms": [0], "last_ms": [opening.time_ms], "equity": [amount], "money_in": [amount]}
    return concat([DataFrame(first), rows], ignore_index=True) if amount > 0.0 else rows


def _points(connection: Connection, portfolio_id: int, filters: Filters) -> DataFrame:
    """Load the days of bots, bot after bot, with what each had before the first."""
    ids, before_ms = _ids(connection, portfolio_id, filters), _before_ms(connection, portfolio_id, filters)
    first_ms = filters.start_ms if before_ms is None else before_ms - DAY_MS
    points = equity_points(ScopeKind.BOT, Resolution.DAY, ids, first_ms, filters.end_ms)
    rows = frame(connection, points.with_only_columns(*(points.selected_columns[name] for name in _READ)))
    opening = marks.load_opening(connection, portfolio_id) if before_ms is None else None
    return rows if opening is None else marks.with_openings(rows, opening)


def _ids(connection: Connection, portfolio_id: int, filters: Filters) -> list[int]:
    return [int(bot_id) for bot_id in select_members(load_members(connection, portfolio_id), filters)["bot_id"]]


def _before_ms(connection: Connection, portfolio_id: int, filters: Filters) -> int | None:
    """Give the time of the portfolio's last mark before a period; None where the period begins with the books."""
    portfolio = marks.Scope(ScopeKind.PORTFOLIO, portfolio_id)
    before = None if filters.start_ms is None else marks.last_mark_before(connection, portfolio, filters.start_ms)
    return None if before is None else int(before["last_ms"])
