"""How far equity fell below its highest mark, and for how long. Drawdowns are fractions ≥ 0."""

import numpy as np


def drawdown(equity: np.ndarray) -> np.ndarray:
    """Give 1 − equity / highest equity so far at each mark.

    Above 1 where equity is negative; NaN before any mark is positive.
    """
    high_water = np.maximum.accumulate(equity)
    share = np.divide(equity, high_water, out=np.full(len(equity), np.nan), where=high_water > 0.0)
    return 1.0 - share


def max_drawdown(equity: np.ndarray) -> float:
    """Give the deepest drawdown; 0 where equity never fell, NaN without a positive mark."""
    depths = drawdown(equity)
    return float(np.nanmax(depths)) if np.any(depths >= 0.0) else np.nan


def max_drawdown_ms(time_ms: np.ndarray, equity: np.ndarray) -> float:
    """Give how long the deepest drawdown lasted, from the last mark at its peak to the first back at it.

    To the last mark where it has not recovered; the first of equally deep ones. 0 where equity never fell, NaN without
    a positive mark.
    """
    depth = max_drawdown(equity)
    if not depth > 0.0:
        return depth
    trough = int(np.nanargmax(drawdown(equity)))
    high_water = np.max(equity[: trough + 1])
    peak = int(np.flatnonzero(equity[:trough] == high_water)[-1])
    recovered = np.flatnonzero(equity[trough:] >= high_water)
    end = trough + int(recovered[0]) if len(recovered) else len(equity) - 1
    return float(time_ms[end] - time_ms[peak])
