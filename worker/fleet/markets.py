"""What an exchange takes of a symbol, as the counts of a market's record."""

import math
from fractions import Fraction

from shared.errors import ConfigurationError
from shared.quantities import LARGEST_UNIT, LARGEST_UNITS, SMALLEST_UNIT, USUAL_UNIT, Unit, make_unit
from shared.settings import Settings
from worker.market.protocol import Limits
from worker.step.records import Market

# The exchange's smallest notional, where it does not say, is the fleet's own divided by this.
UNKNOWN_MINIMUM_PARTS = 20.0
# A position of so many times the money a bot starts with must be countable.
CAPITALS_COUNTED = 100.0


def fresh_market(limits: Limits, settings: Settings, pays_in_coins: bool = False) -> Market:
    """Give the record of a symbol of which nothing is in the books yet."""
    unit = make_unit(unit_size(limits, settings.portfolio.capital_per_bot, pays_in_coins))
    market = Market(coins_per_unit=unit.coins_per_unit, units_per_coin=unit.units_per_coin)
    set_limits(market, limits, settings)
    return market


def unit_size(limits: Limits, capital: float, pays_in_coins: bool = False) -> float:
    """Give the smallest unit to count in: the decimal place of the symbol's step, or 1e-8 where there is none.

    1e-8 too where the account `pays_in_coins`: a fee in base is a part of a step. A coin so cheap that a bot's money,
    `capital`, would buy more units than can be counted has a larger one, at most its step.
    """
    _require_possible(limits)
    step = None
    if limits.quantity_step is not None:
        step = min(max(_decimal_place(limits.quantity_step), SMALLEST_UNIT), LARGEST_UNIT)
    if step is not None and not pays_in_coins:
        return step
    size = _countable_size(limits, capital)
    return size if step is None else min(size, step)


def _countable_size(limits: Limits, capital: float) -> float:
    size, place = USUAL_UNIT, -8
    while limits.price and size * LARGEST_UNITS * limits.price < CAPITALS_COUNTED * capital:
        place += 1
        size = float(f"1e{place}")
        if size >= LARGEST_UNIT:
            break
    return size


def set_limits(market: Market, limits: Limits, settings: Settings) -> None:
    """Put a symbol's limits into its record, in the unit that the books count in.

    A step that is no whole number of units becomes the smallest multiple of both. Raises ConfigurationError where
    what the market says is none or cannot be counted; the record then stays as it was.
    """
    _require_possible(limits)
    unit = _exact_unit(Unit(market.coins_per_unit, market.units_per_coin))
    steps = Fraction(1) if limits.quantity_step is None else Fraction(repr(limits.quantity_step)) / unit
    smallest = 0 if limits.min_quantity is None else math.ceil(Fraction(repr(limits.min_quantity)) / unit)
    _require_countable("quantity step", limits.quantity_step, steps.numerator, unit)
    _require_countable("min quantity", limits.min_quantity, smallest, unit)
    market.step_units = steps.numerator
    market.min_units = max(market.step_units, smallest)
    unknown = settings.risk.min_notional / UNKNOWN_MINIMUM_PARTS
    market.min_notional = unknown if limits.min_notional is None else limits.min_notional


def _require_possible(limits: Limits) -> None:
    for name, value in limits._asdict().items():
        is_step = name == "quantity_step"
        if value is not None and not (0.0 <= value < math.inf and (value or not is_step)):
            wanted = "more than 0" if is_step else "0 or more"
            raise ConfigurationError(f"{name.replace('_', ' ')} must be a number, {wanted}, was {value:g}")


def _require_countable(name: str, quantity: float | None, units: int, unit: Fraction) -> None:
    if units > LARGEST_UNITS:
        most = f"{LARGEST_UNITS:,} units of {float(unit):g}"
        raise ConfigurationError(f"{name} must come to at most {most}, was {quantity:g}")


def _exact_unit(unit: Unit) -> Fraction:
    return Fraction(round(unit.coins_per_unit), round(unit.units_per_coin))


def _decimal_place(step: float) -> float:
    """Give the largest power of ten that a step is a whole number of: 0.01 of 0.25, 100 of 300."""
    exact, place = Fraction(repr(step)), 0
    while (exact / Fraction(10) ** (place + 1)).denominator == 1:
        place += 1
    while (exact / Fraction(10) ** place).denominator != 1:
        place -= 1
    return float(f"1e{place}")
