"""Columns are the same on however many threads they are made, and what one of them raises is raised."""

import threading

import numpy as np
import pytest

from shared.enums import BarStatus
from shared.settings import load_settings
from tests.strategies.candles import random_bars
from worker.fleet.plan import plan_fleet, planned_bots
from worker.research.candles import Grid, lay_on_grid
from worker.research.columns import make_columns
from worker.research.threads import in_threads
from worker.step.columns import Columns

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
OVERRIDES = [
    'portfolio.timeframe="1h"',
    'portfolio.symbols=["BTC/USDT", "ETH/USDT", "SOL/USDT"]',
    'strategies.breakout.timeframe="4h"',
]
SETTINGS = load_settings(environment={}, overrides=OVERRIDES)
PLAN = plan_fleet(planned_bots(SETTINGS))


def gappy_grid() -> Grid:
    """Give three symbols of which one lists late, one ends early, and all lack bars."""
    bars_of = {}
    for seed, symbol in enumerate(SYMBOLS):
        bars = random_bars(seed, 3000)
        there = np.random.default_rng(seed).random(3000) > 0.02
        there[: 700 * (seed == 1)] = False
        there[3000 - 600 * (seed == 2) :] = False
        bars_of[symbol] = bars[there]
    return lay_on_grid(bars_of, SETTINGS.step_ms)


def digits(columns: Columns) -> list[bytes]:
    arrays = [*columns.bands, *(value for name, value in columns._asdict().items() if name != "bands")]
    return [np.where(np.isnan(array), 7.0, array).tobytes() for array in arrays]


def test_columns_are_the_same_on_any_number_of_threads() -> None:
    grid = gappy_grid()
    assert all((status == BarStatus.MISSING).any() for status in grid.status.values())
    alone = make_columns(SETTINGS, PLAN, grid, {}, threads=1)
    assert len(alone.bands.low) > 1000 and len(alone.atr_fraction) == 6
    for threads in (2, 3, 8, 2, 3, 8):
        assert digits(make_columns(SETTINGS, PLAN, grid, {}, threads=threads)) == digits(alone)


def test_results_come_in_the_order_of_the_items() -> None:
    second = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second.wait(20.0)
        second.set()
        return 10 * item

    assert in_threads(work, range(5), 2) == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("threads", [1, 2])
def test_what_one_of_them_raises_is_raised(threads: int) -> None:
    def work(item: int) -> int:
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 0"):
        in_threads(work, range(3), threads)
