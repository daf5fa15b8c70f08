"""What Binance refuses has the class it has there, through the unmodified client: orders, keys, time stamps, haste."""

from typing import Any

import ccxt
import pytest

from tests.exchange import record
from tests.exchange.venue import Venue, make_client

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"


def named(name: str, **more: object) -> dict[str, Any]:
    return {"clientOrderId": name, **more}


REFUSALS: list[tuple[str, tuple[Any, ...], type[Exception], str]] = [
    (SPOT, ("market", "buy", "100"), ccxt.InsufficientFunds, "insufficient balance"),
    (SWAP, ("market", "buy", "100"), ccxt.InsufficientFunds, "-2019"),
    (SPOT, ("limit", "buy", "0.01", "90000", {"postOnly": True}), ccxt.OrderImmediatelyFillable, "immediately match"),
    (SWAP, ("limit", "buy", "0.01", "90000", {"postOnly": True}), ccxt.OrderNotFillable, "-5022"),
    (SPOT, ("market", "buy", "0.00001"), ccxt.BadRequest, "NOTIONAL"),
    (SWAP, ("market", "buy", "0.00001"), ccxt.InvalidOrder, "-4164"),
    (SPOT, ("limit", "buy", "0.01", "5000"), ccxt.InvalidOrder, "PERCENT_PRICE_BY_SIDE"),
    (SPOT, ("market", "sell", "9000"), ccxt.InvalidOrder, "MARKET_LOT_SIZE"),
    (SWAP, ("market", "sell", "0.01", None, {"reduceOnly": True}), ccxt.InvalidOrder, "-2022"),
    (SWAP, ("market", "buy", "0.01", None, {"stopLossPrice": "50000"}), ccxt.OrderImmediatelyFillable, "-2021"),
]


@pytest.mark.parametrize(("symbol", "asked", "kind", "said"), REFUSALS)
def test_a_refused_order_has_the_class_of_the_real_exchange(
    binance: Venue, symbol: str, asked: tuple[Any, ...], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said) as caught:
        binance.client.create_order(symbol, *asked)
    assert type(caught.value) is kind and not binance.exchange.matching.orders


@pytest.mark.parametrize(("symbol", "code"), [(SPOT, "Duplicate order sent"), (SWAP, "-4116")])
def test_a_client_id_is_taken_while_its_order_is_open_only(binance: Venue, symbol: str, code: str) -> None:
    binance.client.create_order(symbol, "limit", "buy", "0.01", "55000", named("w1"))
    with pytest.raises(ccxt.InvalidOrder, match=code):
        binance.client.create_order(symbol, "market", "buy", "0.01", None, named("w1"))
    binance.client.cancel_order(None, symbol, {"clientOrderId": "w1"})
    binance.client.create_order(symbol, "market", "buy", "0.01", None, named("w1"))
    rows = record.orders_by_client_id(binance.exchange, binance.account)["w1"]
    assert [row.status for row in rows] == ["CANCELED", "FILLED"]


def test_a_broken_off_market_and_a_delisted_one(binance: Venue) -> None:
    binance.exchange.listings[0].status = "BREAK"
    with pytest.raises(ccxt.MarketClosed):
        binance.client.create_order(SPOT, "market", "buy", "0.01")
    binance.exchange.delist("BTCUSDT")
    with pytest.raises(ccxt.BadSymbol):
        binance.client.create_order(SPOT, "market", "buy", "0.01")


def test_what_is_not_found_is_said_so_and_an_order_is_hidden_as_long_as_queries_lag(binance: Venue) -> None:
    binance.exchange.query_lag_ms = 2_000
    order = binance.client.create_order(SPOT, "market", "buy", "0.01", None, named("w1"))
    assert not binance.client.fetch_my_trades(SPOT)
    with pytest.raises(ccxt.OrderNotFound):
        binance.client.fetch_order(order["id"], SPOT)
    binance.clock.sleep(2)
    assert binance.client.fetch_order(None, SPOT, {"clientOrderId": "w1"})["id"] == order["id"]
    assert len(binance.client.fetch_my_trades(SPOT)) == 1


def test_a_key_without_rights_unknown_unbound_or_mistyped_is_refused(binance: Venue) -> None:
    key = binance.account.key
    assert binance.client.fetch_balance()["USDT"]
    rights = binance.client.sapi_get_account_apirestrictions()
    assert not rights["enableWithdrawals"] and rights["enableSpotAndMarginTrading"] and not rights["ipRestrict"]

    def fresh(**settings: Any) -> ccxt.Exchange:
        client = make_client("binance", binance.account, **settings)
        client.session.mount("https://", binance.adapter)
        client.milliseconds, client.throttle = binance.clock.now_ms, lambda cost=None: None
        return client

    for client in (fresh(apiKey="stranger"), fresh(secret="wrong")):
        with pytest.raises(ccxt.AuthenticationError):
            client.fetch_balance()
    key.may_trade = False
    assert fresh().fetch_balance()["USDT"]
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        fresh().create_order(SPOT, "market", "buy", "0.01")
    key.may_trade, key.addresses = True, ("10.0.0.1",)
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        fresh().fetch_balance()
    with pytest.raises(ccxt.DDoSProtection, match="-2015"):
        binance.client.fetch_balance()


@pytest.mark.parametrize(("off_ms", "passes"), [(-5_500, False), (-4_000, True), (900, True), (1_500, False)])
def test_a_time_stamp_must_lie_within_the_window(binance: Venue, off_ms: int, passes: bool) -> None:
    binance.clock.set_wall_ms(binance.clock.now_ms() + off_ms)
    if passes:
        assert binance.client.fetch_balance()["USDT"]
        return
    with pytest.raises(ccxt.InvalidNonce):
        binance.client.fetch_balance()
    binance.client.load_time_difference()
    assert binance.client.fetch_balance()["USDT"]


def test_a_ban_names_when_it_ends(binance: Venue) -> None:
    binance.exchange.banned_until_ms = binance.exchange.clock() + 30_000
    with pytest.raises(ccxt.DDoSProtection):
        binance.client.fetch_balance()
    assert binance.client.last_response_headers["Retry-After"] == "30"
    binance.clock.sleep(30)
    assert binance.client.fetch_balance()["USDT"]


def test_weight_is_counted_by_the_minute_and_too_much_is_refused_until_the_next(binance: Venue) -> None:
    client = binance.client
    binance.clock.sleep(60 - binance.exchange.clock() % 60_000 / 1000)
    client.throttle = lambda cost=None: None
    client.fetch_balance()
    client.fetch_open_orders(SPOT)
    assert client.last_response_headers["X-MBX-USED-WEIGHT-1M"] == "26"
    for _ in range(298):
        client.fetch_balance()
    with pytest.raises(ccxt.DDoSProtection, match="-1003"):
        client.fetch_balance()
    binance.clock.sleep(int(client.last_response_headers["Retry-After"]))
    assert client.fetch_balance()["USDT"] and client.last_response_headers["X-MBX-USED-WEIGHT-1M"] == "20"
