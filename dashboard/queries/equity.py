"""Equity over time, at the resolution that keeps a chart small."""

from typing import NamedTuple

import numpy as np
from pandas import DataFrame, concat
from sqlalchemy import Connection, select

from dashboard.queries import marks
from dashboard.queries.flows import flow_free
from dashboard.queries.frames import empty
from dashboard.queries.marks import MAX_POINTS
from shared.enums import Resolution, ScopeKind
from shared.tables import Bot, PortfolioState, Sleeve
from shared.tables import Portfolio as PortfolioTable

_NUMBERS = (
    *("equity", "profit", "flow_free_equity", "return_fraction", "cash", "exposure", "open_profit", "money_in"),
    *("drawdown_fraction", "low_equity", "high_equity"),
)


class Scope(NamedTuple):
    """A scope as people name it; the portfolio's name is empty."""

    kind: ScopeKind
    name: str = ""


PORTFOLIO = Scope(ScopeKind.PORTFOLIO)


def load_equity(
    connection: Connection,
    portfolio_id: int,
    scopes: tuple[Scope, ...] = (PORTFOLIO,),
    start_ms: int | None = None,
    end_ms: int | None = None,
    max_points: int = MAX_POINTS,
) -> DataFrame:
    """Load curves of equity, scope after scope, oldest first, at most `max_points` rows in all.

    Columns: scope_kind, scope, time_ms (of the mark), equity, profit (equity − money_in), flow_free_equity (from the
    equity of the first mark shown), return_fraction (flow-free, since that mark), cash, exposure, open_profit,
    money_in, drawdown_fraction, low_equity, high_equity (deepest, lowest and highest since the mark before),
    resolution (of what was read). Without `start_ms` curves begin with the money the books were opened with. A scope
    that is not known has no rows.
    """
    # A mark rolled up from a stretch has the time of its end: the newest may be at `end_ms`, none later.
    curves = [_curve(connection, portfolio_id, scope, start_ms, end_ms) for scope in scopes]
    shown = [curve for curve in curves if len(curve)]
    if not shown:
        kinds = (
            dict.fromkeys(("scope_kind", "scope"), "str") | {"time_ms": "int64"} | dict.fromkeys(_NUMBERS, "float64")
        )
        return empty(**kinds, resolution="str")
    each = max(max_points // len(shown), 2)
    return concat([marks.thinned(curve, each) for curve in shown], ignore_index=True)


def find_scope(connection: Connection, portfolio_id: int, scope: Scope) -> marks.Scope | None:
    """Give the id of a scope; None where there is none of that name."""
    if scope.kind is ScopeKind.PORTFOLIO:
        own = PortfolioTable.__table__.c
        found = connection.execute(select(own.id).where(own.id == portfolio_id)).scalar()
    else:
        own = (Sleeve if scope.kind is ScopeKind.SLEEVE else Bot).__table__.c
        statement = select(own.id).where(own.portfolio_id == portfolio_id, own.name == scope.name)
        found = connection.execute(statement).scalar()
    return None if found is None else marks.Scope(scope.kind, int(found))


def _curve(
    connection: Connection, portfolio_id: int, scope: Scope, start_ms: int | None, end_ms: int | None
) -> DataFrame:
    found = find_scope(connection, portfolio_id, scope)
    if found is None:
        return DataFrame()
    first_ms = start_ms if start_ms is not None else marks.first_mark_ms(connection, found)
    clock = _clock(connection, portfolio_id)
    if first_ms is None or clock is None:
        return DataFrame()
    last_ms, step_ms = clock
    span_ms = (last_ms if end_ms is None else min(end_ms, last_ms)) - first_ms
    resolution = marks.resolution_for(span_ms, step_ms, found.kind)
    read = marks.load_marks(connection, found.kind, [found.scope_id], resolution, start_ms, end_ms)
    if start_ms is None:
        opening = marks.load_opening(connection, portfolio_id)
        if opening is not None:
            read = marks.with_opening(read, opening.time_ms, marks.opening_amount(connection, opening, found))
    grown = flow_free(connection, portfolio_id, found.kind, read, resolution)
    return _named(read, grown, scope, resolution)


def _named(read: DataFrame, grown: np.ndarray, scope: Scope, resolution: Resolution) -> DataFrame:
    if not len(read):
        return DataFrame()
    equity, money_in = read["equity"].to_numpy(), read["money_in"].to_numpy()
    start = grown[0]
    kept = {name: read[name] for name in ("cash", "exposure", "open_profit", "drawdown_fraction", "low_equity")}
    return DataFrame(
        {
            "scope_kind": scope.kind.name,
            "scope": scope.name,
            "time_ms": read["last_ms"],
            "equity": equity,
            "profit": equity - money_in,
            "flow_free_equity": grown,
            "return_fraction": grown / start - 1.0 if start > 0.0 else np.full(len(read), np.nan),
            "cash": kept["cash"],
            "exposure": kept["exposure"],
            "open_profit": kept["open_profit"],
            "money_in": money_in,
            "drawdown_fraction": kept["drawdown_fraction"],
            "low_equity": kept["low_equity"],
            "high_equity": read["high_equity"],
            "resolution": resolution.name,
        }
    )


def _clock(connection: Connection, portfolio_id: int) -> tuple[int, int] | None:
    state, portfolio = PortfolioState.__table__.c, PortfolioTable.__table__.c
    statement = (
        select(state.time_ms + portfolio.step_ms, portfolio.step_ms)
        .join(PortfolioTable.__table__, portfolio.id == state.portfolio_id)
        .where(portfolio.id == portfolio_id)
    )
    row = connection.execute(statement).first()
    return None if row is None else (int(row[0]), int(row[1]))
