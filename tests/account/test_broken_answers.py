"""A body that is broken, empty, null or a page of HTML is never an order, an empty account, no position, no order."""

import json
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from typing import Any

import pytest

from shared.errors import MarketError
from tests.account.recording import ID, NOW_MS, Recorder, make_account, request_of, symbol_of
from tests.account.test_requests import MARKETS
from worker.exchange.account import CcxtAccount
from worker.exchange.answers import number
from worker.exchange.listing import InvalidAnswer
from worker.exchange.protocol import Fate
from worker.exchange.quirks import Quirks
from worker.exchange.rights import UNSAID
from worker.exchange.table import quirks_of

BROKEN = {
    "malformed": '{"symbols": [',
    "empty": "",
    "null": "null",
    "html": "<html>Attention</html>",
    "table": "{}",
    "text": '"x"',
    "number": "7",
    "list of text": '["x"]',
    "list of null": "[null]",
    "error": '{"code":-1,"msg":"x"}',
}
READS: dict[str, Callable[[CcxtAccount, str], Any]] = {
    "open orders": lambda account, symbol: account.open_orders([symbol]),
    "trades": lambda account, symbol: account.trades(symbol, NOW_MS - 60_000),
    "trades of an order": lambda account, symbol: account.trades_of(symbol, "77", NOW_MS - 60_000),
    "balances": lambda account, symbol: account.balances(),
    "best prices": lambda account, symbol: account.best_prices([symbol]),
    "positions": lambda account, symbol: account.positions([symbol]),
}
ACCOUNTS = [(row, is_swap, f"{row.exchange} {row.kind} {is_swap}") for row, is_swap in MARKETS if row.kind != "unified"]


@pytest.fixture(scope="module", params=ACCOUNTS, ids=[name for *_, name in ACCOUNTS])
def traded(request: pytest.FixtureRequest) -> tuple[CcxtAccount, Recorder, Quirks, str]:
    row, is_swap, _ = request.param
    recorder = Recorder("")
    return make_account(row, recorder), recorder, row, symbol_of(row, is_swap)


def test_a_broken_answer_to_an_order_leaves_its_fate_unknown(traded: tuple[Any, ...]) -> None:
    account, recorder, _, symbol = traded
    for name, body in BROKEN.items():
        recorder.answers, account.budget._spent = [body], type(account.budget._spent)()
        sent = account.send(request_of(symbol))
        assert (sent.fate, sent.order) == (Fate.UNKNOWN, None), (name, sent.text)
        cancelled = account.cancel(symbol, ID, "77")
        assert cancelled.fate is Fate.UNKNOWN, (name, cancelled.text)


def test_a_broken_answer_to_a_read_raises(traded: tuple[Any, ...]) -> None:
    account, recorder, row, symbol = traded
    for what, read in READS.items():
        if what == "positions" and row.kind == "spot":
            continue
        for name, body in BROKEN.items():
            recorder.answers, account.budget._spent = [body], type(account.budget._spent)()
            account.budget._sum = 0.0
            with pytest.raises(MarketError, match=f"^{account.name} "):
                pytest.fail(f"{what} of a {name} body was {read(account, symbol)}")


def test_a_broken_answer_is_no_ledger_without_entries_and_no_rights(traded: tuple[Any, ...]) -> None:
    account, recorder, row, _ = traded
    reads: dict[str, Callable[[], Any]] = {"rights": account.rights}
    if row.flows:
        reads["flows"] = lambda: account.flows(NOW_MS - 60_000)
    for (what, read), (name, body) in product(reads.items(), BROKEN.items()):
        recorder.answers, account.budget._spent = [body], type(account.budget._spent)()
        account.budget._sum = 0.0
        # That an exchange does not tell is another thing than that there is nothing to tell.
        with suppress(MarketError):
            assert read() in (None, UNSAID), (what, name)


def test_an_order_that_is_looked_up_in_broken_answers_is_not_absent(traded: tuple[Any, ...]) -> None:
    account, recorder, _, symbol = traded
    for name, body in BROKEN.items():
        recorder.answers, account.budget._spent = [body], type(account.budget._spent)()
        account.budget._sum = 0.0
        found = account.look_up(symbol, ID, "77", NOW_MS)
        assert (found.order, found.complete, len(found.trades)) == (None, False, 0), name
        assert found.text


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_listing_that_is_broken_is_no_listing(body: str) -> None:
    account = make_account(quirks_of("binance", "spot"), Recorder(body))
    del account._wire.client.load_markets
    with pytest.raises(MarketError, match="main list of spot markets could not be read"):
        account.connect(["BTC/USDT"])
    assert account.rules("BTC/USDT").is_trading, "what was known stays"


ORDER = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "clientOrderId": ID,
    "transactTime": NOW_MS,
    "price": "0.00",
    "origQty": "0.00200",
    "executedQty": "0.00200",
    "cummulativeQuoteQty": "120.0",
    "status": "FILLED",
    "timeInForce": "GTC",
    "type": "MARKET",
    "side": "BUY",
    "fills": [],
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"clientOrderId": "wother"}, "client id must be"),
        ({"clientOrderId": None}, "order must be"),
        ({"orderId": None}, "id must be a text"),
        ({"status": "NEW_THING"}, "status of an order"),
        ({"side": "SELL"}, "order must be"),
        ({"origQty": "NaN"}, "NaN"),
        ({"origQty": "-1"}, "amount must be"),
        ({"executedQty": "0.003"}, "filled must not exceed"),
        ({"transactTime": None}, "time must be"),
    ],
)
def test_an_order_that_cannot_be_true_is_not_accepted(changes: dict[str, Any], words: str) -> None:
    account = make_account(quirks_of("binance", "spot"), Recorder({**ORDER, **changes}))
    answer = account.send(request_of("BTC/USDT"))
    assert (answer.fate, answer.order) == (Fate.UNKNOWN, None)
    assert words in answer.text


def test_the_order_they_are_changed_from_is_accepted() -> None:
    account = make_account(quirks_of("binance", "spot"), Recorder(json.dumps(ORDER)))
    assert account.send(request_of("BTC/USDT")).fate is Fate.ACCEPTED


@pytest.mark.parametrize("written", [None, True, 1.5, "", "x", "NaN", "Infinity", "-1", [], {}])
def test_what_is_no_number_is_none(written: Any) -> None:
    with pytest.raises(InvalidAnswer, match="amount must be a number"):
        number({"amount": written}, "amount")
