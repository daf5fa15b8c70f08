"""All bots side by side."""

from itertools import pairwise

import numpy as np
from pandas import DataFrame, Series, concat
from sqlalchemy import Connection, case, func, select

from dashboard.queries import marks
from dashboard.queries.depths import depths
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members, select_members
from dashboard.queries.flows import flow_free
from dashboard.queries.frames import frame
from dashboard.queries.states import load_bot_states
from dashboard.queries.trips import trips_where
from dashboard.queries.window import Window, load_window, windowed
from shared.enums import Cause, Level, Resolution, ScopeKind
from shared.metrics.round_trips import wilson_interval
from shared.tables import EquityPoint, EquityRecent, RoundTrip
from shared.units import DAY_MS, HOUR_MS

# Points of one sparkline, and marks read for all of them.
SPARKLINE_POINTS = 60
MOST_MARKS = 40_000

_SAME = (
    *("bot_id", "bot", "sleeve", "strategy", "symbol", "timeframe", "parameters", "status", "note", "level"),
    *("failed", "equity", "allocation", "weight", "money_in", "open_profit", "notional", "bar_status"),
    *("reason", "reason_value", "reason_limit", "low", "high", "confirmed", "allocation", "is_open"),
)


def load_bots(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> DataFrame:
    """Load one row per bot.

    Columns: bot_id, bot, sleeve, strategy, symbol, timeframe, parameters (JSON), status, note; level (that rules),
    own_level; failed; as of the newest mark equity, allocation, weight, money_in, profit (equity − money_in =
    realised_profit + marked_open_profit + funding), fees; of now position (signed quantity), side (LONG, SHORT or
    FLAT), notional, open_profit, is_open, bar_status; reason, reason_value, reason_limit, low, high, confirmed;
    last_fill_ms (NaN before any), drawdown_fraction.

    Of the window of the times (`load_window`): return_fraction (flow-free), max_drawdown_fraction (below the highest
    since the first mark, by the hours or days read; since the books began the deepest the worker marked), sparkline (a
    list of at most 60 flow-free returns since the start), round_trips, wins, win_rate, win_rate_low, win_rate_high
    (Wilson, 95%), trips_profit. Filters: times, bots, sleeves, symbols.
    """
    states = select_members(load_bot_states(connection, portfolio_id), filters).reset_index(drop=True)
    rows = states[list(dict.fromkeys(_SAME))].copy()
    rows["own_level"] = Series(_own_levels(states), dtype="str")
    rows["profit"] = states["equity"] - states["money_in"]
    rows["funding"] = -states["funding_paid"]
    rows["marked_open_profit"] = states["marked_open_profit"]
    rows["realised_profit"] = rows["profit"] - rows["marked_open_profit"] - rows["funding"]
    rows["fees"] = states["fees_paid"]
    rows["position"] = states["quantity"]
    side = np.where(states["is_open"] == 0, "FLAT", np.where(states["quantity"] > 0.0, "LONG", "SHORT"))
    rows["side"] = Series(side, dtype="str")
    rows["last_fill_ms"] = states["last_fill_ms"].astype("float64").where(states["last_fill_ms"] > 0)
    water = states["high_water"].where(states["high_water"] > 0.0)
    rows["drawdown_fraction"] = (1.0 - states["equity"] / water).clip(lower=0.0).fillna(0.0)
    _add_trips(connection, portfolio_id, windowed(connection, portfolio_id, filters), rows)
    _add_curves(connection, portfolio_id, load_window(connection, portfolio_id, filters), rows)
    return rows


def _own_levels(states: DataFrame) -> list[str]:
    columns = [states[f"level_{cause.name.lower()}"] for cause in Cause]
    return [max(Level[name] for name in names).name for names in zip(*columns, strict=True)]


def _add_trips(connection: Connection, portfolio_id: int, filters: Filters, rows: DataFrame) -> None:
    own = RoundTrip.__table__.c
    statement = (
        select(
            own.bot_id,
            func.count().label("round_trips"),
            func.sum(case((own.profit > 0.0, 1), else_=0)).label("wins"),
            func.sum(own.profit).label("trips_profit"),
        )
        .where(trips_where(portfolio_id, load_members(connection, portfolio_id), filters))
        .group_by(own.bot_id)
    )
    counted = frame(connection, statement).set_index("bot_id").reindex(rows["bot_id"])
    for name, kind in (("round_trips", "int64"), ("wins", "int64"), ("trips_profit", "float64")):
        rows[name] = counted[name].fillna(0).to_numpy().astype(kind)
    pairs = list(zip(rows["wins"].tolist(), rows["round_trips"].tolist(), strict=True))
    rows["win_rate"] = np.array([wins / count if count else np.nan for wins, count in pairs], np.float64)
    bounds = [wilson_interval(wins, count) for wins, count in pairs]
    rows["win_rate_low"] = np.array([low for low, _ in bounds], np.float64)
    rows["win_rate_high"] = np.array([high for _, high in bounds], np.float64)


def _add_curves(connection: Connection, portfolio_id: int, window: Window | None, rows: DataFrame) -> None:
    ids = [int(bot_id) for bot_id in rows["bot_id"]]
    lines: dict[int, list[float]] = {}
    deepest: dict[int, float] = {}
    if window is not None and ids:
        read, deepest, resolution = _read_curves(connection, portfolio_id, window, ids)
        grown = flow_free(connection, portfolio_id, ScopeKind.BOT, read, resolution)
        lines = _lines(read, grown)
        if window.start_ms is not None:
            # The worker's drawdowns are from the highest ever.
            fell = read[["scope_id"]].assign(depth=depths(connection, portfolio_id, ScopeKind.BOT, read, grown))
            deepest = fell.groupby("scope_id")["depth"].max().to_dict()
    rows["return_fraction"] = np.array([lines[id_][-1] if lines.get(id_) else np.nan for id_ in ids], np.float64)
    rows["max_drawdown_fraction"] = np.array([deepest.get(bot_id, np.nan) for bot_id in ids], np.float64)
    rows["sparkline"] = Series([_sparkline(lines.get(bot_id, [])) for bot_id in ids], dtype="object")


def _lines(read: DataFrame, grown: np.ndarray) -> dict[int, list[float]]:
    """Give the flow-free returns of each bot since its first mark, or since the books were opened with its money."""
    owner = read["scope_id"].to_numpy()
    edges = np.r_[np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]]), len(owner)] if len(owner) else np.zeros(1, int)
    lines = {}
    for first, end in pairwise(edges.tolist()):
        own = grown[first:end]
        lines[int(owner[first])] = (own / own[0] - 1.0).tolist() if own[0] > 0.0 else []
    return lines


