"""How long reads that fail may take together, and what an exchange refuses for good."""

import ccxt
import pytest

from shared.errors import ConfigurationError, MarketError, MarketRefusal, NotAsked
from shared.settings import MarketSettings
from tests.exchange.server import Server
from tests.market.exchanges import NOW_MS, PatientClock, market, options
from tests.market.fakes import HOUR_MS, START_MS, MemoryStore
from worker.exchange.reader import ExchangeReader
from worker.market.exchange import CcxtMarket
from worker.market.protocol import Limits

SYMBOLS = 48
TIMEOUT_SECONDS = 10.0


class Hanging:
    """Answers nothing within the timeout, or, once `is_back`, at once."""

    def __init__(self, clock: PatientClock) -> None:
        self.clock = clock
        self.is_back = False
        self.asked = 0

    def __call__(self) -> list[int]:
        self.asked += 1
        if not self.is_back:
            self.clock.advance_ms(round(1000 * TIMEOUT_SECONDS))
            raise ccxt.RequestTimeout("read timed out")
        return [1]


def reader_of(clock: PatientClock) -> ExchangeReader:
    reader = ExchangeReader(MarketSettings(kind="ccxt"), clock)
    reader.client.last_http_response = "[1]"
    return reader


def read_all(reader: ExchangeReader, hanging: Hanging) -> list[type[Exception] | None]:
    """Read once for each symbol; give what each ended with."""
    ends: list[type[Exception] | None] = []
    for symbol in range(SYMBOLS):
        try:
            reader.read(f"candles of {symbol}", hanging, list)
            ends.append(None)
        except MarketError as error:
            ends.append(type(error))
    return ends


def test_an_exchange_that_hangs_takes_seconds_and_not_its_timeout_for_every_symbol(clock: PatientClock) -> None:
    reader, hanging = reader_of(clock), Hanging(clock)
    for tries in (1, 2):
        began_ms = clock.monotonic_ms()
        ends = read_all(reader, hanging)
        assert NotAsked not in ends[:2] and None not in ends[:2]
        assert ends[2:] == [NotAsked] * (SYMBOLS - 2)
        assert hanging.asked == 2 * tries, "a read that took its timeout is not tried once more"
        assert clock.monotonic_ms() - began_ms == 20_000
        clock.sleep(1.0)
    hanging.is_back = True
    assert read_all(reader, hanging) == [None] * SYMBOLS


def test_a_refusal_is_told_from_a_failure_and_costs_the_others_nothing(server: Server, clock: PatientClock) -> None:
    asked = market(server, clock)
    server.exchange.listings[0].listed = False
    with pytest.raises(MarketRefusal, match="BadSymbol"):
        asked.fetch_bars("BTC/USDT", START_MS + 99 * HOUR_MS, NOW_MS)
    server.faults.add("status", "*/klines", times=2, code=500)
    assert len(asked.fetch_bars("ETH/USDT", START_MS + 99 * HOUR_MS, NOW_MS)) == 1, "three attempts, as before"


def test_what_is_refused_because_of_who_asks_is_no_refusal_of_a_symbol(clock: PatientClock) -> None:
    def refuse() -> None:
        raise ccxt.PermissionDenied("not from here")

    with pytest.raises(MarketError) as failure:
        reader_of(clock).read("candles", refuse, list)
    assert not isinstance(failure.value, MarketRefusal)


def test_a_symbol_with_bots_in_the_books_need_not_be_listed_any_more(server: Server, clock: PatientClock) -> None:
    store = MemoryStore()
    market(server, clock, store).fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS)
    server.exchange.listings[0].listed = False
    symbols = ("BTC/USDT", "ETH/USDT")
    with pytest.raises(ConfigurationError, match="was 'BTC/USDT'"):
        CcxtMarket(symbols, HOUR_MS, options(server), clock, store)
    asks = len(server.asked("/klines"))
    without = CcxtMarket(symbols, HOUR_MS, options(server), clock, store, ("BTC/USDT",))
    assert without.ended("BTC/USDT", NOW_MS) == "binance does not list it among its spot markets"
    assert without.ended("ETH/USDT", NOW_MS) == ""
    assert without.limits("BTC/USDT") == Limits()
    assert len(without.fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS)) == 10, "what was kept"
    assert len(server.asked("/klines")) == asks
    assert set(without.fetch_opens(START_MS + 100 * HOUR_MS)) == {"ETH/USDT"}
