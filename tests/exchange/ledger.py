"""Coins by owner: every amount that comes to one pocket leaves another, so that each coin's sum stays zero."""

from collections import defaultdict
from decimal import Decimal
from enum import StrEnum, auto
from typing import NamedTuple

from tests.exchange.exact import exact

ZERO = Decimal(0)


class Part(StrEnum):
    """What an amount is there for."""

    FREE = auto()
    # behind resting spot orders
    LOCKED = auto()
    # behind positions and resting orders of contracts
    MARGIN = auto()


class Pocket(NamedTuple):
    """A place for coins."""

    owner: str
    wallet: str
    part: Part


# Who trades with the accounts, who takes the fees, and where deposits come from: these may owe.
MARKET = Pocket("market", "", Part.FREE)
FEES = Pocket("fees", "", Part.FREE)
WORLD = Pocket("world", "", Part.FREE)


class Ledger:
    """Who has how much of what."""

    def __init__(self) -> None:
        self._amounts: dict[tuple[Pocket, str], Decimal] = defaultdict(Decimal)

    def amount(self, pocket: Pocket, coin: str) -> Decimal:
        """Give what is in a pocket."""
        return self._amounts.get((pocket, coin), ZERO)

    @exact
    def move(self, coin: str, amount: Decimal, source: Pocket, target: Pocket) -> None:
        """Move an amount ≥ 0. Asserts that no account is left with less than nothing."""
        assert amount >= 0, f"amount moved must not be negative, was {amount} {coin} from {source} to {target}"
        self._amounts[source, coin] -= amount
        self._amounts[target, coin] += amount
        left = self._amounts[source, coin]
        assert left >= 0 or not source.wallet, f"{source} must hold no less than nothing, held {left} {coin}"

    def coins(self, owner: str, wallet: str) -> list[str]:
        """Give the coins a wallet holds or has held, by name."""
        held = {coin for pocket, coin in self._amounts if (pocket.owner, pocket.wallet) == (owner, wallet)}
        return sorted(held)

    @exact
    def sums(self) -> dict[str, Decimal]:
        """Add up each coin over all pockets: always zero."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for (_, coin), amount in self._amounts.items():
            sums[coin] += amount
        return dict(sums)
