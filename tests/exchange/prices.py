"""Where prices come from: a wave, or given bars. Price is a pure function of (symbol, time)."""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import NamedTuple, Protocol

from tests.exchange.exact import whole
from tests.exchange.listings import Listing
from worker.brokers.fill_model import execution_fee, execution_price

SAMPLES_PER_CANDLE = 8
# Between two looks at the exchange, resting orders meet the wave once a minute.
GRID_MS = 60_000
LEVELS = 16

Candle = tuple[Decimal, Decimal, Decimal, Decimal, Decimal]


class Level(NamedTuple):
    """So much is offered at a price."""

    price: Decimal
    quantity: Decimal


class Book(NamedTuple):
    """Both sides, best first."""

    bids: Sequence[Level]
    asks: Sequence[Level]


class Step(NamedTuple):
    """A price that resting orders meet: it `jumped` there, or passed through all between it and the one before."""

    time_ms: int
    price: Decimal
    jumped: bool = True


class Prices(Protocol):
    def price(self, listing: Listing, time_ms: int) -> Decimal:
        """Give the price at a time."""
        ...

    def path(self, listing: Listing, after_ms: int, until_ms: int) -> Iterator[Step]:
        """Give the prices that resting orders meet after one time until another, that one included."""
        ...

    def candle(self, listing: Listing, open_ms: int, length_ms: int, now_ms: int) -> Candle | None:
        """Give open, high, low, close, volume as far as the candle has come; None where there is none."""
        ...

    def book(self, listing: Listing, price: Decimal, time_ms: int) -> Book:
        """Give what is offered around a price."""
        ...

    def fee(self, quantity: Decimal, price: Decimal, rate: Decimal) -> Decimal:
        """Give the fee of a fill in quote."""
        ...


class Wave:
    """Prices that swing around each listing's level, in whole ticks."""

    def price(self, listing: Listing, time_ms: int) -> Decimal:
        """Give the price at a time."""
        phase, hours = _phase(listing.symbol), time_ms / 3_600_000
        wave = 0.03 * math.sin(hours / 5.3 + phase) + 0.01 * math.sin(hours * 9.1 + phase)
        return ticks(listing, listing.level * math.exp(wave + 0.001 * math.sin(hours * 171.0)))

    def path(self, listing: Listing, after_ms: int, until_ms: int) -> Iterator[Step]:
        """Give a price a minute and the last one."""
        yield from (Step(time_ms, self.price(listing, time_ms)) for time_ms in grid(after_ms, until_ms))

    def candle(self, listing: Listing, open_ms: int, length_ms: int, now_ms: int) -> Candle:
        """Sample the wave."""
        return sampled(lambda time_ms: self.price(listing, time_ms), open_ms, length_ms, now_ms)

    def book(self, listing: Listing, price: Decimal, time_ms: int) -> Book:
        """Draw levels a tick apart, worth 20,000 to 500,000 each, from symbol and second."""
        digest = hashlib.sha512(f"{listing.symbol} {time_ms // 1000}".encode()).digest()
        worth = [20_000 + 1_900 * byte for byte in digest[: 2 * LEVELS]]
        sizes = [max(listing.step, whole(amount / price, listing.step)) for amount in map(Decimal, worth)]
        steps = [listing.tick * number for number in range(1, LEVELS + 1)]
        bids = [Level(price - step, size) for step, size in zip(steps, sizes, strict=False) if price > step]
        asks = [Level(price + step, size) for step, size in zip(steps, sizes[LEVELS:], strict=True)]
        return Book(bids, asks)

    def fee(self, quantity: Decimal, price: Decimal, rate: Decimal) -> Decimal:
        """Multiply, exactly."""
        return quantity * price * rate


