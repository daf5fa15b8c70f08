"""How fast signals and replay are against a bare compiled loop over the same bot-bars, and how both grow with size."""

import math
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from shared.settings import Settings
from tests.bench import bare_loop
from tests.bench.document import table
from tests.bench.fleets import fleet
from tests.bench.speed import NEVER_TRIP
from tests.bench.vectorbt_place import NotInstalledError, Peer, Ran, interpreter, start
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
LEAST_REPLAY, LEAST_BOTH, LEAST_VECTORBT = 0.6, 0.45, 7
LIMIT = (
    "What is left is spread thin: in the replay each bot's mark, the bots that are awake, and their fills; in the "
    "signals TA-Lib's averages and extremes, mean deviations, and the changes of bands, brought into the order of the "
    "bars. To lay bands for a stretch of bars at a time gained nothing."
)
BENDS = (
    "Few bots share what a bar itself costs. Of many, neither records nor rows of prices stay in the nearest caches. "
    "In the longest run fees have eaten most of the money, and a bot that wants what its money no longer buys is "
    "looked at at every bar."
)
ASK = "`make bench ONLY=ratios VECTORBT=1` measures vectorbt, too."
# Symbols and days: more bots over the same bars, then more bars of the same bots.
SIZES = ((1, 14), (3, 14), (12, 14), (120, 14), (3, 7), (3, 70), (3, 700))


def measure() -> str:
    """Measure in this process, on one core; with `VECTORBT=1` vectorbt, too, in an environment of its own."""
    with _one_core():
        return "\n\n".join([_against_others(), _by_size()])


@contextmanager
def _one_core() -> Iterator[None]:
    """Keep this process, and those it starts meanwhile, to one core where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _simulated(symbols: int, days: int, *overrides: str) -> tuple[Settings, FleetPlan, Grid]:
    names = ", ".join(f'"S{number:03d}/USDT"' for number in range(symbols))
    settings, plan = fleet(["portfolio.timeframe=1m", f"portfolio.symbols=[{names}]", *NEVER_TRIP, *overrides])
    return settings, plan, simulate_history(settings, plan.symbols, days).grid


class _Turn(NamedTuple):
    """CPU seconds of one run after another over the same bot-bars."""

    bare: float
    signals: float
    replay: float
    vectorbt: float


def _against_others(days: int = DAYS, pairs: int = PAIRS) -> str:
    settings, plan, grid = _simulated(3, days, *GRIDS)
    with ExitStack() as stack:
        peer, missing = _vectorbt(stack, plan, grid) if os.environ.get("VECTORBT") == "1" else (None, ASK)
        turns = [_turn(settings, plan, grid, peer) for _ in range(pairs + 1)][1:]
    rows = [
        _ratio("replay, of the bare loop's", [turn.bare / turn.replay for turn in turns], LEAST_REPLAY),
        _ratio(
            "signals and replay, of the bare loop's",
            [turn.bare / (turn.signals + turn.replay) for turn in turns],
            LEAST_BOTH,
        ),
    ]
    if peer is not None:
        times = [turn.vectorbt / (turn.signals + turn.replay) for turn in turns]
        rows.append(_ratio("signals and replay, of vectorbt's", times, LEAST_VECTORBT))
    bot_bars = len(plan.bots) * len(grid.open_ms)
    rate = bot_bars / np.median([turn.bare for turn in turns]) / 1e6
    text = (
        f"27 bots × {len(grid.open_ms):,} simulated bars of 1m, {bot_bars / 1e6:.1f} million bot-bars, brakes on with "
        f"limits that never trip, beside one plain compiled loop for each bot that trades one coin; {pairs} pairs in "
        f"turn on one core, seconds of that core. The bare loop makes {rate:.0f} million bot-bars a second. {missing}"
    )
    return f"{text.strip()}\n\n{table(['bot-bars a second', 'median', 'range', 'at least'], rows)}\n\n{LIMIT}"


def _turn(settings: Settings, plan: FleetPlan, grid: Grid, peer: Peer | None) -> _Turn:
    prices = {symbol: (bars.open, bars.high, bars.low, bars.close) for symbol, bars in grid.bars.items()}
    began = time.process_time()
    found = [bare_loop.run(bot.sleeve, bot.key.parameters, prices[bot.symbol]) for bot in plan.bots]
    bare = time.process_time() - began
    ours = replay_fleet(settings, plan, grid, {}, {}, clock=time.process_time).seconds
    theirs = peer.run() if peer is not None else Ran(math.nan, 0, 0.0)
    if peer is not None:
        _refuse_others(theirs, sum(trades for trades, _ in found), sum(money for _, money in found))
    return _Turn(bare, ours["signals"], ours["replay"], theirs.seconds)


def _refuse_others(theirs: Ran, trades: int, money: float) -> None:
    """Refuse to compare what does not do the same; sums in another order may move a few trades at a tie."""
    if abs(theirs.trades - trades) > 0.001 * trades or abs(theirs.money - money) > 1e-6 * money:
        raise RuntimeError(f"vectorbt must make {trades} trades and {money:.2f} as the bare loop, made {theirs}")


def _vectorbt(stack: ExitStack, plan: FleetPlan, grid: Grid) -> tuple[Peer | None, str]:
    """Start vectorbt with the same bots and prices, or say why there is none."""
    rows = {symbol: row for row, symbol in enumerate(grid.symbols)}
    bots = [(rows[bot.symbol], bot.sleeve, bot.key.parameters) for bot in plan.bots]
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    try:
        return stack.enter_context(start(interpreter(), folder, grid.columns[:4], bots)), ""
    except NotInstalledError as error:
        return None, f"{error}."


def _ratio(what: str, ratios: Sequence[float], least: float) -> list[str]:
    median = float(np.median(ratios))
    found = f"{median:.2f}" if median >= least else f"**{median:.2f}**"
    return [what, found, f"{min(ratios):.2f} to {max(ratios):.2f}", f"{least:g}"]


def _by_size(sizes: Sequence[tuple[int, int]] = SIZES) -> str:
    header = ["bots", "bars of 1m", "signals, ns a bot-bar", "replay, ns a bot-bar", "awake, % of bot-bars"]
    header += ["fills in 1,000 bot-bars"]
    return (
        "Cost against size, simulated, best of 3. A straight line costs the same a bot-bar at every size.\n\n"
        f"{table(header, [_size(*size) for size in sizes])}\n\n{BENDS}"
    )


def _size(symbols: int, days: int) -> list[str]:
    settings, plan, grid = _simulated(symbols, days)
    bots, bars = len(plan.bots), len(grid.open_ms)
    runs = [replay_fleet(settings, plan, grid, {}, {}, clock=time.process_time) for _ in range(3)]
    nanoseconds = (1e9 * min(run.seconds[part] for run in runs) / (bots * bars) for part in ("signals", "replay"))
    awake, fills = int(runs[0].fleet.scratch["looked_at"]), len(runs[0].fills)
    shares = f"{100 * awake / (bots * bars):.1f}", f"{1000 * fills / (bots * bars):.2f}"
    return [str(bots), f"{bars:,}", *(f"{one:.1f}" for one in nanoseconds), *shares]
