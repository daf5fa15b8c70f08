"""Mean reversion: in where price has left its mean by a band, out where it is back."""

import numpy as np

from worker.strategies.bands import Bands, Lines, after_warmup
from worker.strategies.bars import Bars
from worker.strategies.indicators import average, mean_absolute_deviation, tie
from worker.strategies.strategy import Parameter, Strategy, window


def bands(bars: Bars, window_bars: int, width: float) -> Bands:
    """Say [1, 1] below SMA − width × mean absolute deviation, [−1, −1] above SMA + width × it.

    Within: [0, 1] below the mean, [−1, 0] above it, [0, 0] at it. Warms up over `window_bars` bars.
    """
    mean = bars.measure(average, window_bars)
    distance, equal = bars.close - mean, tie(mean)
    edge = width * mean_absolute_deviation(bars.close, window_bars) + equal
    low = np.subtract(distance < -edge, distance > equal, dtype=np.float64)
    high = np.subtract(distance < -equal, distance > edge, dtype=np.float64)

    def lines() -> Lines:
        return {"average": mean, "band_low": mean - edge, "band_high": mean + edge}

    return after_warmup(low, high, window_bars - 1, lines)


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
