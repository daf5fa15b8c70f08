"""What an account holds and did, as good answers say it: exact, in base units, each trade once."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from requests import PreparedRequest

from shared.clock import ManualClock
from shared.enums import Side
from shared.errors import ConfigurationError, MarketError, MarketRefusal
from tests.account.recording import ID, NOW_MS, Recorder, make_account, market, request_of, symbol_of
from worker.exchange.protocol import ExchangeOrder, Fate, Flow, Refusal, Status
from worker.exchange.table import quirks_of

BTC = "BTC/USDT"


def spot_order(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "orderId": 28,
        "clientOrderId": ID,
        "price": "60000.00",
        "origQty": "0.00200",
        "executedQty": "0.00050",
        "cummulativeQuoteQty": "30.0",
        "status": "PARTIALLY_FILLED",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "time": NOW_MS,
        "updateTime": NOW_MS,
        **changes,
    }


def spot_trade(number: int, time_ms: int = NOW_MS, **changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "id": number,
        "orderId": 28,
        "price": "60000.10",
        "qty": "0.00050",
        "quoteQty": "30.00005",
        "commission": "0.00000050",
        "commissionAsset": "BTC",
        "time": time_ms,
        "isBuyer": True,
        "isMaker": False,
        "isBestMatch": True,
        **changes,
    }


@pytest.mark.parametrize(
    ("said", "status", "filled"),
    [
        ({}, Status.OPEN, "0.00050"),
        ({"status": "NEW", "executedQty": "0"}, Status.OPEN, "0"),
        ({"status": "FILLED", "executedQty": "0.00200"}, Status.FILLED, "0.00200"),
        ({"status": "CANCELED"}, Status.CANCELLED, "0.00050"),
        ({"status": "EXPIRED"}, Status.CANCELLED, "0.00050"),
        ({"status": "EXPIRED_IN_MATCH", "executedQty": "0"}, Status.CANCELLED, "0"),
        ({"status": "REJECTED", "executedQty": "0"}, Status.REJECTED, "0"),
    ],
)
def test_an_order_is_read_as_the_exchange_has_it(said: dict[str, Any], status: Status, filled: str) -> None:
    account = make_account(quirks_of("binance", "spot"), Recorder([spot_order(**said)]))
    price, quantity = Decimal("60000.00"), Decimal("0.00200")
    (found,) = account.open_orders([BTC])
    assert found == ExchangeOrder(ID, "28", BTC, Side.BUY, status, quantity, Decimal(filled), NOW_MS, price)


def test_open_orders_of_many_symbols_are_asked_for_at_once_where_that_is_allowed() -> None:
    foreign = spot_order(clientOrderId="web_1", orderId=29)
    recorder = Recorder([spot_order(), foreign, spot_order(symbol="OTHER")])
    account = make_account(quirks_of("binance", "spot"), recorder)
    account._places["ETH/USDT"] = account._places[BTC]
    assert [order.client_order_id for order in account.open_orders([BTC, "ETH/USDT"])] == [ID, "web_1"]
    assert len(recorder.sent) == 1 and "symbol" not in recorder.sent[0].fields
    bybit = Recorder({"retCode": 0, "result": {"list": []}})
    account = make_account(quirks_of("bybit", "unified"), bybit)
    assert account.open_orders([BTC, f"{BTC}:USDT"]) == []
    assert [sent.fields["category"] for sent in bybit.sent] == ["spot", "linear"]


def test_a_page_that_may_be_cut_is_not_taken_for_all_open_orders() -> None:
    row = {"symbol": "BTCUSDT", "orderId": "1", "orderLinkId": "", "side": "Buy", "qty": "1", "cumExecQty": "0"}
    rows = [{**row, "orderStatus": "New", "createdTime": str(NOW_MS), "orderType": "Limit", "price": "1"}] * 50
    account = make_account(quirks_of("bybit", "spot"), Recorder({"retCode": 0, "result": {"list": rows}}))
    with pytest.raises(MarketError, match="must be fewer than 50 orders, for more are not told"):
        account.open_orders([BTC])


def test_trades_are_exact_with_their_fee_in_whatever_coin() -> None:
    paid = spot_trade(8, commission="0.00012", commissionAsset="BNB", isMaker=True, isBuyer=False)
    account = make_account(quirks_of("binance", "spot"), Recorder([spot_trade(7), paid]))
    first, second = account.trades(BTC, NOW_MS - 1_000)
    assert (first.id, first.exchange_id, first.symbol, first.side) == ("7", "28", BTC, Side.BUY)
    assert (first.quantity, first.price) == (Decimal("0.00050"), Decimal("60000.10"))
    assert (first.fee, first.fee_coin, first.is_maker) == (Decimal("0.00000050"), "BTC", False)
    assert (second.fee, second.fee_coin, second.side, second.is_maker) == (Decimal("0.00012"), "BNB", Side.SELL, True)


def test_a_trade_without_a_fee_is_not_taken_for_a_free_one() -> None:
    account = make_account(quirks_of("binance", "spot"), Recorder([spot_trade(7, commission=None)]))
    with pytest.raises(MarketError, match="trade must have a fee"):
        account.trades(BTC, NOW_MS - 1_000)


SMALL_PAGES = replace(quirks_of("binance", "spot"), trades_page=20)


class Trades:
    """Answer a page of trades as Binance does: those within the times asked for, at most `limit` of them."""

    def __init__(self, *times_ms: int) -> None:
        self.times_ms = times_ms

    def __call__(self, request: PreparedRequest) -> list[dict[str, Any]]:
        asked = {name: int(values[0]) for name, values in parse_qs(urlsplit(str(request.url)).query).items()
                 if values[0].isdigit()}  # fmt: skip
        start_ms, end_ms = asked.get("startTime", 0), asked.get("endTime", 10**15)
        assert end_ms - start_ms <= 86_400_000 or "orderId" in asked
        found = [spot_trade(number, at) for number, at in enumerate(self.times_ms) if start_ms <= at <= end_ms]
        return found[: asked["limit"]]


def test_trades_are_read_in_full_however_many_there_are() -> None:
    times = [NOW_MS - 3 * 86_400_000 + number * 4_000_000 for number in range(64)]
    burst = [NOW_MS - 50_000 + 100 * number for number in range(90)]
    account = make_account(SMALL_PAGES, Recorder(Trades(*times, *burst)))
    assert [trade.time_ms for trade in account.trades(BTC, times[0])] == sorted([*times, *burst])
    assert len(account.trades_of(BTC, "28", NOW_MS - 60_000)) == len(burst), (
        "of one order, by times where a page is full"
    )


def test_more_trades_in_a_second_than_a_page_holds_are_said_and_not_lost() -> None:
    account = make_account(SMALL_PAGES, Recorder(Trades(*[NOW_MS] * 20)))
    with pytest.raises(MarketError, match="trades of BTC/USDT must be fewer than a page in a second"):
        account.trades(BTC, NOW_MS - 5_000)


def test_balances_hold_what_orders_hold() -> None:
    told = {
        "balances": [{"asset": "BTC", "free": "0.1", "locked": "0.2"}, {"asset": "USDT", "free": "0", "locked": "0"}]
    }
    account = make_account(quirks_of("binance", "spot"), Recorder(told))
    assert account.balances() == {"BTC": Decimal("0.3"), "USDT": Decimal(0)}
    assert make_account(quirks_of("gate", "spot"), Recorder([])).balances() == {}, "Gate's own word for nothing"


def test_the_balance_of_perpetuals_is_the_wallet_without_profit_that_is_not_realised() -> None:
    row = {"asset": "USDT", "walletBalance": "100.5", "marginBalance": "107.25", "availableBalance": "50"}
    account = make_account(quirks_of("binance", "swap"), Recorder({"assets": [{**row, "updateTime": 0}]}))
    assert account.balances() == {"USDT": Decimal("100.5")}
    del row["walletBalance"]
    account = make_account(quirks_of("binance", "swap"), Recorder({"assets": [row]}))
    with pytest.raises(MarketError, match="walletBalance must be a number"):
        account.balances()


def test_positions_are_in_base_units_and_those_not_listed_are_zero() -> None:
    row = {"contract": "BTC_USDT", "size": "-3", "entry_price": "60000", "mode": "single", "mark_price": "60000"}
    account = make_account(quirks_of("gate", "swap"), Recorder([{**row, "value": "180", "leverage": "1"}]))
    assert account.positions([BTC]) == {BTC: Decimal("-0.003")}
    assert make_account(quirks_of("gate", "swap"), Recorder([])).positions([BTC]) == {BTC: Decimal(0)}
    recorder = Recorder([])
    assert make_account(quirks_of("gate", "spot"), recorder).positions([BTC]) == {} and not recorder.sent


def test_orders_in_contracts_are_read_and_sent_in_base_units() -> None:
    order = {
        "id": 5,
        "text": f"t-{ID}",
        "contract": "BTC_USDT",
        "size": 2,
        "left": 1,
        "price": "0",
        "fill_price": "60000",
    }
    times = {"create_time": NOW_MS / 1000, "finish_time": NOW_MS / 1000, "tif": "ioc"}
    recorder = Recorder({**order, **times, "status": "finished", "finish_as": "ioc"})
    account = make_account(quirks_of("gate", "swap"), recorder)
    answer = account.send(request_of(BTC))
    assert recorder.sent[0].fields["size"] == 2
    assert answer.fate is Fate.ACCEPTED and answer.order is not None
    assert (answer.order.quantity, answer.order.filled) == (Decimal("0.002"), Decimal("0.001"))
    assert answer.order.status is Status.CANCELLED, "nothing more of it will be filled"
    assert account.rules(BTC).per_contract == account.rules(BTC).step == Decimal("0.001")


def test_a_market_buy_sized_in_quote_is_what_was_bought() -> None:
    told = {
        "id": "5",
        "text": f"t-{ID}",
        "currency_pair": "BTC_USDT",
        "type": "market",
        "account": "spot",
        "side": "buy",
    }
    sums = {"amount": "120", "left": "0.01", "filled_total": "119.99", "avg_deal_price": "59995", "fee": "0.000002"}
    rest = {"status": "closed", "finish_as": "filled", "create_time_ms": NOW_MS, "fee_currency": "BTC", "price": "0"}
    account = make_account(quirks_of("gate", "spot"), Recorder({**told, **sums, **rest}))
    answer = account.send(request_of(BTC))
    assert answer.fate is Fate.ACCEPTED and answer.order is not None, answer.text
    assert (answer.order.client_order_id, answer.order.status) == (ID, Status.FILLED)
    assert answer.order.filled == answer.order.quantity and abs(answer.order.filled - Decimal("0.002")) < Decimal(
        "1e-6"
    )


PLACED = {"orderId": "77", "cliOrdId": ID, "type": "lmt", "symbol": "PF_XBTUSD", "side": "buy", "quantity": 0.002}
WHEN = {"timestamp": "2025-01-05T04:00:02Z", "lastUpdateTimestamp": "2025-01-05T04:00:02Z", "filled": 0}
EVENTS = [{"type": "PLACE", "order": {**PLACED, **WHEN, "limitPrice": 60000, "reduceOnly": False}}]
KRAKENS = {"descr": {"order": "buy 0.00200000 XBTUSDT @ market"}, "txid": ["77"]}


@pytest.mark.parametrize(
    ("exchange", "kind", "said"),
    [
        ("bybit", "unified", {"retCode": 0, "retMsg": "OK", "result": {"orderId": "77", "orderLinkId": ID}}),
        ("okx", "spot", {"code": "0", "data": [{"ordId": "77", "clOrdId": ID, "sCode": "0"}], "msg": ""}),
        ("kraken", "spot", {"error": [], "result": KRAKENS}),
        ("kucoin", "spot", {"code": "200000", "data": {"orderId": "77", "clientOid": ID}}),
        ("kucoin", "swap", {"code": "200000", "data": {"orderId": "77", "clientOid": ID}}),
        ("coinbase", "spot", {"success": True, "success_response": {"order_id": "77", "client_order_id": ID}}),
        ("bitget", "spot", {"code": "00000", "data": {"orderId": "77", "clientOid": ID}}),
        (
            "krakenfutures",
            "swap",
            {"result": "success", "sendStatus": {"order_id": "77", "status": "placed", "orderEvents": EVENTS}},
        ),
    ],
)
def test_an_answer_of_ids_alone_is_an_open_order(exchange: str, kind: str, said: object) -> None:
    account = make_account(quirks_of(exchange, kind), Recorder(said))
    answer = account.send(request_of(symbol_of(account._quirks)))
    assert answer.fate is Fate.ACCEPTED and answer.order is not None, answer.text
    assert (answer.order.exchange_id, answer.order.status, answer.order.filled) == ("77", Status.OPEN, 0)


def test_a_cancelled_order_is_one_whose_answer_says_so() -> None:
    account = make_account(quirks_of("binance", "spot"), Recorder(spot_order(status="CANCELED", clientOrderId="x1")))
    assert account.cancel(BTC, ID, "28").fate is Fate.ACCEPTED
    assert account.cancel(BTC, ID, "29").fate is Fate.UNKNOWN, "it named another order"
    gone = Recorder((400, '{"code":-2011,"msg":"Unknown order sent."}'))
    answer = make_account(quirks_of("binance", "spot"), gone).cancel(BTC, ID, None)
    assert (answer.fate, answer.refusal.value) == (Fate.REJECTED, "none"), "filled or cancelled: to be looked up"
    for exchange, kind, said in (
        ("gate", "spot", (400, '{"label":"ORDER_CLOSED","message":"x"}')),
        ("gate", "swap", (400, '{"label":"ORDER_NOT_FOUND","message":"x"}')),
        ("bybit", "spot", {"retCode": 170213, "retMsg": "Order does not exist.", "result": {}}),
        ("bybit", "swap", {"retCode": 110001, "retMsg": "order not exists or too late to cancel", "result": {}}),
        (
            "okx",
            "spot",
            {"code": "1", "data": [{"clOrdId": ID, "ordId": "", "sCode": "51400", "sMsg": "x"}], "msg": ""},
        ),
        ("kraken", "spot", {"error": ["EOrder:Unknown order"]}),
        ("krakenfutures", "swap", {"result": "success", "cancelStatus": {"status": "notFound"}}),
        ("bitget", "spot", (400, '{"code":"43001","msg":"The order does not exist"}')),
        ("kucoin", "spot", {"code": "400100", "msg": "order_not_exist_or_not_allow_to_cancel"}),
    ):
        account = make_account(quirks_of(exchange, kind), Recorder(said))
        answer = account.cancel(symbol_of(account._quirks), ID, "77")
        assert (answer.fate, answer.refusal.value) == (Fate.REJECTED, "none"), f"{exchange} {kind} {answer}"
    kraken = make_account(quirks_of("kraken", "spot"), Recorder({"error": [], "result": {"count": 1}}))
    assert kraken.cancel(BTC, ID, None).fate is Fate.ACCEPTED


def test_an_order_without_a_name_on_the_exchange_is_cancelled_by_its_own_id() -> None:
    row = {"order_id": "77", "client_order_id": ID, "product_id": "BTC-USDC", "side": "BUY", "status": "OPEN"}
    more = {"filled_size": "0", "order_configuration": {"limit_limit_gtc": {"base_size": "0.002", "limit_price": "1"}}}
    opens = {"orders": [{**row, **more, "created_time": "2025-01-05T04:00:02Z", "order_type": "LIMIT"}]}
    recorder = Recorder(opens, {"results": [{"success": True, "order_id": "77"}]})
    account = make_account(quirks_of("coinbase", "spot"), recorder)
    assert account.cancel("BTC/USDC", ID, None).fate is Fate.ACCEPTED
    assert recorder.sent[1].fields == {"order_ids": ["77"]}
    nothing = make_account(quirks_of("coinbase", "spot"), Recorder({"orders": []}))
    assert nothing.cancel("BTC/USDC", ID, None).text == "not among the open orders"


NOT_THERE = (400, '{"code":-2013,"msg":"Order does not exist."}')


def test_an_order_is_looked_up_by_name_with_its_trades() -> None:
    recorder = Recorder(spot_order(), [spot_trade(7), spot_trade(8, orderId=99)])
    found = make_account(quirks_of("binance", "spot"), recorder).look_up(BTC, ID, None, NOW_MS)
    assert found.order is not None and found.complete and [trade.id for trade in found.trades] == ["7"]
    assert [sent.path for sent in recorder.sent] == ["/api/v3/order", "/api/v3/myTrades"]


def test_what_is_not_there_by_name_is_looked_for_among_open_orders_and_those_that_are_over() -> None:
    recorder = Recorder(NOT_THERE, [], [spot_order(status="FILLED", executedQty="0.002")], [spot_trade(7)])
    found = make_account(quirks_of("binance", "spot"), recorder).look_up(BTC, ID, None, NOW_MS)
    assert found.order is not None and found.order.status is Status.FILLED and found.complete
    absent = make_account(quirks_of("binance", "spot"), Recorder(NOT_THERE, [])).look_up(BTC, ID, None, NOW_MS)
    assert (absent.order, absent.complete) == (None, True)


@pytest.mark.parametrize("failing", range(3))
def test_a_way_that_could_not_be_asked_proves_nothing(failing: int) -> None:
    answers: list[Any] = [NOT_THERE, [], []]
    answers[failing] = (502, "<html>")
    found = make_account(quirks_of("binance", "spot"), Recorder(*answers)).look_up(BTC, ID, None, NOW_MS)
    assert (found.order, found.complete) == (None, False) and "ExchangeNotAvailable" in found.text


def test_trades_of_an_order_that_cannot_be_found_are_given() -> None:
    recorder = Recorder(NOT_THERE, [], [], [spot_trade(7)])
    found = make_account(quirks_of("binance", "spot"), recorder).look_up(BTC, ID, "28", NOW_MS)
    assert found.order is None and [trade.id for trade in found.trades] == ["7"]


def test_best_prices_are_those_of_all_and_of_any_pair_that_is_listed() -> None:
    row = {"symbol": "BTCUSDT", "bidPrice": "59999.9", "bidQty": "1", "askPrice": "60000.1", "askQty": "1"}
    account = make_account(quirks_of("binance", "spot"), Recorder([row]))
    assert account.best_prices([BTC]) == {BTC: (Decimal("59999.9"), Decimal("60000.1"))}
    other = {**market("binance", False), "id": "BNBUSDT", "symbol": "BNB/USDT", "base": "BNB", "baseId": "BNB"}
    account._wire.client.set_markets([other, market("binance", False)])
    account.connect([BTC])
    account._wire.transport._carry = Recorder([row, {**row, "symbol": "BNBUSDT"}])
    assert set(account.best_prices(["BNB/USDT"])) == {"BNB/USDT"}, "what a fee was paid in need not be traded"
    with pytest.raises(MarketRefusal, match="symbol must be listed among the 2 spot markets of binance, was 'GT/USDT'"):
        account.best_prices(["GT/USDT"])
    for wrong in ({"bidPrice": "60001"}, {"bidPrice": "0"}, {"symbol": "OTHER"}):
        account = make_account(quirks_of("binance", "spot"), Recorder([{**row, **wrong}]))
        with pytest.raises(MarketError, match="bid must be|prices must be a table"):
            account.best_prices([BTC])


def test_flows_are_what_came_in_and_went_out() -> None:
    moved = {"symbol": "", "incomeType": "TRANSFER", "income": "-50.5", "asset": "USDT", "time": NOW_MS, "tranId": 9}
    recorder = Recorder([{**moved, "info": "", "tradeId": ""}])
    account = make_account(quirks_of("binance", "swap"), recorder)
    assert account.flows(NOW_MS - 1_000) == [Flow("9", "USDT", Decimal("-50.5"), NOW_MS)]
    assert recorder.sent[0].fields["incomeType"] == "TRANSFER"
    row = {
        "time": NOW_MS // 1000,
        "change": "50.5",
        "balance": "100",
        "type": "dnw",
        "text": "",
        "contract": "",
        "id": "9",
    }
    recorder = Recorder([row, {**row, "type": "fee", "id": "8"}])
    account = make_account(quirks_of("gate", "swap"), recorder)
    (found,) = account.flows(NOW_MS - 5_000) or ()
    assert (found.amount, found.coin) == (Decimal("50.5"), "USDT")
    assert recorder.sent[0].fields["from"] == str((NOW_MS - 5_000) // 1000), "seconds: ccxt passes them on as they are"
    assert make_account(quirks_of("coinbase", "spot"), Recorder("")).flows(NOW_MS) is None
    with pytest.raises(MarketError):
        make_account(quirks_of("binance", "spot"), Recorder("")).flows(NOW_MS)


def test_requests_are_signed_by_the_time_of_the_exchange() -> None:
    clock, recorder = ManualClock(NOW_MS), Recorder([])
    account = make_account(quirks_of("binance", "spot"), recorder, clock)
    account._wire.client.fetch_time = lambda: clock.now_ms() + 60_000
    clock.advance_ms(600_000)
    assert account.now_ms() == clock.now_ms() + 60_000 == clock.now_ms() + account.skew_ms()
    account.open_orders([BTC])
    assert f"timestamp={clock.now_ms() + 60_000}&" in recorder.sent[-1].url


def test_a_refusal_for_the_time_measures_it_anew() -> None:
    clock, recorder = (
        ManualClock(NOW_MS),
        Recorder((400, '{"code":-1021,"msg":"Timestamp outside of the recvWindow."}')),
    )
    account = make_account(quirks_of("binance", "spot"), recorder, clock)
    account._wire.client.fetch_time = lambda: clock.now_ms() - 7_000
    assert account.send(request_of(BTC)).refusal is Refusal.CLOCK
    assert account.skew_ms() == -7_000
    account.send(request_of(BTC))
    assert f"timestamp={NOW_MS - 7_000}&" in recorder.sent[-1].body


def test_the_nonces_of_kraken_rise_whatever_becomes_of_the_clock() -> None:
    recorder = Recorder({"error": [], "result": {"open": {}}})
    account = make_account(quirks_of("kraken", "spot"), recorder)
    account.open_orders([BTC])
    account._wire.time._heard_ms -= 60_000
    account.open_orders([BTC])
    first, second = (int(parse_qs(sent.body)["nonce"][0]) for sent in recorder.sent)
    assert second > first


def test_a_symbol_that_is_listed_no_more_is_kept_and_not_traded() -> None:
    account = make_account(quirks_of("binance", "spot"), Recorder([]))
    other = {**market("binance", False), "id": "ETHUSDT", "symbol": "ETH/USDT", "base": "ETH", "baseId": "ETH"}
    account._wire.client.markets = {"ETH/USDT": other}
    account.connect([BTC, "ETH/USDT"])
    assert (account.rules(BTC).is_trading, account.rules("ETH/USDT").is_trading) == (False, True)
    with pytest.raises(ConfigurationError, match="symbol must be listed among the 1 spot markets of binance, was 'SOL"):
        account.connect(["SOL/USDT"])


def test_price_bands_are_the_narrowest_of_those_named() -> None:
    account = make_account(quirks_of("binance", "spot"), Recorder([]))
    sides = {"bidMultiplierUp": "1.5", "bidMultiplierDown": "0.5", "askMultiplierUp": "2", "askMultiplierDown": "0.2"}
    account._wire.client.markets[BTC]["info"]["filters"] = [{"filterType": "PERCENT_PRICE_BY_SIDE", **sides}]
    account.connect([BTC])
    assert (account.rules(BTC).low_band, account.rules(BTC).high_band) == (Decimal("0.5"), Decimal("1.5"))
    assert account.rules(BTC).min_notional == 5
