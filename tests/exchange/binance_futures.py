"""Binance's private endpoints of USDT-margined perpetuals: account, positions and their modes, orders, trades."""

from decimal import Decimal
from typing import Any

from tests.exchange.binance_orders import (
    asked_history,
    asked_order,
    asked_trades,
    exchange_symbol,
    order_fields,
    ticket_of,
    trade_fields,
)
from tests.exchange.binance_stops import StopPart
from tests.exchange.engine import Exchange
from tests.exchange.flows import FlowKind
from tests.exchange.ledger import ZERO, Part
from tests.exchange.listings import Product
from tests.exchange.lookup import open_orders, page
from tests.exchange.orders import Order, Trade
from tests.exchange.positions import Position
from tests.exchange.wire import Call, Refusal, Right, Route, texts

MAINTENANCE = 0.005
# Binance shows so many digits of an average; the sums beside it are exact.
_SHOWN = Decimal("1e-8")
MOST_LEVERAGE = 125


class FuturesPart:
    """The signed half of /fapi."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        reads = {
            "v1/leverageBracket": self.brackets,
            "v1/positionSide/dual": lambda call: {"dualSidePosition": call.account.hedge},
            "v1/income": self.income,
            "v1/symbolConfig": self.symbol_config,
            "v1/order": self.order,
            "v1/openOrders": self.open_orders,
            "v1/allOrders": self.all_orders,
            "v1/userTrades": self.user_trades,
            "v2/account": self.account,
            "v3/account": self.account,
            "v2/positionRisk": self.all_position_risk,
            "v3/positionRisk": self.position_risk,
        }
        changes = {
            ("POST", "order"): self.place,
            ("DELETE", "order"): self.cancel,
            ("DELETE", "allOpenOrders"): self.cancel_all,
            ("POST", "leverage"): self.set_leverage,
            ("POST", "marginType"): self.set_margin_type,
            ("POST", "positionSide/dual"): self.set_position_mode,
        }
        self.routes = [
            *(Route("GET", f"/fapi/{path}", handler, Right.READ) for path, handler in reads.items()),
            *(Route(method, f"/fapi/v1/{path}", handler, Right.TRADE) for (method, path), handler in changes.items()),
            *StopPart(exchange).routes,
        ]

    def account(self, call: Call) -> Any:
        """GET /fapi/v3/account."""
        account, now_ms = call.account, self.exchange.now_ms()
        coins = self.exchange.ledger.coins(account.name, account.wallet(Product.SWAP))
        assets = [{"asset": coin, **self._asset(call, coin), "updateTime": now_ms} for coin in coins]
        sums = {f"total{name[0].upper()}{name[1:]}": value for name, value in (assets[0] if assets else {}).items()}
        positions = [self._risk(call, position) for position in account.held()]
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

    def position_risk(self, call: Call) -> Any:
        """GET /fapi/v3/positionRisk: the symbols with a position."""
        symbol = call.parameters.get("symbol")
        return [self._risk(call, position) for position in call.account.held() if symbol in (None, "", position.symbol)]

    def all_position_risk(self, call: Call) -> Any:
        """GET /fapi/v2/positionRisk: every symbol, with leverage and margin type."""
        account, sides = call.account, ("LONG", "SHORT") if call.account.hedge else ("BOTH",)
        rows = []
        for configured in self.symbol_config(call):
            symbol = configured["symbol"]
            said = {"leverage": str(configured["leverage"]), "marginType": configured["marginType"].lower()}
            rows += [{**self._risk(call, account.position(symbol, side)), **said} for side in sides]
        return rows

    def symbol_config(self, call: Call) -> Any:
        """GET /fapi/v1/symbolConfig."""
        account, asked = call.account, call.parameters.get("symbol")
        listings = [listing for listing in self.exchange.listings if listing.is_of(Product.SWAP)]
        return [
            {
                "symbol": listing.symbol,
                "marginType": "ISOLATED" if account.isolated.get(listing.symbol) else "CROSSED",
                "isAutoAddMargin": False,
                "leverage": account.leverage_of(listing.symbol),
                "maxNotionalValue": "1000000000",
            }
            for listing in listings
            if asked in (None, "", listing.symbol)
        ]

    def _risk(self, call: Call, position: Position) -> dict[str, Any]:
        account, mark = call.account, self.exchange.price(position.symbol)
        margin = position.margin(account.leverage_of(position.symbol))
        notional = position.quantity * mark
        isolated = account.isolated.get(position.symbol, False)
        numbers = {"entryPrice": position.entry, "breakEvenPrice": position.entry, "markPrice": mark}
        margins = {"initialMargin": margin, "maintMargin": abs(notional) * 5 / 1000, "positionInitialMargin": margin}
        kept = {"isolatedMargin": margin if isolated else ZERO, "isolatedWallet": margin if isolated else ZERO}
        return {
            "symbol": position.symbol,
            "positionSide": position.side,
            **texts(positionAmt=position.quantity, **numbers, notional=notional, **margins, **kept),
            **texts(unRealizedProfit=position.profit(mark), liquidationPrice=0, openOrderInitialMargin=0),
            "marginAsset": self.exchange.listing_of(position.symbol).quote,
            "updateTime": self.exchange.now_ms(),
        }

    def brackets(self, call: Call) -> Any:
        """GET /fapi/v1/leverageBracket."""
        bracket = {"bracket": 1, "initialLeverage": MOST_LEVERAGE, "notionalCap": 10**9, "notionalFloor": 0}
        bracket |= {"maintMarginRatio": MAINTENANCE, "cum": 0.0}
        listings = [listing for listing in self.exchange.listings if listing.is_of(Product.SWAP)]
        return [{"symbol": listing.symbol, "brackets": [bracket]} for listing in listings]

    def set_leverage(self, call: Call) -> Any:
        """POST /fapi/v1/leverage."""
        symbol, leverage = exchange_symbol(self.exchange, call, Product.SWAP), call.integer("leverage") or 0
        if not 1 <= leverage <= MOST_LEVERAGE:
            raise Refusal(-4028, f"Leverage {leverage} is not valid")
        call.account.leverage[symbol] = leverage
        return {"leverage": leverage, "maxNotionalValue": "1000000000", "symbol": symbol}

    def set_margin_type(self, call: Call) -> Any:
        """POST /fapi/v1/marginType."""
        symbol, wanted = exchange_symbol(self.exchange, call, Product.SWAP), call.text("marginType") == "ISOLATED"
        if call.account.isolated.get(symbol, False) == wanted:
            raise Refusal(-4046, "No need to change margin type.")
        if open_orders(self.exchange, call.account, Product.SWAP, symbol):
            raise Refusal(-4047, "Margin type cannot be changed if there exists open orders.")
        if any(position.symbol == symbol for position in call.account.held()):
            raise Refusal(-4048, "Margin type cannot be changed if there exists position.")
        call.account.isolated[symbol] = wanted
        return {"code": 200, "msg": "success"}

    def set_position_mode(self, call: Call) -> Any:
        """POST /fapi/v1/positionSide/dual."""
        wanted = call.flag("dualSidePosition")
        if call.account.hedge == wanted:
            raise Refusal(-4059, "No need to change position side.")
        if open_orders(self.exchange, call.account, Product.SWAP):
            raise Refusal(-4067, "Position side cannot be changed if there exists open orders.")
        if any(call.account.held()):
            raise Refusal(-4068, "Position side cannot be changed if there exists position.")
        call.account.hedge = wanted
        return {"code": 200, "msg": "success"}

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
        return _contract_order(self.exchange.place(call.account, ticket))

    def order(self, call: Call) -> Any:
        """GET /fapi/v1/order."""
        return _contract_order(asked_order(self.exchange, call, Product.SWAP))

    def cancel(self, call: Call) -> Any:
        """DELETE /fapi/v1/order."""
        order = asked_order(self.exchange, call, Product.SWAP)
        self.exchange.cancel(order)
        return _contract_order(order)

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


def _contract_order(order: Order) -> dict[str, Any]:
    ticket = order.ticket
    return {
        **order_fields(order),
        **texts(avgPrice=order.average.quantize(_SHOWN), cumQty=order.filled, cumQuote=order.quote_filled),
        "reduceOnly": ticket.reduce_only,
        "closePosition": False,
        "positionSide": ticket.position_side,
        "origType": ticket.kind,
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "time": order.time_ms,
    }


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
