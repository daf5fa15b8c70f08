"""A backtest: a planned fleet over a history, its books, marks and figures, and how long each part took."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np

from shared.settings import Settings
from worker.fleet.plan import FleetPlan
from worker.research.books import Books, keep_books
from worker.research.candles import lay_on_grid
from worker.research.figures import Figures, scope_figures
from worker.research.history import History, Source
from worker.research.marks import Marks, make_marks
from worker.research.replay import Progress, Replay, replay_fleet
from worker.strategies.bars import make_bars


@dataclass(frozen=True, slots=True)
class Backtest:
    """Everything a backtest found. `marks` and `figures` are of the portfolio, then of each sleeve."""

    settings: Settings
    source: Source
    replay: Replay
    books: Books
    marks: list[Marks]
    figures: list[Figures]
    seconds: dict[str, float]


def run_backtest(
    settings: Settings,
    plan: FleetPlan,
    load: Callable[[], History],
    progress: Progress | None = None,
    compiling: AbstractContextManager[None] | None = None,
) -> Backtest:
    """Run a fresh fleet over the history that `load` gives; `compiling` is entered while its loops are made ready.

    `seconds` are those of `load`, `kernel` (taking the compiled loops from the cache, or compiling them), `signals`,
    `replay` and `figures`.
    """
    source, replay, seconds = _replay_history(settings, plan, load, progress, compiling or nullcontext())
    began = time.perf_counter()
    books = keep_books(settings, replay)
    marks = make_marks(replay, settings.step_ms)
    figures = scope_figures(replay, books, marks)
    seconds["figures"] = time.perf_counter() - began
    return Backtest(settings, source, replay, books, marks, figures, seconds)


def _replay_history(
    settings: Settings,
    plan: FleetPlan,
    load: Callable[[], History],
    progress: Progress | None,
    compiling: AbstractContextManager[None],
) -> tuple[Source, Replay, dict[str, float]]:
    """Load, make ready and replay; the bars are let go here, before the figures need the room."""
    began = time.perf_counter()
    history = load()
    loaded = time.perf_counter()
    with compiling:
        load_kernel(settings, plan)
    ready = time.perf_counter()
    replay = replay_fleet(settings, plan, history.grid, history.funding, history.limits, progress)
    return history.source, replay, {"load": loaded - began, "kernel": ready - loaded, **replay.seconds}


def load_kernel(settings: Settings, plan: FleetPlan) -> None:
    """Replay two bars of nothing, so that what follows finds the compiled loops ready."""
    open_ms = np.arange(2, dtype=np.int64) * settings.step_ms
    prices = np.ones(2)
    bars = make_bars(open_ms, prices, prices, prices, prices, prices)
    replay_fleet(settings, plan, lay_on_grid(dict.fromkeys(plan.symbols, bars), settings.step_ms), {}, {})
