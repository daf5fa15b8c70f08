"""Run a planned fleet over whole candles: signals, then the compiled replay, collecting what it writes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shared.enums import Reason
from shared.settings import Settings
from worker.fleet.plan import FleetPlan, open_fleet
from worker.market.protocol import Limits
from worker.research.candles import Grid
from worker.research.columns import make_columns
from worker.research.resting import with_patience
from worker.step.columns import Columns, Curves
from worker.step.fleet import compiled_form
from worker.step.forms import to_records
from worker.step.journal import Notice
from worker.step.records import Fleet
from worker.step.replay import replay_bars

FILL_ROOM = 1 << 17
BARS_AT_ONCE = 1 << 15

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Replay:
    """What a fleet did over the bars of a grid; arrays are those of `Curves`, `fills` a structured array of `Fill`."""

    plan: FleetPlan
    open_ms: np.ndarray
    equity: np.ndarray
    exposure: np.ndarray
    sleeve_equity: np.ndarray
    bot_equity: np.ndarray
    reasons: np.ndarray
    held: np.ndarray
    rebalance_ms: np.ndarray
    allocations: np.ndarray
    flows: np.ndarray
    fills: np.ndarray
    notices: list[Notice]
    orders: int
    fleet: Fleet
    seconds: dict[str, float]


def replay_fleet(
    settings: Settings,
    plan: FleetPlan,
    grid: Grid,
    funding: Mapping[str, np.ndarray],
    limits: Mapping[str, Limits],
    progress: Progress | None = None,
    keep_bots: bool = False,
    clock: Callable[[], float] = time.perf_counter,
) -> Replay:
    """Replay a fresh fleet over a grid; `funding` is one summed rate per bar by symbol, where there is any.

    `seconds` are those of `signals` and `replay` by the clock given.
    """
    began = clock()
    columns = make_columns(settings, plan, grid, funding)
    if settings.broker.order == "maker":
        columns = with_patience(settings, plan, grid, columns)
    signalled = clock()
    fleet = compiled_form(open_fleet(settings, plan, limits), FILL_ROOM + 8 * len(plan.bots), _notice_room(plan))
    replay = _collect(plan, fleet, columns, keep_bots, progress)
    seconds = {"signals": signalled - began, "replay": clock() - signalled}
    return Replay(plan, grid.open_ms, **replay, fleet=fleet, seconds=seconds)


def _notice_room(plan: FleetPlan) -> int:
    return 8 * (len(plan.bots) + len(plan.sleeves) + 1)


def _collect(
    plan: FleetPlan, fleet: Fleet, columns: Columns, keep_bots: bool, progress: Progress | None
) -> dict[str, Any]:
    bars, bots = len(columns.open_ms), len(plan.bots)
    rows = BARS_AT_ONCE // fleet.rules["rebalance_every"] + 2
    curves = Curves(
        equity=np.zeros(bars),
        exposure=np.zeros(bars),
        sleeve_equity=np.zeros((len(plan.sleeves), bars)),
        bot_equity=np.zeros((bots, bars if keep_bots else 0)),
        reasons=np.zeros((bots, len(Reason)), np.int64),
        held=np.zeros(bots, np.int64),
        allocations=np.zeros((rows, bots)),
        flows=np.zeros((rows, bots)),
        rebalance_ms=np.zeros(rows, np.int64),
        used=np.zeros(1, np.int64),
    )
    fills, notices, times, allocations, flows = [], [], [], [], []
    bar = 0
    while bar < bars:
        stop = min(bar + BARS_AT_ONCE, bars)
        bar = replay_bars(fleet, columns, curves, bar, stop)
        journal, used = fleet.journal, int(curves.used[0])
        # Most histories find room for all of their fills, which are then copied once.
        if bar < stop or stop == bars:
            fills.append(fleet.fills[: journal["fills"]].copy())
            journal["fills"] = 0
        notices += to_records(fleet.notices[: journal["notices"]], Notice)
        times.append(curves.rebalance_ms[:used].copy())
        allocations.append(curves.allocations[:used].copy())
        flows.append(curves.flows[:used].copy())
        journal["notices"] = curves.used[0] = 0
        if progress is not None:
            progress(bar, bars)
    return {
        "equity": curves.equity,
        "exposure": curves.exposure,
        "sleeve_equity": curves.sleeve_equity,
        "bot_equity": curves.bot_equity,
        "reasons": curves.reasons,
        "held": curves.held,
        "rebalance_ms": np.concatenate(times or [np.empty(0, np.int64)]),
        "allocations": np.concatenate(allocations or [np.empty((0, bots))]),
        "flows": np.concatenate(flows or [np.empty((0, bots))]),
        "fills": fills[0] if len(fills) == 1 else np.concatenate(fills or [np.empty(0, fleet.fills.dtype)]),
        "notices": notices,
        "orders": int(fleet.journal["orders"]),
    }
