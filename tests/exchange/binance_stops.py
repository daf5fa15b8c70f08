"""Binance's conditional orders of perpetuals, which have endpoints and client ids of their own."""

from typing import Any

from tests.exchange.binance_orders import ticket_of
from tests.exchange.engine import Exchange
from tests.exchange.listings import Product
from tests.exchange.lookup import find_order, open_orders, orders_of, page
from tests.exchange.orders import Order, Refused, Status, Why
from tests.exchange.wire import Call, Right, Route, texts


class StopPart:
    """The endpoints /fapi/v1/…algo…"""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.routes = [
            Route("POST", "/fapi/v1/algoOrder", self.place, Right.TRADE),
            Route("GET", "/fapi/v1/algoOrder", lambda call: _stop(self._asked(call)), Right.READ),
            Route("DELETE", "/fapi/v1/algoOrder", self.cancel, Right.TRADE),
            Route("GET", "/fapi/v1/openAlgoOrders", self.open_orders, Right.READ),
            Route("GET", "/fapi/v1/allAlgoOrders", self.all_orders, Right.READ),
            Route("DELETE", "/fapi/v1/algoOpenOrders", self.cancel_all, Right.TRADE),
        ]

    def place(self, call: Call) -> Any:
        """POST /fapi/v1/algoOrder."""
        ticket = ticket_of(call, Product.SWAP, "clientAlgoId")
        if ticket.trigger is None:
            raise Refused(Why.PARAMETER, "triggerPrice")
        return _stop(self.exchange.place(call.account, ticket))

    def cancel(self, call: Call) -> Any:
        """DELETE /fapi/v1/algoOrder."""
        order = self._asked(call)
        if not order.is_waiting:
            raise Refused(Why.UNKNOWN_ORDER, str(order.id))
        self.exchange.cancel(order)
        return {"algoId": order.id, "clientAlgoId": order.ticket.client_id, "code": "200", "msg": "success"}

    def open_orders(self, call: Call) -> Any:
        """GET /fapi/v1/openAlgoOrders."""
        orders = open_orders(self.exchange, call.account, Product.SWAP, call.parameters.get("symbol"))
        return [_stop(order) for order in orders if order.is_waiting]

    def all_orders(self, call: Call) -> Any:
        """GET /fapi/v1/allAlgoOrders."""
        orders = orders_of(self.exchange, call.account, Product.SWAP, call.text("symbol"))
        stops = [order for order in orders if order.ticket.trigger is not None]
        limit = min(call.integer("limit") or 500, 1000)
        return [_stop(order) for order in page(stops, call.integer("startTime"), call.integer("endTime"), limit)]

    def cancel_all(self, call: Call) -> Any:
        """DELETE /fapi/v1/algoOpenOrders."""
        for order in open_orders(self.exchange, call.account, Product.SWAP, call.text("symbol")):
            if order.is_waiting:
                self.exchange.cancel(order)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def _asked(self, call: Call) -> Order:
        number, name = call.parameters.get("algoId"), call.parameters.get("clientAlgoId")
        order = find_order(self.exchange, call.account, Product.SWAP, None, number, name)
        if order.ticket.trigger is None:
            raise Refused(Why.UNKNOWN_ORDER, str(order.id))
        return order


def _stop(order: Order) -> dict[str, Any]:
    ticket = order.ticket
    status = "FINISHED" if order.triggered else order.status.value
    fired = {"actualOrderId": str(order.id), "actualPrice": texts(price=order.average)["price"]}
    return {
        "algoId": order.id,
        "clientAlgoId": ticket.client_id,
        "algoType": "CONDITIONAL",
        "orderType": ticket.kind,
        "symbol": ticket.symbol,
        "side": "BUY" if ticket.is_buy else "SELL",
        "positionSide": ticket.position_side,
        "timeInForce": ticket.time_in_force.value,
        **texts(quantity=order.quantity, triggerPrice=ticket.trigger or 0, price=ticket.price or 0),
        "algoStatus": status if status != Status.PARTIAL else "TRIGGERED",
        "workingType": "CONTRACT_PRICE",
        "closePosition": ticket.quantity is None,
        "priceProtect": False,
        "reduceOnly": ticket.reduce_only,
        "createTime": order.time_ms,
        "updateTime": order.updated_ms,
        "triggerTime": order.updated_ms if order.triggered else 0,
        **(fired if order.triggered else {"actualOrderId": "", "actualPrice": "0"}),
    }
