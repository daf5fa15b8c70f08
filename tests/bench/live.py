"""The live step: how long one takes, commit included, with a few bots and with a thousand, new books and old ones."""

import json
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from shared.database_file import NoFile
from shared.settings import Settings, load_settings
from tests.bench.document import table
from tests.store.bench import seed_history
from worker.build import make_worker
from worker.live.worker import LiveWorker
from worker.process.garbage import collect, kept_out_of_steps
from worker.store.trace import Trace

TITLE = "The live step"

STEPS = 400
THOUSAND = (
    "portfolio.symbols=" + json.dumps([f"C{number:02d}/USDT" for number in range(48)]),
    "strategies.mean_reversion.grid=" + json.dumps([[window, 2.0] for window in (20, 30, 40, 50, 60, 80, 100)]),
    "strategies.breakout.grid=" + json.dumps([[window] for window in (20, 30, 40, 60, 80, 100, 120)]),
    "strategies.trend_following.grid="
    + json.dumps([[10, 50], [20, 50], [10, 100], [20, 100], [30, 100], [20, 200], [50, 200]]),
)


def measure(steps: int = STEPS, fills: int = 1_000_000, points: int = 5_000_000) -> str:
    """Step a small and a large fleet, the large one also on top of a long history, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / name for name in ("few", "new", "old")]
        few, new, old = (_open(place, more) for place, more in zip(places, ((), THOUSAND, THOUSAND), strict=True))
        seeded = _seed(old, fills, points)
        with kept_out_of_steps():
            seconds = _in_turns((few, new, old), steps)
        bots = [len(worker._fleet.bots) for worker in (few, new, old)]
        watch_us = watch_microseconds(few, steps)
        for worker in (few, new, old):
            worker.close()
    names = (
        f"{bots[0]} bots",
        f"{bots[1]:,} bots, 48 symbols",
        f"{bots[2]:,} bots, 48 symbols, {fills:,} fills and {points:,} equity points in the books",
    )
    rows = [
        (name, f"{np.median(own):.1f}", f"{np.percentile(own, 99):.1f}", f"{own.max():.1f}")
        for name, own in zip(names, seconds, strict=True)
    ]
    ratio = np.median(seconds[2]) / np.median(seconds[1])
    ratio_99 = np.percentile(seconds[2], 99) / np.percentile(seconds[1], 99)
    return (
        f"Milliseconds per step through the live path (simulated 1-hour bars, paper broker, SQLite with FULL "
        f"synchronous), signals, decision and commit; {steps} steps each, in turns.\n\n"
        + table(("fleet", "median", "99th percentile", "worst"), rows)
        + f"\n\nOld books against new ones: {ratio:.2f} at the median, {ratio_99:.2f} at the 99th percentile "
        f"(history written in {seeded:.0f} s). {watch_sentence(watch_us, steps)}"
    )


def watch_sentence(watch_us: float, pairs: int) -> str:
    """Say what the watch of the database's file costs."""
    return (
        f"Watching the database's file (two looks, a mark, the trace) costs a step {watch_us:.0f} µs, the median "
        f"difference of {pairs} pairs with and without."
    )


def watch_microseconds(worker: LiveWorker, pairs: int) -> float:
    """Step a worker with and without the watch of its file in turns; give the median difference of the pairs."""
    watched, trace = worker._file, worker._trace
    differences = []
    for pair in range(pairs):
        seconds = {}
        # Whoever is second finds the caches as the first left them.
        for is_watched in (True, False) if pair % 2 else (False, True):
            worker._file = watched if is_watched else NoFile()
            worker._trace = trace if is_watched else Trace(None, "")
            began = time.perf_counter()
            if worker.step_due(lambda: True) != 1:
                raise RuntimeError("a worker must make 1 step at a time, made none")
            seconds[is_watched] = time.perf_counter() - began
        differences.append(seconds[True] - seconds[False])
        worker._file, worker._trace = watched, trace
        worker.beat()
    return 1e6 * float(np.median(differences))


def _open(root: Path, more: tuple[str, ...]) -> LiveWorker:
    root.mkdir()

    def load() -> Settings:
        return load_settings(None, {}, ("market.bar_seconds=0", "market.history_days=0", *more))

    worker = make_worker(load(), root, load)
    worker.recover(False)
    return worker


def _seed(worker: LiveWorker, fills: int, points: int) -> float:
    began = time.perf_counter()
    books = SimpleNamespace(fleet=worker._books.registered)
    seed_history(worker._engine, books, fills, points)
    return time.perf_counter() - began


def _in_turns(workers: tuple[LiveWorker, ...], steps: int) -> list[np.ndarray]:
    """Step all workers alternately, so that what the machine does besides meets each alike; give ms per step."""
    taken: list[list[float]] = [[] for _ in workers]
    for turn in range(steps + 20):
        for worker, own in zip(workers, taken, strict=True):
            began = time.perf_counter()
            made = worker.step_due(lambda: True)
            if made != 1:
                raise RuntimeError(f"a worker must make 1 step at a time, made {made}")
            if turn >= 20:
                own.append(1000.0 * (time.perf_counter() - began))
            # Between two bars the worker is idle, and beats.
            worker.beat()
            collect()
    return [np.array(own) for own in taken]
