"""H. Gate: the rows from the top, each of which may stop a change or cut it."""

import math
from dataclasses import dataclass

from shared.enums import BarStatus, Level, Reason
from tests.oracle.books import Bot, Fleet
from tests.oracle.quantities import MOST_UNITS, sign
from tests.oracle.world import Market, Rules, World


@dataclass(slots=True)
class Gross:
    """The notional held, with what was added in this step already; what is to close frees room once it has."""

    portfolio: float
    markets: list[float]

    def move(self, market: int, notional: float) -> None:
        """Count a change."""
        self.portfolio += notional
        self.markets[market] += notional


def gross_exposure(world: World, fleet: Fleet, bar: int) -> Gross:
    """Give the notional held by all bots and in each market."""
    gross = Gross(0.0, [0.0] * len(world.markets))
    for bot in fleet.bots:
        gross.move(bot.world.market, abs(bot.measure.base(bot.units)) * world.markets[bot.world.market].close[bar])
    return gross


def gate(world: World, fleet: Fleet, bot: Bot, target: int, gross: Gross | None, bar: int) -> tuple[Reason, int]:
    """Give the reason of the step and the units to order."""
    level = fleet.level(bot)
    market, signal = world.markets[bot.world.market], world.signals[bot.world.signal]
    if level == Level.HALTED:
        return Reason.HALTED, 0
    if level == Level.FLATTEN:
        return Reason.FLATTEN, order_units(bot, 0)
    if bot.is_closing:
        return Reason.CLOSE, order_units(bot, 0)
    if market.status[bar] != BarStatus.FRESH:
        return Reason.STALE, 0
    if math.isnan(signal.low[bar]) or math.isnan(signal.atr_fraction[bar]):
        return Reason.WARMUP, 0
    reason, target = _rows(world, fleet, bot, target, gross, bar, level)
    return reason, order_units(bot, target)


def order_units(bot: Bot, target: int) -> int:
    """Give the units from what is held to the target; a close is whole steps of all that is held."""
    if target == 0:
        return -bot.measure.whole_steps(bot.units) if bot.position is not None else 0
    return target - bot.units


def is_increase(bot: Bot, target: int) -> bool:
    """Say whether the target is a larger position, or one on the other side."""
    return target != 0 and (sign(target) != bot.direction or abs(target) > abs(bot.units))


def without_increase(bot: Bot, target: int) -> int:
    """Give what is left of a change that may not increase: a reversal becomes a close."""
    is_reversal = bot.direction * sign(target) < 0
    return 0 if is_reversal else bot.units


def _rows(
    world: World, fleet: Fleet, bot: Bot, target: int, gross: Gross | None, bar: int, level: Level
) -> tuple[Reason, int]:
    if abs(target - bot.units) < bot.measure.min_units:
        return _quiet(bot, target), bot.units
    reason = Reason.TRADE
    if is_increase(bot, target):
        reason, target = _gate_increase(world, fleet, bot, target, gross, bar, level)
    if target != bot.units and _is_small(world, bot, target, bar):
        return Reason.MIN_NOTIONAL, bot.units
    return reason, target


def _quiet(bot: Bot, target: int) -> Reason:
    if bot.is_unconfirmed:
        return Reason.UNCONFIRMED
    if bot.position is not None:
        return Reason.HOLD
    # What wants a position and is sized to nothing is not as it wants to be.
    return Reason.MIN_NOTIONAL if bot.confirmed != 0.0 and target == 0 else Reason.FLAT


def _gate_increase(
    world: World, fleet: Fleet, bot: Bot, target: int, gross: Gross | None, bar: int, level: Level
) -> tuple[Reason, int]:
    close_ms = world.open_ms[bar] + world.rules.step_ms
    rows = (
        (Reason.NO_ENTRIES, level >= Level.NO_ENTRIES),
        (Reason.REENTRY_LOCK, bot.locked_sign != 0 and bot.locked_sign == sign(target)),
        (Reason.COST, _is_too_dear(world, bot, bar)),
        (Reason.COOLDOWN, bot.last_fill_ms is not None and close_ms - bot.last_fill_ms < world.rules.cooldown_ms),
        (Reason.CAP, abs(target) > MOST_UNITS),
    )
    for reason, stops in rows:
        if stops:
            return reason, without_increase(bot, target)
    return (Reason.TRADE, target) if gross is None else _capped(world, fleet, bot, target, gross, bar)


def _is_too_dear(world: World, bot: Bot, bar: int) -> bool:
    move = world.signals[bot.world.signal].atr_fraction[bar] * math.sqrt(bot.world.horizon_bars)
    return move < world.rules.edge_to_cost * 2.0 * (world.markets[bot.world.market].fee_rate + world.rules.slippage)


def _capped(world: World, fleet: Fleet, bot: Bot, target: int, gross: Gross, bar: int) -> tuple[Reason, int]:
    market = world.markets[bot.world.market]
    room = _room(world.rules, fleet, bot, gross, market.close[bar])
    most = MOST_UNITS if math.isinf(room) else bot.measure.toward_zero(max(room, 0.0) / market.close[bar])
    if most >= abs(target):
        return Reason.TRADE, target
    kept = abs(bot.units) if bot.direction == sign(target) else 0
    if most - kept < bot.measure.min_units:
        return Reason.CAP, without_increase(bot, target)
    return Reason.CAP, sign(target) * most


def _room(rules: Rules, fleet: Fleet, bot: Bot, gross: Gross, close: float) -> float:
    """Give the notional this bot may hold, its own present position aside."""
    own, equity, room = abs(bot.measure.base(bot.units)) * close, fleet.portfolio.equity, math.inf
    if rules.max_portfolio_exposure is not None:
        room = min(room, rules.max_portfolio_exposure * equity - (gross.portfolio - own))
    if rules.max_symbol_exposure is not None:
        room = min(room, rules.max_symbol_exposure * equity - (gross.markets[bot.world.market] - own))
    return room


def _is_small(world: World, bot: Bot, target: int, bar: int) -> bool:
    # Closing to flat is exempt.
    market: Market = world.markets[bot.world.market]
    worth = bot.measure.base(abs(order_units(bot, target))) * market.close[bar]
    return target != 0 and worth < world.rules.min_notional
