"""From marks of equity to daily returns and growth. Marks are in time order, at strictly ascending `time_ms`."""

import numpy as np

from shared.units import DAY_MS, YEAR_MS


def flow_free_equity(equity: np.ndarray, flows_quote: np.ndarray) -> np.ndarray:
    """Give the equity that the same returns would have made without flows, starting at the first mark's.

    `flows_quote[i]` (deposits and transfers in, negative out) came right after mark i, which does not hold it yet. A
    return on equity that is not positive is 0.
    """
    if not len(equity) or not np.any(flows_quote):
        return equity
    before = (equity + flows_quote)[:-1]
    growth = np.divide(equity[1:], before, out=np.ones(len(before)), where=before > 0.0)
    return equity[0] * np.concatenate(([1.0], np.cumprod(growth)))


def daily_equity(time_ms: np.ndarray, equity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the equity at each UTC midnight: times int64 ms, and the last mark at or before each.

    The first mark comes first and the last one last where they are not at midnight, so a day that was only partly seen
    at either end counts as one. A midnight without a new mark repeats the last.
    """
    if not len(time_ms):
        return np.empty(0, np.int64), np.empty(0)
    first, last = int(time_ms[0]), int(time_ms[-1])
    midnights = np.arange(first - first % DAY_MS + DAY_MS, last + 1, DAY_MS, dtype=np.int64)
    days = np.unique(np.concatenate(([first], midnights, [last])))
    return days, equity[np.searchsorted(time_ms, days, side="right") - 1]


def returns(equity: np.ndarray) -> np.ndarray:
    """Give the change from each mark to the next as a fraction, one fewer than marks; NaN after equity ≤ 0."""
    before = equity[:-1]
    return np.divide(np.diff(equity), before, out=np.full(len(before), np.nan), where=before > 0.0)


def total_return(equity: np.ndarray) -> float:
    """Give last / first − 1; NaN without marks or where the first is not positive."""
    return float(equity[-1] / equity[0] - 1.0) if len(equity) and equity[0] > 0.0 else np.nan


def annual_return(time_ms: np.ndarray, equity: np.ndarray) -> float:
    """Give the return a year of 365 days would have had at the growth from first to last mark.

    NaN over less than a day, where the first equity is not positive or the last is negative, and where the result is
    beyond float64.
    """
    if not len(equity) or time_ms[-1] - time_ms[0] < DAY_MS or equity[0] <= 0.0 or equity[-1] < 0.0:
        return np.nan
    years = float(time_ms[-1] - time_ms[0]) / YEAR_MS
    with np.errstate(over="ignore"):
        growth = float(np.power(equity[-1] / equity[0], 1.0 / years))
    return growth - 1.0 if np.isfinite(growth) else np.nan
