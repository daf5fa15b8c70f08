"""The replay: a folder delivered as if it happened now."""

from math import inf
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shared.clock import ManualClock
from shared.errors import CandleError, ConfigurationError
from shared.settings import MarketSettings, load_settings
from tests.market.fakes import HOUR_MS, MINUTE_MS, START_MS, frame_of, same_bars, wavy_bars, write_candles
from worker.market.replay import ReplayMarket
from worker.research.history import load_history
from worker.strategies.bars import resample

FINE = wavy_bars(12 * 10, 5 * MINUTE_MS)
HOURS = resample(FINE, HOUR_MS)
END_MS = START_MS + 10 * HOUR_MS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_candles(tmp_path, "BTC_USDT-5m.parquet", frame_of(FINE))
    # Lists two hours later and misses its hour 5.
    late = np.r_[24:60, 72:120]
    write_candles(tmp_path, "ETH_USDT-5m.parquet", frame_of(FINE[late]))
    return tmp_path


def replay(folder: Path, clock: ManualClock | None = None, **options: object) -> ReplayMarket:
    chosen = MarketSettings.model_validate({"kind": "replay", "candles": folder, "bar_seconds": 2.0, **options})
    return ReplayMarket(("BTC/USDT", "ETH/USDT"), HOUR_MS, chosen, clock or ManualClock(0))


def test_bars_close_one_by_one_at_the_pace_and_end_with_the_files(folder: Path) -> None:
    clock = ManualClock(77)
    market = replay(folder, clock)
    market.begin(None)
    assert (market.first_open_ms(), market.now_ms(), market.label) == (START_MS, START_MS, f"replay of {folder.name}")
    closed = []
    for _ in range(10):
        closed.append(len(market.fetch_bars("BTC/USDT", START_MS, END_MS)))
        next_ms = START_MS + (closed[-1] + 1) * HOUR_MS
        assert market.seconds_until(next_ms) == 2.0
        clock.sleep(market.seconds_until(next_ms))
    assert closed == list(range(10))
    clock.advance_ms(1_000_000)
    assert market.now_ms() == END_MS and market.seconds_until(END_MS + HOUR_MS) == inf
    assert same_bars(market.fetch_bars("BTC/USDT", START_MS, END_MS + HOUR_MS), HOURS)


def test_without_a_pace_everything_the_files_hold_is_closed(folder: Path) -> None:
    market = replay(folder, bar_seconds=0.0)
    market.begin(None)
    assert market.now_ms() == END_MS and market.seconds_until(END_MS) == 0.0 and market.seconds_until(END_MS + 1) == inf
    assert same_bars(market.fetch_bars("BTC/USDT", START_MS, END_MS), HOURS)


def test_a_restart_goes_on_where_the_books_end(folder: Path) -> None:
    clock = ManualClock(0)
    market = replay(folder, clock)
    market.begin(START_MS + 4 * HOUR_MS)
    assert market.now_ms() == START_MS + 4 * HOUR_MS
    clock.advance_ms(2_000)
    assert len(market.fetch_bars("BTC/USDT", START_MS + 4 * HOUR_MS, END_MS)) == 1


def test_what_the_files_lack_is_left_out_and_never_invented(folder: Path) -> None:
    market = replay(folder, bar_seconds=0.0)
    market.begin(None)
    hours = (market.fetch_bars("ETH/USDT", START_MS, END_MS).open_ms - START_MS) // HOUR_MS
    assert hours.tolist() == [2, 3, 4, 6, 7, 8, 9]
    assert set(market.fetch_opens(START_MS)) == {"BTC/USDT"}
    assert set(market.fetch_opens(START_MS + 5 * HOUR_MS)) == {"BTC/USDT"}


def test_the_open_of_the_running_bar_is_known_before_it_closes(folder: Path) -> None:
    market = replay(folder)
    market.begin(START_MS + 3 * HOUR_MS)
    opens = market.fetch_opens(START_MS + 3 * HOUR_MS)
    assert opens == {"BTC/USDT": HOURS.open[3], "ETH/USDT": HOURS.open[3]}
    assert market.fetch_opens(START_MS + 4 * HOUR_MS) == {}
    assert replay(folder, bar_seconds=0.0).fetch_opens(END_MS) == {}


def test_funding_is_that_of_the_window_end_included(folder: Path, tmp_path: Path) -> None:
    rates = tmp_path / "funding"
    rates.mkdir()
    for base in ("BTC", "ETH"):
        times = pd.to_datetime([START_MS, START_MS + 4 * HOUR_MS, START_MS + 8 * HOUR_MS], unit="ms", utc=True)
        frame = pd.DataFrame({"timestamp": times, "funding_rate": [1e-4, 2e-4, 3e-4]})
        write_candles(rates, f"{base}_USDT-4h-funding.parquet", frame)
    market = replay(folder, funding=rates, bar_seconds=0.0)
    assert market.fetch_funding("BTC/USDT", START_MS, START_MS + 8 * HOUR_MS)[1].tolist() == [2e-4, 3e-4]
    assert market.fetch_funding("BTC/USDT", START_MS + 4 * HOUR_MS, START_MS + 7 * HOUR_MS)[1].tolist() == []
    assert len(replay(folder).fetch_funding("BTC/USDT", 0, END_MS)[0]) == 0


