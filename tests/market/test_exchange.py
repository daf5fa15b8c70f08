"""The market of a real exchange: the unmodified ccxt client against a local server speaking Binance's endpoints."""

from typing import Any

import ccxt
import numpy as np
import pytest

from shared.errors import ConfigurationError, MarketError
from shared.settings import MarketSettings, load_settings
from tests.exchange.server import Server
from tests.market.exchanges import NOW_MS, SYMBOLS, PatientClock, expected, market, options
from tests.market.fakes import HOUR_MS, MINUTE_MS, START_MS, MemoryStore, same_bars
from worker.exchange.client import make_client
from worker.market.exchange import CcxtMarket
from worker.market.exchange_rows import market_limits
from worker.market.protocol import Limits


def test_closed_candles_come_without_the_forming_one(server: Server, clock: PatientClock) -> None:
    bars = market(server, clock).fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS + 5 * HOUR_MS)
    assert same_bars(bars, expected(server, "BTCUSDT", START_MS + 90 * HOUR_MS, 10))


def test_a_bar_is_closed_by_the_clock_of_the_exchange_not_by_ours(server: Server, clock: PatientClock) -> None:
    # This machine is 3 s ahead: for the exchange the bar of hour 99 is still forming.
    server.exchange.clock = lambda: clock.now_ms() - 3_000
    ahead = market(server, clock)
    assert ahead.now_ms() == NOW_MS - 3_000
    assert ahead.fetch_bars("BTC/USDT", START_MS + 98 * HOUR_MS, NOW_MS).open_ms.tolist() == [START_MS + 98 * HOUR_MS]
    assert ahead.seconds_until(START_MS + 100 * HOUR_MS) == 1.0


