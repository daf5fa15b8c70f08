"""Words about a position: sign, flat, and what would increase it. Counts are units of the market."""

from worker.jit import rule


@rule
def sign(value: float) -> int:
    """Give -1, 0 or 1."""
    if value > 0:
        return 1
    return -1 if value < 0 else 0


@rule
def is_dust(units: int, market) -> bool:
    """Say whether a count is less than the smallest that can be traded."""
    return abs(units) < market.min_units


@rule
def is_flat(bot, market) -> bool:
    """Say whether a bot holds nothing that could be traded; dust below the smallest quantity stays in the books."""
    return is_dust(bot.units, market)


@rule
def position_sign(bot, market) -> int:
    """Give the direction of a bot's position, 0 where it is flat."""
    return 0 if is_flat(bot, market) else sign(bot.units)


@rule
def is_closing(bot, market) -> bool:
    """Say whether a person asked for a position to be closed: nothing else holds one on the side that is locked."""
    return bot.lock_sign != 0 and position_sign(bot, market) == bot.lock_sign


@rule
def without_increase(units: int, target: int) -> int:
    """Give the target with what increases the position taken out: a reversal becomes a close."""
    if sign(units) == sign(target):
        return target if abs(target) <= abs(units) else units
    return 0
