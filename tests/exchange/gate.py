"""Gate's language: spot, its signature, its time limits and error labels. Market buys are sized in quote.

Client ids begin with `t-` and find an order while it is open and for an hour after. Conditional orders are not served.
"""

import hashlib
import hmac
import re
from typing import Any
from urllib.parse import unquote_plus

from tests.exchange.accounts import Account, Key
from tests.exchange.engine import Exchange
from tests.exchange.gate_market import PublicPart
from tests.exchange.gate_spot import SpotPart
from tests.exchange.orders import Refused, Why
from tests.exchange.wire import Face, Refusal, Request, Right

# A time stamp may be off by so much.
LONGEST_SKEW_MS = 60_000
WORDS = {
    Why.SYMBOL: ("INVALID_CURRENCY_PAIR", "Invalid currency pair"),
    Why.CLOSED: ("INVALID_CURRENCY_PAIR", "Currency pair is not tradable"),
    Why.STEP: ("INVALID_PRECISION", "Amount precision is too high"),
    Why.SIZE: ("INVALID_PARAM_VALUE", "Your order size is too small"),
    Why.MARKET_SIZE: ("INVALID_PARAM_VALUE", "Your order size is too large"),
    Why.TICK: ("INVALID_PRECISION", "Price precision is too high"),
    Why.BAND: ("INVALID_PARAM_VALUE", "Price is too far from the last price"),
    Why.NOTIONAL: ("INVALID_PARAM_VALUE", "Your order size is too small. The minimum is 5 USDT"),
    Why.FUNDS: ("BALANCE_NOT_ENOUGH", "Not enough balance"),
    Why.POST_ONLY: ("POC_FILL_IMMEDIATELY", "Order would match and take immediately so its cancelled"),
    Why.UNKNOWN_ORDER: ("ORDER_NOT_FOUND", "Order not found"),
    Why.NOT_OPEN: ("ORDER_CLOSED", "Order is closed"),
}


class Gate(Face):
    """Answer as Gate does."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self.routes = [*PublicPart(exchange).routes, *SpotPart(exchange).routes]

    def authenticate(self, request: Request, right: Right) -> tuple[Account, Key]:
        """Check key, rights, signature, time stamp and `x-gate-exptime`, at the moment of processing."""
        found = self.exchange.find_key(request.header("KEY"))
        if found is None or not found[1].is_active:
            raise _refusal("INVALID_KEY", "Invalid key provided", 401)
        account, key = found
        if not key.admits(request.address):
            raise _refusal("IP_FORBIDDEN", "IP is not in the whitelist", 403)
        self._check_time(request)
        if not hmac.compare_digest(self._signature(request, key), request.header("SIGN")):
            raise _refusal("INVALID_SIGNATURE", "Signature mismatch", 401)
        if right is Right.TRADE and not key.may_trade:
            raise _refusal("FORBIDDEN", "Request forbidden: the key may not trade", 403)
        return account, key

    def _check_time(self, request: Request) -> None:
        now_ms, said, limit = self.exchange.now_ms(), request.header("Timestamp"), request.header("x-gate-exptime")
        is_off = not re.fullmatch(r"\d+", said) or abs(int(said) * 1000 - now_ms) > LONGEST_SKEW_MS
        if is_off or (limit and int(limit) < now_ms):
            raise _refusal("REQUEST_EXPIRED", "gap between request Timestamp and server time exceeds 60", 403)

    def _signature(self, request: Request, key: Key) -> str:
        body = hashlib.sha512(request.body.encode()).hexdigest()
        parts = (request.method, request.path, unquote_plus(request.query), body, request.header("Timestamp"))
        return hmac.new(key.secret.encode(), "\n".join(parts).encode(), "sha512").hexdigest()

    def refuse(self, request: Request, refused: Refused) -> Refusal:
        """Give Gate's label for a refusal."""
        label, message = WORDS.get(refused.why, ("INVALID_PARAM_VALUE", f"Invalid value for {refused.detail}"))
        return _refusal(label, message, 404 if refused.why is Why.UNKNOWN_ORDER else 400)


def _refusal(label: str, message: str, status: int) -> Refusal:
    body: dict[str, Any] = {"label": label, "message": message}
    return Refusal(label, message, status, body)
