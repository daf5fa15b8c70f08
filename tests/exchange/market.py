"""The markets of an exchange, without accounts: listings, prices, books, candles and funding rates by a given clock."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tests.exchange.exact import whole
from tests.exchange.funding import FUNDING_EVERY_MS, FUNDING_LATE_MS, funding_rate
from tests.exchange.listings import Listing, Product, usual_listings
from tests.exchange.orders import Refused, Why
from tests.exchange.prices import Book, Level, Prices, Step, Wave, grid, sampled, ticks

Row = list[object]


@dataclass
class Market:
    """Markets, a clock and a price function.

    Knobs: `price_override` gives a symbol's price by time; `candle_hook` changes candles before they are sent;
    `liquidity` is what each side of a symbol's book holds in all; `coin_prices` in quote value coins not listed.
    """

    clock: Callable[[], int]
    listings: list[Listing] = field(default_factory=usual_listings)
    price_override: dict[str, Callable[[int], float]] = field(default_factory=dict)
    candle_hook: Callable[[list[Row]], list[Row]] | None = None
    prices: Prices = field(default_factory=Wave)
    liquidity: dict[str, Decimal] = field(default_factory=dict)
    coin_prices: dict[str, Decimal] = field(default_factory=lambda: {"BNB": Decimal(600), "GT": Decimal(10)})
    _jumps: dict[str, list[tuple[int, Decimal]]] = field(default_factory=dict)

    def now_ms(self) -> int:
        """Give the exchange's time."""
        return self.clock()

    def listing(self, symbol: str, product: Product | None = None) -> Listing | None:
        """Find a listed market."""
        return next((one for one in self.listings if one.symbol == symbol and one.is_of(product)), None)

    def coins(self) -> list[str]:
        """Give the coins that are traded, by name."""
        return sorted({coin for listing in self.listings for coin in (listing.base, listing.quote)})

    def require_listing(self, symbol: str, product: Product | None = None) -> Listing:
        """Find a listed market. Raises Refused."""
        listing = self.listing(symbol, product)
        if listing is None:
            raise Refused(Why.SYMBOL, symbol)
        return listing

    def listing_of(self, symbol: str) -> Listing:
        """Find a market, listed or not."""
        return next(listing for listing in self.listings if listing.symbol == symbol)

    def price(self, symbol: str, time_ms: int | None = None) -> Decimal:
        """Give the price at a time, now if none is given."""
        at_ms = self.now_ms() if time_ms is None else time_ms
        listing = self.listing_of(symbol)
        if symbol in self.price_override:
            return ticks(listing, self.price_override[symbol](at_ms))
        return self._jumped(listing, self.prices.price(listing, at_ms), at_ms)

    def jump(self, symbol: str, factor: Decimal, time_ms: int | None = None) -> None:
        """Multiply all later prices of a symbol."""
        at_ms = self.now_ms() if time_ms is None else time_ms
        self._jumps.setdefault(symbol, []).append((at_ms, factor))

    def _jumped(self, listing: Listing, price: Decimal, time_ms: int) -> Decimal:
        if listing.symbol not in self._jumps:
            return price
        for since_ms, factor in self._jumps[listing.symbol]:
            price = price * factor if time_ms >= since_ms else price
        return max(listing.tick, whole(price, listing.tick))

    def path(self, listing: Listing, after_ms: int, until_ms: int) -> Iterator[Step]:
        """Give the prices resting orders meet after one time until another."""
        if listing.symbol not in self.price_override:
            way = self.prices.path(listing, after_ms, until_ms)
            return (step._replace(price=self._jumped(listing, step.price, step.time_ms)) for step in way)
        return (Step(time_ms, self.price(listing.symbol, time_ms)) for time_ms in grid(after_ms, until_ms))

    def book(self, symbol: str, price: Decimal | None = None) -> Book:
        """Give what is offered now, around another price than the present where one is given.

        Neither side holds more than the symbol's liquidity.
        """
        listing, now_ms = self.listing_of(symbol), self.now_ms()
        book = self.prices.book(listing, self.price(symbol, now_ms) if price is None else price, now_ms)
        most = self.liquidity.get(symbol)
        return book if most is None else Book(_shortened(book.bids, most), _shortened(book.asks, most))

    def coin_price(self, coin: str, quote: str) -> Decimal:
        """Give what a coin costs in quote."""
        known = any(listing.symbol == coin + quote for listing in self.listings)
        return self.price(coin + quote) if known else self.coin_prices[coin]

    def candle(self, symbol: str, open_ms: int, length_ms: int) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal]:
        """Give open, high, low, close, volume of a candle as far as it has come."""
        now_ms, listing = self.now_ms(), self.listing_of(symbol)
        special = symbol in self.price_override or symbol in self._jumps
        candle = None if special else self.prices.candle(listing, open_ms, length_ms, now_ms)
        return candle or sampled(lambda time_ms: self.price(symbol, time_ms), open_ms, length_ms, now_ms)

    def candles(self, symbol: str, length_ms: int, start_ms: int | None, end_ms: int | None, limit: int) -> list[Row]:
        """Give candles as rows of `[open_ms, open, high, low, close, volume]`, ascending, the forming one last."""
        now_ms = self.now_ms()
        last_ms = min(now_ms, now_ms if end_ms is None else end_ms) // length_ms * length_ms
        since_ms = last_ms - (limit - 1) * length_ms if start_ms is None else start_ms
        listing = self.listing(symbol)
        since_ms = max(since_ms, 0 if listing is None else listing.listed_since_ms)
        first_ms = -(-since_ms // length_ms) * length_ms
        opens = range(first_ms, last_ms + 1, length_ms)[:limit]
        rows: list[Row] = [[open_ms, *self.candle(symbol, open_ms, length_ms)] for open_ms in opens]
        return self.candle_hook(rows) if self.candle_hook else rows

    def funding(self, symbol: str, start_ms: int | None, end_ms: int | None, limit: int) -> list[tuple[int, Decimal]]:
        """Give settlements so far: times a few milliseconds late, as real ones are, and rates."""
        last_ms = min(self.now_ms(), self.now_ms() if end_ms is None else end_ms)
        first_ms = last_ms - limit * FUNDING_EVERY_MS if start_ms is None else start_ms
        first = -(-(first_ms - FUNDING_LATE_MS) // FUNDING_EVERY_MS)
        times = [number * FUNDING_EVERY_MS for number in range(first, last_ms // FUNDING_EVERY_MS + 1)]
        rates = [(time_ms + FUNDING_LATE_MS, funding_rate(time_ms)) for time_ms in times]
        return [(time_ms, rate) for time_ms, rate in rates if first_ms <= time_ms <= last_ms][:limit]


def _shortened(levels: Sequence[Level], most: Decimal) -> list[Level]:
    short: list[Level] = []
    for price, quantity in levels:
        short.append(Level(price, min(quantity, most)))
        most -= short[-1].quantity
    return [level for level in short if level.quantity > 0]
