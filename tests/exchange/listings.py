"""What is traded: markets with their step, tick and limits."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum, auto


class Product(StrEnum):
    """Coins, or perpetual contracts on them."""

    SPOT = auto()
    SWAP = auto()


@dataclass
class Listing:
    """One market; `status` and `listed` may be changed by a test. `product` None lists spot and perpetual alike.

    Prices of limit orders must lie between `low_band` and `high_band` times the price. `level` is what the wave of
    prices swings around.
    """

    base: str
    quote: str
    level: float
    tick: Decimal
    step: Decimal
    min_notional: Decimal = Decimal(5)
    status: str = "TRADING"
    listed: bool = True
    listed_since_ms: int = 0
    min_quantity: Decimal | None = None
    max_quantity: Decimal = Decimal(9000)
    max_market_quantity: Decimal = Decimal(5000)
    low_band: Decimal = Decimal("0.2")
    high_band: Decimal = Decimal(5)
    product: Product | None = None

    @property
    def symbol(self) -> str:
        """Give the exchange's own name."""
        return self.base + self.quote

    @property
    def smallest(self) -> Decimal:
        """Give the least that can be ordered."""
        return self.step if self.min_quantity is None else self.min_quantity

    def is_of(self, product: Product | None) -> bool:
        """Say whether it is listed for a product; None asks for either."""
        return self.listed and (product is None or self.product in (None, product))


def usual_listings() -> list[Listing]:
    """Give three markets."""
    return [
        Listing("BTC", "USDT", 60_000.0, Decimal("0.01"), Decimal("0.00001")),
        Listing("ETH", "USDT", 3_000.0, Decimal("0.01"), Decimal("0.0001")),
        Listing("SOL", "USDT", 150.0, Decimal("0.01"), Decimal("0.001")),
    ]
