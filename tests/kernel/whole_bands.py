"""The bands of all signals at every bar, from their changes."""

import numpy as np

from worker.step.bands import Bands


def whole_bands(bands: Bands, signals: int) -> tuple[np.ndarray, np.ndarray]:
    """Give low and high of each signal at each bar, (signals, bars)."""
    bars = len(bands.first) - 1
    low, high = np.full((2, signals, bars), np.nan)
    bar_of = np.repeat(np.arange(bars), np.diff(bands.first))
    for signal in range(signals):
        rows = np.flatnonzero(bands.signal == signal)
        last = np.searchsorted(bar_of[rows], np.arange(bars), side="right") - 1
        has_any = last >= 0
        low[signal, has_any] = bands.low[rows[last[has_any]]]
        high[signal, has_any] = bands.high[rows[last[has_any]]]
    return low, high
