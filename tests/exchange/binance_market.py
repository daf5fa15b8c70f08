"""What Binance tells everybody, of spot and of USDT-margined perpetuals alike."""

import json
from typing import Any

from shared.units import timeframe_ms
from tests.exchange.engine import Exchange
from tests.exchange.funding import FUNDING_EVERY_MS, funding_rate, next_funding_ms
from tests.exchange.listings import Listing, Product
from tests.exchange.orders import Refused, Why
from tests.exchange.wire import Call, Refusal, Route, texts

SPOT_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]
SWAP_TYPES = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]
LONGEST = {Product.SPOT: 1000, Product.SWAP: 1500}
DAY_MS = 86_400_000


class PublicPart:
    """The public endpoints of one product."""

    def __init__(self, exchange: Exchange, product: Product) -> None:
        self.exchange = exchange
        self.product = product
        prefix = "/api/v3" if product is Product.SPOT else "/fapi/v1"
        handlers = {
            "ping": lambda call: {},
            "time": lambda call: {"serverTime": exchange.now_ms()},
            "exchangeInfo": self.exchange_info,
            "klines": self.klines,
            "ticker/24hr": self.tickers,
            "ticker/price": self.last_prices,
            "ticker/bookTicker": self.best_prices,
            "depth": self.depth,
        }
        contracts = {"fundingRate": self.funding_rates, "premiumIndex": self.premium}
        if product is Product.SWAP:
            handlers |= contracts
        self.routes = [Route("GET", f"{prefix}/{path}", handler) for path, handler in handlers.items()]

    def exchange_info(self, call: Call) -> Any:
        """GET …/exchangeInfo."""
        listings = [listing for listing in self.exchange.listings if listing.is_of(self.product)]
        symbol_of = _spot_symbol if self.product is Product.SPOT else _perpetual_symbol
        now_ms = self.exchange.now_ms()
        symbols = [symbol_of(listing) for listing in listings]
        return {"timezone": "UTC", "serverTime": now_ms, "rateLimits": [], "exchangeFilters": [], "symbols": symbols}

    def klines(self, call: Call) -> Any:
        """GET …/klines: a larger limit than the most is cut silently."""
        listing = self._one(call)
        try:
            length_ms = timeframe_ms(call.text("interval"))
        except ValueError as error:
            raise Refusal(-1120, "Invalid interval.") from error
        limit = min(call.integer("limit") or 500, LONGEST[self.product])
        start_ms, end_ms = call.integer("startTime"), call.integer("endTime")
        rows = self.exchange.candles(listing.symbol, length_ms, start_ms, end_ms, limit)
        return [[row[0], *map(str, row[1:6]), int(str(row[0])) + length_ms - 1, "0", 10, "0", "0", "0"] for row in rows]

    def tickers(self, call: Call) -> Any:
        """GET …/ticker/24hr."""
        return self._each(call, self._ticker)

    def last_prices(self, call: Call) -> Any:
        """GET …/ticker/price."""
        return self._each(call, lambda one: {"symbol": one.symbol, **texts(price=self.exchange.price(one.symbol))})

    def best_prices(self, call: Call) -> Any:
        """GET …/ticker/bookTicker."""
        return self._each(call, self._best)

    def depth(self, call: Call) -> Any:
        """GET …/depth."""
        book, now_ms = self.exchange.book(self._one(call).symbol), self.exchange.now_ms()
        bids, asks = ([[*texts(p=level.price, q=level.quantity).values()] for level in side] for side in book)
        return {"lastUpdateId": now_ms, "E": now_ms, "T": now_ms, "bids": bids, "asks": asks}

    def funding_rates(self, call: Call) -> Any:
        """GET /fapi/v1/fundingRate."""
        symbol, limit = self._one(call).symbol, min(call.integer("limit") or 100, 1000)
        settled = self.exchange.funding(symbol, call.integer("startTime"), call.integer("endTime"), limit)
        return [{"symbol": symbol, "fundingTime": at_ms, **texts(fundingRate=r, markPrice=1)} for at_ms, r in settled]

    def premium(self, call: Call) -> Any:
        """GET /fapi/v1/premiumIndex."""
        return self._each(call, self._premium)

    def _premium(self, listing: Listing) -> dict[str, Any]:
        now_ms, price = self.exchange.now_ms(), self.exchange.price(listing.symbol)
        next_ms = next_funding_ms(now_ms) // FUNDING_EVERY_MS * FUNDING_EVERY_MS
        rates = {"lastFundingRate": funding_rate(next_ms), "interestRate": 0.0001}
        prices = {"markPrice": price, "indexPrice": price, "estimatedSettlePrice": price}
        return {"symbol": listing.symbol, **texts(**prices, **rates), "nextFundingTime": next_ms, "time": now_ms}

    def _ticker(self, listing: Listing) -> dict[str, Any]:
        now_ms = self.exchange.now_ms()
        start, high, low, last, volume = self.exchange.candle(listing.symbol, now_ms - DAY_MS, DAY_MS)
        prices = {"openPrice": start, "highPrice": high, "lowPrice": low, "lastPrice": last, "prevClosePrice": start}
        change = {"priceChange": last - start, "priceChangePercent": round((last / start - 1) * 100, 3)}
        sums = {"volume": volume, "quoteVolume": volume * last, "weightedAvgPrice": last, "lastQty": listing.step}
        times = {"openTime": now_ms - DAY_MS, "closeTime": now_ms, "firstId": 0, "lastId": 1, "count": 1}
        return {**self._best(listing), **texts(**prices, **change, **sums), **times}

    def _best(self, listing: Listing) -> dict[str, Any]:
        book = self.exchange.book(listing.symbol)
        sides = {side: levels[0] for side, levels in (("bid", book.bids), ("ask", book.asks)) if levels}
        prices = {f"{side}Price": best.price for side, best in sides.items()}
        sizes = {f"{side}Qty": best.quantity for side, best in sides.items()}
        # By the time ccxt tells a perpetual's best prices from those of spot.
        times = {"time": self.exchange.now_ms()} if self.product is Product.SWAP else {}
        return {"symbol": listing.symbol, **texts(**prices, **sizes), **times}

    def _each(self, call: Call, answer: Any) -> Any:
        """Answer for the symbol asked for, or a list for several or all."""
        if "symbol" in call.parameters:
            return answer(self._one(call))
        if "symbols" in call.parameters:
            names = json.loads(call.text("symbols"))
            return [answer(self.exchange.require_listing(name, self.product)) for name in names]
        return [answer(listing) for listing in self.exchange.listings if listing.is_of(self.product)]

    def _one(self, call: Call) -> Listing:
        listing = self.exchange.listing(call.parameters.get("symbol", ""), self.product)
        if listing is None:
            raise Refused(Why.SYMBOL)
        return listing


