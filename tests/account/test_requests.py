"""What leaves for each exchange, recorded from the real client: an order of each kind, a cancellation, a look-up."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from shared.enums import Side
from shared.errors import MarketError
from tests.account.recording import ID, NOW_MS, Recorder, make_account, request_of, symbol_of
from worker.exchange.account import CcxtAccount
from worker.exchange.protocol import Fate, OrderKind, Refusal
from worker.exchange.quirks import Quirks
from worker.exchange.table import QUIRKS, quirks_of

EXPECTED = json.loads((Path(__file__).parent / "requests.json").read_text())
# What each answers when it has nothing to tell.
EMPTY: dict[str, Any] = {
    "binance": [],
    "gate": [],
    "bybit": {"retCode": 0, "retMsg": "OK", "result": {"list": []}},
    "okx": {"code": "0", "data": [], "msg": ""},
    "kraken": {"error": [], "result": {"open": {}, "closed": {}, "trades": {}}},
    "krakenfutures": {"result": "success", "openOrders": [], "elements": [], "fills": []},
    "kucoin": {"code": "200000", "data": {"items": []}},
    "coinbase": {"orders": [], "fills": []},
    "bitget": {"code": "00000", "data": []},
}
DONE: dict[str, Callable[[CcxtAccount, str], Any]] = {
    "market buy": lambda account, symbol: account.send(request_of(symbol)),
    "market sell": lambda account, symbol: account.send(request_of(symbol, Side.SELL)),
    "limit buy": lambda account, symbol: account.send(request_of(symbol, kind=OrderKind.LIMIT)),
    "post-only sell": lambda account, symbol: account.send(request_of(symbol, Side.SELL, OrderKind.MAKER)),
    "reduce-only sell": lambda account, symbol: account.send(request_of(symbol, Side.SELL, reduce_only=True)),
    "cancel": lambda account, symbol: account.cancel(symbol, ID, "77"),
    "look up": lambda account, symbol: account.look_up(symbol, ID, None, NOW_MS),
    "trades": lambda account, symbol: account.trades(symbol, NOW_MS - 60_000),
    "trades of an order": lambda account, symbol: account.trades_of(symbol, "77", NOW_MS - 60_000),
    "balances": lambda account, symbol: account.balances(),
    "positions": lambda account, symbol: account.positions([symbol]),
    "flows": lambda account, symbol: account.flows(NOW_MS - 60_000),
}
MARKETS = [
    (row, is_swap) for row in QUIRKS for is_swap in (False, True) if row.kind in ("unified", ("spot", "swap")[is_swap])
]
IDS = [f"{row.exchange} {row.kind} {'swap' if is_swap else 'spot'}" for row, is_swap in MARKETS]


@cache
def recorded(quirks: str, kind: str) -> tuple[CcxtAccount, Recorder]:
    recorder = Recorder(EMPTY[quirks])
    return make_account(quirks_of(quirks, kind), recorder), recorder


def requests_of(account: CcxtAccount, recorder: Recorder, what: str, symbol: str) -> list[Any]:
    recorder.sent.clear()
    account.budget._spent, account.budget._sum = type(account.budget._spent)(), 0.0
    # What is answered is none of some reads: here it is what leaves that counts.
    with suppress(MarketError):
        DONE[what](account, symbol)
    return [[f"{sent.method} {sent.path}", sent.fields] for sent in recorder.sent]


@pytest.mark.parametrize(("quirks", "is_swap"), MARKETS, ids=IDS)
def test_what_leaves_is_what_the_exchange_understands(quirks: Quirks, is_swap: bool) -> None:
    account, recorder = recorded(quirks.exchange, quirks.kind)
    symbol = symbol_of(quirks, is_swap)
    left = {what: requests_of(account, recorder, what, symbol) for what in DONE}
    assert left == EXPECTED[f"{quirks.exchange} {'swap' if is_swap else 'spot'}"]


@pytest.mark.parametrize(
    ("exchange", "kind", "wrong", "what"),
    [
        ("bybit", "spot", {"cancel_parameter": "clientOrderId"}, "cancel"),
        ("coinbase", "spot", {"id_parameter": "clientOrderId"}, "market sell"),
        ("kucoin", "swap", {"margin_parameter": ""}, "market buy"),
        ("gate", "spot", {"buys_in_quote": False}, "market buy"),
        ("kraken", "spot", {"look_up_parameter": "userref"}, "look up"),
    ],
)
def test_a_wrong_quirk_is_seen(exchange: str, kind: str, wrong: dict[str, Any], what: str) -> None:
    recorder = Recorder(EMPTY[exchange])
    account = make_account(quirks_of(exchange, kind), recorder)
    account._quirks = account._wire.quirks = replace(account._quirks, **wrong)
    left = requests_of(account, recorder, what, symbol_of(account._quirks))
    assert left != EXPECTED[f"{exchange} {kind}"][what]


@pytest.mark.parametrize(("quirks", "is_swap"), MARKETS, ids=IDS)
def test_our_id_is_in_each_order_and_a_market_order_has_no_price(quirks: Quirks, is_swap: bool) -> None:
    account, recorder = recorded(quirks.exchange, quirks.kind)
    for what in ("market buy", "market sell", "limit buy"):
        ((_, fields),) = requests_of(account, recorder, what, symbol_of(quirks, is_swap))
        assert fields[quirks.id_on_the_wire] == quirks.named(ID)
        assert "limit" in what or not {"price", "px", "limitPrice"} & {name for name in fields if fields[name] != "0"}


def test_every_order_says_until_when_it_is_good_where_the_exchange_has_a_window() -> None:
    for row in QUIRKS:
        account, recorder = recorded(row.exchange, row.kind)
        recorder.sent.clear()
        account.send(request_of(symbol_of(row)))
        sent = recorder.sent[0]
        said = sent.headers.get(row.expiry_header or "X-BAPI-RECV-WINDOW") or sent.fields.get("recvWindow")
        window = row.finality.window_ms
        assert said == (None if window is None else str(NOW_MS + window if row.expiry_header else window)), row.exchange
        assert (window is None) == (row.finality.bound_ms > 10_000), "who takes over waits out a call's deadline"


def test_numbers_are_rounded_to_our_side_and_kept_exact() -> None:
    account, recorder = recorded("binance", "spot")
    odd = Decimal("0.0029") * Decimal("0.3") + Decimal("0.000009999")
    account.send(request_of("BTC/USDT", kind=OrderKind.LIMIT, quantity=odd, price=Decimal("60000.019")))
    assert recorder.sent[-1].fields["quantity"] == "0.00087"
    assert recorder.sent[-1].fields["price"] == "60000.01"
    account.send(request_of("BTC/USDT", Side.SELL, OrderKind.LIMIT, quantity=odd, price=Decimal("60000.011")))
    assert recorder.sent[-1].fields["price"] == "60000.02"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": Decimal("0.000009")}, "at least one step 0.00001"),
        ({"kind": OrderKind.LIMIT, "price": None}, "price of a limit order must be set"),
        ({"kind": OrderKind.LIMIT, "price": Decimal("0.001")}, "at least one tick 0.01"),
    ],
)
def test_what_no_exchange_would_take_is_refused_unsent(changes: dict[str, Any], words: str) -> None:
    account, recorder = recorded("binance", "spot")
    recorder.sent.clear()
    answer = account.send(request_of("BTC/USDT", **changes))
    assert (answer.fate, answer.refusal, recorder.sent) == (Fate.REJECTED, Refusal.RULES, [])
    assert words in answer.text


def test_an_id_the_exchange_would_change_or_refuse_is_refused_unsent() -> None:
    for exchange, kind, wrong in (("gate", "spot", "tabc"), ("okx", "spot", "w-1"), ("kraken", "spot", "w" * 19)):
        account, recorder = recorded(exchange, kind)
        recorder.sent.clear()
        answer = account.send(replace(request_of("BTC/USDT"), client_order_id=wrong))
        assert answer.fate is Fate.REJECTED and not recorder.sent
        assert "client id must be like" in answer.text


def test_every_request_of_the_table_is_recorded() -> None:
    assert {name.rpartition(" ")[0] for name in EXPECTED} == {row.exchange for row in QUIRKS}
    assert all(set(requests) == set(DONE) for requests in EXPECTED.values())
