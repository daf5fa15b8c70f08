"""Binance's private endpoints of USDT-margined perpetuals: account, positions and their modes, orders, trades."""

from decimal import Decimal
from typing import Any

from tests.exchange.binance_orders import (
    asked_history,
    asked_order,
    asked_trades,
    order_fields,
    ticket_of,
    trade_fields,
)
from tests.exchange.binance_positions import PositionPart, position_risk
from tests.exchange.binance_stops import StopPart
from tests.exchange.engine import Exchange
from tests.exchange.flows import FlowKind
from tests.exchange.ledger import ZERO, Part
from tests.exchange.listings import Product
from tests.exchange.lookup import open_orders, page
from tests.exchange.orders import Order, Trade
from tests.exchange.wire import Call, Refusal, Right, Route, texts

# Binance shows so many digits of an average; the sums beside it are exact.
_SHOWN = Decimal("1e-8")


class FuturesPart:
    """The signed half of /fapi."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        reads = {
            "v1/income": self.income,
            "v1/order": self.order,
            "v1/openOrders": self.open_orders,
            "v1/allOrders": self.all_orders,
            "v1/userTrades": self.user_trades,
            "v2/account": self.account,
            "v3/account": self.account,
        }
        changes = {
            ("POST", "order"): self.place,
            ("DELETE", "order"): self.cancel,
            ("DELETE", "allOpenOrders"): self.cancel_all,
        }
        self.routes = [
            *(Route("GET", f"/fapi/{path}", handler, Right.READ) for path, handler in reads.items()),
            *(Route(method, f"/fapi/v1/{path}", handler, Right.TRADE) for (method, path), handler in changes.items()),
            *PositionPart(exchange).routes,
            *StopPart(exchange).routes,
        ]

    def account(self, call: Call) -> Any:
        """GET /fapi/v3/account."""
        account, now_ms = call.account, self.exchange.now_ms()
        coins = self.exchange.ledger.coins(account.name, account.wallet(Product.SWAP))
        assets = [{"asset": coin, **self._asset(call, coin), "updateTime": now_ms} for coin in coins]
        sums = {f"total{name[0].upper()}{name[1:]}": value for name, value in (assets[0] if assets else {}).items()}
        positions = [position_risk(self.exchange, call.account, position) for position in account.held()]
        return {**{name: value for name, value in sums.items() if isinstance(value, str)}, "assets": assets} | {
            "positions": positions
        }

    def _asset(self, call: Call, coin: str) -> dict[str, str]:
        account, ledger, settlement = call.account, self.exchange.ledger, self.exchange.settlement
        margin = ledger.amount(account.pocket(Product.SWAP, Part.MARGIN), coin)
        wallet = ledger.amount(account.pocket(Product.SWAP), coin) + margin
        profit = settlement.unrealised(account, coin)
        free = max(ZERO, settlement.free(account, Product.SWAP, coin))
        return texts(
            walletBalance=wallet,
            unrealizedProfit=profit,
            marginBalance=wallet + profit,
            maintMargin=ZERO,
            initialMargin=margin,
            positionInitialMargin=margin,
            openOrderInitialMargin=ZERO,
            crossWalletBalance=wallet,
            crossUnPnl=profit,
            availableBalance=free,
            maxWithdrawAmount=free,
        )

    def income(self, call: Call) -> Any:
        """GET /fapi/v1/income: funding, and transfers to the wallet and away."""
        kinds = {FlowKind.FUNDING: "FUNDING_FEE", FlowKind.TRANSFER_IN: "TRANSFER", FlowKind.TRANSFER_OUT: "TRANSFER"}
        asked, symbol = call.parameters.get("incomeType"), call.parameters.get("symbol")
        flows = self.exchange.flows.of(call.account, *kinds)
        flows = [flow for flow in flows if flow.wallet == "swap" and asked in (None, "", kinds[flow.kind])]
        flows = [flow for flow in flows if symbol in (None, "", flow.symbol)]
        limit = min(call.integer("limit") or 100, 1000)
        rows = page(flows, call.integer("startTime"), call.integer("endTime"), limit)
        return [
            {"symbol": flow.symbol, "incomeType": kinds[flow.kind], **texts(income=flow.amount), "asset": flow.coin}
            | {"time": flow.time_ms, "info": kinds[flow.kind], "tranId": flow.id, "tradeId": ""}
            for flow in rows
        ]

    def place(self, call: Call) -> Any:
        """POST /fapi/v1/order."""
        ticket = ticket_of(call, Product.SWAP)
        if ticket.trigger is not None:
            raise Refusal(-4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints.")
        return _contract_change(self.exchange.place(call.account, ticket))

    def order(self, call: Call) -> Any:
        """GET /fapi/v1/order."""
        return _contract_order(asked_order(self.exchange, call, Product.SWAP))

    def cancel(self, call: Call) -> Any:
        """DELETE /fapi/v1/order."""
        order = asked_order(self.exchange, call, Product.SWAP)
        self.exchange.cancel(order)
        return _contract_change(order)

    def open_orders(self, call: Call) -> Any:
        """GET /fapi/v1/openOrders."""
        orders = open_orders(self.exchange, call.account, Product.SWAP, call.parameters.get("symbol"))
        return [_contract_order(order) for order in orders if not order.is_waiting]

    def cancel_all(self, call: Call) -> Any:
        """DELETE /fapi/v1/allOpenOrders."""
        for order in open_orders(self.exchange, call.account, Product.SWAP, call.text("symbol")):
            if not order.is_waiting:
                self.exchange.cancel(order)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def all_orders(self, call: Call) -> Any:
        """GET /fapi/v1/allOrders."""
        orders = asked_history(self.exchange, call, Product.SWAP)
        return [_contract_order(order) for order in orders if order.ticket.trigger is None or order.triggered]

    def user_trades(self, call: Call) -> Any:
        """GET /fapi/v1/userTrades."""
        return [_contract_trade(trade) for trade in asked_trades(self.exchange, call, Product.SWAP)]


def _contract_change(order: Order) -> dict[str, Any]:
    ticket = order.ticket
    return {
        **order_fields(order),
        **texts(avgPrice=order.average.quantize(_SHOWN), cumQty=order.filled, cumQuote=order.quote_filled),
        "reduceOnly": ticket.reduce_only,
        "closePosition": False,
        "positionSide": ticket.position_side,
        **texts(stopPrice=ticket.trigger or 0),
        "origType": ticket.kind,
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "updateTime": order.updated_ms,
    }


def _contract_order(order: Order) -> dict[str, Any]:
    return {**_contract_change(order), "time": order.time_ms}


def _contract_trade(trade: Trade) -> dict[str, Any]:
    # No `isBestMatch` here: by it ccxt tells spot trades.
    ticket = trade.order.ticket
    return {
        **trade_fields(trade),
        "side": "BUY" if ticket.is_buy else "SELL",
        "buyer": ticket.is_buy,
        "maker": trade.is_maker,
        **texts(realizedPnl=trade.realised),
        "marginAsset": trade.fee_coin,
        "positionSide": ticket.position_side,
    }