def test_long_histories_are_paged(server: Server, clock: PatientClock) -> None:
    paged = market(server, clock, step_ms=MINUTE_MS)
    bars = paged.fetch_bars("ETH/USDT", NOW_MS // MINUTE_MS * MINUTE_MS - 2_500 * MINUTE_MS, NOW_MS)
    assert len(bars) == 2_500 and (np.diff(bars.open_ms) == MINUTE_MS).all()
    assert len(server.asked("/klines")) == 3
    assert same_bars(bars[-50:], expected(server, "ETHUSDT", int(bars.open_ms[-50]), 50, MINUTE_MS))


def test_a_restart_fetches_only_what_is_missing(server: Server, clock: PatientClock) -> None:
    store = MemoryStore()
    market(server, clock, store).fetch_bars("BTC/USDT", START_MS, NOW_MS)
    server.log.clear()
    clock.advance_ms(2 * HOUR_MS)
    restarted = market(server, clock, store)
    bars = restarted.fetch_bars("BTC/USDT", START_MS, clock.now_ms())
    (asked,) = server.asked("/klines")
    assert len(bars) == 102 and int(asked["startTime"]) == START_MS + 100 * HOUR_MS and int(asked["limit"]) == 3
    assert same_bars(bars, restarted.fetch_bars("BTC/USDT", START_MS, clock.now_ms()))
    assert len(server.asked("/klines")) == 1 and store.saves == [("BTC/USDT", 100), ("BTC/USDT", 2)]


def test_the_first_price_of_the_running_bar_is_known_without_another_request(
    server: Server, clock: PatientClock
) -> None:
    running = market(server, clock)
    for symbol in SYMBOLS:
        running.fetch_bars(symbol, START_MS + 99 * HOUR_MS, NOW_MS)
    requests_before = len(server.log)
    opens = running.fetch_opens(START_MS + 100 * HOUR_MS)
    assert opens == {
        symbol: float(server.exchange.price(symbol.replace("/", ""), START_MS + 100 * HOUR_MS)) for symbol in SYMBOLS
    }
    assert len(server.log) == requests_before
    assert running.fetch_opens(START_MS + 101 * HOUR_MS) == {}
    fresh = market(server, clock)
    assert fresh.fetch_opens(START_MS + 100 * HOUR_MS) == opens
    clock.advance_ms(HOUR_MS)
    assert fresh.fetch_opens(START_MS + 100 * HOUR_MS) == opens, "a bar that has closed since has the same first price"


def test_a_symbol_the_exchange_fails_for_has_no_first_price_and_the_others_do(
    server: Server, clock: PatientClock
) -> None:
    failing = market(server, clock)
    server.faults.add("status", "*/klines", times=3, code=500)
    assert set(failing.fetch_opens(START_MS + 100 * HOUR_MS)) == {"ETH/USDT"}


def test_a_fresh_fleet_begins_with_the_bar_that_is_open_now(server: Server, clock: PatientClock) -> None:
    fresh = market(server, clock)
    assert fresh.first_open_ms() == START_MS + 100 * HOUR_MS
    assert fresh.label == f"binance spot prices at {server.url}"
    assert fresh.seconds_until(NOW_MS + 1_500) == 1.5
    assert fresh.seconds_until(NOW_MS - 90_000) == -90.0, "how long ago, so that a bar that is late can be told"


def test_limits_are_those_of_the_listing(server: Server, clock: PatientClock) -> None:
    assert market(server, clock).limits("BTC/USDT") == Limits(1e-5, 1e-5, 5.0)
    assert market(server, clock).limits("ETH/USDT").quantity_step == 1e-4


@pytest.mark.parametrize(
    ("listing", "mode", "limits"),
    [
        ({"precision": {"amount": 3}}, ccxt.DECIMAL_PLACES, Limits(0.001)),
        ({"precision": {"amount": 0}}, ccxt.DECIMAL_PLACES, Limits(1.0)),
        ({"precision": {"amount": 5}}, ccxt.SIGNIFICANT_DIGITS, Limits()),
        ({"precision": {"amount": 1}, "contract": True, "contractSize": 0.1}, ccxt.TICK_SIZE, Limits(0.1)),
        ({"precision": {"amount": 0.1}, "contract": True, "contractSize": 0.1}, ccxt.TICK_SIZE, Limits(0.01)),
        (
            {"precision": {}, "limits": {"amount": {"min": 2}, "cost": {"min": 10}}},
            ccxt.TICK_SIZE,
            Limits(None, 2.0, 10.0),
        ),
        ({"precision": {"amount": None}, "limits": {"amount": {"min": None}}}, ccxt.TICK_SIZE, Limits()),
    ],
)
def test_limits_are_in_base_units_whatever_way_the_exchange_says_them(listing: Any, mode: int, limits: Limits) -> None:
    assert market_limits(listing, mode) == limits


def test_what_was_before_a_listing_is_left_out(server: Server, clock: PatientClock) -> None:
    server.exchange.listings[0].listed_since_ms = START_MS + 60 * HOUR_MS
    bars = market(server, clock).fetch_bars("BTC/USDT", START_MS, NOW_MS)
    assert len(bars) == 40 and bars.open_ms[0] == START_MS + 60 * HOUR_MS


def test_perpetuals_come_with_funding_and_by_their_short_names(server: Server, clock: PatientClock) -> None:
    perpetual = market(server, clock, exchange_type="swap")
    assert len(perpetual.fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS)) == 10
    assert all(path.startswith("/fapi/") for _, path, _ in server.log)
    times, rates = perpetual.fetch_funding("BTC/USDT", START_MS + 8 * HOUR_MS, START_MS + 32 * HOUR_MS)
    assert ((times - START_MS) / HOUR_MS).tolist() == [16, 24, 32]
    truth = dict(server.exchange.funding("BTCUSDT", START_MS, None, 100))
    assert rates.tolist() == [float(truth[time_ms + 7]) for time_ms in times.tolist()]
    long_ms = START_MS - 250 * 8 * HOUR_MS
    assert len(perpetual.fetch_funding("BTC/USDT", long_ms, NOW_MS)[0]) == 250 + 12, "paged by 100"


