"""How deep marks fell below the highest of their own period; the worker's drawdowns are from the highest ever."""

from itertools import pairwise

import numpy as np
from pandas import DataFrame, concat
from sqlalchemy import Connection, select

from dashboard.queries import marks
from dashboard.queries.flows import flow_free, load_arrivals
from shared.enums import Resolution, ScopeKind
from shared.tables import Portfolio
from shared.units import DAY_MS

# Marks read to tell the depth of a period: steps where they are no more, else hours, else days.
MOST_MARKS = 12_000


def load_depths(
    connection: Connection, portfolio_id: int, kind: ScopeKind, days: DataFrame, of_days: np.ndarray
) -> tuple[np.ndarray, Resolution]:
    """Load how deep each day fell below the highest since the first mark of its scope; and which marks tell it.

    `days` are marks of days, scope after scope, oldest first (columns of `equity_point`), `of_days` what `flow_free`
    makes of them. Fractions ≥ 0, 0 at the first.
    """
    if not len(days):
        return np.empty(0), Resolution.DAY
    begin_ms, end_ms = int(days["last_ms"].min()), int(days["last_ms"].max())
    ids = [int(scope_id) for scope_id in days["scope_id"].unique()]
    own = Portfolio.__table__.c
    step_ms = int(connection.execute(select(own.step_ms).where(own.id == portfolio_id)).scalar_one())
    resolution = marks.resolution_for(end_ms - begin_ms, step_ms, kind, MOST_MARKS // len(ids))
    if resolution is Resolution.DAY:
        return depths(connection, portfolio_id, kind, days, of_days), resolution
    # A step's mark has its own time, a rolled-up one that of its beginning.
    later = int(resolution is Resolution.STEP)
    read = marks.load_marks(connection, kind, ids, resolution, begin_ms + later, end_ms + later)
    owner = days["scope_id"].to_numpy()
    first = np.r_[True, owner[1:] != owner[:-1]]
    begun_ms = days[first].set_index("scope_id")["last_ms"]
    read = read[read["last_ms"] > read["scope_id"].map(begun_ms)]
    fine = concat([days[first], read], ignore_index=True)
    fine = fine.sort_values(["scope_id", "last_ms"], kind="stable", ignore_index=True)
    grown = flow_free(connection, portfolio_id, kind, fine, resolution)
    fell = fine[["scope_id"]].assign(
        day=(fine["last_ms"].to_numpy(np.int64) - 1) // DAY_MS,
        depth=depths(connection, portfolio_id, kind, fine, grown),
    )
    # The first mark ends a day that is none of the period.
    fell = fell[fell.duplicated("scope_id")].groupby(["scope_id", "day"])["depth"].max().to_dict()
    day = ((days["last_ms"].to_numpy(np.int64) - 1) // DAY_MS).tolist()
    of_each = [fell.get(key, 0.0) for key in zip(owner.tolist(), day, strict=True)]
    return np.where(first, 0.0, np.array(of_each, np.float64)), resolution


def depths(
    connection: Connection, portfolio_id: int, kind: ScopeKind, points: DataFrame, grown: np.ndarray
) -> np.ndarray:
    """Give how deep each mark fell below the highest since the first of its scope, as fractions ≥ 0.

    `points` are marks of scopes, scope after scope, oldest first, `grown` what `flow_free` makes of them. The lowest
    and highest within a rolled-up mark count where no money moved within. Which of the two came first is not kept: a
    fall from a high of the same hour or day counts as far as its last mark.
    """
    if not len(points):
        return np.empty(0)
    owner, equity = points["scope_id"].to_numpy(), points["equity"].to_numpy(np.float64)
    first = np.r_[True, owner[1:] != owner[:-1]]
    # What was before the first mark is none of the period.
    known = ~first & ~_moved(connection, portfolio_id, kind, points) & (equity > 0.0)
    low, high = (
        grown * np.divide(points[name].to_numpy(np.float64), equity, out=np.ones(len(equity)), where=known)
        for name in ("low_equity", "high_equity")
    )
    fell = np.zeros(len(points))
    for begin, end in pairwise(np.r_[np.flatnonzero(first), len(points)].tolist()):
        peak = np.maximum.accumulate(high[begin:end])
        before = np.r_[peak[:1], peak[:-1]]
        fell[begin:end] = np.maximum(_below(low[begin:end], before), _below(grown[begin:end], peak))
    return fell


def _below(values: np.ndarray, peak: np.ndarray) -> np.ndarray:
    fell = np.divide(peak - values, peak, out=np.zeros(len(peak)), where=peak > 0.0)
    return np.maximum(fell, 0.0)


def _moved(connection: Connection, portfolio_id: int, kind: ScopeKind, points: DataFrame) -> np.ndarray:
    """Tell which marks hold money that moved since the one before; also where what came in went out again."""
    moved = np.diff(points["money_in"].to_numpy(np.float64), prepend=np.nan) != 0.0
    came = load_arrivals(connection, portfolio_id, kind, points)
    owner, last_ms = points["scope_id"].to_numpy(), points["last_ms"].to_numpy(np.int64)
    for scope_id, own in came.groupby("scope_id"):
        places = np.flatnonzero(owner == scope_id)
        at = np.searchsorted(last_ms[places], own["time_ms"].to_numpy(np.int64), side="left")
        moved[places[at[at < len(places)]]] = True
    return moved
