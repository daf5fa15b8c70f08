"""What the tests of the markets stand on."""

from pathlib import Path

import numpy as np
import pandas as pd

from worker.market.gaps import merged
from worker.strategies.bars import Bars, make_bars, no_bars

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
# 2025-01-01 00:00 UTC
START_MS = 1_735_689_600_000


class MemoryStore:
    """A candle store in memory; `saves` counts what was written."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], Bars] = {}
        self.saves: list[tuple[str, int]] = []

    def load(self, symbol: str, timeframe_ms: int, start_ms: int, end_ms: int) -> Bars:
        return self.kept.get((symbol, timeframe_ms), no_bars()).between(start_ms, end_ms)

    def save(self, symbol: str, timeframe_ms: int, bars: Bars) -> None:
        self.saves.append((symbol, len(bars)))
        self.kept[symbol, timeframe_ms] = merged(self.kept.get((symbol, timeframe_ms), no_bars()), bars)


def wavy_bars(count: int, step_ms: int, start_ms: int = START_MS, level: float = 100.0) -> Bars:
    """Make possible bars with two decimals."""
    rng = np.random.default_rng(count)
    price = np.round(level * np.exp(np.cumsum(rng.normal(0.0, 0.002, count + 1))), 2)
    high = np.maximum(price[:-1], price[1:]) + np.round(rng.uniform(0.0, 0.3, count), 2)
    low = np.minimum(price[:-1], price[1:]) - np.round(rng.uniform(0.0, 0.3, count), 2)
    volume = np.round(rng.uniform(0.0, 50.0, count), 3)
    return make_bars(start_ms + step_ms * np.arange(count), price[:-1], high, low, price[1:], volume)


def frame_of(bars: Bars) -> pd.DataFrame:
    """Turn bars into the table files are written from."""
    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    return pd.DataFrame({"timestamp": pd.to_datetime(bars.open_ms, unit="ms", utc=True), **columns})


def write_candles(folder: Path, name: str, frame: pd.DataFrame, header: bool = True) -> Path:
    """Write a table in the format its name says."""
    path = folder / name
    if name.endswith(".parquet"):
        frame.to_parquet(path, index=False)
    elif name.endswith(".feather"):
        frame.to_feather(path)
    else:
        frame.to_csv(path, index=False, header=header)
    return path


def same_bars(left: Bars, right: Bars) -> bool:
    """Say whether two sets of bars agree to the last bit."""
    return all(
        np.array_equal(getattr(left, name), getattr(right, name))
        for name in ("open_ms", "open", "high", "low", "close", "volume")
    )
