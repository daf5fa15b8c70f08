"""What comes and goes otherwise than by orders: deposits, withdrawals, transfers, funding, and what vanishes."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum, auto
from typing import TYPE_CHECKING

from tests.exchange.accounts import Account
from tests.exchange.exact import cut, exact
from tests.exchange.funding import FUNDING_LATE_MS, funding_rate
from tests.exchange.ledger import WORLD, Part, Pocket
from tests.exchange.listings import Product
from tests.exchange.positions import Position

if TYPE_CHECKING:
    from tests.exchange.engine import Exchange


class FlowKind(StrEnum):
    """What a flow was."""

    DEPOSIT = auto()
    WITHDRAWAL = auto()
    TRANSFER_IN = auto()
    TRANSFER_OUT = auto()
    FUNDING = auto()
    # a position closed because its market was taken down
    SETTLEMENT = auto()
    # these an account is not told of
    OPENING = auto()
    VANISHED = auto()


@dataclass(frozen=True)
class Flow:
    """One of them: a signed amount that came to (or left) an account. `symbol` belongs to funding."""

    id: int
    owner: str
    kind: FlowKind
    coin: str
    amount: Decimal
    time_ms: int
    wallet: str
    symbol: str = ""


class Flows:
    """The record of flows, and how they are made."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange
        self.entries: list[Flow] = []

    def of(self, account: Account, *kinds: FlowKind) -> Sequence[Flow]:
        """Give an account's flows of some kinds, oldest first."""
        return [flow for flow in self.entries if flow.owner == account.name and flow.kind in kinds]

    @exact
    def open(self, account: Account, coin: str, amount: Decimal) -> None:
        """Give an account what it has at first."""
        self._exchange.ledger.move(coin, amount, WORLD, account.pocket(Product.SPOT))
        self._note(account, FlowKind.OPENING, coin, amount, Product.SPOT)

    @exact
    def deposit(self, account: Account, coin: str, amount: Decimal, product: Product = Product.SPOT) -> None:
        """Let coins come from outside; real exchanges take them into the spot or unified wallet only."""
        self._exchange.catch_up()
        self._exchange.ledger.move(coin, amount, WORLD, account.pocket(product))
        self._note(account, FlowKind.DEPOSIT, coin, amount, product)

    @exact
    def withdraw(self, account: Account, coin: str, amount: Decimal, product: Product = Product.SPOT) -> None:
        """Send free coins outside."""
        self._exchange.catch_up()
        self._exchange.ledger.move(coin, amount, account.pocket(product), WORLD)
        self._note(account, FlowKind.WITHDRAWAL, coin, -amount, product)

    @exact
    def transfer(
        self, source: tuple[Account, Product], target: tuple[Account, Product], coin: str, amount: Decimal
    ) -> None:
        """Move free coins between wallets, or to a sub-account and back."""
        self._exchange.catch_up()
        (giver, from_product), (taker, to_product) = source, target
        self._exchange.ledger.move(coin, amount, giver.pocket(from_product), taker.pocket(to_product))
        self._note(giver, FlowKind.TRANSFER_OUT, coin, -amount, from_product)
        self._note(taker, FlowKind.TRANSFER_IN, coin, amount, to_product)

    @exact
    def vanish(self, account: Account, coin: str, share: Decimal = Decimal(1), product: Product = Product.SPOT) -> None:
        """Take a share of the free coins without telling the account, as a break-in does."""
        self._exchange.catch_up()
        pocket = account.pocket(product)
        amount = cut(self._exchange.ledger.amount(pocket, coin) * share)
        self._exchange.ledger.move(coin, amount, pocket, Pocket("thief", "", Part.FREE))
        self._note(account, FlowKind.VANISHED, coin, -amount, product)

    def settle_position(self, account: Account, position: Position, price: Decimal) -> None:
        """Close a position at a price, free of charge."""
        quote = self._exchange.listing_of(position.symbol).quote
        profit = position.apply(-position.quantity, price)
        self._exchange.settlement.pay(account, quote, profit)
        self._note(account, FlowKind.SETTLEMENT, quote, profit, Product.SWAP, position.symbol)

    def settle_funding(self, time_ms: int) -> None:
        """Let longs pay shorts the rate of a settlement, or the other way round."""
        rate = funding_rate(time_ms - FUNDING_LATE_MS)
        for account in self._exchange.accounts.values():
            for position in list(account.held()):
                listing = self._exchange.listing_of(position.symbol)
                amount = cut(-position.quantity * self._exchange.price(position.symbol) * rate)
                self._exchange.settlement.pay(account, listing.quote, amount)
                self._note(account, FlowKind.FUNDING, listing.quote, amount, Product.SWAP, position.symbol)

    def _note(
        self, account: Account, kind: FlowKind, coin: str, amount: Decimal, product: Product, symbol: str = ""
    ) -> None:
        number, now_ms = self._exchange.next_number("flow"), self._exchange.now_ms()
        self.entries.append(Flow(number, account.name, kind, coin, amount, now_ms, account.wallet(product), symbol))
