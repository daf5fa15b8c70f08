"""Candles for the tests of strategies: written by hand, drawn from a seed, or real."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from shared.units import HOUR_MS
from worker.strategies.bars import Bars, make_bars, resample

START_MS = 1_735_689_600_000  # 2025-01-01 00:00 UTC


def bars_at(closes: Sequence[float], reach: float = 0.0, start_ms: int = START_MS, step_ms: int = HOUR_MS) -> Bars:
    """Build bars that open at the close before and reach `reach` beyond both; refuses prices that are not positive."""
    close = np.array(closes, float)
    if not np.all(close > reach):
        raise ValueError(f"closes must be above {reach}, was {closes}")
    opens = np.r_[close[:1], close[:-1]]
    times = start_ms + step_ms * np.arange(len(close))
    high, low = np.maximum(opens, close) + reach, np.minimum(opens, close) - reach
    return make_bars(times, opens, high, low, close, np.ones(len(close)))


def random_bars(seed: int, count: int, start_ms: int = START_MS, step_ms: int = HOUR_MS, tick: float = 0.0) -> Bars:
    """Draw a random walk with clustered volatility; a `tick` rounds prices to it, which makes ties common."""
    random = np.random.default_rng(seed)
    volatility = 0.004 * np.exp(0.8 * np.sin(np.arange(count) / 40.0 + random.uniform(0.0, 6.0)))
    close = 100.0 * np.exp(np.cumsum(random.standard_t(4, count) * volatility))
    opens = np.r_[100.0, close[:-1]] if count else close
    beyond = np.abs(random.normal(0.0, volatility, (2, count))) * close
    prices = [opens, np.maximum(opens, close) + beyond[0], np.minimum(opens, close) - beyond[1], close]
    if tick:
        prices = [np.maximum(np.round(price / tick), 1.0) * tick for price in prices]
    return make_bars(start_ms + step_ms * np.arange(count), *prices, random.uniform(1.0, 5.0, count))


def load_bars(folder: Path, symbol: str, timeframe_ms: int | None = None) -> Bars:
    """Load real candles, merged to a timeframe where one is given."""
    frame = pd.read_parquet(folder / f"{symbol}-5m.parquet")
    times = frame["timestamp"].astype("datetime64[ms, UTC]").astype("int64")
    bars = make_bars(times, frame["open"], frame["high"], frame["low"], frame["close"], frame["volume"])
    return resample(bars, timeframe_ms) if timeframe_ms else bars
