"""Breakout: in beyond the extremes of a long window, out beyond the opposite extreme of its nearer half."""

import numpy as np

from worker.jit import compile_in_place
from worker.strategies.bands import Bands, Lines, after_warmup
from worker.strategies.bars import Bars
from worker.strategies.indicators import highest, lowest, one_before
from worker.strategies.strategy import Strategy, window


def bands(bars: Bars, window_bars: int) -> Bands:
    """Say [1, 1] where the close is above the highest high of the previous N bars, [−1, −1] below their lowest low.

    Else [−1, 0] below the lowest low of the previous N/2 (rounded down), [0, 1] above their highest high, [−1, 1]
    between. The present bar is never among the previous ones. Warms up over N + 1 bars.
    """
    half_bars = window_bars // 2
    top, bottom = bars.measure(highest, window_bars), bars.measure(lowest, window_bars)
    near_top, near_bottom = bars.measure(highest, half_bars), bars.measure(lowest, half_bars)

    def lines() -> Lines:
        return {
            "channel_high": one_before(top),
            "channel_low": one_before(bottom),
            "exit_high": one_before(near_top),
            "exit_low": one_before(near_bottom),
        }

    low, high = bars.rows()
    _write(bars.close[1:], top[:-1], bottom[:-1], near_top[:-1], near_bottom[:-1], low[1:], high[1:])
    return after_warmup(low, high, window_bars, lines)


@compile_in_place
def _write(
    close: np.ndarray,
    top: np.ndarray,
    bottom: np.ndarray,
    near_top: np.ndarray,
    near_bottom: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> None:
    # Two loops: one that reads and writes so many arrays is not vectorised.
    for row in range(len(low)):
        price = close[row]
        low[row] = (1.0 if price > top[row] else 0.0) + (1.0 if price > near_top[row] else 0.0) - 1.0
    for row in range(len(high)):
        price = close[row]
        high[row] = 1.0 - ((1.0 if price < bottom[row] else 0.0) + (1.0 if price < near_bottom[row] else 0.0))


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
