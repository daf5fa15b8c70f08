"""Quantities as whole numbers of a market's smallest unit, and the floats they stand for."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

# A float64 holds every whole number up to here.
MOST_UNITS = 2**53


@dataclass(frozen=True, slots=True)
class Measure:
    """How a market counts: one unit is `numerator / denominator` base coins; orders are whole steps of units."""

    numerator: int
    denominator: int
    step_units: int
    min_units: int

    def base(self, units: int) -> float:
        """Give the base coins nearest to so many units."""
        return units * self.numerator / self.denominator

    def toward_zero(self, quantity: float) -> int:
        """Give the units of the most whole steps that are no more, as base coins, than the quantity is in size."""
        top, bottom = abs(quantity).as_integer_ratio()
        steps = top * self.denominator // (bottom * self.numerator * self.step_units)
        while steps * self.step_units <= MOST_UNITS and self.base((steps + 1) * self.step_units) <= abs(quantity):
            steps += 1
        units = steps * self.step_units
        return units if quantity >= 0.0 else -units

    def whole_steps(self, units: int) -> int:
        """Give the whole steps within so many units."""
        whole = abs(units) // self.step_units * self.step_units
        return whole if units >= 0 else -whole


def measure(unit: float, step: float, least: float) -> Measure:
    """Read a market's decimals as they are written: a unit of 1e-08 is exactly a hundred-millionth."""
    exact = Fraction(str(unit))
    steps, smallest = Fraction(str(step)) / exact, Fraction(str(least)) / exact
    if steps.denominator != 1 or steps < 1:
        raise ValueError(f"step must be a whole number of units {unit}, was {step}")
    # Rounded up: what is below the smallest quantity does not trade.
    min_units = max(-(-smallest.numerator // smallest.denominator), int(steps))
    return Measure(exact.numerator, exact.denominator, int(steps), min_units)


def total(amounts: Iterable[float]) -> float:
    """Add up from left to right, as every Python does not by itself."""
    amount = 0.0
    for one in amounts:
        amount += one
    return amount


def sign(number: float) -> int:
    """Give −1, 0 or 1."""
    return (number > 0) - (number < 0)
