"""How long the database work of a step takes, in a new database and in one with a long history.

Run by `python -m tests.store.bench [fills] [points]`.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from shared.database import open_writer, transaction
from shared.enums import ScopeKind
from shared.migrations.upgrade import upgrade
from shared.units import HOUR_MS
from tests.store.fleets import START_MS, Books, make_fill, open_books
from worker.store.equity import EquitySeries, save_equity_series
from worker.store.orders import save_fills


def open_fleet(folder: Path, symbols: int, sets: int) -> tuple[Engine, Books]:
    """Make a database with a fleet of three strategies."""
    url = f"sqlite:///{folder}/flotilla.db"
    upgrade(url)
    engine = open_writer(url)
    with transaction(engine) as connection:
        return engine, open_books(connection, symbols, sets)


def seed_history(engine: Engine, books: Books, fills: int, points: int) -> None:
    """Put fills and equity points into the time before the first step."""
    bots = books.fleet.bots
    hours = points // len(bots)
    begin_ms = START_MS - hours * HOUR_MS
    for first in range(0, fills, 50_000):
        rows = [
            make_fill(bots[at % len(bots)], begin_ms + at * 1_000) for at in range(first, min(first + 50_000, fills))
        ]
        with transaction(engine) as connection:
            save_fills(connection, books.fleet.portfolio_id, rows)
    times = begin_ms + np.arange(1, hours + 1, dtype=np.int64) * HOUR_MS
    flat = np.full(hours, 1000.0)
    for bot in bots:
        with transaction(engine) as connection:
            series = EquitySeries(ScopeKind.BOT, bot.id, times, flat, flat, flat, flat, flat, flat)
            save_equity_series(connection, series)


def step_seconds(engine: Engine, books: Books, steps: int) -> list[float]:
    """Time the transaction of each step, commit included."""
    seconds = []
    for _ in range(steps):
        close_ms = books.step()
        before = time.perf_counter()
        with transaction(engine) as connection:
            books.save(connection, close_ms)
        seconds.append(time.perf_counter() - before)
    return seconds


def compare(fills: int, points: int, steps: int, symbols: int = 48, sets: int = 7, rounds: int = 4) -> dict[str, float]:
    """Step a new and a long-lived database in turns; give medians, 99th percentiles (ms) and the ratio of medians."""
    with tempfile.TemporaryDirectory() as new, tempfile.TemporaryDirectory() as old:
        new_engine, new_books = open_fleet(Path(new), symbols, sets)
        old_engine, old_books = open_fleet(Path(old), symbols, sets)
        seed_history(old_engine, old_books, fills, points)
        new_seconds: list[float] = []
        old_seconds: list[float] = []
        for _ in range(rounds):
            new_seconds += step_seconds(new_engine, new_books, steps // rounds)
            old_seconds += step_seconds(old_engine, old_books, steps // rounds)
        new_engine.dispose()
        old_engine.dispose()
    return {
        "bots": len(new_books.bots),
        "new_median_ms": statistics.median(new_seconds) * 1000,
        "old_median_ms": statistics.median(old_seconds) * 1000,
        "new_p99_ms": float(np.percentile(new_seconds, 99)) * 1000,
        "old_p99_ms": float(np.percentile(old_seconds, 99)) * 1000,
        "ratio": statistics.median(old_seconds) / statistics.median(new_seconds),
    }


if __name__ == "__main__":
    asked = [int(text) for text in sys.argv[1:]] or [1_000_000, 5_000_000]
    sys.stdout.write(f"{compare(asked[0], asked[1], steps=200)}\n")
