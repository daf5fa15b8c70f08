"""The simulated market as the worker sees it: windows, pace, restarts."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clock import ManualClock
from shared.errors import ConfigurationError
from shared.settings import MarketSettings
from tests.market.fakes import DAY_MS, HOUR_MS, MINUTE_MS, START_MS, same_bars
from worker.market.protocol import Limits
from worker.market.simulated import SimulatedMarket

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
FIRST_MS = START_MS + 365 * DAY_MS


def market(
    clock: ManualClock | None = None, step_ms: int = HOUR_MS, symbols: tuple[str, ...] = SYMBOLS, **options: object
):
    chosen = MarketSettings.model_validate({"history_days": 30, "bar_seconds": 5.0, **options})
    return SimulatedMarket(symbols, step_ms, chosen, clock or ManualClock(1_000_000))


@settings(max_examples=40, deadline=None)
@given(first=st.integers(-500, 719), count=st.integers(0, 300), alone=st.booleans())
def test_any_window_is_the_slice_of_a_larger_one(first: int, count: int, alone: bool) -> None:
    asked = market(symbols=("ETH/USDT",)) if alone else WHOLE
    window = asked.fetch_bars("ETH/USDT", FIRST_MS + first * HOUR_MS, FIRST_MS + (first + count) * HOUR_MS)
    larger = WHOLE.fetch_bars("ETH/USDT", FIRST_MS - 600 * HOUR_MS, FIRST_MS + 2000 * HOUR_MS)
    assert same_bars(window, larger.between(FIRST_MS + first * HOUR_MS, FIRST_MS + (first + count) * HOUR_MS))
    assert len(window) == min(count, 720 - first)


WHOLE = market()


def test_the_history_is_closed_at_once_and_then_a_bar_passes_every_bar_seconds() -> None:
    clock = ManualClock(5_000)
    fresh = market(clock)
    fresh.begin(None)
    history_end_ms = FIRST_MS + 30 * DAY_MS
    assert (fresh.first_open_ms(), fresh.now_ms()) == (FIRST_MS, history_end_ms)
    assert fresh.seconds_until(history_end_ms + HOUR_MS) == 5.0
    clock.advance_ms(4_999)
    assert len(fresh.fetch_bars("BTC/USDT", history_end_ms, history_end_ms + DAY_MS)) == 0
    clock.advance_ms(1)
    assert fresh.fetch_bars("BTC/USDT", history_end_ms, history_end_ms + DAY_MS).open_ms.tolist() == [history_end_ms]
    assert fresh.seconds_until(history_end_ms) == -5.0


def test_a_wall_clock_that_is_set_moves_no_simulated_market() -> None:
    clock = ManualClock(10 * DAY_MS)
    fresh = market(clock)
    fresh.begin(None)
    clock.advance_ms(7_000)
    now_ms = fresh.now_ms()
    for wall_ms in (9 * DAY_MS, 11 * DAY_MS):
        clock.set_wall_ms(wall_ms)
        assert fresh.now_ms() == now_ms
    clock.advance_ms(5_000)
    assert fresh.now_ms() == now_ms + HOUR_MS


def test_a_restart_goes_on_where_the_books_end_however_long_it_was_down() -> None:
    clock = ManualClock(0)
    before = market(clock)
    before.begin(None)
    clock.advance_ms(50_000)
    books_end_ms = before.now_ms()
    seen = before.fetch_bars("SOL/USDT", FIRST_MS, books_end_ms)
    clock.advance_ms(7 * DAY_MS)
    after = market(clock)
    after.begin(books_end_ms)
    assert after.now_ms() == books_end_ms == FIRST_MS + 730 * HOUR_MS
    assert same_bars(seen, after.fetch_bars("SOL/USDT", FIRST_MS, books_end_ms))


def test_a_history_cut_short_by_a_crash_is_still_closed_at_once() -> None:
    crashed = market()
    crashed.begin(FIRST_MS + 3 * DAY_MS)
    assert crashed.now_ms() == FIRST_MS + 30 * DAY_MS


def test_without_a_pace_nobody_waits() -> None:
    unlimited = market(bar_seconds=0.0)
    books_end_ms = FIRST_MS + 40 * DAY_MS
    unlimited.begin(books_end_ms)
    for _ in range(5):
        assert unlimited.seconds_until(books_end_ms + HOUR_MS) == 0.0
        assert unlimited.now_ms() >= books_end_ms + HOUR_MS
        assert len(unlimited.fetch_bars("BTC/USDT", books_end_ms, books_end_ms + HOUR_MS)) == 1
        books_end_ms += HOUR_MS
    assert unlimited.now_ms() == books_end_ms, "reading must not move time, or symbols would see different windows"


def test_a_wake_after_seconds_until_always_finds_the_bar_closed() -> None:
    for bar_seconds in (0.007, 0.333, 1.7, 5.0):
        clock = ManualClock(123)
        paced = market(clock, bar_seconds=bar_seconds)
        paced.begin(None)
        for _ in range(50):
            close_ms = paced.now_ms() // HOUR_MS * HOUR_MS + HOUR_MS
            clock.sleep(paced.seconds_until(close_ms))
            assert paced.now_ms() >= close_ms


def test_the_open_of_the_running_bar_is_the_last_close_and_the_later_open() -> None:
    clock = ManualClock(0)
    running = market(clock)
    running.begin(None)
    open_ms = running.now_ms()
    opens = running.fetch_opens(open_ms)
    assert running.fetch_opens(open_ms + HOUR_MS) == {}
    clock.advance_ms(5_000)
    for symbol in SYMBOLS:
        bars = running.fetch_bars(symbol, open_ms - HOUR_MS, open_ms + HOUR_MS)
        assert opens[symbol] == bars.close[0] == bars.open[1]


def test_a_symbol_the_market_was_not_made_for_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="symbol must be among BTC/USDT, ETH/USDT, SOL/USDT, was 'XRP/USDT'"):
        market().fetch_bars("XRP/USDT", FIRST_MS, FIRST_MS + HOUR_MS)


def test_it_says_that_it_is_simulated() -> None:
    assert market(seed=9).label == "simulated market, seed 9"
    assert market().limits("BTC/USDT") == Limits(price=65_000.0)
    assert [len(column) for column in market().fetch_funding("BTC/USDT", 0, FIRST_MS)] == [0, 0]


def test_a_year_of_minutes_of_three_symbols_and_the_latest_bar_come_fast() -> None:
    year = market(step_ms=MINUTE_MS, history_days=365)
    began = time.perf_counter()
    rows = [len(year.fetch_bars(symbol, FIRST_MS, FIRST_MS + 365 * DAY_MS)) for symbol in SYMBOLS]
    took = time.perf_counter() - began
    assert rows == [525_600] * 3 and took < 4.0, f"took {took:.2f} s"
    restarted = market(history_days=3650)
    restarted.begin(None)
    began = time.perf_counter()
    assert len(restarted.fetch_bars("BTC/USDT", restarted.now_ms() - HOUR_MS, restarted.now_ms())) == 1
    assert time.perf_counter() - began < 0.5
