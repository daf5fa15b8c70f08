"""The kernel beside the plain reading: its inputs as a world, and what it did as a run."""

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from operator import getitem, setitem
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from shared.enums import Leg, Reason, Trigger
from shared.settings import Settings
from tests.kernel.closing import ask_close_compiled
from tests.kernel.whole_bands import whole_bands
from tests.oracle.books import Fill as PlainFill
from tests.oracle.books import Run, empty_run
from tests.oracle.quantities import Measure
from tests.oracle.world import BotWorld, Market, Signal, World, rules_of
from worker.fleet.plan import BotPlan, FleetPlan
from worker.step.columns import Columns, Curves
from worker.step.fleet import compiled_form
from worker.step.journal import Fill, Notice
from worker.step.records import Fleet
from worker.step.replay import replay_bars, step_bars
from worker.step.withdraw import ask_close
from worker.strategies.registry import find_strategy

Steps = Callable[[Fleet, Columns, Curves, int, int], int]
Closes = Mapping[int, Sequence[int]]


def world_of(
    settings: Settings, plan: FleetPlan, columns: Columns, fleet: Fleet, closes: Closes = MappingProxyType({})
) -> World:
    """Give the plain reading what the kernel is given; how a market counts is read from its record."""
    capital = settings.portfolio.capital_per_bot
    weights = settings.allocation.sleeve_weights
    return World(
        rules=rules_of(settings),
        open_ms=columns.open_ms.tolist(),
        markets=[_market(settings, plan, columns, record, row) for row, record in enumerate(fleet.markets)],
        signals=_signals(plan, columns),
        sleeve_weights=[weights.get(sleeve, 1.0) for sleeve in plan.sleeves],
        bots=[_bot(settings, plan, bot) for bot in plan.bots],
        grain=2.0 ** (math.floor(math.log2(capital)) - 29),
        closes=closes,
    )


def _market(settings: Settings, plan: FleetPlan, columns: Columns, record: Any, row: int) -> Market:
    account, symbol = plan.markets[row]
    prices = [column[row].tolist() for column in (columns.open, columns.high, columns.low, columns.close)]
    # Where there is no funding at all, its column is one zero.
    funding = np.broadcast_to(columns.funding_rate[row], len(columns.open_ms))
    rest = [columns.status[row].tolist(), funding.tolist()]
    # Where nothing rests, what fills it is one zero.
    patience = (columns.patience_low, columns.patience_high, columns.patience_close)
    rests = [np.broadcast_to(column, columns.open.shape)[row].tolist() for column in patience]
    measure, minimum = market_measure(record), float(record.min_notional)
    return Market(symbol, account, measure, minimum, *_fees(settings, account), *prices, *rest, *rests)


def _fees(settings: Settings, account: str) -> tuple[float, float]:
    """Give what a fill costs on an account, and one that rested: its own fee stands above the general one."""
    own, general = settings.accounts.get(account), settings.broker
    fee_rate = general.fee_rate if own is None or own.fee_rate is None else own.fee_rate
    maker = general.maker_fee_rate if own is None or own.maker_fee_rate is None else own.maker_fee_rate
    return fee_rate, fee_rate if maker is None else maker


def market_measure(record: Any) -> Measure:
    """Read how a market counts from its record."""
    return Measure(
        int(record.coins_per_unit), int(record.units_per_coin), int(record.step_units), int(record.min_units)
    )


def _signals(plan: FleetPlan, columns: Columns) -> list[Signal]:
    bands = whole_bands(columns.bands, len(plan.signals))
    return [_signal(plan, columns, [band[row].tolist() for band in bands], row) for row in range(len(plan.signals))]


def _signal(plan: FleetPlan, columns: Columns, bands: Sequence[list[float]], row: int) -> Signal:
    series, bars = columns.series[row], len(columns.open_ms)
    own = [np.broadcast_to(column[row], bars).tolist() for column in (columns.stop, columns.target)]
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


