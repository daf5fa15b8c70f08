"""Whatever is done, coins are conserved and the record adds up; and the check that says so can fail."""

import random
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest

from shared.clock import ManualClock
from tests.exchange import record
from tests.exchange.accounts import Account, Fees
from tests.exchange.engine import Exchange
from tests.exchange.faults import Faults
from tests.exchange.ledger import WORLD
from tests.exchange.listings import Product
from tests.exchange.orders import Refused, Ticket, TimeInForce
from tests.exchange.venue import NOW_MS
from tests.exchange.weather import Weather

DAYS = 3
DAY_MS = 86_400_000


def trade_at_random(seed: int) -> tuple[Exchange, list[object]]:
    """Place, cancel and transfer by chance for some days of weather."""
    chance, clock = random.Random(seed), ManualClock(NOW_MS)
    exchange = Exchange(clock.now_ms, seed=seed)
    account = exchange.open_account("a", unified=seed % 2 == 1, USDT="50000", BTC="1", BNB="0.01")
    if not account.unified:
        exchange.flows.transfer((account, Product.SPOT), (account, Product.SWAP), "USDT", Decimal(20_000))
    account.fees[Product.SPOT] = Fees(coin=chance.choice(("received", "quote", "BNB")))
    Weather(exchange, Faults(), account, seed).plan(NOW_MS, NOW_MS + DAYS * DAY_MS)
    seen: list[object] = []
    for _ in range(150):
        clock.advance_ms(round(chance.expovariate(1 / 1_700_000)))
        with suppress(Refused):
            seen.append(exchange.place(account, drawn_ticket(exchange, chance)).status)
        resting = list(exchange.matching.open.values())
        if resting and chance.random() < 0.3:
            exchange.cancel(chance.choice(resting))
    return exchange, seen


def drawn_ticket(exchange: Exchange, chance: random.Random) -> Ticket:
    symbol = chance.choice(("BTCUSDT", "ETHUSDT"))
    price = exchange.price(symbol)
    near = (price * Decimal(str(round(chance.uniform(0.98, 1.02), 4)))).quantize(Decimal("0.01"))
    kind = chance.choice(("market", "limit", "limit", "stop"))
    return Ticket(
        product=chance.choice(list(Product)),
        symbol=symbol,
        is_buy=chance.random() < 0.5,
        quantity=Decimal(chance.randint(1, 4000)) / 10_000,
        price=near if kind == "limit" else None,
        trigger=near if kind == "stop" else None,
        triggers_above=near > price,
        reduce_only=kind == "stop",
        time_in_force=chance.choice([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.GTX]),
    )


@pytest.mark.parametrize("seed", range(6))
def test_after_days_of_orders_and_weather_the_record_adds_up(seed: int) -> None:
    exchange, seen = trade_at_random(seed)
    record.check(exchange)
    assert len(seen) > 50 and len({str(status) for status in seen}) >= 3 and exchange.matching.trades


def test_the_same_seed_gives_the_same_record() -> None:
    first, second = (trade_at_random(3)[0] for _ in range(2))
    assert record.trades(first, first.accounts["a"]) == record.trades(second, second.accounts["a"])
    assert record.flows(first, first.accounts["a"]) == record.flows(second, second.accounts["a"])


def lose_a_coin(exchange: Exchange, account: Account) -> None:
    exchange.ledger._amounts[account.pocket(Product.SPOT), "USDT"] -= Decimal("0.01")


def take_without_a_note(exchange: Exchange, account: Account) -> None:
    exchange.ledger.move("USDT", Decimal(1), account.pocket(Product.SPOT), WORLD)


def forget_a_trade(exchange: Exchange, account: Account) -> None:
    exchange.matching.trades.pop().order.trades.pop()


def double_a_position(exchange: Exchange, account: Account) -> None:
    next(account.held()).quantity *= 2


@pytest.mark.parametrize("sabotage", [lose_a_coin, take_without_a_note, forget_a_trade, double_a_position])
def test_the_check_of_the_record_can_fail(sabotage: Callable[[Exchange, Account], None]) -> None:
    exchange = Exchange(lambda: NOW_MS)
    account = exchange.open_account("a", unified=True, USDT="50000")
    for product in Product:
        exchange.place(account, Ticket(product, "BTCUSDT", True, Decimal("0.1")))
    record.check(exchange)
    sabotage(exchange, account)
    with pytest.raises(AssertionError, match="must"):
        record.check(exchange)


def test_no_account_is_left_with_less_than_nothing() -> None:
    exchange = Exchange(lambda: NOW_MS)
    account = exchange.open_account("a", USDT="1")
    with pytest.raises(AssertionError, match="no less than nothing"):
        exchange.flows.withdraw(account, "USDT", Decimal(2))
