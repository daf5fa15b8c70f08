"""The market of a real exchange: the unmodified ccxt client against a local server speaking Binance's endpoints."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import ccxt
import numpy as np
import pytest
import requests

from shared.clock import ManualClock
from shared.errors import ConfigurationError, MarketError
from shared.settings import MarketSettings
from tests.exchange.engine import Exchange, Row
from tests.exchange.server import Server
from tests.market.fakes import HOUR_MS, MINUTE_MS, START_MS, MemoryStore, same_bars, wavy_bars
from worker.market.exchange import CcxtMarket
from worker.market.exchange_client import make_client, refuse_signed
from worker.market.exchange_rows import InvalidAnswer, candle_rows, market_limits
from worker.market.gaps import joined_ranges, merged, missing_ranges
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


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock(NOW_MS)


@pytest.fixture
def server(clock: PatientClock) -> Iterator[Server]:
    with Server(Exchange(clock.now_ms)) as running:
        yield running


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
    assert fresh.seconds_until(NOW_MS + 1_500) == 1.5 and fresh.seconds_until(0) == 0.0


def test_limits_are_those_of_the_listing(server: Server, clock: PatientClock) -> None:
    assert market(server, clock).limits("BTC/USDT") == (1e-5, 1e-5, 5.0)
    assert market(server, clock).limits("ETH/USDT").quantity_step == 1e-4


@pytest.mark.parametrize(
    ("listing", "mode", "limits"),
    [
        ({"precision": {"amount": 3}}, ccxt.DECIMAL_PLACES, (0.001, 0.001, 5.0)),
        ({"precision": {"amount": 5}}, ccxt.SIGNIFICANT_DIGITS, (1e-8, 1e-8, 5.0)),
        ({"precision": {"amount": 1}, "contract": True, "contractSize": 0.01}, ccxt.TICK_SIZE, (0.01, 0.01, 5.0)),
        ({"precision": {}, "limits": {"amount": {"min": 2}, "cost": {"min": 10}}}, ccxt.TICK_SIZE, (1e-8, 2.0, 10.0)),
        ({"precision": {"amount": None}, "limits": {"amount": {"min": None}}}, ccxt.TICK_SIZE, (1e-8, 1e-8, 5.0)),
    ],
)
def test_limits_are_in_base_units_whatever_way_the_exchange_says_them(listing: Any, mode: int, limits: Any) -> None:
    assert market_limits(listing, mode) == pytest.approx(limits)


READ_FAULTS: dict[str, dict[str, Any]] = {
    "reset": {"action": "reset"},
    "server error": {"action": "status", "code": 500},
    "bad gateway": {"action": "status", "code": 502},
    "forbidden page": {"action": "status", "code": 403},
    "too many requests": {"action": "status", "code": 429, "body": "{}", "headers": {"Retry-After": "2"}},
    "broken JSON": {"action": "malformed"},
    "empty body": {"action": "empty"},
    "null": {"action": "null"},
    "page instead of JSON": {"action": "html"},
    "body cut short": {"action": "short"},
    "silence": {"action": "hang", "s": 1.0},
}


def patience(kind: str) -> dict[str, float]:
    return IMPATIENT if kind == "silence" else PATIENT


READS = [(kind, "klines") for kind in READ_FAULTS]
# What the listing adds: ccxt takes a body it cannot read for an exchange without markets.
READS += [(kind, "exchangeInfo") for kind in ("broken JSON", "empty body", "null", "page instead of JSON", "reset")]


@pytest.mark.parametrize(("kind", "path"), READS)
def test_two_failures_in_a_row_are_survived(server: Server, clock: PatientClock, kind: str, path: str) -> None:
    server.faults.add(path=f"*/{path}", times=2, **READ_FAULTS[kind])
    bars = market(server, clock, **patience(kind)).fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS)
    assert same_bars(bars, expected(server, "BTCUSDT", START_MS + 90 * HOUR_MS, 10))
    assert len(server.faults.fired) == 2 and len(clock.slept) == 2


@pytest.mark.parametrize("kind", READ_FAULTS)
def test_a_failure_that_lasts_is_one_sentence_and_keeps_nothing_wrong(
    server: Server, clock: PatientClock, kind: str
) -> None:
    store = MemoryStore()
    broken = market(server, clock, store, **patience(kind))
    server.faults.add(path="*/klines", times=4, **READ_FAULTS[kind])
    for _ in range(2):
        with pytest.raises(MarketError, match=r"^binance candles of BTC/USDT (could not be read|must be valid)"):
            broken.fetch_bars("BTC/USDT", START_MS + 99 * HOUR_MS, NOW_MS)
    assert len(server.asked("/klines")) == 4, "three attempts, then one while it keeps failing"
    assert store.kept == {}
    assert len(broken.fetch_bars("BTC/USDT", START_MS + 99 * HOUR_MS, NOW_MS)) == 1


def test_slow_answers_are_waited_for(server: Server, clock: PatientClock) -> None:
    slow = market(server, clock)
    server.faults.add("drip", "*/klines", s=0.05, parts=4)
    server.faults.add("delay", "*/klines", s=0.2)
    for first in (98, 99):
        assert len(slow.fetch_bars("BTC/USDT", START_MS + first * HOUR_MS, START_MS + (first + 1) * HOUR_MS)) == 1
    assert len(server.faults.fired) == 2 and clock.slept == []


def test_retry_after_is_obeyed(server: Server, clock: PatientClock) -> None:
    limited = market(server, clock)
    server.faults.add("status", "*/klines", code=429, body="{}", headers={"Retry-After": "7"})
    assert len(limited.fetch_bars("BTC/USDT", START_MS + 99 * HOUR_MS, NOW_MS)) == 1
    assert clock.slept == [7.0]


def test_a_ban_ends_all_reads_until_it_is_over(server: Server, clock: PatientClock) -> None:
    banned = market(server, clock)
    server.faults.add("status", "*/klines", code=418, body="{}", headers={"Retry-After": "120"})
    for _ in range(3):
        with pytest.raises(MarketError):
            banned.fetch_bars("BTC/USDT", START_MS + 99 * HOUR_MS, NOW_MS)
    assert len(server.asked("/klines")) == 1, "asking on makes a ban longer"
    with pytest.raises(MarketError, match="wants silence for 120 s more"):
        banned.fetch_bars("ETH/USDT", START_MS + 99 * HOUR_MS, NOW_MS)
    clock.advance_ms(121_000)
    assert len(banned.fetch_bars("BTC/USDT", START_MS + 99 * HOUR_MS, NOW_MS)) == 1


def test_a_market_that_is_delisted_meanwhile_is_not_asked_for_again_and_again(
    server: Server, clock: PatientClock
) -> None:
    delisted = market(server, clock)
    server.exchange.listings[0].listed = False
    with pytest.raises(MarketError, match="BadSymbol"):
        delisted.fetch_bars("BTC/USDT", START_MS + 99 * HOUR_MS, NOW_MS)
    assert len(server.asked("/klines")) == 1


def hooked_once(change: Callable[[list[Row]], list[Row]], times: int = 1) -> Callable[[list[Row]], list[Row]]:
    left = [times]

    def hook(rows: list[Row]) -> list[Row]:
        left[0] -= 1
        return change(rows) if left[0] >= 0 else rows

    return hook


def with_cell(rows: list[Row], row: int, column: int, value: object) -> list[Row]:
    changed = [list(cells) for cells in rows]
    changed[row][column] = value
    return changed


CANDLE_FAULTS: dict[str, Callable[[list[Row]], list[Row]]] = {
    "missing rows": lambda rows: rows[:3] + rows[5:],
    "stale feed": lambda rows: rows[:-5],
    "no rows": lambda rows: [],
    "duplicated rows": lambda rows: [row for row in rows for _ in (1, 2)],
    "reversed rows": lambda rows: rows[::-1],
    "two different candles at one time": lambda rows: [*rows[:4], with_cell(rows, 3, 5, "999")[3], *rows[4:]],
    "off the grid": lambda rows: [[int(str(row[0])) + 1, *row[1:]] for row in rows],
    "negative price": lambda rows: with_cell(rows, 2, 3, "-1"),
    "low above high": lambda rows: with_cell(rows, 2, 3, "99999999"),
    "not a number": lambda rows: with_cell(rows, 2, 4, "NaN"),
    "no volume": lambda rows: with_cell(rows, 2, 5, "junk"),
}


@pytest.mark.parametrize("kind", CANDLE_FAULTS)
def test_wrong_candles_are_never_taken_and_right_ones_asked_for_again(
    server: Server, clock: PatientClock, kind: str
) -> None:
    store = MemoryStore()
    repaired = market(server, clock, store)
    server.exchange.candle_hook = hooked_once(CANDLE_FAULTS[kind])
    bars = repaired.fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS)
    truth = expected(server, "BTCUSDT", START_MS + 90 * HOUR_MS, 10)
    assert same_bars(bars, truth) and same_bars(store.kept["BTC/USDT", HOUR_MS], truth)


def test_a_candle_that_stays_impossible_is_missing_and_does_not_hide_the_others(
    server: Server, clock: PatientClock, caplog: pytest.LogCaptureFixture
) -> None:
    def spoil(rows: list[Row]) -> list[Row]:
        return [[*row[:3], "-1", *row[4:]] if row[0] == START_MS + 93 * HOUR_MS else row for row in rows]

    spoilt = market(server, clock)
    server.exchange.candle_hook = spoil
    with caplog.at_level(logging.WARNING):
        bars = spoilt.fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS)
    assert ((bars.open_ms - START_MS) // HOUR_MS).tolist() == [90, 91, 92, 94, 95, 96, 97, 98, 99]
    assert "low must be a positive number, was -1.0" in caplog.text


def test_a_gap_is_asked_for_twice_more_then_left_out_and_not_asked_for_at_every_bar(
    server: Server, clock: PatientClock
) -> None:
    store = MemoryStore()
    gapped = market(server, clock, store)
    server.exchange.candle_hook = lambda rows: [row for row in rows if row[0] != START_MS + 95 * HOUR_MS]
    bars = gapped.fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS)
    assert len(bars) == 9 and clock.slept == [1.0, 2.0]
    asked = len(server.asked("/klines"))
    assert len(gapped.fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS)) == 9
    assert len(server.asked("/klines")) == asked
    server.exchange.candle_hook = None
    clock.advance_ms(HOUR_MS + 5_000)
    bars = gapped.fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, START_MS + 100 * HOUR_MS)
    assert len(bars) == 10, "history repaired later is taken"


def test_a_newest_bar_that_is_late_is_asked_for_at_every_wake(server: Server, clock: PatientClock) -> None:
    stale = market(server, clock)
    server.exchange.candle_hook = lambda rows: [row for row in rows if int(str(row[0])) < START_MS + 99 * HOUR_MS]
    for _ in range(2):
        asked = len(server.asked("/klines"))
        assert len(stale.fetch_bars("BTC/USDT", START_MS + 98 * HOUR_MS, NOW_MS)) == 1
        assert len(server.asked("/klines")) > asked
    server.exchange.candle_hook = None
    assert len(stale.fetch_bars("BTC/USDT", START_MS + 98 * HOUR_MS, NOW_MS)) == 2


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
        make_client(MarketSettings(kind="ccxt", endpoint=endpoint))


def test_an_exchange_that_cannot_be_reached_is_no_mistake_in_the_settings(clock: PatientClock) -> None:
    closed = MarketSettings(kind="ccxt", endpoint="http://127.0.0.1:9", timeout_seconds=0.5)
    with pytest.raises(MarketError, match="binance list of spot markets could not be read") as failure:
        CcxtMarket(SYMBOLS, HOUR_MS, closed, clock, MemoryStore())
    assert not isinstance(failure.value, ConfigurationError)


def test_an_exchange_without_a_clock_to_read_is_taken_at_our_time(server: Server, clock: PatientClock) -> None:
    server.faults.add("status", "*/time", times=3, code=500)
    assert market(server, clock).now_ms() == clock.now_ms()


def test_nothing_signed_leaves_the_machine(server: Server) -> None:
    client = make_client(options(server))
    client.load_markets()
    client.apiKey, client.secret = "key", "secret"
    for call in (client.fetch_balance, lambda: client.create_order("BTC/USDT", "market", "buy", 1.0)):
        before = len(server.log)
        with pytest.raises(MarketError, match="must be public in paper trading"):
            call()
        assert len(server.log) == before


@pytest.mark.parametrize(
    "request_of",
    [
        {"headers": {"X-MBX-APIKEY": "k"}},
        {"headers": {"OK-ACCESS-SIGN": "s"}},
        {"params": {"signature": "s"}},
        {"data": "symbol=BTCUSDT&signature=s", "method": "POST"},
        {"json": {"action": {}, "signature": {"r": "0x"}}, "method": "POST"},
    ],
)
def test_every_way_to_sign_is_recognised(request_of: dict[str, Any]) -> None:
    signed = requests.Request(**{"method": "GET", "url": "https://example.org/order", **request_of}).prepare()
    with pytest.raises(MarketError, match="/order was signed"):
        refuse_signed(signed)


def test_public_requests_are_not_taken_for_signed_ones() -> None:
    public = {"symbol": "SIGN/USDT", "type": "candleSnapshot"}
    refuse_signed(
        requests.Request("POST", "https://example.org/info", json=public, headers={"User-Agent": "x"}).prepare()
    )
    refuse_signed(requests.Request("GET", "https://example.org/klines", params=public).prepare())


@pytest.mark.parametrize(
    "rows", [None, {}, [None], [[1, 2]], [[9, None, None, None, None, None]], "text", [[START_MS, "a"] * 3]]
)
def test_answers_of_the_wrong_shape_are_invalid(rows: Any) -> None:
    with pytest.raises(InvalidAnswer):
        candle_rows(rows, HOUR_MS)


def test_ranges_without_bars_are_found_and_joined_for_fewer_requests() -> None:
    bars = wavy_bars(10, HOUR_MS)[np.array([1, 2, 5, 9])]
    ranges = missing_ranges(bars, START_MS - 1, START_MS + 10 * HOUR_MS, HOUR_MS)
    hours = [((first - START_MS) // HOUR_MS, (end - START_MS) // HOUR_MS) for first, end in ranges]
    assert hours == [(0, 1), (3, 5), (6, 9)]
    assert joined_ranges(ranges, 4 * HOUR_MS) == [ranges[0], ranges[1], ranges[2]]
    assert joined_ranges(ranges, 6 * HOUR_MS) == [(ranges[0][0], ranges[1][1]), ranges[2]]
    assert joined_ranges(ranges, 9 * HOUR_MS) == [(ranges[0][0], ranges[2][1])]
    assert same_bars(merged(bars[:2], bars[1:]), bars)