def kernel_run(fleet: Fleet, columns: Columns, closes: Closes = MappingProxyType({})) -> Run:
    """Step the compiled kernel bar by bar and note what the plain reading notes."""
    room = 1024 + 16 * len(fleet.bots)
    compiled = compiled_form(fleet, room, room)
    run = empty_run(len(fleet.bots))
    return _step(compiled, columns, closes, run, _Form(replay_bars, ask_close_compiled, getitem, setitem))


def replayed(fleet: Fleet, columns: Columns, closes: Closes = MappingProxyType({})) -> tuple[list[PlainFill], Curves]:
    """Replay whole stretches, as a backtest does: what is left out of bots at rest shows in fills and curves.

    A stretch ends only with a bar after which somebody asks for a close.
    """
    bars, bots = len(columns.open_ms), len(fleet.bots)
    room = bars * (16 * bots + 64)
    rows, curves = compiled_form(fleet, room, room), _whole_curves(fleet, bars)
    ends = sorted({bar + 1 for bar in closes} | {bars})
    for start, end in zip([0, *ends], ends, strict=False):
        assert replay_bars(rows, columns, curves, start, end) == end
        for place in closes.get(end - 1, ()):
            ask_close_compiled(rows, place)
    return [_fill(row, getitem) for row in rows.fills[: rows.journal["fills"]]], curves


def _whole_curves(fleet: Fleet, bars: int) -> Curves:
    bots = len(fleet.bots)
    return _curves(fleet, bars)._replace(
        bot_equity=np.zeros((bots, bars)),
        allocations=np.zeros((bars, bots)),
        flows=np.zeros((bars, bots)),
        rebalance_ms=np.zeros(bars, np.int64),
    )


def interpreted_run(fleet: Fleet, columns: Columns, closes: Closes = MappingProxyType({})) -> Run:
    """Step the kernel as the Python it is written in, so that a test may change a rule."""
    room = 1024 + 16 * len(fleet.bots)
    fills, notices = [Fill() for _ in range(room)], [Notice() for _ in range(room)]
    plain, run = fleet._replace(fills=fills, notices=notices), empty_run(len(fleet.bots))
    return _step(plain, columns, closes, run, _Form(step_bars, ask_close, getattr, setattr))


class _Form(NamedTuple):
    """How one form of a fleet is stepped, asked to close a position, read and written."""

    steps: Steps
    ask_close: Callable[[Fleet, int], None]
    get: Callable[..., Any]
    set: Callable[..., None]


def _step(fleet: Fleet, columns: Columns, closes: Closes, run: Run, form: _Form) -> Run:
    curves, get = _curves(fleet, len(columns.open_ms)), form.get
    for bar in range(len(columns.open_ms)):
        form.steps(fleet, columns, curves, bar, bar + 1)
        run.fills += [_fill(row, get) for row in fleet.fills[: get(fleet.journal, "fills")]]
        for place, bot in enumerate(fleet.bots):
            run.note(place, *_noted(bot, get))
        for name in ("fills", "notices"):
            form.set(fleet.journal, name, 0)
        curves.used[0] = 0
        for place in closes.get(bar, ()):
            form.ask_close(fleet, place)
    run.portfolio_equity, run.orders = array("d", curves.equity), int(get(fleet.journal, "orders"))
    return run


def _noted(bot: Any, get: Callable[..., Any]) -> tuple[int, int, float, float]:
    return int(get(bot, "reason")), int(get(bot, "units")), float(get(bot, "cash")), float(get(bot, "equity"))


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


def _fill(row: Any, get: Callable[..., Any]) -> PlainFill:
    return PlainFill(
        time_ms=int(get(row, "time_ms")),
        bot=int(get(row, "bot")),
        leg=Leg(int(get(row, "leg"))),
        trigger=Trigger(int(get(row, "trigger"))),
        units=int(get(row, "units")),
        price=float(get(row, "price")),
        fee=float(get(row, "fee")),
        crossed_units=abs(int(get(row, "crossed_units"))),
    )
