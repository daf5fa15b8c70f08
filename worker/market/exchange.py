"""The market of a real exchange: closed candles by REST at the bar close, through ccxt, without a key."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from shared.clock import Clock
from shared.errors import ConfigurationError, MarketError
from shared.settings import MarketSettings
from shared.units import MINUTE_MS, bar_open_ms, timeframe_ms, timeframe_name
from worker.exchange.exchange_time import ExchangeTime
from worker.exchange.listing import find_market, listed_markets, server_time_ms
from worker.exchange.reader import ExchangeReader
from worker.market.exchange_rows import candle_rows, funding_rows, market_limits
from worker.market.files.reading import settlement_ms
from worker.market.gaps import KnownGaps, joined_ranges, merged, missing_ranges
from worker.market.protocol import CandleStore, FinestBars, Limits, no_funding
from worker.strategies.bars import Bars, no_bars

# Where ccxt does not know how many candles an exchange gives at once: every one of the large gives these.
USUAL_PAGE_BARS = 300
FUNDING_PAGE_ROWS = 100


class CcxtMarket:
    """Deliver the candles of an exchange in bars of `step_ms`; `store` keeps those that closed.

    Market time is the exchange's own time. The constructor reads the exchange's listing: it raises ConfigurationError
    for an unknown exchange, symbol or timeframe, and MarketError where the exchange cannot be reached. Symbols
    `in_books` need not be listed any more: they have the candles that were kept.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        step_ms: int,
        settings: MarketSettings,
        clock: Clock,
        store: CandleStore,
        in_books: Collection[str] = (),
    ) -> None:
        place = f" at {settings.endpoint}" if settings.endpoint else ""
        self.label = f"{settings.exchange} {settings.exchange_type} prices{place}"
        self._step_ms = step_ms
        self._store = store
        self._reader = ExchangeReader(settings, clock)
        self._client = self._reader.client
        self._timeframe = self._offered_timeframe(settings.exchange)
        self._minutes = next((name for name in self._client.timeframes or {} if _length_ms(name) == MINUTE_MS), None)
        listed = self._load_listing(settings.exchange_type)
        self._listed: dict[str, dict[str, Any]] = {}
        self._unlisted: dict[str, str] = {}
        for symbol in symbols:
            self._look_up(symbol, listed, settings, symbol in in_books)
        self._has_funding = settings.exchange_type == "swap" and bool(self._client.has.get("fetchFundingRateHistory"))
        self._gaps = KnownGaps(clock)
        self._opens: dict[str, tuple[int, float]] = {}
        self._time = ExchangeTime(clock, self._read_time if self._client.has.get("fetchTime") else None)
        self._time.keep()

    def begin(self, books_end_ms: int | None) -> None:
        """Go on: an exchange's time needs no beginning."""

    def first_open_ms(self) -> int:
        """Give the open of the bar that is open now."""
        return bar_open_ms(self.now_ms(), self._step_ms)

    def now_ms(self) -> int:
        """Give the exchange's time."""
        return self._time.now_ms()

    def ahead_ms(self) -> int:
        """Give how far the exchange's time is ahead of this machine's clock."""
        return self._time.ahead_ms()

    def seconds_until(self, time_ms: int) -> float:
        """Give the seconds until the exchange's time gets there; less than 0 where it has been."""
        return (time_ms - self.now_ms()) / 1000

    def ended(self, symbol: str, open_ms: int) -> str:
        """Say that a symbol is not listed any more; empty for one that is."""
        return self._unlisted.get(symbol, "")

    def fetch_bars(self, symbol: str, start_ms: int, end_ms: int) -> Bars:
        """Give the closed bars that open in `[start_ms, end_ms)`: kept ones from the store, the rest from the exchange.

        What it does not give is left out, and asked for again at the next call. Raises MarketError where it fails.
        """
        self._time.keep()
        end_ms = min(end_ms, bar_open_ms(self.now_ms(), self._step_ms))
        if start_ms >= end_ms:
            return no_bars()
        bars = self._store.load(symbol, self._step_ms, start_ms, end_ms)
        if symbol in self._unlisted:
            return bars
        missing = self._gaps.unknown(symbol, missing_ranges(bars, start_ms, end_ms, self._step_ms))
        for first_ms, last_ms in joined_ranges(missing, self._page_bars(symbol) * self._step_ms):
            fetched = self._fetch_range(symbol, first_ms, last_ms)
            new = fetched[~np.isin(fetched.open_ms, bars.open_ms)]
            if len(new):
                self._store.save(symbol, self._step_ms, new)
                bars = merged(bars, new)
        if missing and len(bars):
            self._gaps.remember(symbol, missing_ranges(bars, start_ms, int(bars.open_ms[-1]), self._step_ms))
        return bars

    def fetch_finest(self, symbol: str, start_ms: int, end_ms: int) -> FinestBars:
        """Give the minutes of the exchange where it offers them, else its bars of `step_ms`; they are not kept."""
        name = self._minutes
        if name is None or symbol in self._unlisted:
            return FinestBars(self.fetch_bars(symbol, start_ms, end_ms), self._step_ms)
        listed, count = self._listed[symbol]["symbol"], -(-(end_ms - start_ms) // MINUTE_MS)
        page = self._reader.read(
            f"minutes of {symbol}",
            lambda: self._client.fetch_ohlcv(listed, name, start_ms, min(count, self._page_bars(symbol))),
            lambda rows: candle_rows(rows, MINUTE_MS),
        )
        return FinestBars(page.between(start_ms, min(end_ms, self.now_ms() - MINUTE_MS + 1)), MINUTE_MS)

    def fetch_opens(self, open_ms: int) -> dict[str, float]:
        """Give the first prices of the bar that opens at `open_ms`; symbols the exchange fails for are left out."""
        opens: dict[str, float] = {}
        for symbol in self._listed if open_ms <= self.now_ms() else ():
            try:
                price = self._first_price(symbol, open_ms)
            except MarketError:
                continue
            if price is not None:
                opens[symbol] = price
        return opens

    def fetch_funding(self, symbol: str, start_ms: int, end_ms: int) -> tuple[np.ndarray, np.ndarray]:
        """Give the settlements in `(start_ms, end_ms]` of a perpetual; none on a spot market."""
        end_ms = min(end_ms, self.now_ms())
        if not self._has_funding or start_ms >= end_ms or symbol in self._unlisted:
            return no_funding()
        pages, since_ms = [no_funding()], start_ms + 1
        while since_ms <= end_ms:
            times, rates = self._funding_page(symbol, since_ms)
            if not len(times) or int(times[-1]) < since_ms:
                break
            pages.append((settlement_ms(times), rates))
            since_ms = int(times[-1]) + 1
        times, rates = (np.concatenate(columns) for columns in zip(*pages, strict=True))
        times, first = np.unique(times, return_index=True)
        inside = (times > start_ms) & (times <= end_ms)
        return times[inside], rates[first][inside]

    def limits(self, symbol: str) -> Limits:
        """Give what the exchange's listing says of a symbol; the defaults for one that is not listed any more."""
        return Limits() if symbol in self._unlisted else market_limits(self._listed[symbol], self._client.precisionMode)

    def _offered_timeframe(self, exchange: str) -> str:
        offered = {_length_ms(name): name for name in self._client.timeframes or {}}
        if self._client.has.get("fetchOHLCV") is not True or self._step_ms not in offered:
            names = ", ".join(self._client.timeframes or {}) or "none"
            wanted = timeframe_name(self._step_ms)
            raise ConfigurationError(f"portfolio.timeframe must be one {exchange} offers ({names}), was {wanted!r}")
        return offered[self._step_ms]

    def _load_listing(self, kind: str) -> dict[str, Any]:
        return self._reader.read(
            f"list of {kind} markets",
            lambda: self._client.load_markets(True),
            lambda answer: listed_markets(answer, kind),
        )

    def _look_up(self, symbol: str, listed: dict[str, Any], settings: MarketSettings, in_books: bool) -> None:
        try:
            self._listed[symbol] = find_market(symbol, listed, settings.exchange, settings.exchange_type)
        except ConfigurationError:
            if not in_books:
                raise
            self._unlisted[symbol] = f"{settings.exchange} does not list it among its {settings.exchange_type} markets"

    def _read_time(self) -> int:
        return self._reader.read("time", self._client.fetch_time, server_time_ms)

    def _fetch_range(self, symbol: str, start_ms: int, end_ms: int) -> Bars:
        bars, since_ms = no_bars(), start_ms
        while since_ms < end_ms:
            # One more than needed: the forming candle has the open of the next bar.
            limit = min(self._page_bars(symbol), -(-(end_ms - since_ms) // self._step_ms) + 1)
            page = self._candle_page(symbol, since_ms, limit)
            bars = merged(bars, page.between(since_ms, end_ms))
            reached = len(page) and int(page.open_ms[-1]) >= since_ms
            since_ms = int(page.open_ms[-1]) + self._step_ms if reached else since_ms + limit * self._step_ms
        return bars

    def _candle_page(self, symbol: str, since_ms: int, limit: int) -> Bars:
        name = self._listed[symbol]["symbol"]
        page = self._reader.read(
            f"candles of {symbol}",
            lambda: self._client.fetch_ohlcv(name, self._timeframe, since_ms, limit),
            lambda rows: candle_rows(rows, self._step_ms),
        )
        if len(page):
            self._opens[symbol] = (int(page.open_ms[-1]), float(page.open[-1]))
            self._time.saw(int(page.open_ms[-1]))
        return page

    def _page_bars(self, symbol: str) -> int:
        name = self._listed[symbol]["symbol"]
        return int(self._client.feature_value(name, "fetchOHLCV", "limit", USUAL_PAGE_BARS) or USUAL_PAGE_BARS)

    def _first_price(self, symbol: str, open_ms: int) -> float | None:
        if open_ms + self._step_ms <= self.now_ms():
            bars = self.fetch_bars(symbol, open_ms, open_ms + 1)
        elif self._opens.get(symbol, (None, 0.0))[0] == open_ms:
            return self._opens[symbol][1]
        else:
            bars = self._candle_page(symbol, open_ms, 1).between(open_ms, open_ms + 1)
        return float(bars.open[0]) if len(bars) else None

    def _funding_page(self, symbol: str, since_ms: int) -> tuple[np.ndarray, np.ndarray]:
        name = self._listed[symbol]["symbol"]
        return self._reader.read(
            f"funding of {symbol}",
            lambda: self._client.fetch_funding_rate_history(name, since_ms, FUNDING_PAGE_ROWS),
            funding_rows,
        )


def _length_ms(timeframe: str) -> int:
    try:
        return timeframe_ms(timeframe)
    except ConfigurationError:
        return 0  # weeks, months and what does not divide a day
