"""Binance through the unmodified client: each call parses in full, and each refusal has the class it has there."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from tests.exchange import record
from tests.exchange.listings import Product
from tests.exchange.orders import Ticket
from tests.exchange.venue import NOW_MS, Venue

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
HOUR_MS = 3_600_000


def named(name: str, **more: object) -> dict[str, Any]:
    return {"clientOrderId": name, **more}


def test_the_markets_have_what_orders_are_checked_by(binance: Venue) -> None:
    for symbol in (SPOT, SWAP):
        market = binance.client.markets[symbol]
        assert market["active"] and market["precision"] == {**market["precision"], "amount": "0.00001", "price": "0.01"}
        limits = {kind: market["limits"][kind] for kind in ("amount", "cost", "market")}
        assert limits["amount"] == {"min": "0.00001", "max": "9000"} and limits["cost"]["min"] == "5"
        assert limits["market"]["max"] == "5000"


@pytest.mark.parametrize("symbol", [SPOT, SWAP])
def test_a_market_order_is_found_again_by_either_id_and_in_the_trades(binance: Venue, symbol: str) -> None:
    order = binance.client.create_order(symbol, "market", "buy", "0.01", None, named("w1"))
    assert (order["clientOrderId"], order["status"], order["filled"]) == ("w1", "closed", "0.01")
    for found in (
        binance.client.fetch_order(order["id"], symbol),
        binance.client.fetch_order(None, symbol, {"clientOrderId": "w1"}),
        binance.client.fetch_orders(symbol)[-1],
    ):
        assert {key: found[key] for key in ("id", "filled", "average", "side")} == {
            key: order[key] for key in ("id", "filled", "average", "side")
        }
    (trade,) = binance.client.fetch_my_trades(symbol, params={"orderId": order["id"]})
    (known,) = record.trades(binance.exchange, binance.account)
    assert (trade["order"], trade["takerOrMaker"], trade["side"]) == (order["id"], "taker", "buy")
    assert (Decimal(trade["price"]), Decimal(trade["amount"])) == (known.price, known.quantity)
    assert (trade["fee"]["cost"], trade["fee"]["currency"]) == (str(known.fee.normalize()), known.fee_coin)


@pytest.mark.parametrize("symbol", [SPOT, SWAP])
def test_a_limit_order_rests_and_is_cancelled_by_its_client_id(binance: Venue, symbol: str) -> None:
    binance.client.create_order(symbol, "limit", "buy", "0.01", "55000", named("w1", postOnly=True))
    (resting,) = binance.client.fetch_open_orders(symbol)
    assert (resting["clientOrderId"], resting["price"], resting["postOnly"]) == ("w1", "55000", True)
    cancelled = binance.client.cancel_order(None, symbol, {"clientOrderId": "w1"})
    assert cancelled["status"] == "canceled" and not binance.client.fetch_open_orders(symbol)
    with pytest.raises(ccxt.OrderNotFound):
        binance.client.cancel_order(None, symbol, {"clientOrderId": "w1"})


def test_balances_have_what_is_free_and_what_is_locked(binance: Venue) -> None:
    binance.client.create_order(SPOT, "limit", "buy", "0.01", "55000")
    assert binance.client.fetch_balance()["USDT"] == {"free": "99450", "used": "550", "total": "100000"}
    binance.client.create_order(SWAP, "limit", "buy", "0.01", "55000")
    swap = binance.client.fetch_balance({"type": "swap"})["USDT"]
    assert swap == {"free": "99972.5", "used": "27.5", "total": "100000"}


def test_prices_agree_with_each_other(binance: Venue) -> None:
    binance.exchange.price_override["BTCUSDT"] = lambda time_ms: 60_000.0
    for symbol in (SPOT, SWAP):
        book = binance.client.fetch_order_book(symbol)
        quotes = binance.client.fetch_bids_asks([symbol])[symbol]
        ticker = binance.client.fetch_ticker(symbol)
        candle = binance.client.fetch_ohlcv(symbol, "1h", NOW_MS - 3 * HOUR_MS)[-1]
        assert (book["bids"][0][0], book["asks"][0][0]) == (59_999.99, 60_000.01)
        assert (quotes["bid"], quotes["ask"]) == (ticker["bid"], ticker["ask"]) == ("59999.99", "60000.01")
        assert Decimal(ticker["last"]) == Decimal(candle[4]) == 60_000


def test_a_position_its_leverage_margin_and_mode(binance: Venue) -> None:
    client = binance.client
    client.set_leverage(5, SWAP)
    client.set_margin_mode("isolated", SWAP)
    with pytest.raises(ccxt.MarginModeAlreadySet):
        client.set_margin_mode("isolated", SWAP)
    order = client.create_order(SWAP, "market", "sell", "0.5")
    (position,) = client.fetch_positions([SWAP])
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("short", "0.5", order["average"])
    assert position["marginMode"] == "isolated" and not position["hedged"]
    assert client.fetch_leverages([SWAP])[SWAP]["longLeverage"] == 5
    assert client.fetch_margin_modes([SWAP])[SWAP]["marginMode"] == "isolated"
    for change in (lambda: client.set_margin_mode("cross", SWAP), lambda: client.set_position_mode(True, SWAP)):
        with pytest.raises(ccxt.OperationRejected):
            change()
    client.create_order(SWAP, "market", "buy", "0.5", None, {"reduceOnly": True})
    assert not client.fetch_positions([SWAP])
    client.set_position_mode(True, SWAP)
    assert client.fetch_position_mode(SWAP)["hedged"]


def test_a_stop_has_its_own_endpoints_and_fires(binance: Venue) -> None:
    client = binance.client
    client.create_order(SWAP, "market", "buy", "0.5")
    stop = client.create_order(SWAP, "market", "sell", "0.5", None, named("ws", stopLossPrice="55000", reduceOnly=True))
    assert (stop["status"], stop["triggerPrice"]) == ("open", "55000") and not client.fetch_open_orders(SWAP)
    (waiting,) = client.fetch_open_orders(SWAP, params={"trigger": True})
    assert waiting["clientOrderId"] == "ws" and waiting["reduceOnly"]
    second = client.create_order(SWAP, "market", "sell", "0.5", None, named("wt", stopLossPrice="50000"))
    client.cancel_order(second["id"], SWAP, {"trigger": True})
    binance.exchange.jump("BTCUSDT", Decimal("0.8"))
    binance.clock.sleep(1)
    fired = client.fetch_order(None, SWAP, {"trigger": True, "clientOrderId": "ws"})
    assert fired["status"] == "closed" and not client.fetch_positions([SWAP])
    assert client.fetch_my_trades(SWAP)[-1]["order"] == fired["info"]["actualOrderId"]


def test_funding_is_told_and_paid(binance: Venue) -> None:
    client = binance.client
    client.create_order(SWAP, "market", "buy", "1")
    binance.clock.sleep(9 * 3600)
    (paid,) = client.fetch_funding_history(SWAP)
    rate = client.fetch_funding_rate_history(SWAP, limit=1)[-1]
    assert rate["timestamp"] == paid["timestamp"] and Decimal(rate["fundingRate"]) * Decimal(paid["amount"]) <= 0
    assert client.fetch_funding_rate(SWAP)["fundingTimestamp"] > paid["timestamp"]


def test_what_came_and_went_is_told(binance: Venue) -> None:
    flows, account = binance.exchange.flows, binance.account
    flows.deposit(account, "USDT", Decimal(50))
    flows.withdraw(account, "USDT", Decimal(20))
    flows.vanish(account, "USDT", Decimal("0.5"))
    assert [row["amount"] for row in binance.client.fetch_deposits("USDT")] == ["100000", "50"]
    assert [row["amount"] for row in binance.client.fetch_withdrawals("USDT")] == ["20"]
    binance.client.transfer("USDT", "15", "spot", "linear")
    assert Decimal(binance.client.fetch_balance({"type": "swap"})["USDT"]["total"]) == 100015


def test_a_sub_account_gets_coins_from_its_master_only(binance: Venue) -> None:
    binance.exchange.open_account("sub", parent="tester")
    said = {"toEmail": "sub", "fromAccountType": "SPOT", "toAccountType": "SPOT", "asset": "USDT", "amount": "7"}
    binance.client.sapi_post_sub_account_universaltransfer(said)
    assert binance.client.sapi_get_sub_account_list()["subAccounts"][0]["email"] == "sub"
    held = record.balances(binance.exchange, binance.exchange.accounts["sub"])
    assert held == {("spot", "USDT"): (7, 0)}
    with pytest.raises(ccxt.ExchangeError):
        binance.client.sapi_post_sub_account_universaltransfer({**said, "toEmail": "stranger"})


def test_trades_are_paged_by_id_and_time(binance: Venue) -> None:
    for _ in range(5):
        binance.client.create_order(SPOT, "market", "buy", "0.001")
        binance.clock.sleep(10)
    trades = binance.client.fetch_my_trades(SPOT)
    assert [row["id"] for row in binance.client.fetch_my_trades(SPOT, trades[2]["timestamp"])] == ["3", "4", "5"]
    assert [row["id"] for row in binance.client.fetch_my_trades(SPOT, None, 2, {"fromId": 2})] == ["2", "3"]
    assert [row["id"] for row in binance.client.fetch_my_trades(SPOT, None, 2)] == ["4", "5"]


def test_a_strangers_order_is_seen_like_ones_own(binance: Venue) -> None:
    ticket = Ticket(Product.SPOT, "BTCUSDT", True, Decimal("0.01"), Decimal(50000), client_id="web_1")
    binance.exchange.place(binance.account, ticket)
    assert [order["clientOrderId"] for order in binance.client.fetch_open_orders(SPOT)] == ["web_1"]
