"""Binance's private spot endpoints: the account, its orders and its trades."""

from typing import Any

from tests.exchange.binance_orders import (
    asked_history,
    asked_order,
    asked_trades,
    order_fields,
    ticket_of,
    trade_fields,
)
from tests.exchange.engine import Exchange
from tests.exchange.ledger import Part
from tests.exchange.listings import Product
from tests.exchange.lookup import open_orders
from tests.exchange.orders import Order, Trade
from tests.exchange.wire import Call, Right, Route, texts


class SpotPart:
    """The signed half of /api/v3."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.routes = [
            Route("GET", "/api/v3/account", self.account, Right.READ),
            Route("POST", "/api/v3/order", self.place, Right.TRADE),
            Route("POST", "/api/v3/order/test", lambda call: {}, Right.TRADE),
            Route("GET", "/api/v3/order", self.order, Right.READ),
            Route("DELETE", "/api/v3/order", self.cancel, Right.TRADE),
            Route("GET", "/api/v3/openOrders", self.open_orders, Right.READ),
            Route("DELETE", "/api/v3/openOrders", self.cancel_all, Right.TRADE),
            Route("GET", "/api/v3/allOrders", self.all_orders, Right.READ),
            Route("GET", "/api/v3/myTrades", self.my_trades, Right.READ),
        ]

    def account(self, call: Call) -> Any:
        """GET /api/v3/account."""
        account, ledger = call.account, self.exchange.ledger
        pockets = {"free": account.pocket(Product.SPOT), "locked": account.pocket(Product.SPOT, Part.LOCKED)}
        balances = [
            {"asset": coin, **texts(**{name: ledger.amount(pocket, coin) for name, pocket in pockets.items()})}
            for coin in ledger.coins(account.name, account.wallet(Product.SPOT))
        ]
        fees = account.fees[Product.SPOT]
        return {
            "commissionRates": {**texts(maker=fees.maker, taker=fees.taker, buyer=0, seller=0)},
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "updateTime": self.exchange.now_ms(),
            "accountType": "SPOT",
            "balances": balances,
            "permissions": ["SPOT"],
        }

    def place(self, call: Call) -> Any:
        """POST /api/v3/order."""
        order = self.exchange.place(call.account, ticket_of(call, Product.SPOT))
        fills = [
            {**texts(price=trade.price, qty=trade.quantity, commission=trade.fee)}
            | {"commissionAsset": trade.fee_coin, "tradeId": trade.id}
            for trade in order.trades
        ]
        return {**_change(order), "workingTime": order.time_ms, "fills": fills}

    def order(self, call: Call) -> Any:
        """GET /api/v3/order."""
        return _spot_order(asked_order(self.exchange, call, Product.SPOT))

    def cancel(self, call: Call) -> Any:
        """DELETE /api/v3/order."""
        order = asked_order(self.exchange, call, Product.SPOT)
        self.exchange.cancel(order)
        return {**_change(order), "origClientOrderId": order.ticket.client_id}

    def open_orders(self, call: Call) -> Any:
        """GET /api/v3/openOrders."""
        orders = open_orders(self.exchange, call.account, Product.SPOT, call.parameters.get("symbol"))
        return [_spot_order(order) for order in orders]

    def cancel_all(self, call: Call) -> Any:
        """DELETE /api/v3/openOrders."""
        orders = open_orders(self.exchange, call.account, Product.SPOT, call.text("symbol"))
        for order in orders:
            self.exchange.cancel(order)
        return [_change(order) for order in orders]

    def all_orders(self, call: Call) -> Any:
        """GET /api/v3/allOrders."""
        return [_spot_order(order) for order in asked_history(self.exchange, call, Product.SPOT)]

    def my_trades(self, call: Call) -> Any:
        """GET /api/v3/myTrades."""
        return [_spot_trade(trade) for trade in asked_trades(self.exchange, call, Product.SPOT)]


def _spot_fields(order: Order) -> dict[str, Any]:
    wanted = order.ticket.quote_quantity or 0
    return {
        **order_fields(order),
        "orderListId": -1,
        # the misspelling is Binance's
        **texts(cummulativeQuoteQty=order.quote_filled, origQuoteOrderQty=wanted, icebergQty=0),
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def _change(order: Order) -> dict[str, Any]:
    """What placing and cancelling answer has one time only."""
    stop = texts(stopPrice=order.ticket.trigger) if order.ticket.trigger else {}
    return {**_spot_fields(order), **stop, "transactTime": order.updated_ms}


def _spot_order(order: Order) -> dict[str, Any]:
    times = {"time": order.time_ms, "updateTime": order.updated_ms, "workingTime": order.time_ms}
    return {
        **_spot_fields(order),
        **texts(stopPrice=order.ticket.trigger or 0),
        **times,
        "isWorking": not order.is_waiting,
    }


def _spot_trade(trade: Trade) -> dict[str, Any]:
    side = {"isBuyer": trade.order.ticket.is_buy, "isMaker": trade.is_maker, "isBestMatch": True}
    return {**trade_fields(trade), "orderListId": -1, **side}