class Bars:
    """Prices of given bars. An order fills whole at the open of its bar, moved by the slippage of the fill model.

    A stop fills at its trigger, or at the open that jumped over it, moved likewise; a resting order at its price once
    the bar went beyond it: bars pass from the open to the nearer extreme, to the farther, to the close. Money is that
    of the fill model to the last bit: `float()` of every price and fee is what the backtest has. Rows are `[open_ms,
    open, high, low, close, volume]` of one length; the wave goes on where a symbol or a time has no bar.
    """

    def __init__(self, rows: Mapping[str, Sequence[Sequence[float]]], length_ms: int, slippage: float) -> None:
        self.length_ms = length_ms
        self.slippage = slippage
        self._rows = {symbol: {int(row[0]): row for row in given} for symbol, given in rows.items()}
        self._wave = Wave()

    def price(self, listing: Listing, time_ms: int) -> Decimal:
        """Give the open of the bar of a time."""
        row = self._row(listing, time_ms)
        return self._wave.price(listing, time_ms) if row is None else _decimal(row[1])

    def path(self, listing: Listing, after_ms: int, until_ms: int) -> Iterator[Step]:
        """Give what the bars between passed through, and the open of the last."""
        for open_ms in range(after_ms // self.length_ms * self.length_ms, until_ms + 1, self.length_ms):
            row = self._row(listing, open_ms)
            for part, price in enumerate([] if row is None else _way(row)):
                time_ms = open_ms + (self.length_ms - 1) * part // 3
                if after_ms < time_ms <= until_ms:
                    yield Step(time_ms, price, jumped=part == 0)

    def candle(self, listing: Listing, open_ms: int, length_ms: int, now_ms: int) -> Candle | None:
        """Give the bar, or several as one; of the bar that is forming only its open is known."""
        opens = range(open_ms, min(open_ms + length_ms, now_ms + 1), self.length_ms)
        parts = [self._known(listing, start_ms, now_ms) for start_ms in opens]
        rows = [part for part in parts if part is not None]
        if not rows:
            return None
        high, low = max(row[1] for row in rows), min(row[2] for row in rows)
        return rows[0][0], high, low, rows[-1][3], sum((row[4] for row in rows), Decimal(0))

    def book(self, listing: Listing, price: Decimal, time_ms: int) -> Book:
        """Offer any quantity at the modelled price."""
        ask, bid = (_decimal(execution_price(float(price), side, self.slippage)) for side in (1.0, -1.0))
        return Book([Level(bid, Decimal("1e15"))], [Level(ask, Decimal("1e15"))])

    def fee(self, quantity: Decimal, price: Decimal, rate: Decimal) -> Decimal:
        """Ask the fill model."""
        return _decimal(execution_fee(float(quantity), float(price), float(rate)))

    def _row(self, listing: Listing, time_ms: int) -> Sequence[float] | None:
        return self._rows.get(listing.symbol, {}).get(time_ms // self.length_ms * self.length_ms)

    def _known(self, listing: Listing, open_ms: int, now_ms: int) -> Candle | None:
        row = self._row(listing, open_ms)
        if row is None:
            return None
        values = row[1:6] if open_ms + self.length_ms <= now_ms else (row[1],) * 4 + (0.0,)
        start, high, low, close, volume = map(_decimal, values)
        return start, high, low, close, volume


def ticks(listing: Listing, raw: float) -> Decimal:
    """Round a price to whole ticks."""
    return (Decimal(repr(raw)) / listing.tick).quantize(Decimal(1)) * listing.tick


def grid(after_ms: int, until_ms: int) -> Iterator[int]:
    """Give the whole minutes after one time and before another, and the other."""
    yield from range(after_ms // GRID_MS * GRID_MS + GRID_MS, until_ms, GRID_MS)
    yield until_ms


def sampled(price: Callable[[int], Decimal], open_ms: int, length_ms: int, now_ms: int) -> Candle:
    """Make a candle of nine looks at a price."""
    end_ms = min(open_ms + length_ms, now_ms)
    times = [open_ms + (end_ms - open_ms) * part // SAMPLES_PER_CANDLE for part in range(SAMPLES_PER_CANDLE + 1)]
    prices = [price(time_ms) for time_ms in times]
    volume = Decimal(1 + open_ms // length_ms % 17) * (end_ms - open_ms) / length_ms
    return prices[0], max(prices), min(prices), prices[-1], volume.quantize(Decimal("0.00001"))


@cache
def _phase(symbol: str) -> float:
    return int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:4], "big") / 2**32 * math.tau


def _way(row: Sequence[float]) -> list[Decimal]:
    start, high, low, close = map(_decimal, row[1:5])
    extremes = [high, low] if high - start < start - low else [low, high]
    return [start, *extremes, close]


def _decimal(number: float) -> Decimal:
    return Decimal(repr(float(number)))