def test_broken_funding_is_never_taken(server: Server, clock: PatientClock) -> None:
    perpetual = market(server, clock, exchange_type="swap")
    for action in ("html", "empty", "malformed"):
        server.faults.add(action, "*/fundingRate", times=3)
        with pytest.raises(MarketError, match="funding of BTC/USDT"):
            perpetual.fetch_funding("BTC/USDT", START_MS, NOW_MS)
        server.faults.clear()


def test_spot_has_no_funding(server: Server, clock: PatientClock) -> None:
    asked = market(server, clock)
    requests_before = len(server.log)
    assert [len(column) for column in asked.fetch_funding("BTC/USDT", START_MS, NOW_MS)] == [0, 0]
    assert len(server.log) == requests_before


def test_what_a_person_must_change_is_said_at_the_start(server: Server, clock: PatientClock) -> None:
    store = MemoryStore()
    with pytest.raises(
        ConfigurationError, match="market.exchange must be one ccxt knows, was 'binanse', near are binance"
    ):
        CcxtMarket(SYMBOLS, HOUR_MS, options(server, exchange="binanse"), clock, store)
    with pytest.raises(
        ConfigurationError, match="among the 3 spot markets of binance, was 'BTC/USDC', near are BTC/USDT"
    ):
        CcxtMarket(("BTC/USDC",), HOUR_MS, options(server), clock, store)
    with pytest.raises(
        ConfigurationError, match=r"portfolio.timeframe must be one binance offers \(1s, 1m, .*\), was '10m'"
    ):
        CcxtMarket(SYMBOLS, 10 * MINUTE_MS, options(server), clock, store)


@pytest.mark.parametrize(
    "endpoint", ["http://192.168.1.5:80", "https://api.binance.com", "127.0.0.1:8080", "ftp://127.0.0.1"]
)
def test_an_endpoint_that_is_not_this_machine_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="market.endpoint must be on this machine"):
        load_settings(None, {}, ["market.kind=ccxt", f"market.endpoint={endpoint}"])
    unchecked = MarketSettings(kind="ccxt").model_copy(update={"endpoint": endpoint})
    with pytest.raises(ConfigurationError, match="market.endpoint must be on this machine"):
        make_client(unchecked)


def test_an_exchange_that_cannot_be_reached_is_no_mistake_in_the_settings(clock: PatientClock) -> None:
    closed = MarketSettings(kind="ccxt", endpoint="http://127.0.0.1:9", timeout_seconds=0.5)
    with pytest.raises(MarketError, match="binance list of spot markets could not be read") as failure:
        CcxtMarket(SYMBOLS, HOUR_MS, closed, clock, MemoryStore())
    assert not isinstance(failure.value, ConfigurationError)


def test_an_exchange_without_a_clock_to_read_is_taken_at_our_time(server: Server, clock: PatientClock) -> None:
    server.faults.add("status", "*/time", times=3, code=500)
    assert market(server, clock).now_ms() == clock.now_ms()


def test_the_finest_bars_are_the_minutes_of_the_exchange_and_are_not_kept(server: Server, clock: PatientClock) -> None:
    store, hour_ms = MemoryStore(), START_MS + 98 * HOUR_MS
    hourly = market(server, clock, store)
    bars, timeframe_ms = hourly.fetch_finest("BTC/USDT", hour_ms, hour_ms + HOUR_MS)
    assert timeframe_ms == MINUTE_MS and store.saves == []
    assert same_bars(bars, expected(server, "BTCUSDT", hour_ms, 60, MINUTE_MS))
    (asked,) = server.asked("/klines")
    assert (asked["interval"], int(asked["startTime"])) == ("1m", hour_ms)
    minutes = market(server, clock, step_ms=MINUTE_MS)
    assert minutes.fetch_finest("BTC/USDT", hour_ms, hour_ms + MINUTE_MS).timeframe_ms == MINUTE_MS
