"""Missing bars take no part in what strategies and the ATR see, in a backtest and in a live worker's window alike."""

from collections.abc import Sequence

import numpy as np
import pytest

from shared.settings import Settings
from tests.kernel.whole_bands import whole_bands
from tests.live.fake_market import START_MS, STEP_MS, FakeMarket, random_bars, without
from tests.live.running import SYMBOLS, plan_of, small_settings
from worker.fleet.plan import window_bars
from worker.live.windows import CHUNK_BARS, Feed, SignalDesk, Window
from worker.research.candles import lay_on_grid
from worker.research.columns import make_columns
from worker.step.columns import Columns
from worker.step.records import Signal
from worker.strategies.bars import Bars

BARS, FIRST, OUTAGE = 400, 200, 50
ONE = (f"portfolio.symbols={[SYMBOLS[0]]}",)


def with_outage(bars: Bars) -> Bars:
    """Give bars of which fifty are missing."""
    return without(bars, range(FIRST, FIRST + OUTAGE))


def closed_up(bars: Bars) -> Bars:
    """Give the bars of an outage with the gap closed up: those after it follow those before."""
    bars = with_outage(bars)
    bars.open_ms[:] = START_MS + STEP_MS * np.arange(len(bars))
    return bars


def columns_of(bars: Bars, settings: Settings) -> Columns:
    return make_columns(settings, plan_of(settings), lay_on_grid({SYMBOLS[0]: bars}, STEP_MS), {})


def bands_of(columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    return whole_bands(columns.bands, len(columns.series))


@pytest.mark.parametrize("volatility", [0.002, 0.02])
def test_the_atr_after_an_outage_is_that_of_the_same_candles_with_the_gap_closed_up(volatility: float) -> None:
    settings, bars = small_settings(*ONE), random_bars(BARS, 3, volatility=volatility)
    gapped, whole = columns_of(with_outage(bars), settings), columns_of(closed_up(bars), settings)
    pairs = [(gapped.atr_fraction, whole.atr_fraction), (gapped.closed, whole.closed)]
    for found, wanted in [*pairs, *zip(bands_of(gapped), bands_of(whole), strict=True)]:
        np.testing.assert_array_equal(found[:, :FIRST], wanted[:, :FIRST])
        np.testing.assert_array_equal(found[:, FIRST + OUTAGE :], wanted[:, FIRST:])
    assert gapped.atr_fraction[0, FIRST + OUTAGE] > 0.8 * gapped.atr_fraction[0, FIRST - 1]


def test_in_an_outage_the_last_values_stand_and_no_own_bar_closes() -> None:
    found = columns_of(with_outage(random_bars(BARS, 3)), small_settings(*ONE))
    stands = slice(FIRST, FIRST + OUTAGE)
    for column in (found.atr_fraction, *bands_of(found)):
        np.testing.assert_array_equal(column[:, stands], np.repeat(column[:, FIRST - 1 : FIRST], OUTAGE, axis=1))
    assert not found.closed[:, stands].any()
    assert found.closed[:, :FIRST].all()


def test_prices_of_an_outage_are_the_last_close() -> None:
    found = columns_of(with_outage(random_bars(BARS, 3)), small_settings(*ONE))
    for column in (found.open, found.high, found.low, found.close):
        assert set(column[0, FIRST : FIRST + OUTAGE]) == {found.close[0, FIRST - 1]}


LIVE = {"the base timeframe": ONE, "a longer one": (*ONE, "strategies.breakout.timeframe=1h")}


@pytest.mark.parametrize("overrides", LIVE.values(), ids=LIVE)
def test_a_live_worker_says_at_every_bar_of_an_outage_what_the_backtest_says(overrides: Sequence[str]) -> None:
    settings, bars = small_settings(*overrides), with_outage(random_bars(BARS, 3))
    plan, columns = plan_of(settings), columns_of(bars, settings)
    feed = Feed(FakeMarket({SYMBOLS[0]: bars}), plan.symbols, STEP_MS, window_bars(plan, STEP_MS))
    desk = SignalDesk(plan, STEP_MS, settings.strategies.hold, settings.portfolio.allow_short)
    signals = [Signal() for _ in plan.signals]
    feed.load_history(START_MS, {})
    low, high = bands_of(columns)
    for t in range(BARS):
        open_ms = START_MS + t * STEP_MS
        feed.read(open_ms, START_MS + BARS * STEP_MS)
        feed.advance(open_ms)
        desk.fill(feed, signals)
        for k, signal in enumerate(signals):
            found = [signal.low, signal.high, signal.atr_fraction, signal.closed]
            series = columns.series[k]
            wanted = [low[k, t], high[k, t]]
            wanted += [columns.atr_fraction[series, t], columns.closed[series, t]]
            np.testing.assert_array_equal(found, wanted, err_msg=f"bar {t}")


def test_a_window_holds_the_newest_bars_there_are() -> None:
    window = Window(2, close=7.0)
    window.append(0, None)
    assert window.last == (7.0, 7.0, 7.0, 7.0) and len(window.bars()) == 0
    for open_ms in range(10, 200, 10):
        window.append(open_ms, (1.0, 3.0, 0.5, float(open_ms), 9.0) if open_ms % 30 == 0 else None)
    assert window.bars().open_ms.tolist() == [150, 180]
    assert window.bars().close.tolist() == [150.0, 180.0]
    assert window.last == (180.0, 180.0, 180.0, 180.0) and not window.has_newest
    window.append(200, (1.0, 3.0, 0.5, 2.0, 9.0))
    assert window.last == (1.0, 3.0, 0.5, 2.0) and window.has_newest


def history(bars: Bars, end: int, size: int) -> Window:
    """Give the window of a worker that starts before bar `end`."""
    feed = Feed(FakeMarket({SYMBOLS[0]: bars}), SYMBOLS[:1], STEP_MS, size)
    feed.load_history(START_MS + end * STEP_MS, {SYMBOLS[0]: 55.0})
    return feed.window(SYMBOLS[0])


@pytest.mark.parametrize("end", [2300, 2100, 90])
def test_the_history_of_a_window_reaches_back_over_gaps(end: int) -> None:
    bars = without(random_bars(2300, 5), [*range(100, 2050), *range(2060, 2290, 2)])
    window = history(bars, end, 200)
    wanted = bars.open_ms[bars.open_ms < START_MS + end * STEP_MS][-200:]
    np.testing.assert_array_equal(window.bars().open_ms, wanted)


def test_a_silence_that_is_too_long_ends_the_history() -> None:
    bars = without(random_bars(CHUNK_BARS + 200, 5), range(100, CHUNK_BARS + 190))
    window = history(bars, CHUNK_BARS + 200, 100)
    np.testing.assert_array_equal(window.bars().open_ms, bars.open_ms[100:110])


def test_a_symbol_without_any_bar_stands_at_the_close_of_the_books() -> None:
    bars = random_bars(10, 5)
    bars.open_ms[:] += 10 * CHUNK_BARS * STEP_MS
    window = history(bars, 5000, 100)
    assert len(window.bars()) == 0 and window.last == (55.0, 55.0, 55.0, 55.0)