def _sparkline(line: list[float]) -> list[float]:
    """Give at most so many points of a line, its last among them."""
    every = -(-len(line) // SPARKLINE_POINTS)
    return line[::-1][::every][::-1] if line else []


def _read_curves(
    connection: Connection, portfolio_id: int, window: Window, ids: list[int]
) -> tuple[DataFrame, dict[int, float], Resolution]:
    """Read marks of bots: every hour or day where that is not much, else some days; and each one's deepest drawdown."""
    span_ms = window.end_ms - window.begin_ms
    hours, days = span_ms // HOUR_MS + 1, span_ms // DAY_MS + 1
    resolution = Resolution.HOUR if hours * len(ids) <= MOST_MARKS // 2 else Resolution.DAY
    if resolution is Resolution.HOUR or days * len(ids) <= MOST_MARKS:
        read = marks.load_between(connection, portfolio_id, ScopeKind.BOT, ids, resolution, window)
        return read, read.groupby("scope_id")["drawdown_fraction"].max().to_dict(), resolution
    first, last = window.begin_ms // DAY_MS, (window.end_ms - 1) // DAY_MS
    grid = (np.unique(np.linspace(first, last, SPARKLINE_POINTS, dtype=np.int64)) * DAY_MS).tolist()
    read = marks.load_between(connection, portfolio_id, ScopeKind.BOT, ids, resolution, window, grid)
    return read, _deepest(connection, window, ids) if window.start_ms is None else {}, resolution


def _deepest(connection: Connection, window: Window, ids: list[int]) -> dict[int, float]:
    """Give each bot's deepest drawdown over days: from either table by itself, for together they would be sorted."""
    parts, (_, end_ms) = [], marks.slots(Resolution.DAY, window)
    for table in (EquityPoint.__table__, EquityRecent.__table__):
        own = table.c
        deepest = func.max(own.drawdown_fraction).label("deepest")
        terms = [own.scope_kind == ScopeKind.BOT.name, own.resolution == Resolution.DAY.name, own.scope_id.in_(ids)]
        parts.append(
            frame(connection, select(own.scope_id, deepest).where(*terms, own.time_ms < end_ms).group_by(own.scope_id))
        )
    return concat(parts).groupby("scope_id")["deepest"].max().to_dict()
