"""Equity over time, at the resolution that keeps a chart small."""

from typing import NamedTuple

import numpy as np
from pandas import DataFrame, concat
from sqlalchemy import Connection, select

from dashboard.queries import marks
from dashboard.queries.filters import Filters
from dashboard.queries.flows import flow_free
from dashboard.queries.frames import empty
from dashboard.queries.marks import MAX_POINTS
from dashboard.queries.window import Window, load_window
from shared.enums import Resolution, ScopeKind
from shared.tables import Bot, Sleeve
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
    resolution (of what was read). They are of the window of these times (`load_window`), from the mark it begins with
    to that it ends with; without `start_ms` they begin with the money the books were opened with. A scope that is not
    known has no rows.
    """
    window = load_window(connection, portfolio_id, Filters(start_ms, end_ms))
    curves = [] if window is None else [_curve(connection, portfolio_id, scope, window) for scope in scopes]
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


def _curve(connection: Connection, portfolio_id: int, scope: Scope, window: Window) -> DataFrame:
    found = find_scope(connection, portfolio_id, scope)
    if found is None:
        return DataFrame()
    resolution = marks.resolution_for(window.end_ms - window.begin_ms, window.step_ms, found.kind)
    read = marks.load_between(connection, portfolio_id, found.kind, [found.scope_id], resolution, window)
    if not len(read) and window.start_ms is not None:
        read = marks.last_marks(connection, found.kind, [found.scope_id], window.start_ms)
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