def _symbol(listing: Listing) -> dict[str, Any]:
    return {
        "symbol": listing.symbol,
        "status": listing.status,
        "baseAsset": listing.base,
        "quoteAsset": listing.quote,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
    }


def _filters(listing: Listing) -> list[dict[str, Any]]:
    lot = texts(minQty=listing.smallest, maxQty=listing.max_quantity, stepSize=listing.step)
    market_lot = texts(minQty=listing.smallest, maxQty=listing.max_market_quantity, stepSize=listing.step)
    price = texts(minPrice=listing.tick, maxPrice=1_000_000, tickSize=listing.tick)
    return [
        {"filterType": "PRICE_FILTER", **price},
        {"filterType": "LOT_SIZE", **lot},
        {"filterType": "MARKET_LOT_SIZE", **market_lot},
    ]


def _spot_symbol(listing: Listing) -> dict[str, Any]:
    up, down = listing.high_band, listing.low_band
    band = texts(bidMultiplierUp=up, bidMultiplierDown=down, askMultiplierUp=up, askMultiplierDown=down)
    notional = {"minNotional": str(listing.min_notional), "applyMinToMarket": True, "maxNotional": "9000000.00000000"}
    return {
        **_symbol(listing),
        "quoteAssetPrecision": 8,
        "orderTypes": SPOT_TYPES,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": ["SPOT"],
        "filters": [
            *_filters(listing),
            {"filterType": "PERCENT_PRICE_BY_SIDE", **band, "avgPriceMins": 5},
            {"filterType": "NOTIONAL", **notional, "applyMaxToMarket": False, "avgPriceMins": 5},
        ],
    }


def _perpetual_symbol(listing: Listing) -> dict[str, Any]:
    band = texts(multiplierUp=listing.high_band, multiplierDown=listing.low_band, multiplierDecimal=4)
    return {
        **_symbol(listing),
        "pair": listing.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "marginAsset": listing.quote,
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "orderTypes": SWAP_TYPES,
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        "filters": [
            *_filters(listing),
            {"filterType": "MIN_NOTIONAL", "notional": str(listing.min_notional)},
            {"filterType": "PERCENT_PRICE", **band},
        ],
    }
