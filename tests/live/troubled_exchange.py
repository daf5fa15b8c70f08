"""Months of an exchange that fails, within the process of a test: what goes wrong is drawn from a seed in advance."""

import json
import random
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests import PreparedRequest, Response

from shared.clock import ManualClock
from shared.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from tests.exchange.binance import Binance, Refusal
from tests.exchange.engine import Exchange
from worker.exchange.transport import ReadOnlyAdapter, refuse_signed

# 2026-01-01 00:20 UTC
BEGIN_MS = 1_767_226_800_000
TIMEOUT_MS = 10 * SECOND_MS
HOW = ("reset", "silent", "broken")
DELISTED = "SOLUSDT"


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in `[start_ms, end_ms)`: of one symbol, or of the whole exchange."""

    start_ms: int
    end_ms: int
    how: str
    symbol: str = ""


@dataclass
class Troubles:
    """All that goes wrong in so many days."""

    seed: int
    days: int
    outages: list[Trouble] = field(default_factory=list)
    of_symbols: list[Trouble] = field(default_factory=list)
    clock_jumps: list[tuple[int, int]] = field(default_factory=list)
    restarts_ms: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        self.delisted_ms = BEGIN_MS + round(0.6 * self.days) * DAY_MS
        for day in range(1, self.days):
            start_ms = BEGIN_MS + day * DAY_MS + chance.randrange(DAY_MS)
            if chance.random() < 0.25:
                length_ms = round(20 * SECOND_MS * 2 ** chance.uniform(0, 10))
                self.outages.append(Trouble(start_ms, start_ms + length_ms, chance.choice(HOW)))
            if chance.random() < 0.2:
                length_ms = round(MINUTE_MS * 2 ** chance.uniform(0, 10))
                how, symbol = chance.choice((*HOW, "refused", "refused")), chance.choice(("BTCUSDT", "ETHUSDT"))
                self.of_symbols.append(Trouble(start_ms, start_ms + length_ms, how, symbol))
            if chance.random() < 0.3:
                moved_ms = round(chance.choice((-1, 1)) * 2 * SECOND_MS * 2 ** chance.uniform(0, 12))
                self.clock_jumps.append((start_ms, moved_ms))
            if chance.random() < 0.05:
                self.restarts_ms.append(start_ms)

    def outage_at(self, time_ms: int) -> Trouble | None:
        """Give the outage of the whole exchange at a time."""
        at = bisect_right(self.outages, time_ms, key=lambda trouble: trouble.start_ms) - 1
        return self.outages[at] if at >= 0 and time_ms < self.outages[at].end_ms else None

    def of(self, symbol: str, time_ms: int) -> Trouble | None:
        """Give what is wrong with one symbol at a time."""
        return next((t for t in self.of_symbols if t.symbol == symbol and t.start_ms <= time_ms < t.end_ms), None)

    def there_ms(self, symbol: str, open_ms: int) -> float:
        """Give when a candle can first be read: at once, a little or much later, or never."""
        chance = random.Random(f"{self.seed} {symbol} {open_ms}")
        draw, close_ms = chance.random(), open_ms + HOUR_MS
        if draw < 0.01:
            return float("inf")
        if draw < 0.02:
            return close_ms + chance.uniform(30 * SECOND_MS, 30 * MINUTE_MS)
        return close_ms + chance.uniform(0, 25 * SECOND_MS) if draw < 0.05 else close_ms


class TroubledExchange:
    """Answers as Binance does, where it answers. The exchange's time is that of `clock` that only moves on."""

    def __init__(self, troubles: Troubles, clock: ManualClock) -> None:
        self.troubles = troubles
        self.clock = clock
        self.exchange = Exchange(self.now_ms)
        self.front = Binance(self.exchange)
        self.asked = 0

    def now_ms(self) -> int:
        """Give the exchange's time."""
        return BEGIN_MS + self.clock.monotonic_ms()

    def answer(self, method: str, path: str, query: dict[str, str]) -> tuple[int, str]:
        """Give status and body, or raise what a connection raises."""
        self.asked += 1
        now_ms, symbol = self.now_ms(), query.get("symbol", "")
        for listing in self.exchange.listings:
            listing.listed = listing.symbol != DELISTED or now_ms < self.troubles.delisted_ms
        trouble = self.troubles.outage_at(now_ms) or self.troubles.of(symbol, now_ms)
        if trouble is not None:
            return self._fail(trouble.how)
        try:
            body = self.front.answer(method, path, query)
        except Refusal as refusal:
            return refusal.status, json.dumps(refusal.body)
        if path.endswith("/klines"):
            body = [row for row in body if self._is_there(symbol, int(row[0]))]
        return 200, json.dumps(body)

    def _is_there(self, symbol: str, open_ms: int) -> bool:
        now_ms = self.now_ms()
        return open_ms + HOUR_MS > now_ms or self.troubles.there_ms(symbol, open_ms) <= now_ms

    def _fail(self, how: str) -> tuple[int, str]:
        if how == "refused":
            return 400, json.dumps({"code": -1121, "msg": "Invalid symbol."})
        if how == "broken":
            return 500, "<html>"
        if how == "silent":
            self.clock.advance_ms(TIMEOUT_MS)
            raise requests.exceptions.ReadTimeout("read timed out")
        raise requests.exceptions.ConnectionError("connection reset")

    def adapter(self) -> type[ReadOnlyAdapter]:
        """Give what the client of ccxt sends its requests by instead of a network."""
        exchange = self

        class InProcess(ReadOnlyAdapter):
            def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
                refuse_signed(request)
                url = urlsplit(request.url or "")
                status, body = exchange.answer(request.method or "", url.path, dict(parse_qsl(url.query)))
                return _response(request, status, body)

        return InProcess


def _response(request: PreparedRequest, status: int, body: str) -> Response:
    response = Response()
    response.status_code, response.request, response.url = status, request, request.url or ""
    response.reason, response.encoding = str(status), "utf-8"
    response.headers["Content-Type"] = "application/json"
    response._content = body.encode()
    return response
