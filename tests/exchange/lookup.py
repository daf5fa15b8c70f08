"""Which of an account's orders and trades a request is about, as far as they can be seen yet."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from tests.exchange.accounts import Account
from tests.exchange.engine import Exchange
from tests.exchange.listings import Product
from tests.exchange.orders import Order, Refused, Trade, Why


def orders_of(exchange: Exchange, account: Account, product: Product, symbol: str | None = None) -> list[Order]:
    """Give an account's orders, of one symbol or all, oldest first."""
    now_ms = exchange.now_ms()
    orders = _rows(exchange.matching.orders_of, account, product, symbol)
    return [order for order in orders if order.visible_ms <= now_ms]


def open_orders(exchange: Exchange, account: Account, product: Product, symbol: str | None = None) -> list[Order]:
    """Give an account's orders of which more may be filled, oldest first."""
    now_ms, found = exchange.now_ms(), []
    for order in exchange.matching.open.values():
        is_asked = order.owner == account.name and order.ticket.product is product
        if is_asked and symbol in (None, "", order.ticket.symbol) and order.visible_ms <= now_ms:
            found.append(order)
    return found


def trades_of(
    exchange: Exchange, account: Account, product: Product, symbol: str | None, since_ms: int = 0
) -> Sequence[Trade]:
    """Give an account's trades since a time, of one symbol or all, oldest first."""
    latest_ms = exchange.now_ms() - exchange.query_lag_ms
    rows = _rows(exchange.matching.trades_of, account, product, symbol)
    first = bisect_left(rows, since_ms, key=lambda trade: trade.time_ms)
    return [trade for trade in rows[first:] if trade.time_ms <= latest_ms]


def find_order(
    exchange: Exchange, account: Account, product: Product, symbol: str | None, id: str | None, client_id: str | None
) -> Order:
    """Find an order by id, or the newest that bears a client id. Raises Refused."""
    orders = exchange.matching.orders
    known = [orders[int(id)]] if id and id.isdigit() and int(id) in orders else []
    for order in reversed(known if id else exchange.matching.named(account.name, client_id or "")):
        is_own = order.owner == account.name and order.ticket.product is product
        if is_own and symbol in (None, "", order.ticket.symbol) and order.visible_ms <= exchange.now_ms():
            return order
    raise Refused(Why.UNKNOWN_ORDER, id or client_id or "")


def page(rows: Sequence[Any], start_ms: int | None, end_ms: int | None, limit: int) -> Sequence[Any]:
    """Give the first rows since a time, or the latest where none is given; rows have `time_ms`."""
    chosen = [row for row in rows if (start_ms or 0) <= row.time_ms <= (end_ms or row.time_ms)]
    return chosen[:limit] if start_ms is not None else chosen[-limit:]


def _rows(index: Any, account: Account, product: Product, symbol: str | None) -> list[Any]:
    if symbol:
        return index[account.name, product, symbol]
    keys = [key for key in index if key[:2] == (account.name, product)]
    return sorted((row for key in keys for row in index[key]), key=lambda row: (row.time_ms, row.id))
