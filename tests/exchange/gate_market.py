"""What Gate tells everybody of its spot markets. Times are seconds unless a name says otherwise."""

from typing import Any

from shared.units import timeframe_ms
from tests.exchange.engine import Exchange
from tests.exchange.exact import text
from tests.exchange.listings import Listing, Product
from tests.exchange.orders import Refused, Why
from tests.exchange.wire import Call, Route, texts

MOST_CANDLES = 1000
DAY_MS = 86_400_000


class PublicPart:
    """The public half of /api/v4."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        handlers = {
            "spot/time": lambda call: {"server_time": exchange.now_ms()},
            "spot/currencies": self.currencies,
            "spot/currency_pairs": self.currency_pairs,
            "margin/currency_pairs": lambda call: [],
            "spot/tickers": self.tickers,
            "spot/order_book": self.order_book,
            "spot/candlesticks": self.candlesticks,
        }
        self.routes = [Route("GET", f"/api/v4/{path}", handler) for path, handler in handlers.items()]

    def currency_pairs(self, call: Call) -> Any:
        """GET /spot/currency_pairs."""
        return [_pair(listing) for listing in self.exchange.listings if listing.is_of(Product.SPOT)]

    def currencies(self, call: Call) -> Any:
        """GET /spot/currencies."""
        disabled = dict.fromkeys(("delisted", "withdraw_disabled", "deposit_disabled", "trade_disabled"), False)
        return [
            {"currency": coin, "name": coin, **disabled, "chain": coin, "chains": []} for coin in self.exchange.coins()
        ]

    def tickers(self, call: Call) -> Any:
        """GET /spot/tickers."""
        if call.parameters.get("currency_pair"):
            return [self._ticker(asked_listing(self.exchange, call))]
        return [self._ticker(listing) for listing in self.exchange.listings if listing.is_of(Product.SPOT)]

    def order_book(self, call: Call) -> Any:
        """GET /spot/order_book."""
        book, now_ms = self.exchange.book(asked_listing(self.exchange, call).symbol), self.exchange.now_ms()
        limit = call.integer("limit") or 10
        bids, asks = ([[text(level.price), text(level.quantity)] for level in side[:limit]] for side in book)
        return {"id": now_ms, "current": now_ms, "update": now_ms, "asks": asks, "bids": bids}

    def candlesticks(self, call: Call) -> Any:
        """GET /spot/candlesticks."""
        length_ms, first, last = timeframe_ms(call.text("interval", "30m")), call.integer("from"), call.integer("to")
        limit = min(call.integer("limit") or (MOST_CANDLES if first else 100), MOST_CANDLES)
        times = (None if first is None else first * 1000, None if last is None else last * 1000)
        rows = self.exchange.candles(asked_listing(self.exchange, call).symbol, length_ms, *times, limit)
        now_ms = self.exchange.now_ms()
        return [_candle([int(str(row[0])), *map(str, row[1:6])], length_ms, now_ms) for row in rows]

    def _ticker(self, listing: Listing) -> dict[str, str]:
        book, now_ms = self.exchange.book(listing.symbol), self.exchange.now_ms()
        start, high, low, last, volume = self.exchange.candle(listing.symbol, now_ms - DAY_MS, DAY_MS)
        change = round((last / start - 1) * 100, 2)
        best = {
            **(
                {"lowest_ask": text(book.asks[0].price), "lowest_size": text(book.asks[0].quantity)}
                if book.asks
                else {}
            ),
            **(
                {"highest_bid": text(book.bids[0].price), "highest_size": text(book.bids[0].quantity)}
                if book.bids
                else {}
            ),
        }
        sums = texts(
            base_volume=volume, quote_volume=volume * last, high_24h=high, low_24h=low, change_percentage=change
        )
        return {"currency_pair": pair_of(listing), "last": text(last), **best, **sums}


def pair_of(listing: Listing) -> str:
    """Give Gate's name of a market."""
    return f"{listing.base}_{listing.quote}"


def asked_listing(exchange: Exchange, call: Call) -> Listing:
    """Find the market a request is about. Raises Refused."""
    asked = call.text("currency_pair")
    listing = exchange.listing(asked.replace("_", ""), Product.SPOT)
    if listing is None or pair_of(listing) != asked:
        raise Refused(Why.SYMBOL, asked)
    return listing


def _pair(listing: Listing) -> dict[str, Any]:
    limits = texts(
        min_base_amount=listing.smallest,
        min_quote_amount=listing.min_notional,
        max_base_amount=listing.max_quantity,
        up_rate=listing.high_band - 1,
        down_rate=1 - listing.low_band,
    )
    return {
        "id": pair_of(listing),
        "base": listing.base,
        "base_name": listing.base,
        "quote": listing.quote,
        "quote_name": listing.quote,
        "fee": "0.1",
        **limits,
        "amount_precision": -int(listing.step.as_tuple().exponent),
        "precision": -int(listing.tick.as_tuple().exponent),
        "trade_status": "tradable" if listing.status == "TRADING" else "untradable",
        "sell_start": 0,
        "buy_start": 0,
        "delisting_time": 0,
        "type": "normal",
    }


def _candle(row: list[Any], length_ms: int, now_ms: int) -> list[str]:
    open_ms, start, high, low, last, volume = row
    is_closed = str(open_ms + length_ms <= now_ms).lower()
    return [str(open_ms // 1000), "0", last, high, low, start, volume, is_closed]
