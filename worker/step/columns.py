"""Whole arrays of market and signal values, one row per market, series or signal and one column per bar."""

from typing import NamedTuple

import numpy as np

from worker.step.bands import Bands

NOTHING_RESTS = np.zeros((1, 1))


class Columns(NamedTuple):
    """What a replay reads.

    `open_ms` is int64 (bars). Of shape (markets, bars): prices float64, `status` int8, `funding_rate` float64. A
    series is one symbol on one timeframe: `atr_fraction` float64 and `closed` int8 are (series, bars); `series` int64
    (signals) says which one a signal uses. `bands` are changes, bar by bar; `stop` and `target` are (signals, bars).
    Where there is no funding, or no strategy gives a stop or target, those have one column of zeros. What orders that
    rest are filled by, `patience_…`, is float64 (markets, bars), or (1, 1) where none rests.
    """

    open_ms: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    status: np.ndarray
    funding_rate: np.ndarray
    series: np.ndarray
    atr_fraction: np.ndarray
    closed: np.ndarray
    bands: Bands
    stop: np.ndarray
    target: np.ndarray
    patience_low: np.ndarray = NOTHING_RESTS
    patience_high: np.ndarray = NOTHING_RESTS
    patience_close: np.ndarray = NOTHING_RESTS


class Curves(NamedTuple):
    """What a replay writes for every bar; a curve that is not wanted has no columns.

    `equity` and `exposure` (gross, quote) are float64 (bars); `sleeve_equity` (sleeves, bars); `bot_equity` (bots,
    bars); `reasons` counts int64 (bots, reasons); `held` counts the bars a bot held a position; `allocations` float64
    (rows, bots) and `flows` alike, with `rebalance_ms` int64 (rows), as far as `used[0]` says.
    """

    equity: np.ndarray
    exposure: np.ndarray
    sleeve_equity: np.ndarray
    bot_equity: np.ndarray
    reasons: np.ndarray
    held: np.ndarray
    allocations: np.ndarray
    flows: np.ndarray
    rebalance_ms: np.ndarray
    used: np.ndarray
