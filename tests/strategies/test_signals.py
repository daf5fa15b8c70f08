"""Signals: bands on the base bars, whole own bars only, held until the next one closes, shared where equal."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest
import talib

from shared.errors import ConfigurationError
from shared.settings import DEFAULT_GRIDS
from shared.units import DAY_MS, HOUR_MS, MINUTE_MS
from tests.conftest import candles_folder
from tests.strategies.candles import START_MS, bars_at, load_bars, random_bars
from tests.strategies.checkers import check_signal_cut_future, check_signal_window
from worker.strategies.bands import Bands
from worker.strategies.bars import Bars, no_bars, resample
from worker.strategies.registry import STRATEGIES
from worker.strategies.signals import OwnBars, SignalColumns, SignalKey, all_signals, live_window_bars, make_signal
from worker.strategies.strategy import Strategy

BREAKOUT = STRATEGIES["breakout"]
TREND = STRATEGIES["trend_following"]


def last_close(bars: Bars) -> Bands:
    """Say the close itself, a hundredth of it, so that a test can read which bar was the last closed."""
    return Bands(bars.close / 1000.0, bars.close / 1000.0)


CLOSE = Strategy("last_close", "lc", (), last_close, horizon=lambda: 1, warmup=lambda: 1)


def maker(strategy: Strategy, parameters: Sequence[float], own_ms: int) -> Callable[[Bars], SignalColumns]:
    return partial(make_signal, strategy, parameters, base_ms=HOUR_MS, own_ms=own_ms)


def says(bars: Bars, own_ms: int) -> tuple[list[float], list[int]]:
    signal = make_signal(CLOSE, (), bars, HOUR_MS, own_ms)
    return [round(1000.0 * low, 6) for low in signal.low], signal.closed.tolist()


def test_on_the_base_timeframe_every_bar_is_an_own_bar() -> None:
    bars = random_bars(1, 300)
    signal, bands = make_signal(BREAKOUT, (20,), bars, HOUR_MS, HOUR_MS), BREAKOUT.bands(bars, 20)
    np.testing.assert_array_equal((signal.low, signal.high), (bands.low, bands.high))
    np.testing.assert_array_equal(signal.atr_fraction, talib.ATR(bars.high, bars.low, bars.close, 14) / bars.close)
    assert signal.closed.tolist() == [1] * 300
    assert not signal.stop.any() and not signal.target.any()


def test_a_longer_timeframe_speaks_when_its_bar_has_closed_and_holds_until_the_next() -> None:
    values, closed = says(bars_at([10, 11, 12, 13, 14, 15, 16, 17]), 3 * HOUR_MS)
    np.testing.assert_array_equal(values, [np.nan, np.nan, 12, 12, 12, 15, 15, 15])
    assert closed == [0, 0, 1, 0, 0, 1, 0, 0]


def test_a_first_own_bar_that_is_not_whole_says_nothing() -> None:
    values, closed = says(bars_at([10, 11, 12, 13, 14, 15], start_ms=START_MS + HOUR_MS), 3 * HOUR_MS)
    np.testing.assert_array_equal(values, [np.nan] * 4 + [14, 14])
    assert closed == [0, 0, 0, 0, 1, 0]


def test_own_bars_lie_on_the_utc_grid_wherever_the_candles_begin() -> None:
    bars = bars_at(range(100, 160), start_ms=START_MS + 7 * HOUR_MS)
    closed = make_signal(CLOSE, (), bars, HOUR_MS, 4 * HOUR_MS).closed
    closes_ms = bars.open_ms[closed == 1] + HOUR_MS
    assert len(closes_ms) == 14 and not np.any(closes_ms % (4 * HOUR_MS))


def test_an_own_bar_whose_last_base_bar_is_missing_speaks_with_the_next_base_bar() -> None:
    bars = bars_at([10, 11, 12, 13, 14, 15, 16])
    values, closed = says(bars[np.array([0, 1, 3, 4, 5, 6])], 3 * HOUR_MS)
    np.testing.assert_array_equal(values, [np.nan, np.nan, 11, 11, 15, 15])
    assert closed == [0, 0, 1, 0, 1, 0]


def says_with_gaps(has_bar: list[int], own_ms: int) -> tuple[list[float], list[int]]:
    """Give what is said of hours that close at 10, 11, 12 …, of which some are missing."""
    bars = bars_at(range(10, 10 + len(has_bar)))
    signal = OwnBars(bars, HOUR_MS, own_ms, np.array(has_bar, bool)).signal(CLOSE, (), True, True)
    return [round(1000.0 * low, 6) for low in signal.low], signal.closed.tolist()


MISSING_HOURS = {
    # has the hour a bar; timeframe in hours; what is said; where an own bar closed
    "of its own timeframe": ([1, 1, 0, 0, 1], 1, [10, 11, 11, 11, 14], [1, 1, 0, 0, 1]),
    "before the first": ([0, 1, 1], 1, [np.nan, 11, 12], [0, 1, 1]),
    "within an own bar": ([1, 1, 1, 1, 0, 1], 3, [np.nan, np.nan, 12, 12, 12, 15], [0, 0, 1, 0, 0, 1]),
    "at the end of one": ([1, 1, 0, 1, 1, 1], 3, [np.nan, np.nan, np.nan, 11, 11, 15], [0, 0, 0, 1, 0, 1]),
    "all of one": ([1, 1, 1, 0, 0, 0, 1, 1, 1], 3, [np.nan, np.nan, *[12] * 6, 18], [0, 0, 1, 0, 0, 0, 0, 0, 1]),
    "the end of one and the next": (
        [1, 1, 0, 0, 0, 0, 1, 1, 1],
        3,
        [*[np.nan] * 6, 11, 11, 18],
        [0, 0, 0, 0, 0, 0, 1, 0, 1],
    ),
    "all": ([0, 0], 2, [np.nan, np.nan], [0, 0]),
}


@pytest.mark.parametrize(("has_bar", "hours", "values", "closed"), MISSING_HOURS.values(), ids=MISSING_HOURS)
def test_a_missing_bar_says_nothing_and_the_last_values_stand(
    has_bar: list[int], hours: int, values: list[float], closed: list[int]
) -> None:
    said = says_with_gaps(has_bar, hours * HOUR_MS)
    np.testing.assert_array_equal(said[0], values)
    assert said[1] == closed


@pytest.mark.parametrize("own_ms", [HOUR_MS, 4 * HOUR_MS, DAY_MS])
def test_missing_bars_are_as_if_they_had_never_been(own_ms: int) -> None:
    bars, has_bar = random_bars(9, 24 * 60), np.random.default_rng(9).random(24 * 60) > 0.3
    prices = replace(bars, close=np.where(has_bar, bars.close, 1e9))
    for strategy, parameters in ((BREAKOUT, (5,)), (TREND, (3, 6)), (STRATEGIES["mean_reversion"], (6, 1.0))):
        signal = OwnBars(prices, HOUR_MS, own_ms, has_bar).signal(strategy, parameters, True, True)
        alone = make_signal(strategy, parameters, bars[has_bar], HOUR_MS, own_ms)
        for name in ("low", "high", "atr_fraction", "closed"):
            np.testing.assert_array_equal(getattr(signal, name)[has_bar], getattr(alone, name))
        assert not signal.closed[~has_bar].any()
        last = np.maximum.accumulate(np.where(has_bar, np.arange(len(bars)), -1))
        for name in ("low", "high", "atr_fraction"):
            np.testing.assert_array_equal(getattr(signal, name)[last >= 0], getattr(signal, name)[last[last >= 0]])


def test_bars_without_gaps_are_not_copied() -> None:
    bars = random_bars(10, 50)
    own_bars = OwnBars(bars, HOUR_MS, HOUR_MS, np.ones(50, bool))
    assert own_bars.bars.close is bars.close
    assert own_bars.on_base(bars.close) is bars.close


@pytest.mark.parametrize("own_ms", [30 * MINUTE_MS, 90 * MINUTE_MS])
def test_a_timeframe_that_base_bars_do_not_fill_is_refused(own_ms: int) -> None:
    with pytest.raises(
        ConfigurationError, match=f"must be a multiple of the portfolio's {HOUR_MS} ms, was {own_ms} ms"
    ):
        make_signal(CLOSE, (), bars_at([1, 2]), HOUR_MS, own_ms)


def test_the_values_of_a_longer_timeframe_are_those_of_its_own_bars() -> None:
    bars = random_bars(2, 24 * 40)
    signal = make_signal(BREAKOUT, (20,), bars, HOUR_MS, 4 * HOUR_MS)
    own = make_signal(BREAKOUT, (20,), resample(bars, 4 * HOUR_MS), 4 * HOUR_MS, 4 * HOUR_MS)
    spoken = signal.closed == 1
    for name in ("low", "high", "atr_fraction"):
        np.testing.assert_array_equal(getattr(signal, name)[spoken], getattr(own, name))


def test_without_holding_and_without_shorts_a_signal_is_narrowed() -> None:
    bars = random_bars(3, 500)
    held = make_signal(BREAKOUT, (20,), bars, HOUR_MS, HOUR_MS)
    plain = make_signal(BREAKOUT, (20,), bars, HOUR_MS, HOUR_MS, hold=False)
    np.testing.assert_array_equal(plain.low, plain.high)
    assert set(plain.low[20:]) == {-1.0, 0.0, 1.0}
    long_only = make_signal(BREAKOUT, (20,), bars, HOUR_MS, HOUR_MS, allow_short=False)
    np.testing.assert_array_equal(long_only.low, np.maximum(held.low, 0.0))
    both = make_signal(BREAKOUT, (20,), bars, HOUR_MS, HOUR_MS, hold=False, allow_short=False)
    np.testing.assert_array_equal(both.high, np.maximum(plain.high, 0.0))


def test_a_strategys_own_stop_and_target_are_0_where_it_names_none() -> None:
    def rule(bars: Bars) -> Bands:
        stop = np.where(bars.close > 11, 0.02, np.nan)
        return Bands(np.ones(len(bars)), np.ones(len(bars)), stop=stop)

    strategy = replace(CLOSE, rule=rule)
    signal = make_signal(strategy, (), bars_at([10, 11, 12, 13, 10, 10]), HOUR_MS, 2 * HOUR_MS)
    assert signal.stop.tolist() == [0, 0, 0, 0.02, 0.02, 0]
    assert signal.target.tolist() == [0] * 6


@pytest.mark.parametrize("count", [0, 1, 2, 13])
@pytest.mark.parametrize("own_ms", [HOUR_MS, 4 * HOUR_MS])
def test_few_candles_give_rows_that_know_nothing(count: int, own_ms: int) -> None:
    bars = random_bars(4, count)
    for strategy, parameters in ((BREAKOUT, (20,)), (TREND, (10, 50)), (STRATEGIES["mean_reversion"], (20, 2.0))):
        signal = make_signal(strategy, parameters, bars, HOUR_MS, own_ms)
        for field in fields(SignalColumns):
            assert len(getattr(signal, field.name)) == count
        assert np.isnan(signal.low).all() and np.isnan(signal.atr_fraction).all()


@pytest.mark.parametrize("own_ms", [HOUR_MS, 4 * HOUR_MS, DAY_MS])
def test_a_signal_never_uses_candles_after_its_base_bar(own_ms: int) -> None:
    bars = random_bars(5, 24 * 30, start_ms=START_MS + 5 * HOUR_MS)
    cuts = [*range(60), *range(60, len(bars), 41)]
    for strategy, parameters in ((BREAKOUT, (5,)), (TREND, (3, 6))):
        check_signal_cut_future(maker(strategy, parameters, own_ms), bars, cuts)


def test_a_signal_that_uses_the_forming_own_bar_is_caught() -> None:
    def forming(bars: Bars) -> SignalColumns:
        signal = make_signal(CLOSE, (), bars, HOUR_MS, HOUR_MS)
        own = resample(bars, 4 * HOUR_MS)
        row = np.searchsorted(own.open_ms, bars.open_ms, side="right") - 1
        return replace(signal, low=own.close[row])

    with pytest.raises(AssertionError, match="low changed when candles after row"):
        check_signal_cut_future(forming, random_bars(6, 100), range(1, 100))


@pytest.mark.parametrize("own_ms", [HOUR_MS, 4 * HOUR_MS])
@pytest.mark.parametrize(
    ("strategy", "parameters"), [(BREAKOUT, (20,)), (TREND, (10, 50)), (STRATEGIES["mean_reversion"], (20, 2.0))]
)
def test_the_live_window_says_what_the_full_history_says(strategy: Strategy, parameters: tuple, own_ms: int) -> None:
    bars = random_bars(7, 4000)
    window_bars = live_window_bars(strategy, parameters, HOUR_MS, own_ms)
    check_signal_window(maker(strategy, parameters, own_ms), bars, window_bars, range(window_bars + 1, len(bars), 53))


def test_a_live_window_that_is_too_short_is_caught() -> None:
    with pytest.raises(AssertionError, match="over the live window"):
        check_signal_window(maker(BREAKOUT, (20,), 4 * HOUR_MS), random_bars(8, 2000), 21 * 4, range(100, 2000, 7))


def test_the_live_window_covers_warmup_sizing_and_alignment() -> None:
    assert live_window_bars(BREAKOUT, (20,), HOUR_MS, HOUR_MS) == 614
    assert live_window_bars(BREAKOUT, (1000,), HOUR_MS, HOUR_MS) == 1001
    assert live_window_bars(BREAKOUT, (20,), HOUR_MS, 4 * HOUR_MS) == 614 * 4 + 6


def test_the_live_window_on_real_candles_says_what_the_full_history_says() -> None:
    bars = load_bars(candles_folder("spot-5m"), "BTC_USDT", HOUR_MS)
    for strategy, parameters in ((BREAKOUT, (120,)), (TREND, (50, 200)), (STRATEGIES["mean_reversion"], (100, 2.5))):
        window_bars = live_window_bars(strategy, parameters, HOUR_MS, HOUR_MS)
        check_signal_window(
            maker(strategy, parameters, HOUR_MS), bars, window_bars, range(window_bars + 1, len(bars), 211)
        )


def test_equal_signals_are_made_once_and_are_those_made_alone() -> None:
    bars_of = {symbol: random_bars(seed, 900) for seed, symbol in enumerate(("BTC/USDT", "ETH/USDT"))}
    keys = [
        SignalKey(symbol, name, tuple(parameters), own_ms)
        for symbol in bars_of
        for name, sleeve in DEFAULT_GRIDS.items()
        for parameters in sleeve["grid"]
        for own_ms in (HOUR_MS, 4 * HOUR_MS)
    ]
    signals = all_signals(bars_of, [*keys, *keys], HOUR_MS, hold=False, allow_short=False)
    assert list(signals) == keys
    for key, signal in signals.items():
        alone = make_signal(
            STRATEGIES[key.strategy],
            key.parameters,
            bars_of[key.symbol],
            HOUR_MS,
            key.own_ms,
            hold=False,
            allow_short=False,
        )
        for field in fields(SignalColumns):
            np.testing.assert_array_equal(getattr(signal, field.name), getattr(alone, field.name))


def test_no_candles_give_empty_signals() -> None:
    key = SignalKey("BTC/USDT", "breakout", (20,), HOUR_MS)
    assert len(all_signals({"BTC/USDT": no_bars()}, [key], HOUR_MS)[key].low) == 0
