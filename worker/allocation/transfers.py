"""Money moves as free cash: who gives, who gets, to a sum of exactly 0."""

import math

from worker.jit import rule

# Multiples of a power of two add up without rounding (to 8e9 quote), so transfers sum to 0 to the last bit.
GRAIN_QUOTE = 2.0**-20
LARGEST_QUOTE = 8e9


@rule
def whole_grains(amount: float) -> float:
    """Round an amount down to whole grains."""
    return float(math.floor(amount / GRAIN_QUOTE)) * GRAIN_QUOTE


@rule
def free_cash(equity: float, quantity: float, close: float, leverage: float) -> float:
    """Give the money that no open position needs."""
    return max(0.0, equity - abs(quantity) * close / leverage)


@rule
def share_out(bots, given: float, lacking: float) -> None:
    """Set the flow of each bot that lacks money to its share of what was given.

    Shares are in proportion to what each lacks; what rounding left goes to the one that lacks most.
    """
    left, neediest, most = given, -1, 0.0
    for b in range(len(bots)):
        lack = bots[b].new_allocation - bots[b].equity
        if lack > 0.0:
            bots[b].flow = whole_grains(min(given * (lack / lacking), lack))
            left -= bots[b].flow
            if lack > most:
                neediest, most = b, lack
    if neediest >= 0:
        bots[neediest].flow += left
