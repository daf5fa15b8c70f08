"""What round trips earned: `profits_quote` holds each one's profit in quote, after fees."""

from statistics import NormalDist
from typing import Any

import numpy as np

from shared.units import DAY_MS


def open_profit(quantity: Any, price: Any, fee: Any, close: Any) -> Any:
    """Give the profit in quote of an open lot at `close`: after the part of its entry fee that it still carries.

    Takes numbers, arrays or columns of a query. The open profit of a bot is the sum over its lots.
    """
    return quantity * (close - price) - fee


def profit_factor(profits_quote: np.ndarray) -> float:
    """Give gains / losses, each summed; NaN where nothing was lost."""
    losses = -float(np.sum(np.minimum(profits_quote, 0.0)))
    return float(np.sum(np.maximum(profits_quote, 0.0))) / losses if losses > 0.0 else np.nan


def expectancy(profits_quote: np.ndarray) -> float:
    """Give the mean profit of a round trip in quote; NaN without any."""
    return float(np.mean(profits_quote)) if len(profits_quote) else np.nan


def wins(profits_quote: np.ndarray) -> int:
    """Count the round trips that ended above 0; one that came out even is no win."""
    return int(np.count_nonzero(profits_quote > 0.0))


def win_rate(profits_quote: np.ndarray) -> float:
    """Give the share of round trips that won; NaN without any. Show it with its interval and count."""
    return wins(profits_quote) / len(profits_quote) if len(profits_quote) else np.nan


def symbol_days(symbols: np.ndarray, closed_ms: np.ndarray) -> np.ndarray:
    """Give one whole number per round trip, the same for those of one symbol (numbered from 0) and UTC day of close."""
    return closed_ms // DAY_MS * (1 + symbols.max(initial=0)) + symbols


def independent(count: int, symbol_days: int, bots: int) -> int:
    """Give what an interval counts: the round trips of a single bot, which follow one another; else symbol-days."""
    return count if bots == 1 else symbol_days


def effective_interval(wins: int, count: int, trials: int) -> tuple[float, float]:
    """Give the Wilson interval of `wins / count` as if only `trials` of the `count` were independent; NaN without."""
    if not count or not trials:
        return np.nan, np.nan
    # The interval is a function of rate and count alone, so that a fraction of a win is no matter.
    return wilson_interval(wins / count * trials, trials)


def wilson_interval(successes: float, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Give the bounds of a success rate by Wilson's score interval; NaN where `count` is 0.

    Equals `scipy.stats.binomtest(successes, count).proportion_ci(confidence, method="wilson")`, whose import takes half
    a second. Source: Wilson (1927), Journal of the American Statistical Association 22.
    """
    if not count:
        return np.nan, np.nan
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    rate, spread = successes / count, z * z / count
    centre = rate + spread / 2.0
    reach = (rate * (1.0 - rate) * spread + spread * spread / 4.0) ** 0.5
    low = (centre - reach) / (1.0 + spread) if successes else 0.0
    high = (centre + reach) / (1.0 + spread) if successes < count else 1.0
    return low, high
