"""Exact projection of weights onto `{sum = 1, low ≤ weight ≤ high}`."""

from worker.jit import rule


@rule
def bound_low(low: float, most: float, members: int) -> float:
    """Give the lower bound in force for so many members: at most the share `most` of an equal weight."""
    return min(low, most / members)


@rule
def bound_high(high: float, members: int) -> float:
    """Give the upper bound in force for so many members."""
    return max(high, 1.0 / members)


@rule
def normalise(weights, members: int, needs_all: bool) -> None:
    """Divide the first `members` raw weights by their sum, in place.

    All weigh the same where the sum is not positive, or, with `needs_all`, where any of them is 0.
    """
    total, smallest = 0.0, weights[0]
    for k in range(members):
        total += weights[k]
        smallest = min(smallest, weights[k])
    is_equal = total <= 0.0 or (needs_all and smallest <= 0.0)
    for k in range(members):
        weights[k] = 1.0 / members if is_equal else weights[k] / total


@rule
def project(weights, pinned, members: int, low: float, high: float) -> None:
    """Project the first `members` weights onto the bounds, in place; `pinned` is scratch of the same length.

    Variable fixing after Bitran and Hax (1981): shift the free weights to the sum they must have, pin the side that
    breaks its bound by more in total, and repeat. Each round pins at least one, so it ends, and a pinned weight holds
    its bound to the last bit. The bounds must admit a solution.
    """
    for k in range(members):
        pinned[k] = 0
    for _ in range(members):
        free, missing = 0, 1.0
        for k in range(members):
            missing -= weights[k]
            free += 1 - pinned[k]
        if free == 0:
            return
        too_low, too_high = _shift_free(weights, pinned, members, missing / free, low, high)
        if too_low == 0.0 and too_high == 0.0:
            return
        for k in range(members):
            if pinned[k] == 0 and too_low >= too_high and weights[k] <= low:
                weights[k] = low
                pinned[k] = 1
            elif pinned[k] == 0 and too_high > too_low and weights[k] >= high:
                weights[k] = high
                pinned[k] = 1


@rule
def _shift_free(weights, pinned, members: int, shift: float, low: float, high: float) -> tuple[float, float]:
    too_low, too_high = 0.0, 0.0
    for k in range(members):
        if pinned[k] == 0:
            weights[k] += shift
            too_low += max(low - weights[k], 0.0)
            too_high += max(weights[k] - high, 0.0)
    return too_low, too_high
