"""Orders, trades, balances and positions of each exchange, in the fields that ccxt's parsers read.

The answers are made by hand: they hold our reading of ccxt's, not an exchange's word.
"""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.enums import Side
from shared.errors import MarketError
from tests.account.recording import ID, NOW_MS, Recorder, make_account, symbol_of
from worker.exchange.account import CcxtAccount
from worker.exchange.protocol import Status
from worker.exchange.table import quirks_of

ISO = "2025-01-05T04:00:02.000Z"
# An order of 0.002 BTC to buy at 60,000, of which 0.001 are filled; 0.001 BTC bought for a fee of 0.06 in quote by
# order 77; 100 of the quote, some of it held by orders or beside profit that is not realised; 0.003 BTC short.
ANSWERS = json.loads((Path(__file__).parent / "answers.json").read_text())


def account_and_symbol(name: str, what: str) -> tuple[CcxtAccount, str]:
    exchange, _, market = name.partition(" ")
    is_swap = market == "swap" or (market == "unified" and what == "position")
    account = make_account(quirks_of(exchange, market), Recorder(ANSWERS[what][name]))
    return account, symbol_of(account._quirks, is_swap)


@pytest.mark.parametrize("name", ANSWERS["open order"])
def test_an_open_order_is_read(name: str) -> None:
    account, symbol = account_and_symbol(name, "open order")
    (found,) = account.open_orders([symbol])
    assert (found.client_order_id, found.exchange_id, found.symbol, found.side) == (ID, "77", symbol, Side.BUY)
    assert (found.status, found.quantity, found.filled) == (Status.OPEN, Decimal("0.002"), Decimal("0.001"))
    # ccxt leaves the price of some away.
    assert found.price in (60_000, None) and found.time_ms == NOW_MS and not found.reduce_only


@pytest.mark.parametrize("name", ANSWERS["trade"])
def test_a_trade_is_read(name: str) -> None:
    account, symbol = account_and_symbol(name, "trade")
    (found,) = account.trades_of(symbol, "77", NOW_MS - 1_000)
    assert (found.id, found.exchange_id, found.symbol, found.side) == ("5", "77", symbol, Side.BUY)
    assert (found.quantity, found.price, found.fee) == (Decimal("0.001"), 60_000, Decimal("0.06"))
    assert found.fee_coin == symbol.partition("/")[2].partition(":")[0] and not found.is_maker
    assert found.time_ms == NOW_MS


def test_the_trades_of_krakens_futures_name_no_fee() -> None:
    fill = {"fillTime": ISO, "order_id": "77", "fill_id": "5", "symbol": "PF_XBTUSD", "side": "buy", "size": 0.001}
    said = {"result": "success", "fills": [{**fill, "price": 60000.0, "fillType": "taker"}]}
    account = make_account(quirks_of("krakenfutures", "swap"), Recorder(said))
    (found,) = account.trades("BTC/USD", NOW_MS - 1_000)
    assert (found.id, found.quantity, found.fee, found.fee_coin) == ("5", Decimal("0.001"), 0, "USD")


@pytest.mark.parametrize("name", ANSWERS["balance"])
def test_a_balance_is_read(name: str) -> None:
    account, symbol = account_and_symbol(name, "balance")
    held = {coin: amount for coin, amount in account.balances().items() if amount}
    assert held == {symbol.partition("/")[2]: Decimal(100)}


@pytest.mark.parametrize("name", ANSWERS["position"])
def test_a_position_is_read(name: str) -> None:
    account, symbol = account_and_symbol(name, "position")
    assert account.positions([symbol]) == {symbol: Decimal("-0.003")}


READS: dict[str, Callable[[CcxtAccount, str], Any]] = {
    "open order": lambda account, symbol: account.open_orders([symbol]),
    "trade": lambda account, symbol: account.trades_of(symbol, "77", NOW_MS - 1_000),
    "balance": lambda account, symbol: {coin: held for coin, held in account.balances().items() if held},
    "position": lambda account, symbol: account.positions([symbol]),
}
# Names whose absence says something: an order of somebody else, a price that is not told, a list without rows.
MAY_LACK = {"clientOrderId", "text", "orderLinkId", "clOrdId", "cl_ord_id", "cliOrdId", "clientOid", "client_order_id"}
MAY_LACK |= {"price", "px", "limitPrice", "limit_price", "entrustedList", "fillList"}


def spoilt(answer: Any, told: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Give an answer again and again, each time with something else of it replaced by `told`."""
    inner = answer
    for name in path:
        inner = inner[name]
    if path:
        changed = deepcopy(answer)
        at = changed
        for name in path[:-1]:
            at = at[name]
        at[path[-1]] = told
        yield path, changed
    if isinstance(inner, dict | list):
        for name in inner if isinstance(inner, dict) else range(len(inner)):
            yield from spoilt(answer, told, (*path, name))


@pytest.mark.parametrize("what", READS)
def test_an_answer_of_which_a_part_is_null_is_no_empty_account_no_position_and_no_missing_order(what: str) -> None:
    spoils = 0
    for name, answer in ANSWERS[what].items():
        account, symbol = account_and_symbol(name, what)
        whole = READS[what](account, symbol)
        for path, body in spoilt(answer, None):
            account._wire.transport._carry = Recorder(body)
            account.budget._spent, account.budget._sum = type(account.budget._spent)(), 0.0
            try:
                found = READS[what](account, symbol)
            except MarketError:
                spoils += 1
                continue
            assert found == whole or path[-1] in MAY_LACK, (name, path, found)
    assert spoils > 20


@pytest.mark.parametrize(
    ("name", "what", "body"),
    [
        ("kucoin swap", "open order", {"code": "200000", "data": {"items": {}}}),
        ("bybit unified", "position", {"retCode": 0, "result": {"list": {}}}),
        ("kucoin spot", "balance", {"code": "200000", "data": {}}),
        ("coinbase spot", "balance", {"accounts": {}, "has_next": False}),
        ("coinbase spot", "balance", {**ANSWERS["balance"]["coinbase spot"], "has_next": True}),
        ("kraken spot", "balance", {"error": [], "result": []}),
        ("bybit unified", "balance", {"retCode": 0, "result": {"list": []}}),
    ],
)
def test_an_answer_in_the_form_of_another_is_none(name: str, what: str, body: Any) -> None:
    account, symbol = account_and_symbol(name, what)
    account._wire.transport._carry = Recorder(body)
    with pytest.raises(MarketError, match="could not be read: "):
        READS[what](account, symbol)


def test_bitget_says_null_of_a_list_without_rows() -> None:
    account, symbol = account_and_symbol("bitget swap", "open order")
    account._wire.transport._carry = Recorder({"code": "00000", "data": {"entrustedList": None, "endId": None}})
    assert account.open_orders([symbol]) == []
