"""What spot and perpetual orders of Binance have in common."""

from typing import Any

from tests.exchange.engine import Exchange
from tests.exchange.listings import Product
from tests.exchange.lookup import find_order, orders_of, page, trades_of
from tests.exchange.orders import Order, Ticket, TimeInForce, Trade
from tests.exchange.wire import Call, Refusal, texts

MOST = 1000
POST_ONLY_KINDS = ("LIMIT_MAKER",)
LIMIT_KINDS = ("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT", "STOP", "TAKE_PROFIT")
MARKET_KINDS = ("MARKET", "STOP_LOSS", "TAKE_PROFIT", "STOP_MARKET", "TAKE_PROFIT_MARKET")


def ticket_of(call: Call, product: Product, client_id_name: str = "newClientOrderId") -> Ticket:
    """Read an order. Raises Refused or Refusal where it is none."""
    kind = call.text("type")
    if kind not in LIMIT_KINDS + MARKET_KINDS:
        raise Refusal(-1116, "Invalid orderType.")
    side, in_force = call.text("side"), call.text("timeInForce", "GTC")
    if side not in ("BUY", "SELL") or in_force not in list(TimeInForce):
        raise Refusal(-1117, "Invalid side." if side not in ("BUY", "SELL") else "Invalid timeInForce.")
    # TAKE_PROFIT has a price on futures and none on spot.
    has_price = kind in LIMIT_KINDS and not (product is Product.SPOT and kind == "TAKE_PROFIT")
    price = call.number("price")
    if has_price and price is None:
        call.text("price")
    trigger = call.number("triggerPrice") or call.number("stopPrice")
    is_buy = side == "BUY"
    return Ticket(
        product=product,
        symbol=call.text("symbol"),
        is_buy=is_buy,
        quantity=call.number("quantity"),
        price=price if has_price else None,
        quote_quantity=call.number("quoteOrderQty"),
        time_in_force=TimeInForce.GTX if kind in POST_ONLY_KINDS else TimeInForce(in_force),
        reduce_only=call.flag("reduceOnly") or call.flag("closePosition"),
        trigger=trigger,
        triggers_above=is_buy != kind.startswith("TAKE_PROFIT"),
        position_side=call.text("positionSide", "BOTH"),
        client_id=call.parameters.get(client_id_name, ""),
        kind=kind,
    )


def asked_order(exchange: Exchange, call: Call, product: Product) -> Order:
    """Find the order a request is about. Raises Refused."""
    number, name = call.parameters.get("orderId"), call.parameters.get("origClientOrderId")
    if not number and not name:
        raise Refusal(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    return find_order(exchange, call.account, product, exchange_symbol(exchange, call, product), number, name)


def exchange_symbol(exchange: Exchange, call: Call, product: Product) -> str:
    """Give the symbol of a request, which must be listed. Raises Refused."""
    return exchange.require_listing(call.text("symbol"), product).symbol


def asked_history(exchange: Exchange, call: Call, product: Product) -> list[Order]:
    """Give the orders asked for by GET …/allOrders."""
    first = call.integer("orderId") or 0
    symbol, limit = exchange_symbol(exchange, call, product), min(call.integer("limit") or 500, MOST)
    orders = [order for order in orders_of(exchange, call.account, product, symbol) if order.id >= first]
    start_ms = 0 if first else call.integer("startTime")
    return list(page(orders, start_ms, call.integer("endTime"), limit))


def asked_trades(exchange: Exchange, call: Call, product: Product) -> list[Trade]:
    """Give the trades asked for by GET …/myTrades or …/userTrades."""
    symbol = exchange_symbol(exchange, call, product)
    order_id, first, start_ms = call.integer("orderId"), call.integer("fromId"), call.integer("startTime")
    trades = trades_of(exchange, call.account, product, symbol, start_ms or 0)
    trades = [trade for trade in trades if order_id in (None, trade.order.id) and trade.id >= (first or 0)]
    start_ms = 0 if first is not None else start_ms
    return list(page(trades, start_ms, call.integer("endTime"), min(call.integer("limit") or 500, MOST)))


def order_fields(order: Order) -> dict[str, Any]:
    """Give what both kinds of order answers have."""
    ticket = order.ticket
    amounts = {"price": ticket.price or 0, "origQty": order.quantity, "executedQty": order.filled}
    return {
        "symbol": ticket.symbol,
        "orderId": order.id,
        "clientOrderId": ticket.client_id,
        **texts(**amounts),
        "status": order.status.value,
        "timeInForce": ticket.time_in_force.value,
        "type": ticket.kind,
        "side": "BUY" if ticket.is_buy else "SELL",
    }


def trade_fields(trade: Trade) -> dict[str, Any]:
    """Give what both kinds of trade answers have."""
    amounts = {"price": trade.price, "qty": trade.quantity, "quoteQty": trade.price * trade.quantity}
    return {
        "symbol": trade.order.ticket.symbol,
        "id": trade.id,
        "orderId": trade.order.id,
        **texts(**amounts, commission=trade.fee),
        "commissionAsset": trade.fee_coin,
        "time": trade.time_ms,
    }
