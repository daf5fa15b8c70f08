"""Orders against the engine alone: how they fill, rest, trigger and end, and what is refused."""

from decimal import Decimal

import pytest

from tests.exchange.accounts import Fees
from tests.exchange.floor import Floor, refused
from tests.exchange.listings import Product
from tests.exchange.orders import Order, Status, Terms, Ticket, TimeInForce, Unique, Why


def test_a_market_buy_walks_up_the_book_and_pays_its_fee_in_what_it_got(floor: Floor) -> None:
    order = floor.place("12")
    assert order.status is Status.FILLED and order.average == Decimal("100.01") == order.trades[0].price
    assert order.trades[0].fee == Decimal("0.012") and order.trades[0].fee_coin == "BTC"
    assert floor.money("BTC") == (Decimal("12.988"), 0)
    assert floor.money("USDT") == (5000 - 12 * Decimal("100.01"), 0)


def test_a_market_order_that_the_book_cannot_fill_ends_expired_with_what_there_was(floor: Floor) -> None:
    floor.exchange.liquidity["BTCUSDT"] = Decimal("0.4")
    order = floor.place("1", is_buy=False)
    assert (order.status, order.filled) == (Status.EXPIRED, Decimal("0.4")) and floor.money("BTC") == (
        Decimal("0.6"),
        0,
    )
    floor.exchange.liquidity["BTCUSDT"] = Decimal(0)
    order = floor.place("0.5", is_buy=False)
    assert (order.status, order.filled, order.trades) == (Status.EXPIRED, 0, [])


def test_a_market_buy_for_quote_fills_whole_steps_below_it(floor: Floor) -> None:
    order = floor.exchange.place(floor.account, Ticket(Product.SPOT, "BTCUSDT", True, quote_quantity=Decimal(100)))
    assert (order.status, order.filled) == (Status.FILLED, Decimal("0.9999"))
    assert order.quote_filled <= 100 < order.quote_filled + Decimal("0.00001") * Decimal("100.01")


@pytest.mark.parametrize(("is_buy", "resting", "through"), [(True, "99", 98.9), (False, "101", 101.1)])
def test_a_limit_order_rests_locked_and_fills_as_maker_once_the_price_went_through(
    floor: Floor, is_buy: bool, resting: str, through: float
) -> None:
    order = floor.place("0.5", resting, is_buy=is_buy)
    coin, locked = ("USDT", Decimal("49.5")) if is_buy else ("BTC", Decimal("0.5"))
    assert order.status is Status.NEW and floor.money(coin)[1] == locked
    floor.move(float(resting))
    assert order.status is Status.NEW, "the price itself is not enough: others stand before us"
    floor.move(through)
    assert order.status is Status.FILLED and order.average == Decimal(resting) and order.trades[0].is_maker
    assert floor.money(coin)[1] == 0


def test_a_resting_order_fills_in_parts_where_little_is_offered_and_the_rest_is_given_back(floor: Floor) -> None:
    floor.exchange.liquidity["BTCUSDT"] = Decimal("0.2")
    order = floor.place("0.5", "99")
    floor.move(98.0, 90.0)
    assert (order.status, order.filled, len(order.trades)) == (Status.PARTIAL, Decimal("0.4"), 2)
    floor.exchange.cancel(order)
    assert order.status is Status.CANCELED and floor.money("USDT") == (Decimal(5000) - Decimal("0.4") * 99, 0)
    refused(Why.NOT_OPEN, lambda: floor.exchange.cancel(order))


def test_a_limit_order_takes_what_is_better_and_rests_with_the_remainder(floor: Floor) -> None:
    floor.exchange.liquidity["BTCUSDT"] = Decimal("0.2")
    order = floor.place("0.5", "101")
    assert (order.status, order.filled) == (Status.PARTIAL, Decimal("0.2")) and order.average == Decimal("100.01")
    assert floor.money("USDT")[1] == Decimal("0.3") * 101


@pytest.mark.parametrize(("in_force", "filled"), [(TimeInForce.IOC, "0.2"), (TimeInForce.FOK, "0")])
def test_orders_that_do_not_wait_expire(floor: Floor, in_force: TimeInForce, filled: str) -> None:
    floor.exchange.liquidity["BTCUSDT"] = Decimal("0.2")
    order = floor.place("0.5", "101", time_in_force=in_force)
    assert (order.status, order.filled) == (Status.EXPIRED, Decimal(filled)) and floor.money("USDT")[1] == 0


def test_a_post_only_that_would_fill_is_refused_or_taken_and_cancelled(floor: Floor) -> None:
    ticket = Ticket(Product.SPOT, "BTCUSDT", True, Decimal(1), Decimal(101), time_in_force=TimeInForce.GTX)
    refused(Why.POST_ONLY, lambda: floor.exchange.place(floor.account, ticket))
    order = floor.exchange.place(floor.account, ticket, Terms(refuses_post_only=False))
    assert (order.status, order.filled) == (Status.CANCELED, 0) and floor.money("USDT")[1] == 0
    assert floor.place("1", "100", time_in_force=TimeInForce.GTX).status is Status.NEW


