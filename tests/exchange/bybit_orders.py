"""Bybit's orders and executions. Lists are newest first and come in pages."""

from decimal import Decimal
from typing import Any

from tests.exchange.bybit_account import SIDES
from tests.exchange.bybit_market import asked_listing, asked_product
from tests.exchange.engine import Exchange
from tests.exchange.exact import text
from tests.exchange.ledger import ZERO
from tests.exchange.listings import Product
from tests.exchange.lookup import find_order, open_orders, orders_of, trades_of
from tests.exchange.orders import Order, Refused, Status, Terms, Ticket, TimeInForce, Trade, Unique, Why
from tests.exchange.wire import Call, Right, Route, texts

TERMS = Terms(unique=Unique.ALWAYS, refuses_post_only=False)
IN_FORCE = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "PostOnly": TimeInForce.GTX,
}
# Closed orders can be asked for by id among so many of the last ones; a span of history is no longer than a week.
LAST_ORDERS = 500
WEEK_MS = 7 * 86_400_000
SHOWN = Decimal("1e-10")


class OrderPart:
    """The endpoints of order and execution under /v5."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.routes = [
            Route("POST", "/v5/order/create", self.create, Right.TRADE),
            Route("POST", "/v5/order/cancel", self.cancel, Right.TRADE),
            Route("POST", "/v5/order/cancel-all", self.cancel_all, Right.TRADE),
            Route("GET", "/v5/order/realtime", self.realtime, Right.READ),
            Route("GET", "/v5/order/history", self.history, Right.READ),
            Route("GET", "/v5/execution/list", self.executions, Right.READ),
        ]

    def create(self, call: Call) -> Any:
        """POST /v5/order/create."""
        return _ids(self.exchange.place(call.account, self._ticket(call), TERMS))

    def cancel(self, call: Call) -> Any:
        """POST /v5/order/cancel."""
        symbol, product = asked_listing(self.exchange, call).symbol, asked_product(call)
        number, name = call.parameters.get("orderId"), call.parameters.get("orderLinkId")
        order = find_order(self.exchange, call.account, product, symbol, number, name)
        self.exchange.cancel(order)
        return _ids(order)

    def cancel_all(self, call: Call) -> Any:
        """POST /v5/order/cancel-all."""
        orders = open_orders(self.exchange, call.account, asked_product(call), call.parameters.get("symbol"))
        for order in orders:
            self.exchange.cancel(order)
        return {"list": [_ids(order) for order in orders], "success": "1"}

    def realtime(self, call: Call) -> Any:
        """GET /v5/order/realtime: open ones, or the one asked for, among the last 500 if it is closed."""
        product, symbol = asked_product(call), call.parameters.get("symbol")
        number, name = call.parameters.get("orderId"), call.parameters.get("orderLinkId")
        if number or name:
            orders = orders_of(self.exchange, call.account, product, symbol)[-LAST_ORDERS:]
            return self._orders(call, [order for order in orders if _is(order, number, name)], 20)
        wants_stops = call.parameters.get("orderFilter") in ("StopOrder", "tpslOrder")
        orders = open_orders(self.exchange, call.account, product, symbol)
        if product is Product.SPOT or wants_stops:
            orders = [order for order in orders if order.is_waiting == wants_stops]
        return self._orders(call, orders, 20)

    def history(self, call: Call) -> Any:
        """GET /v5/order/history: closed ones of a week."""
        number, name = call.parameters.get("orderId"), call.parameters.get("orderLinkId")
        orders = orders_of(self.exchange, call.account, asked_product(call), call.parameters.get("symbol"))
        closed = [order for order in orders if not order.status.is_open and _is(order, number, name)]
        return self._orders(call, self._in_span(call, closed), 20)

    def executions(self, call: Call) -> Any:
        """GET /v5/execution/list."""
        number, name = call.parameters.get("orderId"), call.parameters.get("orderLinkId")
        product, symbol = asked_product(call), call.parameters.get("symbol")
        trades = trades_of(self.exchange, call.account, product, symbol, call.integer("startTime") or 0)
        chosen = [trade for trade in trades if _is(trade.order, number, name)]
        rows, cursor = _paged(call, self._in_span(call, chosen), 50)
        return {"category": call.text("category"), "list": [_execution(row) for row in rows], "nextPageCursor": cursor}

    def _orders(self, call: Call, orders: list[Order], usual: int) -> Any:
        rows, cursor = _paged(call, orders, usual)
        return {"category": call.text("category"), "list": [_order(row) for row in rows], "nextPageCursor": cursor}

    def _in_span(self, call: Call, rows: list[Any]) -> list[Any]:
        start_ms, end_ms, now_ms = call.integer("startTime"), call.integer("endTime"), self.exchange.now_ms()
        if start_ms is None and end_ms is None:
            start_ms, end_ms = now_ms - WEEK_MS, now_ms
        start_ms = start_ms if start_ms is not None else (end_ms or now_ms) - WEEK_MS
        end_ms = end_ms if end_ms is not None else start_ms + WEEK_MS
        if end_ms - start_ms > WEEK_MS:
            raise Refused(Why.PARAMETER, "the time range must be within 7 days")
        return [row for row in rows if start_ms <= row.time_ms <= end_ms]

    def _ticket(self, call: Call) -> Ticket:
        product, listing, side = asked_product(call), asked_listing(self.exchange, call), call.text("side")
        is_market, quantity = call.text("orderType") == "Market", call.number("qty")
        in_force = IN_FORCE.get(call.text("timeInForce", "IOC" if is_market else "GTC"))
        if in_force is None or side not in ("Buy", "Sell") or quantity is None:
            raise Refused(Why.PARAMETER, "timeInForce" if in_force is None else "side or qty")
        is_buy, is_spot = side == "Buy", product is Product.SPOT
        by_quote = is_spot and is_market and is_buy and call.text("marketUnit", "quoteCoin") == "quoteCoin"
        position_side = next(name for name, number in SIDES.items() if number == (call.integer("positionIdx") or 0))
        return Ticket(
            product=product,
            symbol=listing.symbol,
            is_buy=is_buy,
            quantity=None if by_quote else quantity,
            quote_quantity=quantity if by_quote else None,
            price=None if is_market else call.number("price"),
            time_in_force=in_force,
            reduce_only=call.flag("reduceOnly") and not is_spot,
            trigger=call.number("triggerPrice"),
            triggers_above=call.integer("triggerDirection") == 1 if not is_spot else is_buy,
            position_side=position_side,
            client_id=call.parameters.get("orderLinkId", ""),
            kind="Market" if is_market else "Limit",
        )


def _ids(order: Order) -> dict[str, str]:
    return {"orderId": str(order.id), "orderLinkId": order.ticket.client_id}


def _is(order: Order, number: str | None, name: str | None) -> bool:
    return (not number or str(order.id) == number) and (not name or order.ticket.client_id == name)


def _paged(call: Call, rows: list[Any], usual: int) -> tuple[list[Any], str]:
    limit, skip = call.integer("limit") or usual, int(call.parameters.get("cursor") or 0)
    limit = min(limit, 100 if usual == 50 else 50)
    chosen = rows[::-1][skip : skip + limit]
    return chosen, str(skip + limit) if skip + limit < len(rows) else ""


def _state(order: Order) -> str:
    if order.is_waiting:
        return "Untriggered" if order.status.is_open else "Deactivated"
    if order.status in (Status.CANCELED, Status.EXPIRED):
        is_partly = order.filled and order.ticket.product is Product.SPOT
        return "PartiallyFilledCanceled" if is_partly else "Cancelled"
    return {Status.NEW: "New", Status.PARTIAL: "PartiallyFilled", Status.FILLED: "Filled"}[order.status]


def _order(order: Order) -> dict[str, Any]:
    ticket = order.ticket
    fees: dict[str, Decimal] = {}
    for trade in order.trades:
        fees[trade.fee_coin] = fees.get(trade.fee_coin, ZERO) + trade.fee
    open_quantity = order.remaining if order.status.is_open else ZERO
    amounts = {
        "price": ticket.price or ZERO,
        "qty": ticket.quote_quantity or order.quantity,
        "leavesQty": open_quantity,
    }
    done = {"cumExecQty": order.filled, "cumExecValue": order.quote_filled, "cumExecFee": sum(fees.values(), ZERO)}
    refused = (
        ticket.time_in_force is TimeInForce.GTX
        and order.status is Status.CANCELED
        and order.updated_ms == order.time_ms
    )
    contract = {"tpslMode": "", "positionIdx": SIDES[ticket.position_side]} if ticket.product is Product.SWAP else {}
    return {
        **_ids(order),
        "symbol": ticket.symbol,
        "side": "Buy" if ticket.is_buy else "Sell",
        "orderType": ticket.kind,
        "orderStatus": _state(order),
        "timeInForce": next(word for word, meant in IN_FORCE.items() if meant is ticket.time_in_force),
        **texts(**amounts, **done),
        "cumFeeDetail": {coin: text(fee) for coin, fee in fees.items()},
        "avgPrice": text(order.average.quantize(SHOWN)) if order.filled else "",
        "triggerPrice": text(ticket.trigger) if ticket.trigger else "",
        "triggerDirection": 0 if ticket.trigger is None else 1 if ticket.triggers_above else 2,
        "stopOrderType": "Stop" if ticket.trigger else "",
        "marketUnit": "quoteCoin" if ticket.quote_quantity is not None else "baseCoin" if not contract else "",
        "reduceOnly": ticket.reduce_only,
        "rejectReason": "EC_PostOnlyWillTakeLiquidity" if refused else "EC_NoError",
        "createdTime": str(order.time_ms),
        "updatedTime": str(order.updated_ms),
        **contract,
    }


def _execution(trade: Trade) -> dict[str, Any]:
    order, ticket = trade.order, trade.order.ticket
    amounts = {"execPrice": trade.price, "execQty": trade.quantity, "execValue": trade.price * trade.quantity}
    whole = trade.quantity if ticket.symbol.startswith(trade.fee_coin) else trade.quantity * trade.price
    return {
        "symbol": ticket.symbol,
        **_ids(order),
        "side": "Buy" if ticket.is_buy else "Sell",
        "orderType": ticket.kind,
        **texts(**amounts, execFee=trade.fee, orderPrice=ticket.price or ZERO, orderQty=order.quantity),
        "leavesQty": text(order.remaining),
        "feeRate": text((trade.fee / whole).quantize(SHOWN)),
        "feeCurrency": trade.fee_coin if ticket.product is Product.SPOT else "",
        "execId": f"e{trade.id}",
        "execType": "Trade",
        "execTime": str(trade.time_ms),
        "isMaker": trade.is_maker,
        "stopOrderType": "",
        "seq": trade.id,
    }
