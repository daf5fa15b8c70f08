"""Orders, trades, balances and positions of each exchange, in the fields that ccxt's parsers read.

The answers are made by hand: they hold our reading of ccxt's, not an exchange's word.
"""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from shared.enums import Side
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
