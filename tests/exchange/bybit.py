"""Bybit's language (v5): one unified account for spot and linear perpetuals; errors come under HTTP 200.

Client ids are unique for ever. A post-only order that would fill is taken and cancelled. The answer to an order has
only its ids.
"""

import hmac
import json
import re
from typing import Any

from tests.exchange.accounts import Account, Key
from tests.exchange.bybit_account import AccountPart
from tests.exchange.bybit_market import PublicPart, refusal
from tests.exchange.bybit_orders import OrderPart
from tests.exchange.engine import Exchange
from tests.exchange.orders import Refused, Why
from tests.exchange.wire import Face, Refusal, Reply, Request, Right

SPOT_WORDS = {
    Why.SYMBOL: (170121, "Invalid symbol."),
    Why.CLOSED: (170210, "New order rejected."),
    Why.STEP: (170137, "Order volume decimal too long"),
    Why.SIZE: (170136, "Order quantity lower than the minimum."),
    Why.MARKET_SIZE: (170124, "Order amount too large."),
    Why.TICK: (170134, "Order price decimal too long."),
    Why.BAND: (170194, "Order price is out of the permissible range."),
    Why.NOTIONAL: (170140, "Transaction amount lower than the minimum."),
    Why.FUNDS: (170131, "Balance insufficient"),
    Why.DUPLICATE: (170141, "Duplicate clientOrderId"),
    Why.UNKNOWN_ORDER: (170213, "Order does not exist."),
    Why.NOT_OPEN: (170213, "Order does not exist."),
}
LINEAR_WORDS = {
    Why.SYMBOL: (10001, "params error: symbol invalid"),
    Why.CLOSED: (10001, "This symbol is not allowed to trade"),
    Why.STEP: (10001, "Qty invalid"),
    Why.SIZE: (10001, "Qty invalid"),
    Why.MARKET_SIZE: (10001, "The number of contracts exceeds maximum limit allowed: too large"),
    Why.TICK: (10001, "Price invalid"),
    Why.BAND: (110003, "Order price is out of permissible range"),
    Why.NOTIONAL: (110094, "Order notional value below the lower limit"),
    Why.FUNDS: (110007, "ab not enough for new order"),
    Why.DUPLICATE: (110072, "OrderLinkedID is duplicate"),
    Why.REDUCE_ONLY: (110017, "Reduce-only rule not satisfied"),
    Why.POSITION_SIDE: (10001, "position idx not match position mode"),
    Why.TRIGGER: (110092, "expect Rising, but trigger_price <= current"),
    Why.UNKNOWN_ORDER: (110001, "order not exists or too late to cancel"),
    Why.NOT_OPEN: (110001, "order not exists or too late to cancel"),
}


class Bybit(Face):
    """Answer as Bybit does."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        parts = (PublicPart(exchange), AccountPart(exchange), OrderPart(exchange))
        self.routes = [route for part in parts for route in part.routes]

    def succeed(self, request: Request, document: Any) -> Reply:
        """Wrap what was answered in Bybit's envelope."""
        now_ms = self.exchange.now_ms()
        envelope = {"retCode": 0, "retMsg": "OK", "result": document, "retExtInfo": {}, "time": now_ms}
        return Reply(200, json.dumps(envelope))

    def authenticate(self, request: Request, right: Right) -> tuple[Account, Key]:
        """Check key, rights, signature and receive window, at the moment of processing."""
        found = self.exchange.find_key(request.header("X-BAPI-API-KEY"))
        if found is None or not found[1].is_active:
            raise refusal(10003, "API key is invalid.")
        account, key = found
        if not key.admits(request.address):
            raise refusal(10010, "Unmatched IP, please check your API key's bound IP addresses.")
        said, window = request.header("X-BAPI-TIMESTAMP"), request.header("X-BAPI-RECV-WINDOW") or "5000"
        self._check_time(said, window)
        text = said + key.api_key + window + (request.body if request.method == "POST" else request.query)
        signature = hmac.new(key.secret.encode(), text.encode(), "sha256").hexdigest()
        if not hmac.compare_digest(signature, request.header("X-BAPI-SIGN")):
            raise refusal(10004, "error sign! origin_string: hidden")
        if right is Right.TRADE and not key.may_trade:
            raise refusal(10005, "Permission denied, please check your API key permissions.")
        return account, key

    def _check_time(self, said: str, window: str) -> None:
        now_ms = self.exchange.now_ms()
        is_number = re.fullmatch(r"\d+", said) and re.fullmatch(r"\d+", window)
        if not is_number or not now_ms - int(window) <= int(said) < now_ms + 1000:
            raise refusal(10002, "invalid request, please check your server timestamp or recv_window param")

    def refuse(self, request: Request, refused: Refused) -> Refusal:
        """Give Bybit's code for a refusal."""
        words = LINEAR_WORDS if request.parameters().get("category") == "linear" else SPOT_WORDS
        return refusal(*words.get(refused.why, (10001, f"params error: {refused.detail}")))

    def unknown(self, request: Request) -> Refusal:
        """Say that there is no such path."""
        return refusal(10017, f"Request path not found: {request.method} {request.path}")
