"""Perpetual positions: what they cost, what they are worth, what closing a part of them brings."""

from dataclasses import dataclass
from decimal import Decimal

from tests.exchange.exact import quotient
from tests.exchange.ledger import ZERO


@dataclass
class Position:
    """A signed quantity and its signed cost: the cost is exact, the entry price only what it shows."""

    symbol: str
    side: str = "BOTH"
    quantity: Decimal = ZERO
    cost: Decimal = ZERO

    @property
    def entry(self) -> Decimal:
        """Give the average price it was opened at, 0 when empty."""
        return self.cost / self.quantity if self.quantity else ZERO

    def profit(self, price: Decimal) -> Decimal:
        """Give what it has gained at a price, before fees."""
        return self.quantity * price - self.cost

    def margin(self, leverage: int) -> Decimal:
        """Give what must stand behind it."""
        return quotient(abs(self.cost), Decimal(leverage))

    def reducible(self, direction: int) -> Decimal:
        """Give how much an order of a direction could close."""
        return max(ZERO, -direction * self.quantity)

    def apply(self, change: Decimal, price: Decimal) -> Decimal:
        """Book a signed fill and give the profit it realises."""
        direction = 1 if change > 0 else -1
        closed = min(abs(change), self.reducible(direction)) * direction
        share = -self.cost if closed == -self.quantity else quotient(self.cost * closed, self.quantity)
        realised = -closed * price + share
        self.cost += share + (change - closed) * price
        self.quantity += change
        return realised
