"""Gate's private spot endpoints: accounts, orders, trades, deposits and withdrawals."""

import re
from decimal import Decimal
from typing import Any

from tests.exchange.engine import Exchange
from tests.exchange.exact import text
from tests.exchange.flows import FlowKind
from tests.exchange.gate_market import asked_listing, pair_of
from tests.exchange.ledger import ZERO, Part
from tests.exchange.listings import Product
from tests.exchange.lookup import find_order, open_orders, orders_of, trades_of
from tests.exchange.orders import Order, Refused, Status, Terms, Ticket, TimeInForce, Trade, Unique, Why
from tests.exchange.wire import Call, Right, Route, texts

# Gate promises nothing of client ids: the worst is assumed, that one may be used again at any time.
TERMS = Terms(unique=Unique.NEVER)
NAMED_FOR_MS = 3_600_000
CLIENT_ID = re.compile(r"t-[0-9A-Za-z_.-]{1,28}")
IN_FORCE = {"gtc": TimeInForce.GTC, "ioc": TimeInForce.IOC, "fok": TimeInForce.FOK, "poc": TimeInForce.GTX}
PRECISE = Decimal("1e-12")
MOST = 1000


class SpotPart:
    """The signed half of /api/v4."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.routes = [
            Route("GET", "/api/v4/account/detail", self.detail, Right.READ),
            Route("GET", "/api/v4/spot/accounts", self.accounts, Right.READ),
            Route("POST", "/api/v4/spot/orders", self.place, Right.TRADE),
            Route("GET", "/api/v4/spot/orders", self.orders, Right.READ),
            Route("GET", "/api/v4/spot/orders/{id}", lambda call: self._order(self._asked(call)), Right.READ),
            Route("DELETE", "/api/v4/spot/orders/{id}", self.cancel, Right.TRADE),
            Route("DELETE", "/api/v4/spot/orders", self.cancel_all, Right.TRADE),
            Route("GET", "/api/v4/spot/open_orders", self.open_orders, Right.READ),
            Route("GET", "/api/v4/spot/my_trades", self.my_trades, Right.READ),
            Route("GET", "/api/v4/wallet/deposits", self.deposits, Right.READ),
            Route("GET", "/api/v4/wallet/withdrawals", self.withdrawals, Right.READ),
        ]

    def detail(self, call: Call) -> Any:
        """GET /account/detail."""
        addresses = list(call.key.addresses) if call.key else []
        return {"user_id": 1, "ip_whitelist": addresses, "currency_pairs": [], "tier": 0, "key": {"mode": 1}}

    def accounts(self, call: Call) -> Any:
        """GET /spot/accounts."""
        account, ledger = call.account, self.exchange.ledger
        pockets = {"available": account.pocket(Product.SPOT), "locked": account.pocket(Product.SPOT, Part.LOCKED)}
        coins = ledger.coins(account.name, account.wallet(Product.SPOT))
        return [
            {"currency": coin, **texts(**{name: ledger.amount(pocket, coin) for name, pocket in pockets.items()})}
            | {"update_id": 1}
            for coin in coins
            if call.parameters.get("currency") in (None, "", coin)
        ]

    def place(self, call: Call) -> Any:
        """POST /spot/orders."""
        listing, kind, side = asked_listing(self.exchange, call), call.text("type", "limit"), call.text("side")
        name, amount = call.parameters.get("text", ""), call.number("amount")
        in_force = IN_FORCE.get(call.text("time_in_force", "gtc"))
        if name and not CLIENT_ID.fullmatch(name):
            raise Refused(Why.PARAMETER, "text")
        if in_force is None or (kind == "market" and in_force not in (TimeInForce.IOC, TimeInForce.FOK)):
            raise Refused(Why.PARAMETER, "time_in_force")
        is_by_quote = kind == "market" and side == "buy"
        ticket = Ticket(
            product=Product.SPOT,
            symbol=listing.symbol,
            is_buy=side == "buy",
            quantity=None if is_by_quote else amount,
            quote_quantity=amount if is_by_quote else None,
            price=None if kind == "market" else call.number("price"),
            time_in_force=in_force,
            client_id=name,
            kind=kind,
        )
        return self._order(self.exchange.place(call.account, ticket, TERMS))

    def orders(self, call: Call) -> Any:
        """GET /spot/orders: newest first."""
        listing, status = asked_listing(self.exchange, call), call.text("status")
        orders = orders_of(self.exchange, call.account, Product.SPOT, listing.symbol)
        chosen = [order for order in orders if order.status.is_open == (status == "open")]
        return [self._order(order) for order in _paged(call, chosen, 100)]

    def open_orders(self, call: Call) -> Any:
        """GET /spot/open_orders: by market."""
        groups: dict[str, list[Any]] = {}
        for order in open_orders(self.exchange, call.account, Product.SPOT):
            row = self._order(order)
            groups.setdefault(row["currency_pair"], []).append(row)
        return [{"currency_pair": pair, "total": len(rows), "orders": rows} for pair, rows in groups.items()]

    def cancel(self, call: Call) -> Any:
        """DELETE /spot/orders/{id}."""
        order = self._asked(call)
        self.exchange.cancel(order)
        return self._order(order)

    def cancel_all(self, call: Call) -> Any:
        """DELETE /spot/orders."""
        listing = asked_listing(self.exchange, call)
        orders = open_orders(self.exchange, call.account, Product.SPOT, listing.symbol)
        for order in orders:
            self.exchange.cancel(order)
        return [self._order(order) for order in orders]

    def my_trades(self, call: Call) -> Any:
        """GET /spot/my_trades: newest first."""
        symbol = asked_listing(self.exchange, call).symbol if call.parameters.get("currency_pair") else None
        order_id = call.parameters.get("order_id")
        trades = trades_of(self.exchange, call.account, Product.SPOT, symbol)
        chosen = [trade for trade in trades if order_id in (None, "", str(trade.order.id))]
        return [self._trade(trade) for trade in _paged(call, chosen, 100)]

    def deposits(self, call: Call) -> Any:
        """GET /wallet/deposits."""
        return self._flows(call, FlowKind.DEPOSIT, "d")

    def withdrawals(self, call: Call) -> Any:
        """GET /wallet/withdrawals."""
        return self._flows(call, FlowKind.WITHDRAWAL, "w")

    def _flows(self, call: Call, kind: FlowKind, letter: str) -> list[dict[str, Any]]:
        coin = call.parameters.get("currency")
        flows = [flow for flow in self.exchange.flows.of(call.account, kind) if coin in (None, "", flow.coin)]
        return [
            {"id": f"{letter}{flow.id}", "currency": flow.coin, **texts(amount=abs(flow.amount), fee=ZERO)}
            | {"timestamp": str(flow.time_ms // 1000), "status": "DONE", "txid": f"tx-{flow.id}", "chain": "ETH"}
            | {"address": "0x1", "memo": "", "withdraw_order_id": ""}
            for flow in _paged(call, flows, 100)
        ]

    def _asked(self, call: Call) -> Order:
        asked = call.text("id")
        symbol = asked_listing(self.exchange, call).symbol
        if asked.isdigit():
            return find_order(self.exchange, call.account, Product.SPOT, symbol, asked, None)
        order = find_order(self.exchange, call.account, Product.SPOT, symbol, None, asked)
        if not order.status.is_open and order.updated_ms + NAMED_FOR_MS < self.exchange.now_ms():
            raise Refused(Why.UNKNOWN_ORDER, asked)
        return order

    def _order(self, order: Order) -> dict[str, Any]:
        ticket, listing = order.ticket, self.exchange.listing_of(order.ticket.symbol)
        is_by_quote = ticket.quote_quantity is not None
        left = (ticket.quote_quantity or ZERO) - order.quote_filled if is_by_quote else order.remaining
        own = "GT" if any(trade.fee_coin == "GT" for trade in order.trades) else ""
        fee = sum((trade.fee for trade in order.trades if trade.fee_coin != "GT"), ZERO)
        gt_fee = sum((trade.fee for trade in order.trades if trade.fee_coin == "GT"), ZERO)
        coins = [trade.fee_coin for trade in order.trades if trade.fee_coin != "GT"]
        amounts = {"price": ticket.price or ZERO, "amount": ticket.quote_quantity if is_by_quote else order.quantity}
        sums = {"left": left, "filled_amount": order.filled, "filled_total": order.quote_filled, "fee": fee}
        average = {"avg_deal_price": text(order.average.quantize(PRECISE))} if order.filled else {}
        return {
            "id": str(order.id),
            "text": ticket.client_id or "apiv4",
            "create_time": str(order.time_ms // 1000),
            "update_time": str(order.updated_ms // 1000),
            "create_time_ms": order.time_ms,
            "update_time_ms": order.updated_ms,
            "status": _state(order),
            "currency_pair": pair_of(listing),
            "type": ticket.kind,
            "account": "spot",
            "side": "buy" if ticket.is_buy else "sell",
            "time_in_force": next(word for word, meant in IN_FORCE.items() if meant is ticket.time_in_force),
            "iceberg": "0",
            **texts(**{name: amount or ZERO for name, amount in amounts.items()}, **sums),
            **average,
            "fee_currency": (coins or [listing.base if ticket.is_buy else listing.quote])[0],
            **texts(gt_fee=gt_fee, point_fee=ZERO, rebated_fee=ZERO),
            "gt_discount": bool(own),
            "rebated_fee_currency": listing.quote,
            "finish_as": _end(order),
        }

    def _trade(self, trade: Trade) -> dict[str, Any]:
        ticket, listing = trade.order.ticket, self.exchange.listing_of(trade.order.ticket.symbol)
        in_own = trade.fee_coin == "GT"
        fees = {"fee": ZERO if in_own else trade.fee, "gt_fee": trade.fee if in_own else ZERO, "point_fee": ZERO}
        return {
            "id": str(trade.id),
            "create_time": str(trade.time_ms // 1000),
            "create_time_ms": f"{trade.time_ms}.000000",
            "currency_pair": pair_of(listing),
            "side": "buy" if ticket.is_buy else "sell",
            "role": "maker" if trade.is_maker else "taker",
            **texts(amount=trade.quantity, price=trade.price, **fees),
            "order_id": str(trade.order.id),
            "fee_currency": (listing.base if ticket.is_buy else listing.quote) if in_own else trade.fee_coin,
            "text": ticket.client_id or "apiv4",
            "sequence_id": str(trade.id),
        }


def _state(order: Order) -> str:
    return "open" if order.status.is_open else "closed" if order.status is Status.FILLED else "cancelled"


def _end(order: Order) -> str:
    if order.status is Status.EXPIRED:
        return "ioc"
    return {"open": "open", "closed": "filled", "cancelled": "cancelled"}[_state(order)]


def _paged(call: Call, rows: list[Any], usual: int) -> list[Any]:
    """Give a page, newest first, of rows between the seconds asked for."""
    first, last = call.integer("from"), call.integer("to")
    until_ms = float("inf") if last is None else last * 1000 + 999
    chosen = [row for row in rows if (first or 0) * 1000 <= row.time_ms <= until_ms][::-1]
    limit, page = min(call.integer("limit") or usual, MOST), call.integer("page") or 1
    return chosen[(page - 1) * limit : page * limit]
