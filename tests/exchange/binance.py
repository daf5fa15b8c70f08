"""Binance's wire format over the engine: the public endpoints of spot and of USDT-margined perpetuals.

Numbers are strings, times milliseconds; the keys are those of Binance's own answers as far as ccxt reads them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.units import timeframe_ms
from tests.exchange.engine import Exchange, Listing

Query = Mapping[str, str]


class Refusal(Exception):
    """An error as Binance sends it."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "msg": message}


class Binance:
    """Answer requests by path."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.routes: dict[tuple[str, str], Callable[[Query], Any]] = {
            ("GET", "/api/v3/time"): self.time,
            ("GET", "/api/v3/exchangeInfo"): lambda query: self.exchange_info(self.spot_symbol),
            ("GET", "/api/v3/klines"): lambda query: self.klines(query, 1000),
            ("GET", "/api/v3/ticker/24hr"): self.ticker,
            ("GET", "/fapi/v1/time"): self.time,
            ("GET", "/fapi/v1/exchangeInfo"): lambda query: self.exchange_info(self.perpetual_symbol),
            ("GET", "/fapi/v1/klines"): lambda query: self.klines(query, 1500),
            ("GET", "/fapi/v1/ticker/24hr"): self.ticker,
            ("GET", "/fapi/v1/fundingRate"): self.funding_rate,
        }

    def answer(self, method: str, path: str, query: Query) -> Any:
        """Give what is sent as JSON. Raises Refusal."""
        if (method, path) not in self.routes:
            raise Refusal(-1, f"no such endpoint {method} {path}", 404)
        return self.routes[method, path](query)

    def time(self, query: Query) -> Any:
        """GET …/time."""
        return {"serverTime": self.exchange.clock()}

    def exchange_info(self, symbol_of: Callable[[Listing], dict[str, Any]]) -> Any:
        """GET …/exchangeInfo."""
        symbols = [symbol_of(listing) for listing in self.exchange.listings if listing.listed]
        return {"timezone": "UTC", "serverTime": self.exchange.clock(), "rateLimits": [], "symbols": symbols}

    def spot_symbol(self, listing: Listing) -> dict[str, Any]:
        """Describe a spot market."""
        notional = {"filterType": "NOTIONAL", "minNotional": str(listing.min_notional), "applyMinToMarket": True}
        return {
            **_symbol(listing),
            "quoteAssetPrecision": 8,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "permissions": ["SPOT"],
            "filters": [*_filters(listing), notional],
        }

    def perpetual_symbol(self, listing: Listing) -> dict[str, Any]:
        """Describe a perpetual."""
        return {
            **_symbol(listing),
            "pair": listing.symbol,
            "contractType": "PERPETUAL",
            "deliveryDate": 4133404800000,
            "onboardDate": 1569398400000,
            "marginAsset": listing.quote,
            "pricePrecision": 2,
            "quantityPrecision": 3,
            "filters": [*_filters(listing), {"filterType": "MIN_NOTIONAL", "notional": str(listing.min_notional)}],
        }

    def klines(self, query: Query, most: int) -> Any:
        """GET …/klines: a larger limit than the most is cut silently."""
        symbol = self._known(query)
        try:
            length_ms = timeframe_ms(query["interval"])
        except Exception as error:
            raise Refusal(-1120, "Invalid interval.") from error
        limit = min(int(query.get("limit", 500)), most)
        rows = self.exchange.candles(symbol, length_ms, _int(query, "startTime"), _int(query, "endTime"), limit)
        return [[row[0], *map(str, row[1:6]), int(str(row[0])) + length_ms - 1, "0", 10, "0", "0", "0"] for row in rows]

    def ticker(self, query: Query) -> Any:
        """GET …/ticker/24hr."""
        symbol = self._known(query)
        now_ms = self.exchange.clock()
        start, high, low, last, volume = self.exchange.candle(symbol, now_ms - 86_400_000, 86_400_000)
        tick = next(listing.tick for listing in self.exchange.listings if listing.symbol == symbol)
        text = {"bidPrice": last - tick, "askPrice": last + tick, "bidQty": 1, "askQty": 1, "lastQty": 1}
        prices = {"openPrice": start, "highPrice": high, "lowPrice": low, "lastPrice": last, "prevClosePrice": start}
        change = {"priceChange": last - start, "priceChangePercent": round((last / start - 1) * 100, 3)}
        sums = {"volume": volume, "quoteVolume": volume * last, "weightedAvgPrice": last}
        times = {"openTime": now_ms - 86_400_000, "closeTime": now_ms, "firstId": 0, "lastId": 1, "count": 1}
        return {
            "symbol": symbol,
            **{key: str(value) for key, value in {**text, **prices, **change, **sums}.items()},
            **times,
        }

    def funding_rate(self, query: Query) -> Any:
        """GET /fapi/v1/fundingRate."""
        symbol = self._known(query)
        limit = min(int(query.get("limit", 100)), 1000)
        settlements = self.exchange.funding(symbol, _int(query, "startTime"), _int(query, "endTime"), limit)
        return [
            {"symbol": symbol, "fundingTime": time_ms, "fundingRate": str(rate), "markPrice": "1"}
            for time_ms, rate in settlements
        ]

    def _known(self, query: Query) -> str:
        listing = self.exchange.listing(query.get("symbol", ""))
        if listing is None:
            raise Refusal(-1121, "Invalid symbol.")
        return listing.symbol


def _symbol(listing: Listing) -> dict[str, Any]:
    return {
        "symbol": listing.symbol,
        "status": listing.status,
        "baseAsset": listing.base,
        "quoteAsset": listing.quote,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
    }


def _filters(listing: Listing) -> list[dict[str, Any]]:
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": str(listing.tick),
            "maxPrice": "1000000",
            "tickSize": str(listing.tick),
        },
        {"filterType": "LOT_SIZE", "minQty": str(listing.step), "maxQty": "9000", "stepSize": str(listing.step)},
    ]


def _int(query: Query, name: str) -> int | None:
    return int(query[name]) if name in query else None
