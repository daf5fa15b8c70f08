"""What requests to Binance weigh, and how much weight an address may use in a minute.

The numbers are those of Binance's documentation as ccxt's table of costs has them; a pair is (with, without a symbol).
"""

from tests.exchange.wire import Request

MINUTE_MS = 60_000
LIMITS = {"/fapi/": 2_400, "/api/": 6_000, "/sapi/": 12_000}
WEIGHTS: dict[str, tuple[int, int]] = {
    "GET /api/v3/exchangeInfo": (20, 20),
    "GET /api/v3/klines": (2, 2),
    "GET /api/v3/depth": (5, 5),
    "GET /api/v3/ticker/24hr": (2, 80),
    "GET /api/v3/ticker/bookTicker": (2, 4),
    "GET /api/v3/account": (20, 20),
    "GET /api/v3/order": (4, 4),
    "GET /api/v3/openOrders": (6, 80),
    "GET /api/v3/allOrders": (20, 20),
    "GET /api/v3/myTrades": (20, 20),
    "GET /fapi/v1/klines": (5, 5),
    "GET /fapi/v1/depth": (10, 10),
    "GET /fapi/v1/ticker/24hr": (1, 40),
    "GET /fapi/v1/ticker/bookTicker": (2, 5),
    "GET /fapi/v1/premiumIndex": (1, 10),
    "GET /fapi/v2/account": (5, 5),
    "GET /fapi/v3/account": (5, 5),
    "GET /fapi/v2/positionRisk": (5, 5),
    "GET /fapi/v3/positionRisk": (5, 5),
    "GET /fapi/v1/openOrders": (1, 40),
    "GET /fapi/v1/openAlgoOrders": (1, 40),
    "GET /fapi/v1/allOrders": (5, 5),
    "GET /fapi/v1/userTrades": (5, 5),
    "GET /fapi/v1/income": (30, 30),
    "GET /fapi/v1/symbolConfig": (5, 5),
}


class Weights:
    """The weight used by address and part of the exchange in the minute that runs."""

    def __init__(self) -> None:
        self._minute = 0
        self._used: dict[tuple[str, str], int] = {}

    def count(self, request: Request, now_ms: int) -> tuple[int, int]:
        """Add a request; give what is used with it, and the limit."""
        if now_ms // MINUTE_MS != self._minute:
            self._minute, self._used = now_ms // MINUTE_MS, {}
        part = next(part for part in LIMITS if request.path.startswith(part))
        with_symbol, without = WEIGHTS.get(f"{request.method} {request.path}", (1, 1))
        weight = with_symbol if "symbol" in request.parameters() else without
        place = (request.address, part)
        self._used[place] = self._used.get(place, 0) + weight
        return self._used[place], LIMITS[part]
