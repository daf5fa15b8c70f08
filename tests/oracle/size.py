"""G. Size: how much of its market a bot wants, in units."""

import math

from tests.oracle.books import Bot, Fleet
from tests.oracle.quantities import sign
from tests.oracle.world import Rules, World

DAY_MS = 86_400_000


def target_units(world: World, fleet: Fleet, bot: Bot, bar: int) -> int:
    """Give the target; an open position keeps its own while its confirmed exposure keeps sign and size.

    A flat bot does not enter what its band has begun to contradict.
    """
    position = bot.position
    if bot.confirmed == 0.0 or (bot.is_unconfirmed and position is None):
        return 0
    is_same_side = position is not None and position.direction == sign(bot.confirmed)
    is_frozen = is_same_side and position.exposure == bot.confirmed
    if is_frozen and not world.rules.resize:
        return position.target_units
    close = world.markets[bot.world.market].close[bar]
    wanted = bot.measure.toward_zero(target_notional(world, fleet, bot, bar, is_same_side) / close)
    if is_same_side and position.rungs_fired:
        wanted = bot.measure.toward_zero(position.fraction_open * bot.measure.base(wanted))
    if is_frozen and not _is_worth_it(world.rules, wanted, bot.units):
        return bot.units
    # What is less than the smallest quantity is no position to open or to keep.
    return wanted if abs(wanted) >= bot.measure.min_units else 0


def _is_worth_it(rules: Rules, wanted: int, held: int) -> bool:
    return abs(wanted - held) > rules.resize_band * max(abs(wanted), abs(held))


def target_notional(world: World, fleet: Fleet, bot: Bot, bar: int, is_same_side: bool) -> float:
    """Give the signed notional a bot wants, after the caps on its size."""
    rules, signal = world.rules, world.signals[bot.world.signal]
    multiplier = volatility_multiplier(rules, signal.atr_fraction[bar], signal.own_ms)
    wanted = bot.allocation * abs(bot.confirmed) * multiplier
    caps = [
        rules.max_position * bot.allocation,
        rules.leverage * bot.scope.equity / (1.0 + world.markets[bot.world.market].fee_rate + rules.slippage),
    ]
    stop = bot.position.stop if is_same_side else stop_distance(rules, signal.stop[bar])
    if stop > 0.0:
        caps.append(rules.risk_per_trade * fleet.portfolio.equity / stop)
    return sign(bot.confirmed) * max(0.0, min(wanted, *caps))


def volatility_multiplier(rules: Rules, atr_fraction: float, own_ms: int) -> float:
    """Give a smaller multiplier in wilder markets: the daily range aimed at over the one measured."""
    if not rules.volatility_sizing:
        return 1.0
    daily = atr_fraction * math.sqrt(DAY_MS / own_ms)
    wanted = rules.volatility_target / daily if daily > 0.0 else math.inf
    return min(max(wanted, rules.volatility_low), rules.volatility_high)


def stop_distance(rules: Rules, own: float) -> float:
    """Give the strategy's own stop distance where it gave one, else the policy's."""
    return own if own > 0.0 else rules.stop
