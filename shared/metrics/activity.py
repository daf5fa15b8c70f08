"""How much was traded and held."""

import numpy as np


def turnover(notionals_quote: np.ndarray, equity: np.ndarray) -> float:
    """Give how many times the mean equity was traded: Σ|quantity × price| of the fills / the mean of the marks.

    Buys and sells both count. NaN where the mean equity is not positive.
    """
    mean_equity = float(np.mean(equity)) if len(equity) else np.nan
    return float(np.sum(np.abs(notionals_quote))) / mean_equity if mean_equity > 0.0 else np.nan


def time_in_market(opened_ms: np.ndarray, closed_ms: np.ndarray, start_ms: int, end_ms: int, bots: int = 1) -> float:
    """Give the share of the time from start to end in which a bot held a position, as the mean over bots.

    One row per holding: round trips, and open positions with `end_ms`; what lies outside start and end is cut off. NaN
    where no time passed or there is no bot.
    """
    held_ms = np.minimum(closed_ms, end_ms) - np.maximum(opened_ms, start_ms)
    whole_ms = (end_ms - start_ms) * bots
    return float(np.sum(np.maximum(held_ms, 0))) / whole_ms if whole_ms > 0 else np.nan


def exposure(gross_quote: np.ndarray, equity: np.ndarray) -> float:
    """Give the mean over marks of gross exposure / equity, gross exposure being Σ|quantity × price| over bots.

    Marks with equity ≤ 0 are left out; NaN without any other.
    """
    known = equity > 0.0
    return float(np.mean(gross_quote[known] / equity[known])) if np.any(known) else np.nan
