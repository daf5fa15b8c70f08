"""Short backtests to look at: a folder of simulated candles, a small fleet, and the files a run writes."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.clock import ManualClock
from shared.settings import MarketSettings
from shared.units import DAY_MS, HOUR_MS, file_symbol, parse_time_ms
from worker.cli import main
from worker.market.simulated import SimulatedMarket
from worker.strategies.bars import Bars

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
START = "2026-01-01"
START_MS = parse_time_ms(START)
DAYS = 25

# Fast parameters, so that a few hundred bars hold many trades.
SMALL_FLEET = (
    "strategies.mean_reversion.grid=[[10, 1.0], [20, 1.5]]",
    "strategies.breakout.grid=[[10], [20]]",
    "strategies.trend_following.grid=[[4, 12], [6, 24]]",
)


def simulated_bars(symbol: str, days: int = DAYS, seed: int = 7) -> Bars:
    """Make hourly bars of the simulated market."""
    settings = MarketSettings(start=START, history_days=days, seed=seed, bar_seconds=0.0)
    market = SimulatedMarket(SYMBOLS, HOUR_MS, settings, ManualClock())
    return market.fetch_bars(symbol, START_MS, START_MS + days * DAY_MS)


def write_bars(path: Path, bars: Bars) -> None:
    """Write a Parquet file of candles."""
    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    pq.write_table(pa.table({"timestamp": pa.array(bars.open_ms, pa.timestamp("ms", "UTC")), **columns}), path)


def write_candles(folder: Path, symbols: Sequence[str] = SYMBOLS, days: int = DAYS) -> Path:
    """Write a folder of hourly candles."""
    folder.mkdir(parents=True, exist_ok=True)
    for symbol in symbols:
        write_bars(folder / f"{file_symbol(symbol)}-1h.parquet", simulated_bars(symbol, days))
    return folder


def set_options(overrides: Sequence[str]) -> list[str]:
    """Give settings as command line options."""
    return [word for override in overrides for word in ("--set", override)]


def call(arguments: Sequence[str]) -> int:
    """Run `flotilla` with arguments and give its exit code."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in arguments])
    return int(ended.value.code or 0)


def run(candles: Path, out: Path, *options: str, overrides: Sequence[str] = SMALL_FLEET) -> dict[str, Any]:
    """Backtest a folder of candles and give the summary it wrote."""
    arguments = ["backtest", "--candles", str(candles), "--out", str(out), *set_options(overrides), *options]
    assert call(arguments) == 0
    return read_summary(out)


def read_summary(out: Path) -> dict[str, Any]:
    """Read the summary of a run."""
    return json.loads((out / "summary.json").read_text())


def read_rows(out: Path, name: str) -> list[dict[str, str]]:
    """Read the rows of a CSV file."""
    with (out / f"{name}.csv").open() as stream:
        return list(csv.DictReader(stream))
