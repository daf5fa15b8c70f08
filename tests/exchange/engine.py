"""The exchange itself: markets and prices, without any I/O. Price is a pure function of (symbol, time)."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

Row = list[object]

SAMPLES_PER_CANDLE = 8
FUNDING_EVERY_MS = 8 * 3_600_000


@dataclass
class Listing:
    """One market; `status` and `listed` may be changed by a test."""

    base: str
    quote: str
    level: float
    tick: Decimal
    step: Decimal
    min_notional: Decimal = Decimal(5)
    status: str = "TRADING"
    listed: bool = True
    listed_since_ms: int = 0

    @property
    def symbol(self) -> str:
        """Give the exchange's own name."""
        return self.base + self.quote


def usual_listings() -> list[Listing]:
    """Give three markets."""
    return [
        Listing("BTC", "USDT", 60_000.0, Decimal("0.01"), Decimal("0.00001")),
        Listing("ETH", "USDT", 3_000.0, Decimal("0.01"), Decimal("0.0001")),
        Listing("SOL", "USDT", 150.0, Decimal("0.01"), Decimal("0.001")),
    ]


@dataclass
class Exchange:
    """Markets, a clock and a price function. `candle_hook` changes candles before they are sent."""

    clock: Callable[[], int]
    listings: list[Listing] = field(default_factory=usual_listings)
    price_override: dict[str, Callable[[int], float]] = field(default_factory=dict)
    candle_hook: Callable[[list[Row]], list[Row]] | None = None

    def listing(self, symbol: str) -> Listing | None:
        """Find a listed market."""
        return next((listing for listing in self.listings if listing.symbol == symbol and listing.listed), None)

    def price(self, symbol: str, time_ms: int) -> Decimal:
        """Give the price at a time."""
        listing = next(listing for listing in self.listings if listing.symbol == symbol)
        if symbol in self.price_override:
            raw = self.price_override[symbol](time_ms)
        else:
            phase = int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:4], "big") / 2**32 * math.tau
            hours = time_ms / 3_600_000
            wave = 0.03 * math.sin(hours / 5.3 + phase) + 0.01 * math.sin(hours * 9.1 + phase)
            raw = listing.level * math.exp(wave + 0.001 * math.sin(hours * 171.0))
        return (Decimal(repr(raw)) / listing.tick).quantize(Decimal(1)) * listing.tick

    def candle(self, symbol: str, open_ms: int, length_ms: int) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal]:
        """Give open, high, low, close, volume of a candle as far as it has come."""
        end_ms = min(open_ms + length_ms, self.clock())
        times = [open_ms + (end_ms - open_ms) * part // SAMPLES_PER_CANDLE for part in range(SAMPLES_PER_CANDLE + 1)]
        prices = [self.price(symbol, time_ms) for time_ms in times]
        volume = Decimal(1 + open_ms // length_ms % 17) * (end_ms - open_ms) / length_ms
        return prices[0], max(prices), min(prices), prices[-1], volume.quantize(Decimal("0.00001"))

    def candles(self, symbol: str, length_ms: int, start_ms: int | None, end_ms: int | None, limit: int) -> list[Row]:
        """Give candles as rows of `[open_ms, open, high, low, close, volume]`, ascending, the forming one last."""
        now_ms = self.clock()
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
        last_ms = min(self.clock(), self.clock() if end_ms is None else end_ms)
        first_ms = last_ms - limit * FUNDING_EVERY_MS if start_ms is None else start_ms
        first = -(-(first_ms - 7) // FUNDING_EVERY_MS)
        times = [number * FUNDING_EVERY_MS for number in range(first, last_ms // FUNDING_EVERY_MS + 1)]
        rates = [(time_ms + 7, Decimal(time_ms // FUNDING_EVERY_MS % 7 - 2) / 10_000) for time_ms in times]
        return [(time_ms, rate) for time_ms, rate in rates if first_ms <= time_ms <= last_ms][:limit]
