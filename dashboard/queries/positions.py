"""Open positions with what protects them."""

import numpy as np
from pandas import DataFrame, Series
from sqlalchemy import Connection

from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_settings, select_members
from dashboard.queries.states import load_bot_states

_SAME = ("quantity", "entry_price", "close", "notional", "open_profit")


def load_positions(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> DataFrame:
    """Load the open positions, in the order of the bots.

    Columns: bot, sleeve, symbol, side (LONG or SHORT), quantity (signed), entry_price, close, notional (signed),
    open_profit (quote, after the fees the lots carry), return_fraction (open_profit / entry notional), stop_price,
    trailing_price (each NaN where there is none), exit_level (the nearest of them, which the running bar is
    held against; NaN where nothing protects),
    is_trailing, distance_fraction (how far the close is from it, negative where it is beyond), risk (quote lost from
    here if it exits there, ≥ 0), best_price, worst_price, opened_ms, allocation, bar_status, price_ms (the market time
    of the last price there was, 0 where it is not known), level. Filters: bots, sleeves, symbols.
    """
    states = select_members(load_bot_states(connection, portfolio_id), filters)
    held = states[states["is_open"] == 1].reset_index(drop=True)
    quantity, entry, close = (held[name].to_numpy(np.float64) for name in ("quantity", "entry_price", "close"))
    direction = np.sign(quantity)
    kept = _positive(held["exit_level"].to_numpy(np.float64))
    stop_fraction = held["stop_fraction"].to_numpy(np.float64)
    stop = np.where(stop_fraction > 0.0, entry * (1.0 - direction * stop_fraction), np.nan)
    trailing = _trailing(held, load_settings(connection, portfolio_id).get("risk", {}))
    # What the worker will hold the running bar against: never further away than the level it kept.
    exit_level = direction * np.fmax(np.fmax(direction * kept, direction * stop), direction * trailing)
    return DataFrame(
        {
            **{name: held[name] for name in ("bot", "sleeve", "symbol")},
            "side": Series(np.where(quantity > 0.0, "LONG", "SHORT"), dtype="str"),
            **{name: held[name] for name in _SAME},
            "return_fraction": held["open_profit"].to_numpy() / np.abs(quantity * entry),
            "stop_price": stop,
            "trailing_price": trailing,
            "exit_level": exit_level,
            "is_trailing": _is_trailing(held, direction, kept, stop, trailing),
            "distance_fraction": direction * (close - exit_level) / close,
            "risk": np.maximum(quantity * (close - exit_level), 0.0),
            **{name: held[name] for name in ("best_price", "worst_price", "opened_ms", "allocation")},
            **{name: held[name] for name in ("bar_status", "price_ms", "level")},
        }
    )


def _is_trailing(
    held: DataFrame, direction: np.ndarray, kept: np.ndarray, stop: np.ndarray, trailing: np.ndarray
) -> np.ndarray:
    """Say whether the trailing stop rules: it set the level the worker kept, but for one of now that is nearer."""
    stop_moves = np.isnan(kept) | (direction * stop > direction * kept)
    fixed = np.where(stop_moves, direction * stop, direction * kept)
    trailing_moves = ~np.isnan(trailing) & ~(direction * trailing <= fixed)
    return trailing_moves | ((held["is_trailed"].to_numpy() == 1) & ~stop_moves)


def _positive(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0.0, values, np.nan)


def _trailing(held: DataFrame, risk: dict) -> np.ndarray:
    """Give where the best price seen so far puts the trailing stop, NaN where it is not armed."""
    activate, giveback = float(risk.get("trail_activate", 0.0)), float(risk.get("trail_giveback", 0.0))
    entry, direction = held["entry_price"].to_numpy(), np.sign(held["quantity"].to_numpy())
    peak = direction * (held["best_price"].to_numpy() / entry - 1.0)
    armed = (peak >= activate) & (activate > 0.0)
    return np.where(armed, entry * (1.0 + direction * peak * (1.0 - giveback)), np.nan)
