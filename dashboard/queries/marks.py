"""Marks of equity by scope id: at which resolution to read them, and how to make few of many."""

from typing import Any, NamedTuple

import numpy as np
from pandas import DataFrame, concat
from sqlalchemy import Connection, func, select

from dashboard.queries.frames import first_row, frame
from shared.enums import Resolution, ScopeKind, TransferKind
from shared.metrics.equity import flow_free_equity
from shared.tables import Bot, Transfer
from shared.tables.equity import equity_points
from shared.units import HOUR_MS

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


def first_mark_ms(connection: Connection, scope: Scope) -> int | None:
    """Give the start of the first day a scope has a mark in; None where it has none."""
    points = equity_points(scope.kind, Resolution.DAY, [scope.scope_id]).limit(1)
    row = first_row(connection, points)
    return None if row is None else int(row["time_ms"])


def last_mark_before(connection: Connection, scope: Scope, midnight_ms: int) -> dict[str, Any] | None:
    """Give a scope's last mark at or before a UTC midnight; None where it has none."""
    points = equity_points(scope.kind, Resolution.DAY, [scope.scope_id], end_ms=midnight_ms).order_by(None)
    return first_row(connection, points.order_by(points.selected_columns.time_ms.desc()).limit(1))


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


def with_opening(marks: DataFrame, time_ms: int, amount: float) -> DataFrame:
    """Put the money a scope began with before its first mark; nothing where there was none."""
    if not len(marks) or amount <= 0.0 or int(marks["last_ms"].iloc[0]) <= time_ms:
        return marks
    first = marks.iloc[:1].copy()
    first[["last_ms", "time_ms"]] = time_ms
    first[["equity", "cash", "money_in", "low_equity", "high_equity"]] = amount
    first[["exposure", "open_profit", "drawdown_fraction"]] = 0.0
    return DataFrame({name: np.concatenate([first[name], marks[name]]) for name in marks.columns})


def with_openings(marks: DataFrame, opening: Opening) -> DataFrame:
    """Put the money that bots began with before the first mark of each; `marks` are of bots, in any order."""
    ids = [bot_id for bot_id in marks["scope_id"].unique().tolist() if opening.amounts.get(bot_id, 0.0) > 0.0]
    amounts = np.array([opening.amounts[bot_id] for bot_id in ids], np.float64)
    times = np.full(len(ids), opening.time_ms, np.int64)
    first = {"scope_id": ids, "time_ms": times, "last_ms": times, "equity": amounts, "money_in": amounts}
    first |= {"drawdown_fraction": np.zeros(len(ids)), "low_equity": amounts, "high_equity": amounts}
    kept = marks[list(first)]
    both = concat([DataFrame(first), kept], ignore_index=True) if ids else kept
    return both.sort_values(["scope_id", "last_ms"], kind="stable", ignore_index=True)


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
