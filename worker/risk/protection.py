"""Protective levels of an open position: stop, trailing stop, and the rungs that take profit.

`direction` is 1.0 for a long, -1.0 for a short. Levels come from what was known before the bar.
"""

from worker.jit import rule


@rule
def stop_level(entry_price: float, direction: float, stop_fraction: float) -> float:
    """Give the price at which the loss reaches `stop_fraction`."""
    return entry_price * (1.0 - direction * stop_fraction)


@rule
def peak_profit(entry_price: float, best_price: float, direction: float) -> float:
    """Give the best profit seen since the position opened, as a fraction of the entry price."""
    return direction * (best_price / entry_price - 1.0)


@rule
def trailing_level(entry_price: float, direction: float, peak: float, giveback: float) -> float:
    """Give the price at which profit has fallen by `giveback` of its peak."""
    return entry_price * (1.0 + direction * peak * (1.0 - giveback))


@rule
def raise_level(bot, rules, direction: float) -> None:
    """Move the level that protects a position to the nearer of its stops, never further away than it was."""
    if bot.stop_fraction > 0.0:
        _raise(bot, stop_level(bot.entry_price, direction, bot.stop_fraction), direction, 0)
    peak = peak_profit(bot.entry_price, bot.best_price, direction)
    if rules.trail_activate > 0.0 and peak >= rules.trail_activate:
        _raise(bot, trailing_level(bot.entry_price, direction, peak, rules.trail_giveback), direction, 1)


@rule
def _raise(bot, level: float, direction: float, is_trailed: int) -> None:
    if bot.exit_level <= 0.0 or direction * (level - bot.exit_level) > 0.0:
        bot.exit_level = level
        bot.is_trailed = is_trailed


@rule
def is_reached(level: float, market, direction: float) -> bool:
    """Say whether the bar traded through a protective level."""
    if level <= 0.0:
        return False
    return market.low <= level if direction > 0.0 else market.high >= level


@rule
def stop_price(level: float, market, direction: float) -> float:
    """Give where a reached level trades: there, or at the open where the bar opened beyond it."""
    return min(level, market.open) if direction > 0.0 else max(level, market.open)


@rule
def rung_level(entry_price: float, direction: float, profit: float) -> float:
    """Give the price of a rung."""
    return entry_price * (1.0 + direction * profit)


@rule
def is_rung_reached(level: float, market, direction: float) -> bool:
    """Say whether the bar traded up (a short: down) to a rung."""
    return market.high >= level if direction > 0.0 else market.low <= level


@rule
def rung_price(level: float, market, direction: float) -> float:
    """Give where a rung fills as a limit order: at its level, or at the open where that is better."""
    return max(level, market.open) if direction > 0.0 else min(level, market.open)
