"""Words about a position: sign, flat, and what would increase it."""

from shared import units
from worker.jit import rule

round_toward_zero = rule(units.round_toward_zero)


@rule
def sign(value: float) -> int:
    """Give -1, 0 or 1."""
    if value > 0.0:
        return 1
    return -1 if value < 0.0 else 0


@rule
def is_dust(quantity: float, market) -> bool:
    """Say whether a quantity is less than the smallest that can be traded."""
    return abs(quantity) < market.min_quantity * (1.0 - units.STEP_TOLERANCE)


@rule
def is_flat(bot, market) -> bool:
    """Say whether a bot holds nothing that could be traded; dust below the smallest quantity stays in the books."""
    return is_dust(bot.quantity, market)


@rule
def position_sign(bot, market) -> int:
    """Give the direction of a bot's position, 0 where it is flat."""
    return 0 if is_flat(bot, market) else sign(bot.quantity)


@rule
def without_increase(quantity: float, target: float) -> float:
    """Give the target with what increases the position taken out: a reversal becomes a close."""
    if sign(quantity) == sign(target):
        return target if abs(target) <= abs(quantity) else quantity
    return quantity if quantity == 0.0 else 0.0
