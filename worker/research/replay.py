"""Run a planned fleet over whole candles: signals, then the compiled replay, collecting what it writes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from shared.enums import Reason
from shared.settings import Settings
from worker.market.protocol import Limits
from worker.plan import FleetPlan, open_fleet
from worker.research.candles import Grid, stack
from worker.step.columns import Columns, Curves
from worker.step.fleet import compiled_form
from worker.step.records import Fleet, Notice, to_records
from worker.step.replay import replay_bars
from worker.strategies.signals import SignalColumns, all_signals

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
) -> Replay:
    """Replay a fresh fleet over a grid; `funding` is one summed rate per bar by symbol, where there is any."""
    began = time.perf_counter()
    columns = make_columns(settings, plan, grid, funding)
    signalled = time.perf_counter()
    fleet = compiled_form(open_fleet(settings, plan, limits), FILL_ROOM + 8 * len(plan.bots), _notice_room(plan))
    replay = _collect(plan, fleet, columns, keep_bots, progress)
    seconds = {"signals": signalled - began, "replay": time.perf_counter() - signalled}
    return Replay(plan, grid.open_ms, **replay, fleet=fleet, seconds=seconds)


def _notice_room(plan: FleetPlan) -> int:
    return 8 * (len(plan.bots) + len(plan.sleeves) + 1)


def make_columns(settings: Settings, plan: FleetPlan, grid: Grid, funding: Mapping[str, np.ndarray]) -> Columns:
    """Make the signals and lay everything a replay reads into columns."""
    signals = grid_signals(settings, plan, grid)
    places = {(key.symbol, key.own_ms): signals[key] for key in plan.signals}
    series = {place: row for row, place in enumerate(places)}
    symbols = [symbol for _, symbol in plan.markets]
    bars = [grid.bars[symbol] for symbol in symbols]
    no_funding = np.zeros(len(grid.open_ms))
    rows = [signals[key] for key in plan.signals]
    has_exits = any(row.stop.any() or row.target.any() for row in rows)
    nothing = np.zeros((len(rows), 1))
    return Columns(
        open_ms=grid.open_ms,
        open=stack([bar.open for bar in bars]),
        high=stack([bar.high for bar in bars]),
        low=stack([bar.low for bar in bars]),
        close=stack([bar.close for bar in bars]),
        status=stack([grid.status[symbol] for symbol in symbols]),
        funding_rate=stack([funding.get(symbol, no_funding) for symbol in symbols]),
        series=np.array([series[key.symbol, key.own_ms] for key in plan.signals], np.int64),
        atr_fraction=stack([signal.atr_fraction for signal in places.values()]),
        closed=stack([signal.closed.astype(np.int8) for signal in places.values()]),
        band_low=stack([row.low for row in rows]),
        band_high=stack([row.high for row in rows]),
        stop=stack([row.stop for row in rows]) if has_exits else nothing,
        target=stack([row.target for row in rows]) if has_exits else nothing,
    )


def grid_signals(settings: Settings, plan: FleetPlan, grid: Grid) -> dict[object, SignalColumns]:
    """Make every signal over the grid; a symbol that lists later has NaN bands until then."""
    hold, allow_short = settings.strategies.hold, settings.portfolio.allow_short
    signals: dict[object, SignalColumns] = {}
    for symbol in plan.symbols:
        bars = grid.bars[symbol]
        first = int(np.argmax(bars.close > 0.0)) if len(bars) and bars.close.any() else len(bars)
        keys = [key for key in plan.signals if key.symbol == symbol]
        made = all_signals({symbol: bars[first:]}, keys, settings.step_ms, hold, allow_short)
        signals.update(made if first == 0 else {key: _padded(columns, first) for key, columns in made.items()})
    return signals


def _padded(columns: SignalColumns, bars: int) -> SignalColumns:
    def padded(column: np.ndarray, value: float) -> np.ndarray:
        return np.concatenate((np.full(bars, value, column.dtype), column))

    return SignalColumns(
        padded(columns.low, np.nan),
        padded(columns.high, np.nan),
        padded(columns.stop, 0.0),
        padded(columns.target, 0.0),
        padded(columns.atr_fraction, np.nan),
        padded(columns.closed, 0),
    )


def _collect(
    plan: FleetPlan, fleet: Fleet, columns: Columns, keep_bots: bool, progress: Progress | None
) -> dict[str, object]:
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
        bar = replay_bars(fleet, columns, curves, bar, min(bar + BARS_AT_ONCE, bars))
        journal, used = fleet.journal, int(curves.used[0])
        fills.append(fleet.fills[: journal["fills"]].copy())
        notices += to_records(fleet.notices[: journal["notices"]], Notice)
        times.append(curves.rebalance_ms[:used].copy())
        allocations.append(curves.allocations[:used].copy())
        flows.append(curves.flows[:used].copy())
        journal["fills"] = journal["notices"] = curves.used[0] = 0
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
        "fills": np.concatenate(fills or [np.empty(0, fleet.fills.dtype)]),
        "notices": notices,
        "orders": int(fleet.journal["orders"]),
    }