def test_what_is_wrong_is_said_at_the_start(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="must hold candles of SOL/USDT"):
        ReplayMarket(("SOL/USDT",), HOUR_MS, MarketSettings(kind="replay", candles=folder), ManualClock(0))
    frame = frame_of(FINE)
    frame.loc[100, "low"] = np.nan
    write_candles(folder, "BTC_USDT-5m.parquet", frame)
    with pytest.raises(CandleError, match=r"BTC_USDT-5m.parquet row 101: low must be a positive number"):
        replay(folder)
    write_candles(folder, "BTC_USDT-5m.parquet", frame_of(FINE).iloc[3:9])
    with pytest.raises(ConfigurationError, match="must fill at least one whole bar"):
        replay(folder)


def test_a_symbol_ends_with_its_candles_and_one_of_the_books_may_be_gone_from_the_folder(folder: Path) -> None:
    write_candles(folder, "ETH_USDT-5m.parquet", frame_of(FINE[np.r_[24:60]]))
    market = replay(folder, bar_seconds=0.0)
    assert market.ended("ETH/USDT", START_MS + 4 * HOUR_MS) == ""
    assert market.ended("ETH/USDT", START_MS + 5 * HOUR_MS) == "its candles end at 2025-01-01 05:00 UTC"
    (folder / "ETH_USDT-5m.parquet").unlink()
    symbols, settings = ("ETH/USDT", "BTC/USDT"), MarketSettings(kind="replay", candles=folder)
    with pytest.raises(ConfigurationError, match="must hold candles of ETH/USDT"):
        ReplayMarket(symbols, HOUR_MS, settings, ManualClock(0))
    without = ReplayMarket(symbols, HOUR_MS, settings, ManualClock(0), in_books=("ETH/USDT",))
    assert "must hold candles of ETH/USDT" in without.ended("ETH/USDT", START_MS)
    assert len(without.fetch_bars("ETH/USDT", START_MS, END_MS)) == 0
    assert without.fetch_opens(START_MS) == {"BTC/USDT": float(HOURS.open[0])}
    with pytest.raises(ConfigurationError, match="must hold candles of ETH/USDT"):
        ReplayMarket(("ETH/USDT",), HOUR_MS, settings, ManualClock(0), in_books=("ETH/USDT",))


def test_rows_that_are_left_out_are_said_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    frame = frame_of(HOURS)
    frame.loc[3, "low"] = 1e6
    frame.loc[5, "timestamp"] += pd.Timedelta("7min")
    for symbol in ("BTC", "ETH"):
        write_candles(tmp_path, f"{symbol}USDT.csv", frame)
    with pytest.raises(CandleError, match="BTCUSDT.csv row 4: low must not exceed high"):
        replay(tmp_path)
    market = replay(tmp_path, off_grid="snap", skip_bad_rows=True, bar_seconds=0.0)
    assert same_bars(market.fetch_bars("BTC/USDT", START_MS, END_MS), HOURS[np.delete(np.arange(10), 3)])
    assert "BTCUSDT.csv: row 4 left out; row 4: low must not exceed high" in caplog.text
    assert "ETHUSDT.csv: 1 row moved to the 1h grid: row 6" in caplog.text


def test_the_finest_bars_are_those_of_the_files_as_far_as_they_have_closed(folder: Path) -> None:
    clock = ManualClock(77)
    market = replay(folder, clock)
    market.begin(None)
    clock.sleep(market.seconds_until(START_MS + 2 * HOUR_MS))
    bars, timeframe_ms = market.fetch_finest("BTC/USDT", START_MS + HOUR_MS, END_MS)
    assert timeframe_ms == 5 * MINUTE_MS
    assert same_bars(bars, FINE.between(START_MS + HOUR_MS, START_MS + 2 * HOUR_MS))


def test_of_several_files_the_finest_tells_how_orders_rested(folder: Path) -> None:
    """A backtest of the same folder reads the same ones."""
    write_candles(folder, "BTC_USDT-1h.parquet", frame_of(HOURS))
    assert replay(folder, bar_seconds=0.0).fetch_finest("BTC/USDT", START_MS, END_MS).timeframe_ms == 5 * MINUTE_MS
    settings = load_settings(None, {}, ['portfolio.symbols=["BTC/USDT"]', "broker.order=maker"])
    (finest,) = load_history(settings, ["BTC/USDT"], folder).grid.finest.values()
    assert finest.timeframe_ms == 5 * MINUTE_MS and same_bars(finest.bars, FINE)
    taken = load_settings(None, {}, ['portfolio.symbols=["BTC/USDT"]'])
    assert load_history(taken, ["BTC/USDT"], folder).grid.finest == {}
