"""What Bybit tells everybody of its spot and linear markets. Lists of candles are newest first."""

from typing import Any

from tests.exchange.engine import Exchange
from tests.exchange.exact import text
from tests.exchange.funding import FUNDING_EVERY_MS, funding_rate, next_funding_ms
from tests.exchange.listings import Listing, Product
from tests.exchange.orders import Refused, Why
from tests.exchange.wire import Call, Refusal, Route, texts

PRODUCTS = {"spot": Product.SPOT, "linear": Product.SWAP}
MINUTE_MS, DAY_MS = 60_000, 86_400_000
LETTERS = {"D": DAY_MS, "W": 7 * DAY_MS}


class PublicPart:
    """The endpoints under /v5/market."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        handlers = {
            "time": self.time,
            "instruments-info": self.instruments,
            "kline": self.kline,
            "tickers": self.tickers,
            "orderbook": self.order_book,
            "funding/history": self.funding_history,
        }
        self.routes = [Route("GET", f"/v5/market/{path}", handler) for path, handler in handlers.items()]

    def time(self, call: Call) -> Any:
        """GET /v5/market/time."""
        now_ms = self.exchange.now_ms()
        return {"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * 1_000_000)}

    def instruments(self, call: Call) -> Any:
        """GET /v5/market/instruments-info."""
        product = asked_product(call)
        listings = [listing for listing in self.exchange.listings if listing.is_of(product)]
        if call.parameters.get("status") == "PreLaunch":
            listings = []
        of = _spot_instrument if product is Product.SPOT else _linear_instrument
        return {"category": call.text("category"), "list": [of(listing) for listing in listings], "nextPageCursor": ""}

    def kline(self, call: Call) -> Any:
        """GET /v5/market/kline."""
        interval, listing = call.text("interval"), asked_listing(self.exchange, call)
        length_ms = LETTERS.get(interval) or int(interval) * MINUTE_MS
        limit = min(call.integer("limit") or 200, 1000)
        rows = self.exchange.candles(listing.symbol, length_ms, call.integer("start"), call.integer("end"), limit)
        candles = [[*map(str, row[:6]), "0"] for row in reversed(rows)]
        return {"category": call.text("category"), "symbol": listing.symbol, "list": candles}

    def tickers(self, call: Call) -> Any:
        """GET /v5/market/tickers."""
        product = asked_product(call)
        listings = [listing for listing in self.exchange.listings if listing.is_of(product)]
        if call.parameters.get("symbol"):
            listings = [asked_listing(self.exchange, call)]
        return {"category": call.text("category"), "list": [self._ticker(listing, product) for listing in listings]}

    def order_book(self, call: Call) -> Any:
        """GET /v5/market/orderbook."""
        listing, limit, now_ms = asked_listing(self.exchange, call), call.integer("limit") or 25, self.exchange.now_ms()
        book = self.exchange.book(listing.symbol)
        bids, asks = ([[text(level.price), text(level.quantity)] for level in side[:limit]] for side in book)
        return {"s": listing.symbol, "b": bids, "a": asks, "ts": now_ms, "u": now_ms, "seq": now_ms, "cts": now_ms}

    def funding_history(self, call: Call) -> Any:
        """GET /v5/market/funding/history."""
        listing, limit = asked_listing(self.exchange, call), min(call.integer("limit") or 200, 200)
        settled = self.exchange.funding(listing.symbol, call.integer("startTime"), call.integer("endTime"), limit)
        rows = [
            {"symbol": listing.symbol, "fundingRate": text(rate), "fundingRateTimestamp": str(at_ms)}
            for at_ms, rate in settled
        ]
        return {"category": "linear", "list": rows[::-1]}

    def _ticker(self, listing: Listing, product: Product) -> dict[str, str]:
        book, now_ms = self.exchange.book(listing.symbol), self.exchange.now_ms()
        start, high, low, last, volume = self.exchange.candle(listing.symbol, now_ms - DAY_MS, DAY_MS)
        sides = {side: levels[0] for side, levels in (("bid", book.bids), ("ask", book.asks)) if levels}
        best = {f"{side}1Price": level.price for side, level in sides.items()}
        best |= {f"{side}1Size": level.quantity for side, level in sides.items()}
        prices = {"lastPrice": last, "prevPrice24h": start, "highPrice24h": high, "lowPrice24h": low}
        sums = {"volume24h": volume, "turnover24h": volume * last, "price24hPcnt": round(last / start - 1, 6)}
        return {"symbol": listing.symbol, **texts(**best, **prices, **sums), **self._contract(listing, product)}

    def _contract(self, listing: Listing, product: Product) -> dict[str, str]:
        """Say what contracts have besides; by the open interest ccxt tells them from coins."""
        if product is Product.SPOT:
            return {"usdIndexPrice": text(self.exchange.price(listing.symbol))}
        price, next_ms = self.exchange.price(listing.symbol), next_funding_ms(self.exchange.now_ms())
        next_ms = next_ms // FUNDING_EVERY_MS * FUNDING_EVERY_MS
        numbers = {"markPrice": price, "indexPrice": price, "fundingRate": funding_rate(next_ms), "openInterest": 1}
        return {**texts(**numbers, openInterestValue=price), "nextFundingTime": str(next_ms)}


def refusal(code: int, message: str) -> Refusal:
    """Make an error as Bybit sends it."""
    return Refusal(code, message, 200, {"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": 0})


def asked_product(call: Call) -> Product:
    """Give the product of a category. Raises Refused."""
    product = PRODUCTS.get(call.text("category"))
    if product is None:
        raise Refused(Why.PARAMETER, "category")
    return product


def asked_listing(exchange: Exchange, call: Call) -> Listing:
    """Find the market a request is about. Raises Refused."""
    return exchange.require_listing(call.text("symbol"), asked_product(call))


def _status(listing: Listing) -> str:
    return "Trading" if listing.status == "TRADING" else "Closed"


def _spot_instrument(listing: Listing) -> dict[str, Any]:
    sizes = {"basePrecision": listing.step, "minOrderQty": listing.smallest, "maxOrderQty": listing.max_quantity}
    amounts = {"quotePrecision": "0.0000001", "maxOrderAmt": "4000000"}
    return {
        "symbol": listing.symbol,
        "baseCoin": listing.base,
        "quoteCoin": listing.quote,
        "innovation": "0",
        "status": _status(listing),
        "marginTrading": "none",
        "lotSizeFilter": {
            **texts(**sizes, minOrderAmt=listing.min_notional, maxMarketOrderQty=listing.max_market_quantity),
            **amounts,
        },
        "priceFilter": {"tickSize": text(listing.tick)},
        "riskParameters": {"priceLimitRatioX": "0.05", "priceLimitRatioY": "0.05"},
    }


def _linear_instrument(listing: Listing) -> dict[str, Any]:
    sizes = {"qtyStep": listing.step, "minOrderQty": listing.smallest, "maxOrderQty": listing.max_quantity}
    return {
        "symbol": listing.symbol,
        "contractType": "LinearPerpetual",
        "status": _status(listing),
        "baseCoin": listing.base,
        "quoteCoin": listing.quote,
        "launchTime": "1584230400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": "2",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": texts(minPrice=listing.tick, maxPrice=1_999_999, tickSize=listing.tick),
        "lotSizeFilter": texts(
            **sizes, minNotionalValue=listing.min_notional, maxMktOrderQty=listing.max_market_quantity
        ),
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "settleCoin": listing.quote,
    }
