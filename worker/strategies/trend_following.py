"""Trend following: with the fast average on whichever side of the slow one it clearly is."""

import numpy as np

from worker.jit import compile_in_place
from worker.strategies.bands import Bands, Lines, after_warmup
from worker.strategies.bars import Bars
from worker.strategies.indicators import ATR_BARS, ATR_WARMUP_BARS, TIE_FRACTION, average, average_true_range
from worker.strategies.strategy import Strategy, window


def bands(bars: Bars, fast_bars: int, slow_bars: int) -> Bands:
    """Say [−1, 1] where the averages are closer together than half an ATR, else the sign of fast − slow.

    Warms up over `slow_bars`, at least the 15 of the first ATR, whose older candles fade over 600 more.
    """
    slow, fast = bars.measure(average, slow_bars), bars.measure(average, fast_bars)
    true_range = bars.measure(average_true_range)

    def lines() -> Lines:
        half_range = true_range / 2.0
        return {
            "fast_average": fast,
            "slow_average": slow,
            "unclear_low": slow - half_range,
            "unclear_high": slow + half_range,
        }

    low, high = bars.rows()
    _write(fast, slow, true_range, TIE_FRACTION, low, high)
    return after_warmup(low, high, max(slow_bars - 1, ATR_BARS), lines)


@compile_in_place
def _write(
    fast: np.ndarray,
    slow: np.ndarray,
    true_range: np.ndarray,
    tie: float,
    low: np.ndarray,
    high: np.ndarray,
) -> None:
    for row in range(len(low)):
        gap, equal = fast[row] - slow[row], abs(slow[row]) * tie
        is_unclear = abs(gap) < true_range[row] / 2.0 - equal
        sign = (1.0 if gap > equal else 0.0) - (1.0 if gap < -equal else 0.0)
        low[row] = -1.0 if is_unclear else sign
        high[row] = 1.0 if is_unclear else sign


def _refusal(fast_bars: int, slow_bars: int) -> str | None:
    return None if fast_bars < slow_bars else f"slow_bars must be above fast_bars {fast_bars}, was {slow_bars}"


_FAST = "the {fast_bars}-bar average {fast_average}"
_SLOW = "the {slow_bars}-bar average {slow_average}"

STRATEGY = Strategy(
    name="trend_following",
    prefix="tf",
    parameters=(window("fast_bars"), window("slow_bars")),
    rule=bands,
    horizon=lambda fast_bars, slow_bars: slow_bars,
    warmup=lambda fast_bars, slow_bars: max(slow_bars, ATR_WARMUP_BARS),
    refusal=_refusal,
    sentences={
        (1.0, 1.0): _FAST + " is above {unclear_high}, half an ATR over " + _SLOW,
        (-1.0, -1.0): _FAST + " is below {unclear_low}, half an ATR under " + _SLOW,
        (-1.0, 1.0): _FAST + " lies inside {unclear_low} to {unclear_high}, half an ATR either side of " + _SLOW,
        (0.0, 0.0): _FAST + " equals " + _SLOW,
    },
)
