"""Quantities as whole numbers of an asset's smallest unit, so that they add up, compare and round exactly."""

from fractions import Fraction
from typing import NamedTuple

from shared.errors import ConfigurationError

# Beyond this many units a float64 no longer tells one count from the next.
LARGEST_UNITS = 2**53
# The smallest unit of an asset whose market does not say.
USUAL_UNIT = 1e-8
SMALLEST_UNIT, LARGEST_UNIT = 1e-12, 1e3


class Unit(NamedTuple):
    """An asset's smallest unit. One of the two numbers is 1, so that a count becomes coins in a single rounding."""

    coins_per_unit: float = 1.0
    units_per_coin: float = 1e8

    def coins(self, units: int) -> float:
        """Give the base quantity of so many units: the float64 nearest to it."""
        return units * self.coins_per_unit / self.units_per_coin

    def count(self, quantity: float) -> int:
        """Give the whole number of units nearest to a base quantity."""
        return round(quantity * self.units_per_coin / self.coins_per_unit)


def make_unit(size: float) -> Unit:
    """Give the unit of a size such as 1e-8, 0.5 or 25; raises ConfigurationError unless it or its inverse is whole."""
    exact = Fraction(repr(size))
    if not SMALLEST_UNIT <= size <= LARGEST_UNIT or 1 not in (exact.numerator, exact.denominator):
        range_ = f"{SMALLEST_UNIT} to {LARGEST_UNIT:,.0f}"
        raise ConfigurationError(f"smallest unit must be a whole number or 1 over one, from {range_}, was {size}")
    return Unit(float(exact.numerator), float(exact.denominator))
