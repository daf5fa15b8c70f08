"""Mean reversion: in where price has left its mean by a band, out where it is back."""

import numpy as np

from worker.jit import compile_in_place
from worker.strategies.bands import Bands, Lines, after_warmup
from worker.strategies.bars import Bars
from worker.strategies.indicators import TIE_FRACTION, average, average_deviation
from worker.strategies.strategy import Parameter, Strategy, window


def bands(bars: Bars, window_bars: int, width: float) -> Bands:
    """Say [1, 1] below SMA − width × mean absolute deviation, [−1, −1] above SMA + width × it.

    Within: [0, 1] below the mean, [−1, 0] above it, [0, 0] at it. Warms up over `window_bars` bars.
    """
    mean, deviation = bars.measure(average, window_bars), bars.measure(average_deviation, window_bars)

    def lines() -> Lines:
        edge = width * deviation + np.abs(mean) * TIE_FRACTION
        return {"average": mean, "band_low": mean - edge, "band_high": mean + edge}

    low, high = bars.rows()
    _write(bars.close, mean, deviation, width, TIE_FRACTION, low, high)
    return after_warmup(low, high, window_bars - 1, lines)


@compile_in_place
def _write(
    close: np.ndarray,
    mean: np.ndarray,
    deviation: np.ndarray,
    width: float,
    tie: float,
    low: np.ndarray,
    high: np.ndarray,
) -> None:
    for row in range(len(low)):
        distance, equal = close[row] - mean[row], abs(mean[row]) * tie
        edge = width * deviation[row] + equal
        low[row] = (1.0 if distance < -edge else 0.0) - (1.0 if distance > equal else 0.0)
        high[row] = (1.0 if distance < -equal else 0.0) - (1.0 if distance > edge else 0.0)


_BAND = (
    "the band {band_low} to {band_high}, {width} mean deviations either side of the {window_bars}-bar average {average}"
)

STRATEGY = Strategy(
    name="mean_reversion",
    prefix="mr",
    parameters=(window("window_bars"), Parameter("width", 0.0, 1000.0, whole=False)),
    rule=bands,
    horizon=lambda window_bars, width: window_bars,
    warmup=lambda window_bars, width: window_bars,
    sentences={
        (1.0, 1.0): "close {close} is below " + _BAND,
        (-1.0, -1.0): "close {close} is above " + _BAND,
        (0.0, 1.0): "close {close} lies inside " + _BAND + ", below it",
        (-1.0, 0.0): "close {close} lies inside " + _BAND + ", above it",
        (0.0, 0.0): "close {close} lies at the average of " + _BAND,
    },
)
