"""Breakout: in beyond the extremes of a long window, out beyond the opposite extreme of its nearer half."""

import numpy as np

from worker.strategies.bands import Bands, Lines, after_warmup
from worker.strategies.bars import Bars
from worker.strategies.indicators import highest_before, lowest_before
from worker.strategies.strategy import Strategy, window


def bands(bars: Bars, window_bars: int) -> Bands:
    """Say [1, 1] where the close is above the highest high of the previous N bars, [−1, −1] below their lowest low.

    Else [−1, 0] below the lowest low of the previous N/2 (rounded down), [0, 1] above their highest high, [−1, 1]
    between. The present bar is never among the previous ones. Warms up over N + 1 bars.
    """
    close, half_bars = bars.close, window_bars // 2
    highest, lowest = bars.measure(highest_before, window_bars), bars.measure(lowest_before, window_bars)
    half_highest, half_lowest = bars.measure(highest_before, half_bars), bars.measure(lowest_before, half_bars)
    low = np.add(close > highest, close > half_highest, dtype=np.float64) - 1.0
    high = 1.0 - np.add(close < lowest, close < half_lowest, dtype=np.float64)

    def lines() -> Lines:
        return {"channel_high": highest, "channel_low": lowest, "exit_high": half_highest, "exit_low": half_lowest}

    return after_warmup(low, high, window_bars, lines)


_CHANNEL = "the {window_bars}-bar channel {channel_low} to {channel_high}"
_HALF = "its nearer half, {exit_low} to {exit_high}"

STRATEGY = Strategy(
    name="breakout",
    prefix="bo",
    # TA-Lib's shortest extreme is over 2 bars, and the half must be one.
    parameters=(window("window_bars", shortest=4),),
    rule=bands,
    horizon=lambda window_bars: window_bars,
    warmup=lambda window_bars: window_bars + 1,
    sentences={
        (1.0, 1.0): "close {close} is above " + _CHANNEL,
        (-1.0, -1.0): "close {close} is below " + _CHANNEL,
        (-1.0, 0.0): "close {close} lies inside " + _CHANNEL + ", but below " + _HALF,
        (0.0, 1.0): "close {close} lies inside " + _CHANNEL + ", but above " + _HALF,
        (-1.0, 1.0): "close {close} lies inside " + _CHANNEL,
    },
)
