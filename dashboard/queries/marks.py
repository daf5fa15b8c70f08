"""Marks of equity by scope id: at which resolution to read them, and how to make few of many."""

from typing import NamedTuple

import numpy as np
from pandas import DataFrame, concat
from sqlalchemy import Connection, and_, func, select

from dashboard.queries.frames import frame
from dashboard.queries.window import Window
from shared.enums import Resolution, ScopeKind, TransferKind
from shared.metrics.equity import flow_free_equity
from shared.tables import Bot, Transfer
from shared.tables.equity import equity_points
from shared.units import DAY_MS, HOUR_MS, bar_open_ms

# What is read for one curve at most; charts show as many in all.
MAX_POINTS = 2_000
_DEEPEST = ("drawdown_fraction", "high_equity")


class Scope(NamedTuple):
    """A scope as `equity_point` knows it."""

    kind: ScopeKind
    scope_id: int


class Opening(NamedTuple):
    """When the books were opened, and the money each bot began with."""

    time_ms: int
    amounts: dict[int | None, float]


def resolution_for(span_ms: int, step_ms: int, kind: ScopeKind, points: int = MAX_POINTS) -> Resolution:
    """Choose the finest resolution with at most so many points over a span; bots have no points per step."""
    if kind is not ScopeKind.BOT and span_ms <= points * step_ms:
        return Resolution.STEP
    return Resolution.HOUR if span_ms <= points * HOUR_MS else Resolution.DAY


def load_marks(
    connection: Connection,
    kind: ScopeKind,
    scope_ids: list[int],
    resolution: Resolution,
    start_ms: int | None = None,
    end_ms: int | None = None,
) -> DataFrame:
    """Load the points of scopes by scope and time; columns of `equity_point`."""
    return frame(connection, equity_points(kind, resolution, scope_ids, start_ms, end_ms))


def load_between(
    connection: Connection,
    portfolio_id: int,
    kind: ScopeKind,
    scope_ids: list[int],
    resolution: Resolution,
    window: Window,
    times_ms: list[int] | None = None,
) -> DataFrame:
    """Load the marks of a window by scope and time: that it begins with, those after it, that it ends with.

    The first of each scope is its last mark at or before the start, else the money the books were opened with; a scope
    without a mark after that has none. Of those between only those that stand at `times_ms`, where that is given.
    Columns of `equity_point`.
    """
    start_ms, end_ms = slots(resolution, window)
    points = equity_points(kind, resolution, scope_ids, start_ms, end_ms)
    if times_ms is not None:
        points = points.where(points.selected_columns.time_ms.in_(times_ms))
    parts = [frame(connection, points)]
    if resolution is Resolution.DAY and window.start_ms != start_ms:
        # What was lowest and highest in a day holds what was before the window, too.
        is_cut = parts[0]["time_ms"] == start_ms
        for name in ("low_equity", "high_equity"):
            parts[0][name] = parts[0][name].where(~is_cut, parts[0]["equity"])
    if resolution is Resolution.DAY and not window.is_newest:
        parts.append(last_marks(connection, kind, scope_ids, window.end_ms))
    if window.start_ms is not None:
        begun = last_marks(connection, kind, scope_ids, window.start_ms)
    else:
        begun = openings(connection, portfolio_id, kind, scope_ids)
    read = _joined(parts)
    both = _joined([begun[begun["scope_id"].isin(read["scope_id"])], read])
    return both.drop_duplicates(["scope_id", "last_ms"]).reset_index(drop=True)


def slots(resolution: Resolution, window: Window) -> tuple[int | None, int]:
    """Give between which times the points of a window stand: a step's is that of its mark, others' of their begin."""
    start_ms, end_ms = window.start_ms, window.end_ms
    if resolution is Resolution.STEP:
        return None if start_ms is None else start_ms + 1, end_ms + 1
    if resolution is Resolution.DAY:
        first_ms = None if start_ms is None else bar_open_ms(start_ms, DAY_MS)
        return first_ms, end_ms if window.is_newest else bar_open_ms(end_ms, DAY_MS)
    return start_ms, end_ms


def _joined(parts: list[DataFrame]) -> DataFrame:
    both = concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    return both.sort_values(["scope_id", "last_ms"], kind="stable", ignore_index=True)


def last_marks(connection: Connection, kind: ScopeKind, scope_ids: list[int], until_ms: int) -> DataFrame:
    """Load the last mark of each scope at or before an hour; none of scopes that had none yet."""
    midnight_ms = bar_open_ms(until_ms - 1, DAY_MS)
    hours = _newest(connection, kind, Resolution.HOUR, scope_ids, midnight_ms, until_ms)
    others = sorted(set(scope_ids) - {int(scope_id) for scope_id in hours["scope_id"]})
    # Nothing of that day yet: what it had last, be it days ago, it still had.
    days = _newest(connection, kind, Resolution.DAY, others, None, midnight_ms)
    return _joined([hours, days])


