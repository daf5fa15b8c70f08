"""A market on the local server that speaks Binance's endpoints, and the clock it is patient by."""

import numpy as np

from shared.clock import ManualClock
from shared.settings import MarketSettings
from tests.exchange.server import Server
from tests.market.fakes import HOUR_MS, START_MS, MemoryStore
from worker.market.exchange import CcxtMarket
from worker.strategies.bars import Bars, make_bars

NOW_MS = START_MS + 100 * HOUR_MS + 2_000
SYMBOLS = ("BTC/USDT", "ETH/USDT")
# A busy machine takes long over a thousand candles: only the tests of silence do without patience.
PATIENT = {"timeout_seconds": 30.0}
IMPATIENT = {"timeout_seconds": 0.5}


class PatientClock(ManualClock):
    """A manual clock that remembers how long it was slept on."""

    def __init__(self, now_ms: int) -> None:
        super().__init__(now_ms)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        super().sleep(seconds)


def options(server: Server, **changes: object) -> MarketSettings:
    return MarketSettings.model_validate({"kind": "ccxt", "endpoint": server.url, **PATIENT, **changes})


def market(
    server: Server, clock: PatientClock, store: MemoryStore | None = None, step_ms: int = HOUR_MS, **changes: object
):
    made = CcxtMarket(SYMBOLS, step_ms, options(server, **changes), clock, store or MemoryStore())
    made.begin(None)
    return made


def expected(server: Server, symbol: str, start_ms: int, count: int, step_ms: int = HOUR_MS) -> Bars:
    candles = [server.exchange.candle(symbol, start_ms + row * step_ms, step_ms) for row in range(count)]
    return make_bars(start_ms + step_ms * np.arange(count), *np.array(candles, float).T)
