"""How fast signals and replay are against a bare compiled loop over the same bot-bars, and how both grow with size."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from shared.settings import Settings
from tests.bench import bare_loop
from tests.bench.document import table
from tests.bench.fleets import fleet
from tests.bench.speed import NEVER_TRIP
from worker.fleet.plan import FleetPlan
from worker.research.candles import Grid
from worker.research.history import simulate_history
from worker.research.replay import replay_fleet

TITLE = "Against a bare loop, and against size"
GRIDS = (
    "strategies.mean_reversion.grid=[[20, 2.0], [40, 2.5], [60, 3.0]]",
    "strategies.breakout.grid=[[30], [60], [120]]",
    "strategies.trend_following.grid=[[10, 50], [20, 100], [50, 200]]",
)
DAYS, PAIRS = 182, 10
LEAST_REPLAY, LEAST_BOTH = 0.6, 0.45
# Symbols and days: more bots over the same bars, then more bars of the same bots.
SIZES = ((1, 14), (3, 14), (12, 14), (120, 14), (3, 7), (3, 70), (3, 700))


def measure() -> str:
    """Measure in this process, on one core."""
    return "\n\n".join([_against_bare(), _by_size()])


def _simulated(symbols: int, days: int, *overrides: str) -> tuple[Settings, FleetPlan, Grid]:
    names = ", ".join(f'"S{number:03d}/USDT"' for number in range(symbols))
    settings, plan = fleet(["portfolio.timeframe=1m", f"portfolio.symbols=[{names}]", *NEVER_TRIP, *overrides])
    return settings, plan, simulate_history(settings, plan.symbols, days).grid


def _against_bare(days: int = DAYS, pairs: int = PAIRS) -> str:
    settings, plan, grid = _simulated(3, days, *GRIDS)
    bot_bars = len(plan.bots) * len(grid.open_ms)
    prices = {symbol: (bars.open, bars.high, bars.low, bars.close) for symbol, bars in grid.bars.items()}

    def bare() -> None:
        for bot in plan.bots:
            bare_loop.run(bot.sleeve, bot.key.parameters, prices[bot.symbol])

    bare()
    replay_fleet(settings, plan, grid, {}, {})
    taken = [(_seconds(bare), replay_fleet(settings, plan, grid, {}, {}).seconds) for _ in range(pairs)]
    replay = [loop / ours["replay"] for loop, ours in taken]
    both = [loop / (ours["signals"] + ours["replay"]) for loop, ours in taken]
    rows = [_ratio("replay", replay, LEAST_REPLAY), _ratio("signals and replay", both, LEAST_BOTH)]
    header = ["bot-bars a second, of the bare loop's", "median", "range", "at least"]
    return (
        f"27 bots × {len(grid.open_ms):,} simulated bars of 1m, {bot_bars / 1e6:.1f} million bot-bars, brakes on with "
        f"limits that never trip, beside one plain compiled loop for each bot that trades one coin; {pairs} pairs in "
        f"turn, one core. The bare loop makes {bot_bars / np.median([loop for loop, _ in taken]) / 1e6:.0f} million "
        f"bot-bars a second.\n\n{table(header, rows)}"
    )


def _seconds(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _ratio(what: str, ratios: Sequence[float], least: float) -> list[str]:
    median = float(np.median(ratios))
    found = f"{median:.2f}" if median >= least else f"**{median:.2f}**"
    return [what, found, f"{min(ratios):.2f} to {max(ratios):.2f}", f"{least:g}"]


def _by_size(sizes: Sequence[tuple[int, int]] = SIZES) -> str:
    rows = []
    for symbols, days in sizes:
        settings, plan, grid = _simulated(symbols, days)
        bot_bars = len(plan.bots) * len(grid.open_ms)
        runs = [replay_fleet(settings, plan, grid, {}, {}) for _ in range(3)]
        nanoseconds = (1e9 * min(run.seconds[part] for run in runs) / bot_bars for part in ("signals", "replay"))
        fills = 1000 * len(runs[0].fills) / bot_bars
        rows.append(
            [str(len(plan.bots)), f"{len(grid.open_ms):,}", *(f"{one:.1f}" for one in nanoseconds), f"{fills:.2f}"]
        )
    header = ["bots", "bars of 1m", "signals, ns a bot-bar", "replay, ns a bot-bar", "fills in 1,000 bot-bars"]
    return (
        "Cost against size, simulated, best of 3. A straight line costs the same a bot-bar at every size.\n\n"
        f"{table(header, rows)}"
    )