@pytest.mark.parametrize(("is_buy", "trigger", "calm", "met"), [(False, "95", 96.0, 94.0), (True, "105", 104.0, 106.0)])
def test_a_stop_waits_for_its_price_and_sells_or_buys_at_market(
    floor: Floor, is_buy: bool, trigger: str, calm: float, met: float
) -> None:
    order = floor.place("0.5", is_buy=is_buy, trigger=Decimal(trigger), triggers_above=is_buy)
    floor.move(calm)
    assert order.is_waiting and order.status is Status.NEW
    floor.move(met)
    best = Decimal(str(met)) + (Decimal("0.01") if is_buy else -Decimal("0.01"))
    assert order.status is Status.FILLED and order.average == best and not order.trades[0].is_maker
    refused(Why.TRIGGER, lambda: floor.place("0.1", is_buy=is_buy, trigger=Decimal(trigger), triggers_above=is_buy))


def test_a_stop_that_cannot_be_paid_any_more_ends_expired(floor: Floor) -> None:
    order = floor.place("1", trigger=Decimal(105), triggers_above=True)
    floor.exchange.flows.vanish(floor.account, "USDT")
    floor.move(106.0)
    assert (order.status, order.filled) == (Status.EXPIRED, 0)


@pytest.mark.parametrize(
    ("why", "quantity", "price"),
    [
        (Why.STEP, "0.000011", None),
        (Why.SIZE, "0", None),
        (Why.SIZE, "9001", "100"),
        (Why.MARKET_SIZE, "5001", None),
        (Why.TICK, "1", "100.001"),
        (Why.BAND, "1", "19"),
        (Why.BAND, "1", "501"),
        (Why.NOTIONAL, "0.04", None),
        (Why.FUNDS, "60", None),
        (Why.FUNDS, "60", "90"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_leaves_nothing(floor: Floor, why: Why, quantity: str, price: str) -> None:
    before = floor.money("USDT")
    refused(why, lambda: floor.place(quantity, price))
    assert floor.money("USDT") == before and not floor.exchange.matching.orders


def test_a_stop_to_sell_more_than_there_is_is_refused(floor: Floor) -> None:
    refused(Why.FUNDS, lambda: floor.place("1.5", is_buy=False, trigger=Decimal(95)))


def test_a_closed_market_takes_no_orders_and_an_unlisted_one_is_unknown(floor: Floor) -> None:
    listing = floor.exchange.listings[0]
    listing.status = "BREAK"
    refused(Why.CLOSED, lambda: floor.place("1"))
    listing.listed = False
    refused(Why.SYMBOL, lambda: floor.place("1"))


def test_a_client_id_is_unique_for_ever_while_open_or_not_at_all(floor: Floor) -> None:
    def again(unique: Unique, price: str | None = None) -> Order:
        ticket = Ticket(Product.SPOT, "BTCUSDT", True, Decimal("0.1"), Decimal(price) if price else None, client_id="w")
        return floor.exchange.place(floor.account, ticket, Terms(unique))

    again(Unique.WHILE_OPEN)
    again(Unique.WHILE_OPEN, "90")
    refused(Why.DUPLICATE, lambda: again(Unique.WHILE_OPEN))
    again(Unique.NEVER)
    floor.exchange.cancel(floor.exchange.matching.named("a", "w")[1])
    again(Unique.WHILE_OPEN)
    refused(Why.DUPLICATE, lambda: again(Unique.ALWAYS))


@pytest.mark.parametrize(
    ("coin", "is_buy", "fee", "paid_in"),
    [
        ("received", True, "0.001", "BTC"),
        ("received", False, "0.09999", "USDT"),
        ("quote", True, "0.10001", "USDT"),
        ("BNB", True, "0.00016668", "BNB"),
    ],
)
def test_fees_are_paid_in_the_coin_of_the_plan(floor: Floor, coin: str, is_buy: bool, fee: str, paid_in: str) -> None:
    floor.exchange.flows.deposit(floor.account, "BNB", Decimal(1))
    floor.account.fees[Product.SPOT] = Fees(coin=coin)
    (trade,) = floor.place("1", is_buy=is_buy).trades
    assert (trade.fee, trade.fee_coin) == (Decimal(fee), paid_in)


def test_a_fee_coin_that_runs_out_falls_back_to_what_was_received(floor: Floor) -> None:
    floor.account.fees[Product.SPOT] = Fees(coin="BNB")
    assert floor.place("1").trades[0].fee_coin == "BTC"
