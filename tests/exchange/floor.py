"""An exchange with an account, and a price of BTC that a test sets."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from shared.clock import ManualClock
from tests.exchange import record
from tests.exchange.engine import Exchange
from tests.exchange.listings import Product
from tests.exchange.orders import Order, Refused, Ticket, Why
from tests.exchange.venue import NOW_MS


class Floor:
    """An exchange with an account, and a price of BTC that a test sets."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW_MS)
        self.exchange = Exchange(self.clock.now_ms)
        self.account = self.exchange.open_account("a", USDT="10000", BTC="1")
        self.exchange.flows.transfer((self.account, Product.SPOT), (self.account, Product.SWAP), "USDT", Decimal(5000))
        self.price = 100.0
        self.exchange.price_override["BTCUSDT"] = lambda time_ms: self.price

    def place(self, quantity: str, price: str | None = None, **changes: object) -> Order:
        """Buy or sell BTC, at market without a price."""
        given: dict = {"product": Product.SPOT, "symbol": "BTCUSDT", "is_buy": True, **changes}
        return self.exchange.place(
            self.account, Ticket(quantity=Decimal(quantity), price=Decimal(price) if price else None, **given)
        )

    def move(self, price: float, seconds: float = 60.0) -> None:
        """Let the price jump, and time pass at the new one."""
        self.exchange.catch_up()
        self.price = price
        self.clock.sleep(seconds)
        self.exchange.catch_up()

    def money(self, coin: str, product: Product = Product.SPOT) -> tuple[Decimal, Decimal]:
        """Give what is free and what is locked of a coin."""
        held = record.balances(self.exchange, self.account)
        return held.get((self.account.wallet(product), coin), (Decimal(0), Decimal(0)))


def refused(why: Why, act: Callable[[], object]) -> None:
    """Require that something is refused for a reason."""
    with pytest.raises(Refused) as caught:
        act()
    assert caught.value.why is why
