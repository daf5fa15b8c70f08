"""The kernel beside the plain reading: its inputs as a world, and what it did as a run."""

import math
from array import array
from typing import Any

import numpy as np

from shared.enums import Leg, Reason, Trigger
from shared.settings import Settings
from tests.oracle.books import Fill, Run
from tests.oracle.quantities import Measure
from tests.oracle.world import BotWorld, Market, Signal, World, rules_of
from worker.fleet.plan import BotPlan, FleetPlan
from worker.step.columns import Columns, Curves
from worker.step.fleet import compiled_form
from worker.step.records import Fleet
from worker.step.replay import replay_bars
from worker.strategies.registry import find_strategy


def world_of(settings: Settings, plan: FleetPlan, columns: Columns, fleet: Fleet) -> World:
    """Give the plain reading what the kernel is given; how a market counts is read from its record."""
    capital = settings.portfolio.capital_per_bot
    weights = settings.allocation.sleeve_weights
    return World(
        rules=rules_of(settings),
        open_ms=columns.open_ms.tolist(),
        markets=[_market(plan, columns, record, row) for row, record in enumerate(fleet.markets)],
        signals=[_signal(plan, columns, row) for row in range(len(plan.signals))],
        sleeve_weights=[weights.get(sleeve, 1.0) for sleeve in plan.sleeves],
        bots=[_bot(settings, plan, bot) for bot in plan.bots],
        grain=2.0 ** (math.floor(math.log2(capital)) - 29),
    )


def _market(plan: FleetPlan, columns: Columns, record: Any, row: int) -> Market:
    prices = [column[row].tolist() for column in (columns.open, columns.high, columns.low, columns.close)]
    rest = [column[row].tolist() for column in (columns.status, columns.funding_rate)]
    return Market(plan.markets[row][1], market_measure(record), float(record.min_notional), *prices, *rest)


def market_measure(record: Any) -> Measure:
    """Read how a market counts from its record."""
    return Measure(
        int(record.coins_per_unit), int(record.units_per_coin), int(record.step_units), int(record.min_units)
    )


def _signal(plan: FleetPlan, columns: Columns, row: int) -> Signal:
    series, bars = columns.series[row], len(columns.open_ms)
    own = [np.broadcast_to(column[row], bars).tolist() for column in (columns.stop, columns.target)]
    bands = [column[row].tolist() for column in (columns.band_low, columns.band_high)]
    atr = columns.atr_fraction[series].tolist()
    return Signal(plan.signals[row].own_ms, *bands, *own, atr, columns.closed[series].tolist())


def _bot(settings: Settings, plan: FleetPlan, bot: BotPlan) -> BotWorld:
    return BotWorld(
        name=bot.name,
        sleeve=plan.sleeves.index(bot.sleeve),
        market=plan.markets.index((bot.account, bot.symbol)),
        signal=plan.signals.index(bot.key),
        horizon_bars=find_strategy(bot.key.strategy).horizon_bars(*bot.key.parameters),
        fixed_weight=settings.allocation.bot_weights.get(bot.name, 1.0),
        capital=settings.portfolio.capital_per_bot,
    )


def kernel_run(fleet: Fleet, columns: Columns) -> Run:
    """Step the compiled kernel bar by bar and note what the plain reading notes."""
    bots, bars = len(fleet.bots), len(columns.open_ms)
    fleet = compiled_form(fleet, 1024 + 16 * bots, 1024 + 16 * bots)
    curves, run = _curves(fleet, bars), _empty_run(bots)
    for bar in range(bars):
        replay_bars(fleet, columns, curves, bar, bar + 1)
        run.fills += [_fill(row) for row in fleet.fills[: fleet.journal["fills"]]]
        _note(run, fleet)
        fleet.journal["fills"] = fleet.journal["notices"] = curves.used[0] = 0
    run.portfolio_equity, run.orders = array("d", curves.equity), int(fleet.journal["orders"])
    return run


def _curves(fleet: Fleet, bars: int) -> Curves:
    bots, sleeves = len(fleet.bots), len(fleet.sleeves)
    return Curves(
        equity=np.zeros(bars),
        exposure=np.zeros(bars),
        sleeve_equity=np.zeros((sleeves, bars)),
        bot_equity=np.zeros((bots, 0)),
        reasons=np.zeros((bots, len(Reason)), np.int64),
        held=np.zeros(bots, np.int64),
        allocations=np.zeros((4, bots)),
        flows=np.zeros((4, bots)),
        rebalance_ms=np.zeros(4, np.int64),
        used=np.zeros(1, np.int64),
    )


def _empty_run(bots: int) -> Run:
    def columns(kind: str) -> list[array]:
        return [array(kind) for _ in range(bots)]

    return Run([], columns("b"), [[] for _ in range(bots)], columns("d"), columns("d"), array("d"), 0)


def _note(run: Run, fleet: Fleet) -> None:
    bots = fleet.bots
    columns = (bots["reason"].tolist(), bots["units"].tolist(), bots["cash"].tolist(), bots["equity"].tolist())
    for place, (reason, units, cash, equity) in enumerate(zip(*columns, strict=True)):
        run.reasons[place].append(reason)
        run.units[place].append(units)
        run.cash[place].append(cash)
        run.equity[place].append(equity)


def _fill(row: Any) -> Fill:
    return Fill(
        time_ms=int(row["time_ms"]),
        bot=int(row["bot"]),
        leg=Leg(int(row["leg"])),
        trigger=Trigger(int(row["trigger"])),
        units=int(row["units"]),
        price=float(row["price"]),
        fee=float(row["fee"]),
        crossed_units=int(row["crossed_units"]),
    )
