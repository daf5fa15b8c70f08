"""Gate through the unmodified client: each call parses in full, and each refusal has the class it has there."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from tests.exchange import record
from tests.exchange.venue import NOW_MS, Venue

SPOT = "BTC/USDT"
HOUR_MS = 3_600_000


def buy(venue: Venue, cost: str, name: str = "w1") -> dict[str, Any]:
    return venue.client.create_order(SPOT, "market", "buy", "1", None, {"clientOrderId": name, "cost": cost})


def test_the_market_has_what_orders_are_checked_by(gate: Venue) -> None:
    market = gate.client.markets[SPOT]
    assert market["active"] and Decimal(market["precision"]["amount"]) == Decimal("0.00001")
    assert Decimal(market["precision"]["price"]) == Decimal("0.01") and market["limits"]["cost"]["min"] == "5"


def test_a_market_buy_is_sized_in_quote_and_found_by_its_name_with_the_prefix(gate: Venue) -> None:
    order = buy(gate, "1000")
    (known,) = record.orders_by_client_id(gate.exchange, gate.account)["t-w1"]
    assert (order["status"], order["clientOrderId"]) == ("closed", "t-w1")
    assert Decimal(order["filled"]) == known.filled and known.worth <= 1000 < known.worth + 1
    found = gate.client.fetch_order(None, SPOT, {"clientOrderId": "w1"})
    assert found["id"] == order["id"] and found["average"] == order["average"]
    (trade,) = gate.client.fetch_my_trades(SPOT)
    assert (trade["order"], trade["takerOrMaker"], trade["fee"]["currency"]) == (order["id"], "taker", "BTC")
    assert Decimal(trade["amount"]) == known.filled


def test_a_market_sale_is_sized_in_base(gate: Venue) -> None:
    buy(gate, "1000")
    order = gate.client.create_order(SPOT, "market", "sell", "0.01", None, {"clientOrderId": "w2"})
    assert (order["filled"], order["remaining"], order["status"]) == ("0.01", "0", "closed")


def test_a_limit_order_rests_locks_and_is_cancelled_by_its_prefixed_name(gate: Venue) -> None:
    gate.client.create_order(SPOT, "limit", "buy", "0.01", "55000", {"clientOrderId": "w1", "postOnly": True})
    (resting,) = gate.client.fetch_open_orders(SPOT)
    assert (resting["clientOrderId"], resting["postOnly"]) == ("t-w1", True)
    assert gate.client.fetch_balance()["USDT"] == {"free": "99450", "used": "550", "total": "100000"}
    assert gate.client.cancel_order("t-w1", SPOT)["status"] == "canceled"
    with pytest.raises(ccxt.InvalidOrder, match="ORDER_CLOSED"):
        gate.client.cancel_order("t-w1", SPOT)
    assert [order["status"] for order in gate.client.fetch_closed_orders(SPOT)] == ["canceled"]


def test_a_name_finds_its_order_for_an_hour_after_it_ended(gate: Venue) -> None:
    order = buy(gate, "1000")
    gate.clock.sleep(3_590)
    assert gate.client.fetch_order(None, SPOT, {"clientOrderId": "w1"})["id"] == order["id"]
    gate.clock.sleep(20)
    with pytest.raises(ccxt.OrderNotFound):
        gate.client.fetch_order(None, SPOT, {"clientOrderId": "w1"})
    assert gate.client.fetch_order(order["id"], SPOT)["status"] == "closed"


def test_candles_ticker_and_book_agree(gate: Venue) -> None:
    rows = gate.client.fetch_ohlcv(SPOT, "1h", NOW_MS - 5 * HOUR_MS, 10)
    assert [row[4] for row in rows[:-1]] == [row[1] for row in rows[1:]] and len(rows) == 5
    assert all(Decimal(row[3]) <= Decimal(row[1]) <= Decimal(row[2]) for row in rows)
    ticker = gate.client.fetch_ticker(SPOT)
    assert abs(Decimal(ticker["last"]) - Decimal(rows[-1][4])) < 2 and ticker["bid"] < ticker["ask"]
    book = gate.client.fetch_order_book(SPOT)
    assert book["bids"][0][0] < book["asks"][0][0] and gate.client.fetch_time() == gate.exchange.clock()


def test_what_came_and_went_is_told(gate: Venue) -> None:
    gate.exchange.flows.deposit(gate.account, "USDT", Decimal(50))
    gate.exchange.flows.withdraw(gate.account, "USDT", Decimal(20))
    assert [(row["amount"], row["type"]) for row in gate.client.fetch_deposits("USDT")] == [("50", "deposit")]
    assert [(row["amount"], row["type"]) for row in gate.client.fetch_withdrawals()] == [("20", "withdrawal")]


REFUSALS: list[tuple[tuple[Any, ...], type[Exception], str]] = [
    (("limit", "buy", "100", "55000"), ccxt.InsufficientFunds, "BALANCE_NOT_ENOUGH"),
    (("limit", "buy", "0.01", "90000", {"postOnly": True}), ccxt.OrderImmediatelyFillable, "POC_FILL_IMMEDIATELY"),
    (("limit", "buy", "0.00001", "55000"), ccxt.BadRequest, "too small"),
    (("limit", "buy", "0.01", "55000", {"text": "t-not allowed"}), ccxt.BadRequest, "INVALID_PARAM_VALUE"),
]


@pytest.mark.parametrize(("asked", "kind", "said"), REFUSALS)
def test_a_refused_order_has_the_class_of_the_real_exchange(
    gate: Venue, asked: tuple[Any, ...], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        gate.client.create_order(SPOT, *asked)
    assert not gate.exchange.matching.orders


def test_the_same_name_may_be_used_again(gate: Venue) -> None:
    first, second = buy(gate, "100"), buy(gate, "100")
    assert first["id"] != second["id"]


def test_a_request_past_its_own_limit_or_far_off_the_clock_is_refused(gate: Venue) -> None:
    gate.client.headers = {"x-gate-exptime": str(gate.exchange.clock() + 1_000)}
    gate.desk.faults.add("delay", "*/spot/orders", "POST", s=2.0)
    with pytest.raises(ccxt.AuthenticationError, match="REQUEST_EXPIRED"):
        buy(gate, "100")
    gate.client.headers = {}
    gate.clock.set_wall_ms(gate.clock.now_ms() - 70_000)
    with pytest.raises(ccxt.AuthenticationError, match="REQUEST_EXPIRED"):
        gate.client.fetch_balance()
    assert not gate.exchange.matching.orders


def test_keys_are_checked(gate: Venue) -> None:
    gate.account.key.may_trade = False
    with pytest.raises(ccxt.PermissionDenied):
        buy(gate, "100")
    gate.client.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError, match="INVALID_SIGNATURE"):
        gate.client.fetch_balance()
    gate.account.key.is_active = False
    with pytest.raises(ccxt.AuthenticationError, match="INVALID_KEY"):
        gate.client.fetch_balance()
