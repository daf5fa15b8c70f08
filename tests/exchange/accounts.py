"""Who trades: keys and their rights, fees, pockets and positions."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from tests.exchange.ledger import Part, Pocket
from tests.exchange.listings import Product
from tests.exchange.positions import Position


@dataclass
class Key:
    """A key to an account; a test may take rights away or bind it to addresses."""

    api_key: str
    secret: str
    may_trade: bool = True
    may_withdraw: bool = False
    addresses: tuple[str, ...] = ()
    is_active: bool = True

    def admits(self, address: str) -> bool:
        """Say whether it works from an address."""
        return self.is_active and (not self.addresses or address in self.addresses)


@dataclass
class Fees:
    """Shares of a fill's worth. `coin` says what they are paid in: "received" (a buyer pays base), "quote", or a coin.

    A coin's fee is taken from what the account has of it, and as "received" where that does not suffice.
    """

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    coin: str = "received"


@dataclass
class Account:
    """One account; `unified` keeps coins and contracts in one wallet, `parent` has a sub-account."""

    name: str
    keys: list[Key]
    unified: bool = False
    parent: str = ""
    fees: dict[Product, Fees] = field(default_factory=lambda: {Product.SPOT: Fees(), Product.SWAP: contract_fees()})
    hedge: bool = False
    leverage: dict[str, int] = field(default_factory=dict)
    isolated: dict[str, bool] = field(default_factory=dict)
    positions: dict[tuple[str, str], Position] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Give its first key."""
        return self.keys[0]

    def wallet(self, product: Product) -> str:
        """Name the wallet a product is paid from."""
        return "unified" if self.unified else product.value

    def pocket(self, product: Product, part: Part = Part.FREE) -> Pocket:
        """Give a part of the wallet of a product."""
        return Pocket(self.name, self.wallet(product), part)

    def leverage_of(self, symbol: str) -> int:
        """Give what was set, 20 at first."""
        return self.leverage.get(symbol, 20)

    def position(self, symbol: str, side: str = "BOTH") -> Position:
        """Give the position, empty where there was none."""
        return self.positions.setdefault((symbol, side), Position(symbol, side))

    def held(self) -> Iterator[Position]:
        """Give the positions that are not empty."""
        return (position for position in self.positions.values() if position.quantity)


def contract_fees() -> Fees:
    """Give the usual fees of perpetuals, in quote."""
    return Fees(Decimal("0.0002"), Decimal("0.0005"), "quote")


def drawn_key(seed: int, name: str, number: int = 0) -> Key:
    """Draw a key from a seed."""
    digest = hashlib.sha512(f"{seed} {name} {number}".encode()).hexdigest()
    return Key(digest[:32], digest[32:96])
