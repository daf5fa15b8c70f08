"""The identities of the books: what tests and `flotilla doctor` hold them to.

Each function gives the amount by which an identity fails, 0 where it holds. What may remain is float noise:
`is_noise` says whether an amount is, against the size of what was summed. What is counted must agree exactly.
"""

import math
from collections.abc import Iterable, Sequence

NOISE_FRACTION = 1e-9


def is_noise(difference: float, size: float) -> bool:
    """Say whether a difference is float noise against sums of about `size`; of nothing, nothing may remain."""
    return abs(difference) <= NOISE_FRACTION * abs(size)


def cash_gap(cash: float, money_in: float, spent: float, fees: float, funding: float) -> float:
    """Give how far a bot's cash is from what came in less what its fills spent, its fees and its funding (1).

    `spent` is the sum of quantity × price over its fills.
    """
    return cash - (money_in - spent - fees - funding)


def units_gap(units: int, filled: Iterable[int]) -> int:
    """Give how many units a bot holds more than the sum of its fills, or of its lots (1); it must be exactly 0."""
    return units - sum(filled)


def transfer_gap(amounts: Iterable[float]) -> float:
    """Give what the transfers of one rebalance sum to; it must be exactly 0 (2)."""
    return sum(amounts)


def account_gap(account_units: int, bot_units: Iterable[int]) -> int:
    """Give the units of an account that no bot holds: the unattributed (3)."""
    return account_units - sum(bot_units)


def equity_gap(portfolio_equity: float, portfolio_cash: float, bot_equities: Sequence[float]) -> float:
    """Give how far the portfolio's equity is from its cash and its bots' equity (4)."""
    return portfolio_equity - (portfolio_cash + math.fsum(bot_equities))


def profit_gap(equity: float, money_in: float, realised: float, unrealised: float, funding: float) -> float:
    """Give how far equity less money in is from realised and unrealised profit less funding paid (5).

    `realised` includes what a round trip under way has realised so far.
    """
    return (equity - money_in) - (realised + unrealised - funding)
