"""Where stop, trailing stop and next target of a past position stood, bar by bar (`docs/kernel.md`, protective exits).

The worker keeps only the level in force; a test holds this against the levels it kept and the prices it exited at.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pandas import DataFrame


def protective_path(
    bars: DataFrame, entries: DataFrame, direction: float, stop_fraction: float, risk: dict[str, Any]
) -> DataFrame:
    """Give the levels that protected a position in each of its bars.

    `bars` are those it was held in, oldest first (open_ms, high, low); `entries` the fills that opened and increased it
    (time_ms, quantity, price). `stop_fraction` is the distance frozen when it opened, 0 for none; `risk` holds
    trail_activate, trail_giveback and ladder. Columns: time_ms, entry_price, stop_price, trailing_price, exit_level,
    target_price (the next rung that was not reached; NaN for none).
    """
    time_ms = bars["open_ms"].to_numpy(np.int64)
    entry = _entry_prices(time_ms, entries)
    best = _best_before(bars, float(entries["price"].iloc[0]), direction) if len(bars) else np.empty(0)
    stop = entry * (1.0 - direction * stop_fraction) if stop_fraction > 0.0 else np.full(len(bars), np.nan)
    activate, giveback = float(risk.get("trail_activate", 0.0)), float(risk.get("trail_giveback", 0.0))
    peak = direction * (best / entry - 1.0)
    armed = (peak >= activate) & (activate > 0.0)
    trailing = np.where(armed, entry * (1.0 + direction * peak * (1.0 - giveback)), np.nan)
    # Never further away than it was: the highest so far for a long, the lowest for a short.
    nearest = np.fmax(direction * stop, direction * trailing)
    ruling = direction * np.fmax.accumulate(nearest) if len(bars) else nearest
    levels = {"entry_price": entry, "stop_price": stop, "trailing_price": trailing, "exit_level": ruling}
    target = entry * (1.0 + direction * _next_rung(peak, risk.get("ladder") or ()))
    return DataFrame({"time_ms": time_ms, **levels, "target_price": target})


def _next_rung(peak: np.ndarray, ladder: Sequence[Sequence[float]]) -> np.ndarray:
    """Give the profit of the first rung beyond each peak; NaN where all were reached."""
    profits = np.sort(np.array([profit for profit, _ in ladder], np.float64))
    return np.append(profits, np.nan)[np.searchsorted(profits, peak, side="right")]


def _entry_prices(time_ms: np.ndarray, entries: DataFrame) -> np.ndarray:
    """Give the quantity-weighted average of what had opened the position by each bar's open."""
    quantity, price = entries["quantity"].to_numpy(np.float64), entries["price"].to_numpy(np.float64)
    average = np.cumsum(quantity * price) / np.cumsum(quantity)
    at = np.searchsorted(entries["time_ms"].to_numpy(np.int64), time_ms, side="right") - 1
    return average[np.clip(at, 0, len(average) - 1)]


def _best_before(bars: DataFrame, entry_price: float, direction: float) -> np.ndarray:
    """Give the best price since the position opened as it was known before each bar."""
    reached = direction * bars["high" if direction > 0.0 else "low"].to_numpy(np.float64)
    known = np.r_[direction * entry_price, reached[:-1]]
    return direction * np.maximum.accumulate(known)
