"""Whole runs of the default fleet, one after another on the same candles."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from shared.settings import Settings, load_settings
from shared.units import DAY_MS
from worker.fleet.plan import FleetPlan, plan_fleet, planned_bots
from worker.research.backtest import Backtest, run_backtest
from worker.research.history import History, load_history
from worker.research.summary import warnings

FREE = ("broker.fee_rate=0.0", "broker.slippage=0.0")
BRAKES_OFF = "risk.brakes=false"


class Outcome(NamedTuple):
    """What a run came to; `costs_quote` are fees and slippage, `money_left` is what is left of 1."""

    days: float
    fills: int
    orders: int
    costs_quote: float
    saved_quote: float
    money_left: float
    drawdown: float
    by_sleeve: dict[str, tuple[float, float]]
    warnings: tuple[str, ...]

    @property
    def fills_a_day(self) -> float:
        """Give the mean over the days of the run."""
        return self.fills / self.days


def fleet(overrides: Sequence[str], profile: str = "calm") -> tuple[Settings, FleetPlan]:
    """Plan the default fleet with some settings changed."""
    settings = load_settings(None, {}, overrides, profile)
    return settings, plan_fleet(planned_bots(settings))


@cache
def history(folder: Path, timeframe: str) -> History:
    """Load the candles of a folder once for each timeframe."""
    settings, plan = fleet([f"portfolio.timeframe={timeframe}"])
    return load_history(settings, plan.symbols, folder)


@cache
def outcome(folder: Path, timeframe: str, profile: str = "calm", overrides: tuple[str, ...] = (BRAKES_OFF,)) -> Outcome:
    """Run the default fleet over a folder of candles."""
    settings, plan = fleet([f"portfolio.timeframe={timeframe}", *overrides], profile)
    return _outcome(run_backtest(settings, plan, lambda: history(folder, timeframe)))


def _outcome(backtest: Backtest) -> Outcome:
    portfolio, *sleeves = backtest.figures
    found = portfolio.performance
    return Outcome(
        days=len(backtest.replay.open_ms) * backtest.settings.step_ms / DAY_MS,
        fills=found.fills,
        orders=found.orders,
        costs_quote=portfolio.costs_quote,
        saved_quote=found.fees_saved_quote,
        money_left=found.end_equity_quote / found.start_equity_quote,
        drawdown=found.max_drawdown,
        by_sleeve={sleeve.scope: (sleeve.profit_quote, sleeve.costs_quote) for sleeve in sleeves},
        warnings=tuple(warnings(backtest)),
    )
