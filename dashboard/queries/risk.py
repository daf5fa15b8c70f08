"""Brakes with their distance and history, and exposure by symbol and direction."""

from typing import Any

import numpy as np
from pandas import DataFrame, Series
from sqlalchemy import Connection, select

from dashboard.queries.fleet import load_settings
from dashboard.queries.frames import empty, frame, records
from dashboard.queries.overview import loss_fraction
from dashboard.queries.states import load_states
from shared.enums import Cause, NoticeKind, ScopeKind
from shared.tables import Event

_OF_DRAWDOWN = ("equity", "high_water", "warned_drawdown", "level_drawdown")


def load_brakes(connection: Connection, portfolio_id: int) -> DataFrame:
    """Load every brake of every scope: portfolio first, then sleeves, then bots.

    Columns: brake (DRAWDOWN or DAILY_LOSS), scope_kind, scope, value_fraction, limit_fraction, left_fraction (negative
    where it was passed), used (value / limit), is_warned, level (what it has set), is_on (0 where brakes are switched
    off).
    """
    states = load_states(connection, portfolio_id)
    risk = load_settings(connection, portfolio_id).get("risk")
    if states is None or risk is None:
        kinds = dict.fromkeys(("brake", "scope_kind", "scope"), "str")
        numbers = dict.fromkeys(("value_fraction", "limit_fraction", "left_fraction", "used"), "float64")
        return empty(**kinds, **numbers, is_warned="int64", level="str", is_on="int64")
    state, sleeves, bots = states
    portfolio = (ScopeKind.PORTFOLIO, "", state)
    rows = [
        _brake(Cause.DRAWDOWN, *portfolio, state["high_water"], risk["portfolio_drawdown"]),
        _brake(Cause.DAILY_LOSS, *portfolio, state["day_start_equity"], risk["daily_loss"]),
    ]
    for kind, name, states, limit in (
        (ScopeKind.SLEEVE, "sleeve", sleeves, risk["sleeve_drawdown"]),
        (ScopeKind.BOT, "bot", bots, risk["bot_drawdown"]),
    ):
        for row in records(states, name, *_OF_DRAWDOWN):
            rows.append(_brake(Cause.DRAWDOWN, kind, row[name], row, row["high_water"], limit))
    return DataFrame(rows).assign(is_on=int(bool(risk.get("brakes", True))))


def _brake(cause: Cause, kind: ScopeKind, name: str, row: Any, reference: float, limit: float) -> dict[str, Any]:
    value = loss_fraction(float(row["equity"]), float(reference))
    return {
        "brake": cause.name,
        "scope_kind": kind.name,
        "scope": name,
        "value_fraction": value,
        "limit_fraction": float(limit),
        "left_fraction": float(limit) - value,
        "used": value / float(limit),
        "is_warned": int(row[f"warned_{cause.name.lower()}"]),
        "level": row[f"level_{cause.name.lower()}"],
    }


def load_brake_history(connection: Connection, portfolio_id: int, limit: int = 500) -> DataFrame:
    """Load when brakes warned, tripped and were released, newest first.

    Columns: time_ms (market), wall_ms, cause, what (WARNED, TRIPPED or RELEASED), scope_kind, scope, value, limit (NaN
    where it has none), message.
    """
    kinds = {f"{cause.name}_{what.name}": (cause.name, what.name) for cause in Cause for what in NoticeKind}
    own = Event.__table__.c
    names = ("time_ms", "wall_ms", "kind", "scope_kind", "scope", "value", "limit", "message")
    statement = select(*(own[name] for name in names)).where(
        own.portfolio_id == portfolio_id, own.kind.in_(list(kinds))
    )
    rows = frame(connection, statement.order_by(own.time_ms.desc(), own.id.desc()).limit(limit))
    told = [kinds[kind] for kind in rows.pop("kind")]
    rows.insert(2, "cause", Series([cause for cause, _ in told], dtype="str"))
    rows.insert(3, "what", Series([what for _, what in told], dtype="str"))
    return rows


def load_exposures(connection: Connection, portfolio_id: int) -> DataFrame:
    """Load what is held of each symbol, in the order of the bots.

    Columns: symbol, long (≥ 0), short (≤ 0), net, gross (quote), positions, of_equity (gross / portfolio equity, NaN
    where that is not positive).
    """
    states = load_states(connection, portfolio_id)
    if states is None:
        numbers = dict.fromkeys(("long", "short", "net", "gross", "positions", "of_equity"), "float64")
        return empty(symbol="str", **(numbers | {"positions": "int64"}))
    bots, equity = states.bots, float(states.portfolio["equity"])
    parts = DataFrame(
        {
            "symbol": bots["symbol"],
            "long": bots["notional"].clip(lower=0.0),
            "short": bots["notional"].clip(upper=0.0),
            "positions": bots["is_open"],
        }
    )
    table = parts.groupby("symbol", sort=False, as_index=False).sum()
    table["net"] = table["long"] + table["short"]
    table["gross"] = table["long"] - table["short"]
    table["of_equity"] = table["gross"] / equity if equity > 0.0 else np.nan
    return table[["symbol", "long", "short", "net", "gross", "positions", "of_equity"]]
