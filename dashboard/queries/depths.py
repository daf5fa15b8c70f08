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


def deepest_of_days(days: DataFrame, fine: DataFrame) -> np.ndarray:
    """Give how deep each day fell below the highest since the first mark of its scope, by the marks of `load_fine`.

    `days` are what `fine` was loaded for. Fractions ≥ 0, 0 at the first.
    """
    owner, first = days["scope_id"].to_numpy(), _is_first(days)
    fell = fine[["scope_id", "depth"]].assign(day=(fine["last_ms"].to_numpy(np.int64) - 1) // DAY_MS)
    # The first mark ends a day that is none of the period.
    fell = fell[fell.duplicated("scope_id")].groupby(["scope_id", "day"])["depth"].max().to_dict()
    day = ((days["last_ms"].to_numpy(np.int64) - 1) // DAY_MS).tolist()
    of_each = [fell.get(key, 0.0) for key in zip(owner.tolist(), day, strict=True)]
    return np.where(first, 0.0, np.array(of_each, np.float64))


def load_fine(
    connection: Connection, portfolio_id: int, kind: ScopeKind, days: DataFrame
) -> tuple[DataFrame, Resolution]:
    """Load the finest marks from the first of some days to the last that are not too many, and their resolution.

    Columns: scope_id, last_ms, low, high (flow-free), depth (below the highest since the first).
    """
    begin_ms, end_ms = int(days["last_ms"].min()), int(days["last_ms"].max())
    ids = [int(scope_id) for scope_id in days["scope_id"].unique()]
    own = Portfolio.__table__.c
    step_ms = int(connection.execute(select(own.step_ms).where(own.id == portfolio_id)).scalar_one())
    resolution = marks.resolution_for(end_ms - begin_ms, step_ms, kind, MOST_MARKS // len(ids))
    read = days
    if resolution is not Resolution.DAY:
        # A step's mark has its own time, a rolled-up one that of its beginning.
        later = int(resolution is Resolution.STEP)
        first = days[_is_first(days)]
        begun_ms = first.set_index("scope_id")["last_ms"]
        read = marks.load_marks(connection, kind, ids, resolution, begin_ms + later, end_ms + later)
        read = read[read["last_ms"] > read["scope_id"].map(begun_ms)]
        read = concat([first, read], ignore_index=True)
        read = read.sort_values(["scope_id", "last_ms"], kind="stable", ignore_index=True)
    grown = flow_free(connection, portfolio_id, kind, read, resolution)
    low, high = reach(connection, portfolio_id, kind, read, grown)
    depth = _fell(read["scope_id"].to_numpy(), low, high, grown)
    fine = DataFrame({"scope_id": read["scope_id"], "last_ms": read["last_ms"], "low": low, "high": high})
    return fine.assign(depth=depth), resolution


def lasted_ms(time_ms: np.ndarray, high: np.ndarray, depth: np.ndarray) -> float:
    """Give how long the deepest fall of one scope lasted: from its peak until a mark is as high again, or to the end.

    The peak is the last mark that was as high as any before the deepest; 0 where nothing fell.
    """
    trough = int(np.argmax(depth)) if len(depth) else 0
    if not len(depth) or depth[trough] <= 0.0:
        return 0.0
    peak = int(np.flatnonzero(high[: trough + 1] == np.max(high[: trough + 1]))[-1])
    back = np.flatnonzero(high[trough + 1 :] >= high[peak])
    end = trough + 1 + int(back[0]) if len(back) else len(high) - 1
    return float(time_ms[end] - time_ms[peak])


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
    low, high = reach(connection, portfolio_id, kind, points, grown)
    return _fell(points["scope_id"].to_numpy(), low, high, grown)


def reach(
    connection: Connection, portfolio_id: int, kind: ScopeKind, points: DataFrame, grown: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give the lowest and highest of each mark of `depths`, flow-free."""
    equity = points["equity"].to_numpy(np.float64)
    # What was before the first mark is none of the period.
    known = ~_is_first(points) & ~_moved(connection, portfolio_id, kind, points) & (equity > 0.0)
    low, high = (
        grown * np.divide(points[name].to_numpy(np.float64), equity, out=np.ones(len(equity)), where=known)
        for name in ("low_equity", "high_equity")
    )
    return low, high


def _is_first(points: DataFrame) -> np.ndarray:
    owner = points["scope_id"].to_numpy()
    return np.r_[True, owner[1:] != owner[:-1]]


def _fell(owner: np.ndarray, low: np.ndarray, high: np.ndarray, grown: np.ndarray) -> np.ndarray:
    edges = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1], True]).tolist()
    fell = np.zeros(len(owner))
    for begin, end in pairwise(edges):
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
