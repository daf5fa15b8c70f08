"""Equity over time: points at each step for portfolio and sleeves, and roll-ups to hours and days for every scope."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from shared.enums import Resolution, ScopeKind
from shared.tables import EquityPoint, EquityRecent
from shared.tables.equity import SLOTS
from shared.units import DAY_MS, HOUR_MS
from worker.store.rows import write_sql

ROLLUPS = {Resolution.HOUR: HOUR_MS, Resolution.DAY: DAY_MS}
_MEASURES = (
    "last_ms",
    "equity",
    "cash",
    "exposure",
    "open_profit",
    "money_in",
    "drawdown_fraction",
    "low_equity",
    "high_equity",
)
_POINT = ("scope_kind", "scope_id", "resolution", "time_ms", *_MEASURES)
_RECENT = ("slot", "resolution", "time_ms", "scope_kind", "scope_id", *_MEASURES)


@dataclass(slots=True)
class EquityMark:
    """One scope's equity at a step's close; see `equity_point` for the fields."""

    scope_kind: ScopeKind
    scope_id: int
    equity: float
    cash: float
    exposure: float
    open_profit: float
    money_in: float
    drawdown_fraction: float


@dataclass(frozen=True, slots=True)
class EquitySeries:
    """One scope's marks over a longer time, oldest first: `time_ms` int64, the rest float64, all of one length."""

    scope_kind: ScopeKind
    scope_id: int
    time_ms: np.ndarray
    equity: np.ndarray
    cash: np.ndarray
    exposure: np.ndarray
    open_profit: np.ndarray
    money_in: np.ndarray
    drawdown_fraction: np.ndarray


def rollup_ms(time_ms: int, length_ms: int) -> int:
    """Give the start of the hour or day `(start, start + length]` that a mark belongs to: 00:00 ends the day before."""
    return (time_ms - 1) // length_ms * length_ms


def save_equity(connection: Connection, step: int, time_ms: int, marks: Sequence[EquityMark]) -> None:
    """Write the marks of a step, whose close is `time_ms`.

    Portfolio and sleeves get a point each; every scope's hour and day are brought up to date. Times never go back.
    """
    points, recent = [], []
    buckets = [(resolution.name, rollup_ms(time_ms, length_ms)) for resolution, length_ms in ROLLUPS.items()]
    for mark in marks:
        kind = mark.scope_kind.name
        equity = mark.equity
        measures = (
            time_ms,
            equity,
            mark.cash,
            mark.exposure,
            mark.open_profit,
            mark.money_in,
            mark.drawdown_fraction,
            equity,
            equity,
        )
        if mark.scope_kind is not ScopeKind.BOT:
            points.append((kind, mark.scope_id, Resolution.STEP.name, time_ms, *measures))
        for resolution, start_ms in buckets:
            recent.append((mark.scope_id % SLOTS, resolution, start_ms, kind, mark.scope_id, *measures))
    if points:
        connection.exec_driver_sql(write_sql(EquityPoint, _POINT, connection, "update"), points)
    if recent:
        connection.exec_driver_sql(_merge_sql(connection), recent)
    _move_slot(connection, step % SLOTS, dict(buckets))


def save_equity_series(connection: Connection, series: EquitySeries) -> None:
    """Write a long stretch of one scope's marks at once, to the same rows that `save_equity` mark by mark would make.

    The scope must have no marks within the stretch or after it.
    """
    if not len(series.time_ms):
        return
    kind, scope_id = series.scope_kind.name, series.scope_id
    if series.scope_kind is not ScopeKind.BOT:
        edges = np.arange(len(series.time_ms))
        _insert_points(connection, kind, scope_id, Resolution.STEP, series.time_ms, _rolled(series, edges))
    for resolution, length_ms in ROLLUPS.items():
        starts = (series.time_ms - 1) // length_ms * length_ms
        edges = np.flatnonzero(np.r_[True, starts[1:] != starts[:-1]])
        measures = _rolled(series, edges)
        closed = [column[:-1] for column in measures]
        _insert_points(connection, kind, scope_id, resolution, starts[edges][:-1], closed)
        last = (column[-1].item() for column in measures)
        row = (scope_id % SLOTS, resolution.name, int(starts[-1]), kind, scope_id, *last)
        connection.exec_driver_sql(_merge_sql(connection), [row])


def _rolled(series: EquitySeries, edges: np.ndarray) -> list[np.ndarray]:
    last = np.r_[edges[1:], len(series.time_ms)] - 1
    return [
        series.time_ms[last],
        series.equity[last],
        series.cash[last],
        series.exposure[last],
        series.open_profit[last],
        series.money_in[last],
        np.maximum.reduceat(series.drawdown_fraction, edges),
        np.minimum.reduceat(series.equity, edges),
        np.maximum.reduceat(series.equity, edges),
    ]


def _insert_points(
    connection: Connection,
    kind: str,
    scope_id: int,
    resolution: Resolution,
    time_ms: np.ndarray,
    measures: list[np.ndarray],
) -> None:
    columns = zip(time_ms.tolist(), *(column.tolist() for column in measures), strict=True)
    rows = [(kind, scope_id, resolution.name, *row) for row in columns]
    if rows:
        connection.exec_driver_sql(write_sql(EquityPoint, _POINT, connection, "update"), rows)


def _merge_sql(connection: Connection) -> str:
    is_sqlite = connection.dialect.name == "sqlite"
    least, greatest = ("min", "max") if is_sqlite else ("least", "greatest")
    merged = {
        "drawdown_fraction": greatest,
        "low_equity": least,
        "high_equity": greatest,
    }
    changes = [
        f"{name} = {merged[name]}(equity_recent.{name}, excluded.{name})"
        if name in merged
        else f"{name} = excluded.{name}"
        for name in _MEASURES
    ]
    insert = write_sql(EquityRecent, _RECENT, connection)
    return f"{insert} ON CONFLICT (slot, resolution, time_ms, scope_kind, scope_id) DO UPDATE SET {', '.join(changes)}"


def _move_slot(connection: Connection, slot: int, running: dict[str, int]) -> None:
    """Move the finished hours and days of one slot to where they are clustered by scope."""
    marker = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    changes = ", ".join(f"{name} = excluded.{name}" for name in _MEASURES)
    names = ", ".join(_POINT)
    for resolution, start_ms in running.items():
        finished = f"slot = {marker} AND resolution = {marker} AND time_ms < {marker}"
        given = (slot, resolution, start_ms)
        connection.exec_driver_sql(
            f"INSERT INTO equity_point ({names}) SELECT {names} FROM equity_recent WHERE {finished} "
            f"ORDER BY scope_kind, scope_id ON CONFLICT (scope_kind, scope_id, resolution, time_ms) "
            f"DO UPDATE SET {changes}",
            given,
        )
        connection.exec_driver_sql(f"DELETE FROM equity_recent WHERE {finished}", given)
