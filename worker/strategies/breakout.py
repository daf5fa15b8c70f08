"""Breakout: in beyond the extremes of a long window, out beyond the opposite extreme of its nearer half."""

import numpy as np

from worker.strategies.bands import Bands, after_warmup
from worker.strategies.bars import Bars
from worker.strategies.indicators import highest_before, lowest_before
from worker.strategies.strategy import Strategy, window


def bands(bars: Bars, window_bars: int) -> Bands:
    """Say [1, 1] where the close is above the highest high of the previous N bars, [−1, −1] below their lowest low.

    Else [−1, 0] below the lowest low of the previous N/2 (rounded down), [0, 1] above their highest high, [−1, 1]
    between. The present bar is never among the previous ones. Warms up over N + 1 bars.
    """
    close, half_bars = bars.close, window_bars // 2
    above, below = close > highest_before(bars.high, window_bars), close < lowest_before(bars.low, window_bars)
    above_half, below_half = close > highest_before(bars.high, half_bars), close < lowest_before(bars.low, half_bars)
    low = np.add(above, above_half, dtype=np.float64) - 1.0
    high = 1.0 - np.add(below, below_half, dtype=np.float64)
    return after_warmup(low, high, window_bars)


STRATEGY = Strategy(
    name="breakout",
    prefix="bo",
    # TA-Lib's shortest extreme is over 2 bars, and the half must be one.
    parameters=(window("window_bars", shortest=4),),
    rule=bands,
    horizon=lambda window_bars: window_bars,
    warmup=lambda window_bars: window_bars + 1,
)
