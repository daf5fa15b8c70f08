"""Who gets how much of what was executed: bots' shares of a trade sum to the trade exactly."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

# Fees are shared out this much finer than they were charged, so that every share is nearly in proportion.
FINER = Decimal("0.0001")


def share_units(units: int, wanted: Sequence[int], step_units: int) -> list[int]:
    """Share an execution of `units` (> 0) out in proportion to what each is still to get of the order.

    Rounded down to the step; what that leaves goes to who is still to get most, never more than its part, so that an
    order filled whole gives each bot exactly its part. What was executed beyond the order goes to the largest.
    """
    total = sum(wanted)
    within = min(units, total)
    given = [within * want // total // step_units * step_units if total else 0 for want in wanted]
    left = within - sum(given)
    while left > 0:
        most = max(range(len(wanted)), key=lambda at: wanted[at] - given[at])
        more = min(left, step_units, wanted[most] - given[most])
        given[most] += more
        left -= more
    if units > within:
        given[max(range(len(wanted)), key=lambda at: wanted[at])] += units - within
    return given


def share_amount(amount: Decimal, given: Sequence[int]) -> list[Decimal]:
    """Share an amount of money out in proportion to units: exactly, the rest goes to the largest."""
    total = sum(given)
    if total == 0:
        raise ValueError(f"units must be given before an amount is shared out, were {list(given)}")
    grain = Decimal(1).scaleb(_exponent(amount)) * FINER
    shares = [(amount * units / total).quantize(grain, ROUND_DOWN) for units in given]
    largest = max(range(len(given)), key=lambda at: given[at])
    shares[largest] += amount - sum(shares)
    return shares


def _exponent(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"amount must be a number, was {amount}")
    return min(exponent, 0)
