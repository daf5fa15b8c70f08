"""Money moves as free cash: who gives, who gets, to a sum of exactly 0."""

import math

from worker.jit import rule

# Multiples of a power of two, the grain, add up without rounding to so many of them, so that transfers sum to 0 to the
# last bit.
MOST_GRAINS = 2.0**53
# A bot's capital has between 2**29 and 2**30 grains: one of 1,000 moves by 2**-20.
_GRAIN_BITS = 30


def grain_of(capital: float) -> float:
    """Give the grain of a fleet whose bots start with so much, so that its unit of money changes nothing."""
    return math.ldexp(1.0, math.frexp(capital)[1] - _GRAIN_BITS)


@rule
def grain_in_force(grain: float, equity: float) -> float:
    """Give the grain in which so much money still sums exactly: a larger one where it has outgrown its own.

    Twice the equity, for bots that owe lie below what the others hold.
    """
    while 2.0 * equity > MOST_GRAINS * grain:
        grain *= 2.0
    return grain


@rule
def whole_grains(amount: float, grain: float) -> float:
    """Round an amount down to whole grains."""
    return float(math.floor(amount / grain)) * grain


@rule
def free_cash(equity: float, quantity: float, close: float, reserved: float, leverage: float) -> float:
    """Give the money that neither an open position needs nor, at the worst, an order that is not resolved."""
    return max(0.0, equity - (abs(quantity) * close + reserved) / leverage)


@rule
def share_out(bots, markets, account: int, given: float, lacking: float, grain: float) -> None:
    """Set the flow of each bot of an account that lacks money to its share of what was given there.

    Shares are in proportion to what each lacks; what rounding left goes to the one that lacks most.
    """
    left, neediest, most = given, -1, 0.0
    for b in range(len(bots)):
        lack = bots[b].new_allocation - bots[b].equity
        if lack > 0.0 and markets[bots[b].market].account_index == account:
            bots[b].flow = whole_grains(min(given * (lack / lacking), lack), grain)
            left -= bots[b].flow
            if lack > most:
                neediest, most = b, lack
    if neediest >= 0:
        bots[neediest].flow += left
