"""Rows off the grid, rows that cannot be true, gaps that are too large, rows that go back in time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shared.errors import CandleError, ConfigurationError
from shared.settings import MarketSettings
from tests.market.fakes import HOUR_MS, MINUTE_MS, START_MS, frame_of, same_bars, wavy_bars, write_candles
from worker.market.check import FileReport, check_candles
from worker.market.files import CandleFolder, load_candles
from worker.market.files.missing import refuse_far_apart
from worker.market.files.rows import out_of_order
from worker.strategies.bars import Bars

BARS = wavy_bars(48, HOUR_MS)
FRAME = frame_of(BARS)
SKIP = MarketSettings(skip_bad_rows=True)


def read(folder: Path, settings: MarketSettings) -> Bars:
    return CandleFolder(folder, settings).candles("BTC/USDT", HOUR_MS).bars


def report(folder: Path, settings: MarketSettings | None = None) -> FileReport:
    (only,) = check_candles(folder, settings)
    return only


def restarted(folder: Path) -> Path:
    """Write an exchange that stopped within a bar and started again, twice, beside the grid; rows 11 and 21 are odd."""
    frame = FRAME.copy()
    # 11 opens at 10:28, alone in its hour; 21 at 19:17, beside the hour's own.
    frame.loc[10, "timestamp"] += pd.Timedelta("28min")
    frame.loc[20, "timestamp"] -= pd.Timedelta("43min")
    write_candles(folder, "BTC_USDT-1h.csv", frame)
    return folder


def test_rows_beside_the_grid_are_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(
        CandleError,
        match=r"row 11: timestamp must be on the 1h grid, was 2025-01-01 10:28.*; --off-grid snap or skip takes the "
        "rest",
    ):
        load_candles(restarted(tmp_path), "BTC/USDT", HOUR_MS)


def test_rows_beside_the_grid_are_left_out_and_counted(tmp_path: Path) -> None:
    settings = MarketSettings(off_grid="skip")
    assert same_bars(read(restarted(tmp_path), settings), BARS[np.delete(np.arange(48), [10, 20])])
    found = report(tmp_path, settings)
    assert found.usable and found.skipped_rows == (11, 21)
    assert found.notes == ("2 rows off the 1h grid left out: rows 11 and 21",)


def test_rows_beside_the_grid_are_moved_to_the_bar_they_begin_in(tmp_path: Path) -> None:
    settings = MarketSettings(off_grid="snap")
    bars = read(restarted(tmp_path), settings)
    assert bars.open_ms.tolist() == np.delete(BARS.open_ms, 20).tolist()
    # The second joins the bar of its hour, as an exchange makes a candle of the trades there were.
    merged = bars[19:20]
    assert merged.open[0] == BARS.open[19] and merged.close[0] == BARS.close[20]
    assert merged.high[0] == max(BARS.high[19:21]) and merged.low[0] == min(BARS.low[19:21])
    assert merged.volume[0] == BARS.volume[19] + BARS.volume[20]
    assert same_bars(bars[np.r_[0:19, 20:47]], BARS[np.r_[0:19, 21:48]])
    assert report(tmp_path, settings).notes == (
        "2 rows moved to the 1h grid, 1 of them merged with another: rows 11 and 21",
    )


def test_a_row_stamped_just_before_a_bar_belongs_to_it(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC_USDT-1h.csv", FRAME.assign(timestamp=BARS.open_ms - 400))
    assert same_bars(read(tmp_path, MarketSettings(off_grid="snap")), BARS)


def test_moving_rows_makes_no_duplicate_good(tmp_path: Path) -> None:
    frame = pd.concat([FRAME.iloc[:5], FRAME.iloc[4:]], ignore_index=True)
    write_candles(tmp_path, "BTC_USDT-1h.csv", frame)
    with pytest.raises(CandleError, match="row 6: timestamp must differ from row 5 before it"):
        read(tmp_path, MarketSettings(off_grid="snap"))


def test_rows_that_cannot_be_true_are_left_out_and_named(tmp_path: Path) -> None:
    frame = FRAME.astype({"timestamp": object, "close": object})
    frame.loc[3, "close"] = "n/a?"
    frame.loc[8, "low"] = 1e6
    frame.loc[12, "timestamp"] = "yesterday"
    frame.loc[20, "timestamp"] = frame.loc[19, "timestamp"]
    frame.loc[30, "timestamp"] = frame.loc[47, "timestamp"]
    lines = frame.to_csv(index=False).splitlines()
    lines[41] = "2025-01-02 16:00:00+00:00,1"
    (tmp_path / "BTC_USDT-1h.csv").write_text("\n".join(lines))
    assert same_bars(read(tmp_path, SKIP), BARS[np.delete(np.arange(48), [3, 8, 12, 20, 30, 40])])
    found = report(tmp_path, SKIP)
    assert found.usable and found.skipped_rows == (4, 9, 13, 21, 31, 41)
    assert found.notes == (
        "row 41 left out: must have 6 cells, has 2",
        "rows 4, 9 and 13 left out; row 4: close must be a positive number, was n/a?",
        "rows 21 and 31 left out; row 21: timestamp must differ from row 20 before it, was 2025-01-01 19:00:00+00:00",
    )


def test_a_row_of_another_width_is_named(tmp_path: Path) -> None:
    (tmp_path / "BTC_USDT-1h.csv").write_text(FRAME.to_csv(index=False).rsplit(",", 3)[0])
    with pytest.raises(
        CandleError, match="^BTC_USDT-1h.csv must be a readable csv file: row 48 must have 6 cells, has 3$"
    ):
        load_candles(tmp_path, "BTC/USDT", HOUR_MS)


def test_lines_of_blanks_are_no_rows(tmp_path: Path) -> None:
    lines = (
        FRAME.assign(close=FRAME["close"].where(FRAME.index != 9, "x").astype(object)).to_csv(index=False).splitlines()
    )
    (tmp_path / "BTC_USDT-1h.csv").write_text("\n".join([*lines[:3], "   ", "", *lines[3:], " ", ""]))
    assert report(tmp_path).rows == 48 and report(tmp_path).first_flaw_row == 11


def test_a_file_of_nothing_but_bad_rows_is_refused_all_the_same(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC_USDT-1h.csv", FRAME.assign(low=1e6))
    with pytest.raises(CandleError, match="must hold at least one row that can be true, holds none"):
        read(tmp_path, SKIP)


def test_the_fewest_rows_are_left_out_where_the_order_is_broken() -> None:
    assert out_of_order(np.array([1, 2, 99, 3, 4, 5])).tolist() == [2]
    assert out_of_order(np.array([5, 6, 1, 7, 7, 8])).tolist() in ([2, 3], [2, 4])
    assert out_of_order(np.arange(9)).tolist() == []


def test_newest_first_is_turned_and_named_by_its_own_rows(tmp_path: Path) -> None:
    turned = FRAME.iloc[::-1].reset_index(drop=True)
    write_candles(tmp_path, "BTC_USDT-1h.csv", turned)
    assert same_bars(load_candles(tmp_path, "BTC/USDT", HOUR_MS), BARS)
    turned.loc[6, "timestamp"] = turned.loc[7, "timestamp"]
    write_candles(tmp_path, "BTC_USDT-1h.csv", turned)
    with pytest.raises(CandleError, match="row 7: timestamp must differ from row 8 after it"):
        load_candles(tmp_path, "BTC/USDT", HOUR_MS)


def test_one_far_row_is_refused_and_a_setting_says_how_far(tmp_path: Path) -> None:
    frame = FRAME.copy()
    frame.loc[47, "timestamp"] += pd.Timedelta(hours=481)
    write_candles(tmp_path, "BTC_USDT-1h.csv", frame)
    with pytest.raises(
        CandleError,
        match=r"^BTC_USDT-1h.csv row 48: timestamp must leave at most 480 bars missing \(market.max_missing 10 times "
        r"the 48 there are\), was 2025-01-23 00:00 UTC after 2025-01-02 22:00 UTC: 481 are missing$",
    ):
        load_candles(tmp_path, "BTC/USDT", HOUR_MS)
    assert len(read(tmp_path, MarketSettings(max_missing=11.0))) == 48
    frame.loc[47, "timestamp"] -= pd.Timedelta(hours=1)
    write_candles(tmp_path, "BTC_USDT-1h.csv", frame)
    assert len(load_candles(tmp_path, "BTC/USDT", HOUR_MS)) == 48


def test_symbols_a_century_apart_are_refused() -> None:
    near, far = BARS, wavy_bars(48, HOUR_MS, START_MS + 100 * 365 * 24 * HOUR_MS)
    with pytest.raises(
        ConfigurationError, match=r"candles must leave at most 480 bars missing .* \(ETH/USDT\): 876,000"
    ):
        refuse_far_apart({"BTC/USDT": near, "ETH/USDT": far}, HOUR_MS, 10.0)
    # A coin that was listed late lacks many bars, and none is missing for all.
    late = wavy_bars(1, HOUR_MS, START_MS + 40 * HOUR_MS)
    refuse_far_apart({"BTC/USDT": near, "ETH/USDT": late}, HOUR_MS, 0.0)


def test_a_row_without_any_price_is_a_missing_bar(tmp_path: Path) -> None:
    frame = FRAME.copy()
    frame.loc[[5, 6, 20], ["open", "high", "low", "close", "volume"]] = np.nan
    for suffix in ("csv", "parquet"):
        for path in tmp_path.iterdir():
            path.unlink()
        write_candles(tmp_path, f"BTC_USDT-1h.{suffix}", frame)
        found = report(tmp_path)
        assert (found.rows, found.gaps, found.missing_bars, found.usable) == (48, 2, 3, True)
        assert found.notes == ("3 rows without any price left out: missing bars",)
    frame.loc[5, "volume"] = 3.0
    write_candles(tmp_path, "BTC_USDT-1h.parquet", frame)
    assert report(tmp_path).first_flaw == "open must be a positive number, was empty"


def test_bars_of_days_lie_on_the_day_that_most_of_them_begin_on(tmp_path: Path) -> None:
    # Weeks that begin on Monday, as 1970 did not.
    monday = START_MS + 5 * 24 * HOUR_MS
    bars = wavy_bars(30, 7 * 24 * HOUR_MS, monday)
    write_candles(tmp_path, "BTC_USDT-1w.csv", frame_of(bars))
    assert report(tmp_path).usable
    frame = frame_of(bars)
    frame.loc[9, "timestamp"] += pd.Timedelta("1D")
    write_candles(tmp_path, "BTC_USDT-1w.csv", frame)
    assert "row 10: timestamp must be on the 1w grid" in report(tmp_path).refusal


def test_a_finer_grid_than_the_name_says_is_refused(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC_USDT-1h.csv", frame_of(wavy_bars(48, 5 * MINUTE_MS)))
    assert "row 2: timestamp must be on the 1h grid" in report(tmp_path).refusal