def _newest(
    connection: Connection,
    kind: ScopeKind,
    resolution: Resolution,
    scope_ids: list[int],
    start_ms: int | None,
    end_ms: int,
) -> DataFrame:
    points = equity_points(kind, resolution, scope_ids, start_ms, end_ms).order_by(None)
    own, every = points.subquery().c, points.subquery().c
    last = select(every.scope_id, func.max(every.time_ms).label("time_ms")).group_by(every.scope_id).subquery().c
    return frame(connection, select(*own).where(and_(own.scope_id == last.scope_id, own.time_ms == last.time_ms)))


def load_opening(connection: Connection, portfolio_id: int) -> Opening | None:
    """Load the money put in when the books were opened, per bot; None where that is not in the books."""
    own = Transfer.__table__.c
    first = select(func.min(own.time_ms)).where(own.portfolio_id == portfolio_id).scalar_subquery()
    statement = select(own.bot_id, own.time_ms, own.amount).where(
        own.portfolio_id == portfolio_id,
        own.time_ms == first,
        own.step == 0,
        own.kind == TransferKind.DEPOSIT.name,
    )
    rows = connection.execute(statement).all()
    if not rows:
        return None
    amounts: dict[int | None, float] = {}
    for bot_id, _, amount in rows:
        amounts[bot_id] = amounts.get(bot_id, 0.0) + amount
    return Opening(int(rows[0].time_ms), amounts)


def opening_amount(connection: Connection, opening: Opening, scope: Scope) -> float:
    """Give the money a scope began with; 0 where it came later."""
    if scope.kind is ScopeKind.PORTFOLIO:
        return sum(opening.amounts.values())
    if scope.kind is ScopeKind.BOT:
        return opening.amounts.get(scope.scope_id, 0.0)
    own = Bot.__table__.c
    bots = connection.execute(select(own.id).where(own.sleeve_id == scope.scope_id)).scalars()
    return sum(opening.amounts.get(bot_id, 0.0) for bot_id in bots)


def openings(connection: Connection, portfolio_id: int, kind: ScopeKind, scope_ids: list[int]) -> DataFrame:
    """Give the money scopes began with, as marks at the opening of the books; columns of `equity_point`."""
    opening = load_opening(connection, portfolio_id)
    time_ms, amounts = 0, {}
    if opening is not None:
        time_ms = opening.time_ms
        amounts = {id_: opening_amount(connection, opening, Scope(kind, id_)) for id_ in scope_ids}
    ids = [id_ for id_ in scope_ids if amounts.get(id_, 0.0) > 0.0]
    money = np.array([amounts[id_] for id_ in ids], np.float64)
    own = dict.fromkeys(("equity", "cash", "money_in", "low_equity", "high_equity"), money)
    nothing = dict.fromkeys(("exposure", "open_profit", "drawdown_fraction"), np.zeros(len(ids)))
    times = dict.fromkeys(("time_ms", "last_ms"), np.full(len(ids), time_ms, np.int64))
    first = {"scope_kind": kind.name, "scope_id": np.array(ids, np.int64), "resolution": Resolution.STEP.name}
    return DataFrame({**first, **times, **own, **nothing})


def without_flows(equity: np.ndarray, money_in: np.ndarray) -> np.ndarray:
    """Give what the marks of one scope would be without the flows after the first.

    A mark holds the flow of its own step already, so it is taken out before the return up to it is made. Where money
    moved within a day and only marks of days are at hand this is a little off; `flows.flow_free` is not.
    """
    flows = np.diff(money_in, prepend=money_in[:1])
    return flow_free_equity(equity - flows, flows)


def thinned(marks: DataFrame, points: int) -> DataFrame:
    """Make at most so many rows of the marks of one scope.

    Each stretch is its last mark, with the deepest drawdown, lowest and highest equity within; the first mark stays.
    """
    count = len(marks)
    if count <= points:
        return marks
    edges = np.r_[0, np.unique(np.linspace(1, count, max(points, 2), dtype=np.int64)[:-1])]
    last = np.r_[edges[1:], count] - 1
    few = marks.iloc[last].copy()
    for name in _DEEPEST:
        few[name] = np.maximum.reduceat(marks[name].to_numpy(), edges)
    few["low_equity"] = np.minimum.reduceat(marks["low_equity"].to_numpy(), edges)
    return few
