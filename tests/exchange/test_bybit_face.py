"""Bybit through the unmodified client: each call parses in full, and each refusal has the class it has there."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from tests.exchange import record
from tests.exchange.venue import NOW_MS, Venue

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
HOUR_MS = 3_600_000


def found(venue: Venue, symbol: str, name: str) -> dict[str, Any]:
    """Look an order up as it must be done there: in the open ones, then in the closed."""
    said = {"orderLinkId": name}
    rows = venue.client.fetch_open_orders(symbol, params=said)
    rows = rows or venue.client.fetch_canceled_and_closed_orders(symbol, params=said)
    (order,) = rows
    return order


@pytest.mark.parametrize(("symbol", "coin"), [(SPOT, "BTC"), (SWAP, "USDT")])
def test_an_order_answers_with_its_ids_only_and_is_found_by_its_name(bybit: Venue, symbol: str, coin: str) -> None:
    order = bybit.client.create_order(symbol, "market", "buy", "0.01", None, {"clientOrderId": "w1"})
    assert order["id"] and order["clientOrderId"] == "w1" and order["status"] is None
    order = found(bybit, symbol, "w1")
    (known,) = record.trades(bybit.exchange, bybit.account)
    assert (order["status"], order["filled"], Decimal(order["average"])) == ("closed", "0.01", known.price)
    (trade,) = bybit.client.fetch_my_trades(symbol, params={"orderId": order["id"]})
    assert (Decimal(trade["fee"]["cost"]), trade["fee"]["currency"]) == (known.fee, coin) == (known.fee, known.fee_coin)
    assert (trade["takerOrMaker"], trade["amount"], trade["order"]) == ("taker", "0.01", order["id"])


@pytest.mark.parametrize("symbol", [SPOT, SWAP])
def test_a_limit_order_rests_and_is_cancelled_by_its_name(bybit: Venue, symbol: str) -> None:
    bybit.client.create_order(symbol, "limit", "buy", "0.01", "55000", {"clientOrderId": "w1", "postOnly": True})
    assert found(bybit, symbol, "w1")["status"] == "open"
    used = bybit.client.fetch_balance()["USDT"]["used"]
    assert used == ("550" if symbol == SPOT else "27.5")
    bybit.client.cancel_order(None, symbol, {"orderLinkId": "w1"})
    assert found(bybit, symbol, "w1")["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound):
        bybit.client.cancel_order(None, symbol, {"orderLinkId": "w1"})


def test_a_post_only_that_would_fill_is_taken_and_cancelled(bybit: Venue) -> None:
    bybit.client.create_order(SPOT, "limit", "buy", "0.01", "70000", {"clientOrderId": "w1", "postOnly": True})
    order = found(bybit, SPOT, "w1")
    assert (order["status"], order["filled"]) == ("canceled", "0")
    assert order["info"]["rejectReason"] == "EC_PostOnlyWillTakeLiquidity"


def test_one_wallet_holds_coins_and_stands_behind_contracts(bybit: Venue) -> None:
    client = bybit.client
    client.set_leverage(5, SWAP)
    with pytest.raises(ccxt.BadRequest, match="110043"):
        client.set_leverage(5, SWAP)
    client.create_order(SPOT, "market", "buy", "0.5")
    client.create_order(SWAP, "market", "sell", "0.5")
    balance, (position,) = client.fetch_balance(), client.fetch_positions([SWAP])
    assert (position["side"], position["contracts"], position["leverage"]) == ("short", "0.5", "5")
    assert Decimal(balance["USDT"]["used"]) == Decimal(position["notional"]) / 5
    assert Decimal(balance["BTC"]["total"]) == Decimal("0.4995")
    client.create_order(SWAP, "market", "buy", "0.5", None, {"reduceOnly": True})
    assert client.fetch_positions([SWAP])[0]["contracts"] == "0"


def test_modes_are_set_for_the_account(bybit: Venue) -> None:
    bybit.client.set_position_mode(True, SWAP)
    with pytest.raises(ccxt.NoChange):
        bybit.client.set_position_mode(True, SWAP)
    bybit.client.create_order(SWAP, "market", "buy", "0.5", None, {"hedged": True})
    assert [row["side"] for row in bybit.client.fetch_positions([SWAP]) if row["contracts"] != "0"] == ["long"]
    with pytest.raises(ccxt.BadRequest, match="110024"):
        bybit.client.set_position_mode(False, SWAP)
    assert bybit.client.set_margin_mode("isolated")["retCode"] == 0
    assert bybit.client.private_get_v5_account_info()["result"]["marginMode"] == "ISOLATED_MARGIN"


def test_a_stop_waits_and_fires(bybit: Venue) -> None:
    bybit.client.create_order(SWAP, "market", "buy", "0.5")
    said = {"clientOrderId": "ws", "stopLossPrice": "55000"}
    stop = bybit.client.create_order(SWAP, "market", "sell", "0.5", None, said)
    (waiting,) = bybit.client.fetch_open_orders(SWAP, params={"trigger": True})
    assert (waiting["id"], waiting["reduceOnly"], waiting["triggerPrice"]) == (stop["id"], True, "55000")
    bybit.exchange.jump("BTCUSDT", Decimal("0.8"))
    bybit.clock.sleep(1)
    fired = bybit.client.fetch_order(stop["id"], SWAP, {"acknowledged": True})
    assert (fired["status"], fired["filled"]) == ("closed", "0.5")


def test_prices_agree(bybit: Venue) -> None:
    for symbol in (SPOT, SWAP):
        rows = bybit.client.fetch_ohlcv(symbol, "1h", NOW_MS - 5 * HOUR_MS, 10)
        assert [row[4] for row in rows[:-1]] == [row[1] for row in rows[1:]] and len(rows) == 5
        quotes = bybit.client.fetch_bids_asks([symbol])[symbol]
        assert Decimal(quotes["bid"]) < Decimal(quotes["ask"]) and bybit.client.fetch_order_book(symbol)["asks"]
    assert bybit.client.fetch_funding_rate_history(SWAP, limit=3)[-1]["fundingRate"]


def test_executions_come_newest_first_in_pages_of_a_week(bybit: Venue) -> None:
    for _ in range(3):
        bybit.client.create_order(SPOT, "market", "buy", "0.001")
        bybit.clock.sleep(4 * 86_400)
    ask = bybit.client.private_get_v5_execution_list
    page = ask({"category": "spot", "startTime": NOW_MS, "endTime": NOW_MS + 6 * 86_400_000, "limit": 1})["result"]
    assert [row["execId"] for row in page["list"]] == ["e2"] and page["nextPageCursor"]
    again = ask({"category": "spot", "startTime": NOW_MS, "limit": 1, "cursor": page["nextPageCursor"]})["result"]
    assert [row["execId"] for row in again["list"]] == ["e1"] and not again["nextPageCursor"]
    with pytest.raises(ccxt.BadRequest):
        ask({"category": "spot", "startTime": NOW_MS, "endTime": NOW_MS + 8 * 86_400_000})


def test_what_came_and_went_and_what_the_key_may_is_told(bybit: Venue) -> None:
    bybit.exchange.flows.deposit(bybit.account, "USDT", Decimal(50))
    bybit.exchange.flows.withdraw(bybit.account, "USDT", Decimal(20))
    assert [row["amount"] for row in bybit.client.fetch_deposits()] == ["50"]
    assert [row["amount"] for row in bybit.client.fetch_withdrawals()] == ["20"]
    bybit.account.key.may_withdraw, bybit.account.key.addresses = True, ("127.0.0.1",)
    told = bybit.client.private_get_v5_user_query_api()["result"]
    assert "Withdraw" in told["permissions"]["Wallet"] and told["ips"] == ["127.0.0.1"]


REFUSALS: list[tuple[str, tuple[Any, ...], type[Exception], str]] = [
    (SPOT, ("limit", "buy", "100", "55000"), ccxt.InsufficientFunds, "170131"),
    (SWAP, ("limit", "buy", "1000", "55000"), ccxt.InsufficientFunds, "110007"),
    (SPOT, ("limit", "buy", "0.00001", "55000"), ccxt.InvalidOrder, "170140"),
    (SWAP, ("limit", "buy", "0.00001", "55000"), ccxt.InvalidOrder, "110094"),
    (SWAP, ("market", "buy", "0.01", None, {"reduceOnly": True}), ccxt.InvalidOrder, "110017"),
    (SPOT, ("market", "buy", "0.01", None, {"clientOrderId": "used"}), ccxt.InvalidOrder, "170141"),
    (SWAP, ("market", "buy", "0.01", None, {"clientOrderId": "used"}), ccxt.InvalidOrder, "110072"),
]


@pytest.mark.parametrize(("symbol", "asked", "kind", "said"), REFUSALS)
def test_a_refused_order_has_the_class_of_the_real_exchange(
    bybit: Venue, symbol: str, asked: tuple[Any, ...], kind: type[Exception], said: str
) -> None:
    bybit.client.create_order(SPOT, "market", "buy", "0.001", None, {"clientOrderId": "used"})
    with pytest.raises(kind, match=said):
        bybit.client.create_order(symbol, *asked)
    assert len(bybit.exchange.matching.orders) == 1


def test_keys_and_times_are_checked(bybit: Venue) -> None:
    bybit.account.key.may_trade = False
    with pytest.raises(ccxt.PermissionDenied):
        bybit.client.create_order(SPOT, "market", "buy", "0.001")
    bybit.clock.set_wall_ms(bybit.clock.now_ms() - 6_000)
    with pytest.raises(ccxt.InvalidNonce):
        bybit.client.fetch_balance()
    bybit.client.load_time_difference()
    bybit.client.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError, match="10004"):
        bybit.client.fetch_balance()
