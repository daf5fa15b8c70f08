"""What became of an order, by what came in place of an answer: every row of the table, and what no row names."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import ccxt
import pytest
import requests
from requests.exceptions import ChunkedEncodingError, ConnectTimeout, ReadTimeout

from shared.clock import ManualClock
from shared.errors import MarketError, MarketRefusal
from tests.account.recording import ID, NOW_MS, Recorder, make_account, request_of, response
from worker.exchange.account import CcxtAccount
from worker.exchange.budget import TooLate, Withheld, WrongPlace
from worker.exchange.fates import TABLE, fate_of
from worker.exchange.listing import InvalidAnswer
from worker.exchange.protocol import Fate, Refusal
from worker.exchange.table import quirks_of


@cache
def account_on(exchange: str, kind: str) -> tuple[CcxtAccount, Recorder]:
    recorder = Recorder("")
    return make_account(quirks_of(exchange, kind), recorder), recorder


def binance(code: int, message: str = "", status: int = 400) -> tuple[int, str]:
    return status, json.dumps({"code": code, "msg": message})


def bybit(code: int, message: str = "") -> dict[str, Any]:
    return {"retCode": code, "retMsg": message, "result": {}}


NO_FUNDS = "Account has insufficient balance for requested action."
SAID: list[tuple[str, str, Any, Fate, Refusal]] = [
    ("binance", "spot", binance(-2010, "Duplicate order sent."), Fate.DUPLICATE, Refusal.NONE),
    ("binance", "swap", binance(-4116, "ClientOrderId is duplicated."), Fate.DUPLICATE, Refusal.NONE),
    ("bybit", "spot", bybit(170141, "Duplicate clientOrderId"), Fate.DUPLICATE, Refusal.NONE),
    ("bybit", "swap", bybit(110072, "OrderLinkedID is duplicate"), Fate.DUPLICATE, Refusal.NONE),
    ("bybit", "spot", bybit(170005, "too many new orders"), Fate.NOT_PLACED, Refusal.BUSY),
    ("binance", "spot", binance(-1008, "Server is currently overloaded", 503), Fate.NOT_PLACED, Refusal.BUSY),
    ("binance", "swap", binance(-1008, "Server is currently overloaded", 503), Fate.NOT_PLACED, Refusal.BUSY),
    ("binance", "spot", binance(-2015, "Invalid API-key, IP", 401), Fate.REJECTED, Refusal.KEY),
    ("binance", "spot", binance(-1022, "Signature for this request is not valid."), Fate.REJECTED, Refusal.KEY),
    ("binance", "spot", binance(-2014, "API-key format invalid."), Fate.REJECTED, Refusal.KEY),
    ("gate", "spot", (403, '{"label":"REQUEST_EXPIRED","message":"x"}'), Fate.REJECTED, Refusal.CLOCK),
    ("gate", "spot", (401, '{"label":"INVALID_KEY","message":"x"}'), Fate.REJECTED, Refusal.KEY),
    ("binance", "spot", (429, binance(-1003)[1]), Fate.NOT_PLACED, Refusal.RATE),
    ("binance", "spot", (418, binance(-1003)[1]), Fate.NOT_PLACED, Refusal.RATE),
    ("gate", "spot", (429, '{"label":"TOO_MANY_REQUESTS","message":"x"}'), Fate.NOT_PLACED, Refusal.RATE),
    ("bybit", "spot", bybit(10006, "Too many visits!"), Fate.NOT_PLACED, Refusal.RATE),
    ("binance", "spot", binance(-1021, "Timestamp outside of the recvWindow."), Fate.NOT_PLACED, Refusal.CLOCK),
    ("binance", "spot", ConnectTimeout(), Fate.NOT_PLACED, Refusal.BUSY),
    ("binance", "spot", binance(-1121, "Invalid symbol."), Fate.REJECTED, Refusal.SYMBOL),
    ("binance", "spot", binance(-2010, "Market is closed."), Fate.REJECTED, Refusal.SYMBOL),
    ("binance", "spot", binance(-2010, NO_FUNDS), Fate.REJECTED, Refusal.FUNDS),
    ("binance", "swap", binance(-2019, "Margin is insufficient."), Fate.REJECTED, Refusal.FUNDS),
    ("binance", "spot", binance(-1013, "Filter failure: LOT_SIZE"), Fate.REJECTED, Refusal.RULES),
    ("binance", "spot", binance(-1013, "Filter failure: NOTIONAL"), Fate.REJECTED, Refusal.RULES),
    ("binance", "swap", binance(-4164, "Order's notional must be no smaller"), Fate.REJECTED, Refusal.RULES),
    ("binance", "spot", binance(-2010, "Order would immediately match and take."), Fate.REJECTED, Refusal.POST_ONLY),
    ("binance", "swap", binance(-5022, "the Post Only order will be rejected."), Fate.REJECTED, Refusal.POST_ONLY),
    ("gate", "spot", (400, '{"label":"POC_FILL_IMMEDIATELY","message":"x"}'), Fate.REJECTED, Refusal.POST_ONLY),
    # all that follows may have been taken
    ("binance", "spot", ReadTimeout(), Fate.UNKNOWN, Refusal.NONE),
    ("binance", "spot", requests.exceptions.ConnectionError("reset"), Fate.UNKNOWN, Refusal.NONE),
    ("binance", "spot", ChunkedEncodingError("cut"), Fate.UNKNOWN, Refusal.NONE),
    *(("binance", "spot", (status, "<html>"), Fate.UNKNOWN, Refusal.NONE) for status in (400, 403, 404, 408, 451)),
    *(("gate", "spot", (status, "<html>"), Fate.UNKNOWN, Refusal.NONE) for status in (500, 502, 503, 504, 520)),
    ("binance", "spot", binance(-1006, "An unexpected response was received."), Fate.UNKNOWN, Refusal.NONE),
    ("binance", "spot", binance(-1007, "Timeout waiting for response."), Fate.UNKNOWN, Refusal.NONE),
    ("binance", "spot", binance(-987654, "something new"), Fate.UNKNOWN, Refusal.NONE),
    ("bybit", "spot", bybit(10016, "Server error"), Fate.UNKNOWN, Refusal.NONE),
    ("binance", "spot", ZeroDivisionError(), Fate.UNKNOWN, Refusal.NONE),
]  # fmt: skip


@pytest.mark.parametrize(("exchange", "kind", "said", "fate", "refusal"), SAID)
def test_what_the_exchange_said_decides(exchange: str, kind: str, said: Any, fate: Fate, refusal: Refusal) -> None:
    account, recorder = account_on(exchange, kind)
    recorder.answers = [said]
    account.budget._silent_to_ms = 0
    answer = account.send(request_of("BTC/USDT"))
    assert (answer.fate, answer.refusal, answer.order) == (fate, refusal, None), answer.text


def test_a_key_that_is_revoked_after_it_had_worked_is_still_about_the_key() -> None:
    recorder = Recorder({"balances": [{"asset": "BTC", "free": "1", "locked": "0"}], "updateTime": 1})
    account = make_account(quirks_of("binance", "spot"), recorder)
    account.balances()
    recorder.answers = [binance(-2015, "Invalid API-key, IP, or permissions for action.", 401)]
    answer = account.send(request_of("BTC/USDT"))
    assert (answer.fate, answer.refusal) == (Fate.REJECTED, Refusal.KEY), "ccxt calls it DDoSProtection then"
    assert not account.budget.silent_until_ms


def every_class() -> Iterator[type[ccxt.BaseError]]:
    waiting = [ccxt.BaseError]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += found.__subclasses__()


KNOWN = {
    "InsufficientFunds": Refusal.FUNDS,
    "OrderImmediatelyFillable": Refusal.POST_ONLY,
    **dict.fromkeys(("BadSymbol", "MarketClosed", "ContractUnavailable"), Refusal.SYMBOL),
    **dict.fromkeys(
        ("AuthenticationError", "PermissionDenied", "AccountNotEnabled", "AccountSuspended", "RestrictedLocation"),
        Refusal.KEY,
    ),
    **dict.fromkeys(
        (
            "InvalidOrder",
            "OrderNotCached",
            "OrderNotFillable",
            "BadRequest",
            "OperationRejected",
            "NoChange",
            "MarginModeAlreadySet",
            "ManualInteractionNeeded",
            "ArgumentsRequired",
            "NotSupported",
        ),
        Refusal.RULES,
    ),
}


def test_every_class_of_the_client_has_its_fate_and_all_others_are_unknown() -> None:
    for kind in every_class():
        fate, refusal = fate_of("kraken", kind("x"))
        if kind.__name__ in KNOWN:
            assert (fate, refusal) == (Fate.REJECTED, KNOWN[kind.__name__]), kind
        elif kind.__name__ == "DuplicateOrderId":
            assert fate is Fate.DUPLICATE
        elif kind.__name__ in ("RateLimitExceeded", "DDoSProtection", "InvalidNonce", "ChecksumError"):
            assert fate is Fate.NOT_PLACED
        else:
            assert (fate, refusal) == (Fate.UNKNOWN, Refusal.NONE), kind
    assert fate_of("kraken", InvalidAnswer("x")) == fate_of("kraken", KeyError("x")) == (Fate.UNKNOWN, Refusal.NONE)


def test_each_row_of_the_table_decides_something() -> None:
    """Without a row, one of the samples would have another fate."""
    errors: list[tuple[str, BaseException]] = [
        ("binance", ccxt.DDoSProtection('binance {"code":-2015}')),
        ("okx", ccxt.InvalidOrder('okx {"sCode":"51016"}')),
        *(("gate", error) for error in (TooLate(), WrongPlace(), Withheld(), ccxt.DuplicateOrderId())),
        ("gate", ccxt.OrderNotFound()),
    ]
    for exchange, kind, said, _, _ in SAID:
        account, recorder = account_on(exchange, kind)
        recorder.answers, account.budget._silent_to_ms = [said], 0
        symbol = "BTC/USDT" if kind == "spot" else "BTC/USDT:USDT"
        with pytest.raises((ccxt.BaseError, ZeroDivisionError)) as caught:
            account._wire.client.create_order(symbol, "market", "sell", "1")
        errors.append((exchange, caught.value))
    deciding = {next((row for row in TABLE if row.fits(*error)), None) for error in errors}
    assert [row for row in TABLE if row not in deciding] == []


def test_an_okx_order_with_a_taken_id_is_a_duplicate() -> None:
    account, recorder = account_on("okx", "spot")
    refused = {"clOrdId": ID, "ordId": "", "sCode": "51016", "sMsg": "Client order ID already exists."}
    recorder.answers = [{"code": "1", "data": [refused], "msg": "All operations failed"}]
    assert account.send(request_of("BTC/USDT")).fate is Fate.DUPLICATE


@pytest.mark.parametrize(
    ("status", "headers", "silent_ms"),
    [
        (429, {"Retry-After": "7"}, 7_000),
        (429, {"Retry-After": "1"}, 1_000),
        (429, {}, 10_000),
        (418, {}, 120_000),
        (418, {"Retry-After": "300"}, 300_000),
    ],
)
def test_told_to_wait_nothing_is_asked_before_the_time_that_was_said(
    status: int, headers: dict[str, str], silent_ms: int
) -> None:
    clock, recorder = ManualClock(NOW_MS), Recorder("")
    account = make_account(quirks_of("binance", "spot"), recorder, clock)
    recorder.answers = [lambda request: response(request, (status, binance(-1003)[1]), headers)]
    answer = account.send(request_of("BTC/USDT"))
    assert answer.silent_until_ms == account.budget.silent_until_ms == NOW_MS + silent_ms
    clock.advance_ms(silent_ms - 1)
    before = len(recorder.sent)
    again = account.send(request_of("BTC/USDT", reduce_only=True))
    assert (again.fate, again.refusal, len(recorder.sent)) == (Fate.NOT_PLACED, Refusal.RATE, before)
    clock.advance_ms(1)
    account.send(request_of("BTC/USDT"))
    assert len(recorder.sent) == before + 1


def test_who_is_told_to_wait_is_not_refused_for_good_whatever_the_body_says() -> None:
    account, recorder = account_on("bybit", "swap")
    # A proxy before the exchange answers in words that are not the exchange's.
    recorder.answers = [lambda request: response(request, (429, binance(-1003)[1]), {})]
    with pytest.raises(MarketError) as failed:
        account.trades("BTC/USDT", NOW_MS - 1_000)
    assert not isinstance(failed.value, MarketRefusal)
