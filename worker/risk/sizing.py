"""Sizing: how large a position a bot wants, frozen from when it opens until it is flat, turns or changes exposure."""

from worker.jit import rule
from worker.risk.position import position_sign, sign
from worker.risk.quantity import coins, whole_steps


@rule
def volatility_multiplier(atr_fraction: float, scale: float, target: float, low: float, high: float) -> float:
    """Give `clip(target / daily volatility, low, high)`; `scale` is the root of the bars in a day.

    The daily volatility is `atr_fraction × scale`; a market that does not move gets `high`.
    """
    daily = atr_fraction * scale
    if daily * high <= target:
        return high
    return max(target / daily, low)


@rule
def target_notional(portfolio, bot, market, signal, rules, is_same_side: bool) -> float:
    """Give the size in quote that a bot's allocation, volatility and caps allow it at its confirmed exposure."""
    multiplier = 1.0
    if rules.volatility_sizing == 1:
        multiplier = volatility_multiplier(
            signal.atr_fraction,
            bot.volatility_scale,
            rules.volatility_target,
            rules.volatility_low,
            rules.volatility_high,
        )
    notional = bot.allocation * abs(bot.confirmed) * multiplier
    notional = min(notional, rules.max_position * bot.allocation)
    # The stop that acts is the one that was frozen when the position opened.
    stop_fraction = bot.stop_fraction if is_same_side else stop_distance(signal, rules)
    if stop_fraction > 0.0:
        notional = min(notional, rules.risk_per_trade * portfolio.equity / stop_fraction)
    affordable = rules.leverage * bot.equity / (1.0 + market.fee_rate + rules.slippage)
    notional = min(notional, affordable - bot.reserved)
    return max(notional, 0.0)


@rule
def stop_distance(signal, rules) -> float:
    """Give the strategy's own stop of the deciding bar if it gave one, else the policy's; 0 is none."""
    return signal.stop if signal.stop > 0.0 else rules.stop


@rule
def fresh_target(portfolio, bot, market, signal, rules, is_same_side: bool) -> int:
    """Give the signed units of a newly sized position, rounded toward 0 to the symbol's step."""
    units = whole_steps(market, target_notional(portfolio, bot, market, signal, rules, is_same_side) / market.close)
    return units if bot.confirmed > 0.0 else -units


@rule
def wanted_units(portfolio, bot, market, signal, rules) -> int:
    """Give the signed units a bot should hold: the frozen one, or a fresh one where the freeze does not hold."""
    if bot.confirmed == 0.0:
        return 0
    turned = position_sign(bot, market) != sign(bot.confirmed)
    if turned:
        return tradable(fresh_target(portfolio, bot, market, signal, rules, False), market)
    if bot.confirmed == bot.sized_exposure and rules.resize == 0:
        return bot.target_units
    target = fresh_target(portfolio, bot, market, signal, rules, True)
    if bot.open_fraction < 1.0:
        target = sign(target) * whole_steps(market, coins(market, abs(target)) * bot.open_fraction)
    if bot.confirmed == bot.sized_exposure and within_resize_band(bot.units, target, rules.resize_band):
        return bot.units
    return tradable(target, market)


@rule
def tradable(units: int, market) -> int:
    """Give a target, or 0 where it is less than the smallest quantity: no position to open or to keep."""
    return units if abs(units) >= market.min_units else 0


@rule
def within_resize_band(units: int, target: int, resize_band: float) -> bool:
    """Say whether a resize would be too small to be worth it."""
    return abs(target - units) <= resize_band * max(abs(target), abs(units))
