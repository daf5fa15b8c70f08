"""Volatility, return for risk, and the loss of a bad day, from daily returns as fractions. A year has 365 of them."""

import numpy as np

from shared.metrics.drawdowns import max_drawdown
from shared.metrics.equity import annual_return

DAYS_PER_YEAR = 365

# Returns of float64 equity differ by about this much when they are the same.
NOISE_FRACTION = 1e-12


def annual_volatility(daily_returns: np.ndarray) -> float:
    """Give the sample standard deviation (n − 1) of daily returns × √365; NaN for fewer than two."""
    if len(daily_returns) < 2:
        return np.nan
    return float(np.std(daily_returns, ddof=1)) * DAYS_PER_YEAR**0.5


def sharpe_ratio(daily_returns: np.ndarray) -> float:
    """Give mean / sample standard deviation of daily returns × √365, with no risk-free return.

    NaN for fewer than two returns or where they do not differ.
    """
    if len(daily_returns) < 2:
        return np.nan
    deviation = float(np.std(daily_returns, ddof=1))
    return float(np.mean(daily_returns)) / deviation * DAYS_PER_YEAR**0.5 if deviation > NOISE_FRACTION else np.nan


def sortino_ratio(daily_returns: np.ndarray) -> float:
    """Give mean / root mean square of the negative daily returns (over all days) × √365, target 0.

    NaN for fewer than two returns or where none is negative.
    """
    if len(daily_returns) < 2:
        return np.nan
    downside = float(np.sqrt(np.mean(np.minimum(daily_returns, 0.0) ** 2)))
    return float(np.mean(daily_returns)) / downside * DAYS_PER_YEAR**0.5 if downside > NOISE_FRACTION else np.nan


def calmar_ratio(time_ms: np.ndarray, equity: np.ndarray) -> float:
    """Give the annual return / the deepest drawdown of the same marks; NaN where either is, or equity never fell."""
    depth = max_drawdown(equity)
    return annual_return(time_ms, equity) / depth if depth > NOISE_FRACTION else np.nan


def value_at_risk(daily_returns: np.ndarray, confidence: float = 0.99) -> float:
    """Give the loss, as a fraction, that `confidence` of the days seen stayed within.

    The quantile is interpolated between days; with fewer than 100 of them 99% is close to the worst one. Negative
    where even that day gained; NaN without returns.
    """
    return 0.0 - float(np.quantile(daily_returns, 1.0 - confidence)) if len(daily_returns) else np.nan
