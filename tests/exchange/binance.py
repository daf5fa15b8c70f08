"""Binance's language: spot and USDT-margined perpetuals, their signatures, time windows and error codes.

Numbers are strings, times milliseconds; the keys are those of Binance's own answers as far as ccxt reads them.
"""

import hmac
import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from tests.exchange.accounts import Account, Key
from tests.exchange.binance_futures import FuturesPart
from tests.exchange.binance_market import PublicPart
from tests.exchange.binance_spot import SpotPart
from tests.exchange.binance_wallet import WalletPart
from tests.exchange.binance_weights import MINUTE_MS, Weights
from tests.exchange.engine import Exchange
from tests.exchange.listings import Product
from tests.exchange.orders import Refused, Why
from tests.exchange.wire import Face, Query, Refusal, Reply, Request, Right

__all__ = ["Binance", "Query", "Refusal"]

KEY_REFUSED = (-2015, "Invalid API-key, IP, or permissions for action.", 401)
FILTER = "Filter failure: "
SPOT_WORDS = {
    Why.SYMBOL: (-1121, "Invalid symbol."),
    Why.CLOSED: (-2010, "Market is closed."),
    Why.STEP: (-1013, FILTER + "LOT_SIZE"),
    Why.SIZE: (-1013, FILTER + "LOT_SIZE"),
    Why.MARKET_SIZE: (-1013, FILTER + "MARKET_LOT_SIZE"),
    Why.TICK: (-1013, FILTER + "PRICE_FILTER"),
    Why.BAND: (-1013, FILTER + "PERCENT_PRICE_BY_SIDE"),
    Why.NOTIONAL: (-1013, FILTER + "NOTIONAL"),
    Why.FUNDS: (-2010, "Account has insufficient balance for requested action."),
    Why.DUPLICATE: (-2010, "Duplicate order sent."),
    Why.POST_ONLY: (-2010, "Order would immediately match and take."),
    Why.TRIGGER: (-2010, "Stop price would trigger immediately."),
    Why.UNKNOWN_ORDER: (-2013, "Order does not exist."),
    Why.NOT_OPEN: (-2011, "Unknown order sent."),
}
FUTURES_WORDS = {
    Why.SYMBOL: (-1121, "Invalid symbol."),
    Why.CLOSED: (-4108, "Symbol is on delivering or delivered or settling or closed or pre-trading"),
    Why.STEP: (-1111, "Precision is over the maximum defined for this asset."),
    Why.SIZE: (-4005, "Quantity greater than max quantity."),
    Why.MARKET_SIZE: (-4005, "Quantity greater than max quantity."),
    Why.TICK: (-4014, "Price not increased by tick size."),
    Why.BAND: (-4016, "Limit price can't be higher than allowed."),
    Why.NOTIONAL: (-4164, "Order's notional must be no smaller than 5 (unless you choose reduce only)."),
    Why.FUNDS: (-2019, "Margin is insufficient."),
    Why.DUPLICATE: (-4116, "ClientOrderId is duplicated."),
    Why.POST_ONLY: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected. "
        "The order will not be recorded in the order history",
    ),
    Why.REDUCE_ONLY: (-2022, "ReduceOnly Order is rejected."),
    Why.POSITION_SIDE: (-4061, "Order's position side does not match user's setting."),
    Why.TRIGGER: (-2021, "Order would immediately trigger."),
    Why.UNKNOWN_ORDER: (-2013, "Order does not exist."),
    Why.NOT_OPEN: (-2011, "Unknown order sent."),
}


class Binance(Face):
    """Answer as Binance does."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._weights = Weights()
        public = (PublicPart(exchange, product) for product in Product)
        self.routes = [route for part in public for route in part.routes]
        self.routes += [*SpotPart(exchange).routes, *FuturesPart(exchange).routes, *WalletPart(exchange).routes]

    def answer(self, method: str, path: str, query: Query) -> Any:
        """Give what a public request is answered as JSON. Raises Refusal."""
        return self.document(Request(method, path, urlencode(query)))

    def handle(self, request: Request) -> Reply:
        """Answer a request, unless its address has used the weight of the minute."""
        now_ms = self.exchange.now_ms()
        used, limit = self._weights.count(request, now_ms)
        headers = {"X-MBX-USED-WEIGHT-1M": str(used)}
        if used > limit:
            wait = {"Retry-After": str(-(-(MINUTE_MS - now_ms % MINUTE_MS) // 1000))}
            return Reply(429, json.dumps({"code": -1003, "msg": "Too much request weight used."}), headers | wait)
        return replace(super().handle(request), headers=headers)

    def authenticate(self, request: Request, right: Right) -> tuple[Account, Key]:
        """Check key, rights, signature, and the time stamp: at the moment of processing, unless told otherwise."""
        api_key = request.header("X-MBX-APIKEY")
        if not api_key:
            raise Refusal(-2014, "API-key format invalid.", 401)
        found = self.exchange.find_key(api_key)
        if found is None or not found[1].admits(request.address):
            raise Refusal(*KEY_REFUSED)
        account, key = found
        self._check_time(request)
        signed, _, signature = (request.query + request.body).rpartition("&signature=")
        if not hmac.compare_digest(hmac.new(key.secret.encode(), signed.encode(), "sha256").hexdigest(), signature):
            raise Refusal(-1022, "Signature for this request is not valid.")
        if right is Right.TRADE and not key.may_trade:
            raise Refusal(*KEY_REFUSED)
        return account, key

    def _check_time(self, request: Request) -> None:
        said = request.parameters()
        on_arrival = request.path.startswith("/fapi/") and not self.exchange.window_at_matching
        now_ms = request.arrived_ms if on_arrival else self.exchange.now_ms()
        sent_ms, window_ms = int(said.get("timestamp") or 0), int(said.get("recvWindow") or 5000)
        if sent_ms > now_ms + 1000:
            raise Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if now_ms - sent_ms > min(window_ms, 60_000):
            raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")

    def refuse(self, request: Request, refused: Refused) -> Refusal:
        """Give Binance's code for a refusal."""
        words = FUTURES_WORDS if request.path.startswith("/fapi/") else SPOT_WORDS
        if refused.why is Why.UNKNOWN_ORDER and request.method == "DELETE":
            return Refusal(*words[Why.NOT_OPEN])
        if refused.why in words:
            return Refusal(*words[refused.why])
        name = refused.detail
        return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
