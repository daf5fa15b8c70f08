"""Money that moved, taken out of the marks around it, so that it is neither profit nor loss (`docs/metrics.md`).

What people put in or take out counts from the mark before it; a rebalance is made at the mark that holds it, as the
worker has it. Between marks a day apart what was earned before money moved was earned on other money than what was
earned after, so the marks of the hours in which it moved are read, too.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from pandas import DataFrame, concat
from sqlalchemy import Connection, func, literal, select

from dashboard.queries.frames import frame
from shared.enums import Resolution, ScopeKind, TransferKind
from shared.tables import Bot, Transfer
from shared.tables.equity import equity_points
from shared.units import HOUR_MS

# Marks of hours read for all scopes together: of the newest flows where there are more.
MOST_MARKS = 20_000
_NEEDED = ("scope_id", "last_ms", "equity", "money_in")


def flow_free(
    connection: Connection, portfolio_id: int, kind: ScopeKind, points: DataFrame, resolution: Resolution
) -> np.ndarray:
    """Give what marks would be without the money that moved after the first of their scope.

    `points` are marks of scopes of one kind, scope after scope, oldest first (columns of `equity_point`); `resolution`
    is what they were read at.
    """
    if not len(points):
        return np.empty(0)
    arrivals = load_arrivals(connection, portfolio_id, kind, points)
    marks = points[list(_NEEDED)].reset_index(drop=True).assign(place=np.arange(len(points)))
    if resolution is Resolution.DAY:
        marks = _with_hours(connection, portfolio_id, kind, marks)
    line, place = _grown(marks, arrivals), marks["place"].to_numpy()
    grown = np.empty(len(points))
    grown[place[place >= 0]] = line[place >= 0]
    return grown


def _grown(marks: DataFrame, arrivals: DataFrame) -> np.ndarray:
    """Chain the returns from mark to mark, scope by scope."""
    owner, time_ms = marks["scope_id"].to_numpy(), marks["last_ms"].to_numpy(np.int64)
    equity, money_in = marks["equity"].to_numpy(np.float64), marks["money_in"].to_numpy(np.float64)
    edges = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1], True]).tolist()
    arrived = np.zeros(len(marks))
    came = dict(iter(arrivals.groupby("scope_id")))
    for first, end in pairwise(edges):
        own = came.get(owner[first])
        if own is None:
            continue
        at = np.searchsorted(time_ms[first:end], own["time_ms"].to_numpy(np.int64), side="left")
        within = (at > 0) & (at < end - first)
        np.add.at(arrived, first + at[within], own["amount"].to_numpy(np.float64)[within])
    start = equity[:-1] + arrived[1:]
    rest = np.diff(money_in) - arrived[1:]
    known = (equity[:-1] > 0.0) & (start > 0.0)
    growth = np.divide(equity[1:] - rest, start, out=np.ones(len(start)), where=known)
    parts = [equity[first] * np.r_[1.0, np.cumprod(growth[first : end - 1])] for first, end in pairwise(edges)]
    return np.concatenate(parts)


def load_arrivals(connection: Connection, portfolio_id: int, kind: ScopeKind, points: DataFrame) -> DataFrame:
    """Load what people put in and took out between the marks: scope_id, time_ms, amount."""
    own = Transfer.__table__.c
    scope_id, terms = _owner(portfolio_id, kind, points)
    statement = (
        select(scope_id.label("scope_id"), own.time_ms, func.sum(own.amount).label("amount"))
        .where(*terms, own.kind != TransferKind.REBALANCE.name)
        .group_by(scope_id, own.time_ms)
    )
    return frame(connection, statement)


def _with_hours(connection: Connection, portfolio_id: int, kind: ScopeKind, marks: DataFrame) -> DataFrame:
    """Put the marks of the hours in which money moved, and of those before, between the marks of days."""
    own = Transfer.__table__.c
    _, terms = _owner(portfolio_id, kind, marks)
    if kind is ScopeKind.PORTFOLIO:
        terms.append(own.kind != TransferKind.REBALANCE.name)
    hour = (own.time_ms - 1) // HOUR_MS * HOUR_MS
    ids = [int(scope_id) for scope_id in marks["scope_id"].unique()]
    most = max(MOST_MARKS // (2 * len(ids)), 1)
    hours = connection.execute(select(hour).where(*terms).distinct().order_by(hour.desc()).limit(most)).scalars().all()
    if not hours:
        return marks
    starts = sorted({start for hour_ms in hours for start in (hour_ms - HOUR_MS, hour_ms)})
    points = equity_points(kind, Resolution.HOUR, ids, starts[0], starts[-1] + 1)
    columns = points.selected_columns
    some = points.with_only_columns(*(columns[name] for name in _NEEDED)).where(columns.time_ms.in_(starts))
    # Marks of days come first, so that of two at one time theirs is kept.
    both = concat([marks, frame(connection, some).assign(place=-1)], ignore_index=True)
    both = both.drop_duplicates(["scope_id", "last_ms"]).sort_values(["scope_id", "last_ms"], kind="stable")
    first = marks.groupby("scope_id")["last_ms"].min()
    last = marks.groupby("scope_id")["last_ms"].max()
    after, until = both["scope_id"].map(first), both["scope_id"].map(last)
    return both[(both["last_ms"] >= after) & (both["last_ms"] <= until)]


def _owner(portfolio_id: int, kind: ScopeKind, marks: DataFrame) -> tuple[Any, list[Any]]:
    """Give the scope a transfer belongs to, and the conditions on those between the marks."""
    own, bot = Transfer.__table__.c, Bot.__table__.c
    terms = [own.time_ms > int(marks["last_ms"].min()), own.time_ms <= int(marks["last_ms"].max())]
    if kind is ScopeKind.PORTFOLIO:
        return literal(portfolio_id), [own.portfolio_id == portfolio_id, *terms]
    ids = [int(scope_id) for scope_id in marks["scope_id"].unique()]
    if kind is ScopeKind.BOT:
        # One bot by its own index, many by that of the portfolio.
        by = own.bot_id == ids[0] if len(ids) == 1 else own.portfolio_id == portfolio_id
        return own.bot_id, [by, own.bot_id.in_(ids), *terms]
    bots = select(bot.id).where(bot.sleeve_id.in_(ids))
    sleeve = select(bot.sleeve_id).where(bot.id == own.bot_id).scalar_subquery()
    return sleeve, [own.portfolio_id == portfolio_id, own.bot_id.in_(bots), *terms]
