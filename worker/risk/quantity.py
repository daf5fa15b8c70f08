"""Counting: holdings, targets and orders are whole units of a market, orders whole numbers of its step."""

from shared.quantities import LARGEST_UNITS
from worker.jit import rule

# A count that no rounding beyond 2^53 units can push out of int64.
COUNT_END = float(2**62)


@rule
def coins(market, units: int) -> float:
    """Give the base quantity of so many units: the float64 nearest to it."""
    return units * market.coins_per_unit / market.units_per_coin


@rule
def whole_steps(market, quantity: float) -> int:
    """Give the most whole steps, in units, whose base quantity is no larger than `quantity`, which is not negative."""
    count = min(quantity * market.units_per_coin / market.coins_per_unit, COUNT_END)
    units = only_steps(market, int(count))
    # The division may have rounded across a whole step, either way.
    if coins(market, units) > quantity:
        return units - market.step_units
    if coins(market, units + market.step_units) <= quantity:
        return units + market.step_units
    return units


@rule
def only_steps(market, units: int) -> int:
    """Round a count toward 0 to whole steps."""
    size = abs(units) - abs(units) % market.step_units
    return size if units >= 0 else -size


@rule
def is_countable(units: int) -> bool:
    """Say whether a quantity can be told from its neighbours."""
    return abs(units) <= LARGEST_UNITS


@rule
def pro_rata(part: int, shared: int, whole: int) -> int:
    """Give `part × shared / whole` rounded down, exactly; none is negative, `part` and `shared` at most `whole`."""
    quotient = int(float(part) * float(shared) / float(whole))
    # The products may wrap around in int64, twice by the same amount: what is left is small and true.
    left = part * shared - quotient * whole
    while left < 0:
        quotient -= 1
        left += whole
    while left >= whole:
        quotient += 1
        left -= whole
    return quotient


@rule
def hold(bot, market, units: int) -> None:
    """Let a bot hold so many units."""
    bot.units = units
    bot.quantity = coins(market, units)
