"""The report on a folder: counts what is there and what is wrong, and never raises over a bad file."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shared.errors import ConfigurationError
from tests.conftest import candles_folder
from tests.market.fakes import HOUR_MS, MINUTE_MS, START_MS, frame_of, wavy_bars, write_candles
from worker.market.check import FileReport, check_candles

FRAME = frame_of(wavy_bars(100, 5 * MINUTE_MS))


def report(folder: Path) -> FileReport:
    (only,) = check_candles(folder)
    return only


def test_a_good_file_is_described(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC_USDT-5m.parquet", FRAME)
    assert report(tmp_path) == FileReport(
        "BTC_USDT-5m.parquet", "candles", "BTC/USDT", "5m", 100, START_MS, START_MS + 99 * 5 * MINUTE_MS
    )
    assert report(tmp_path).usable


def test_gaps_are_counted_and_do_no_harm(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC_USDT-5m.parquet", FRAME.drop(index=[10, 11, 12, 50]))
    found = report(tmp_path)
    assert (found.rows, found.gaps, found.missing_bars, found.usable) == (96, 2, 4, True)


def test_duplicates_disorder_and_impossible_bars_are_counted_and_the_first_is_explained(tmp_path: Path) -> None:
    frame = FRAME.copy()
    frame.loc[30, "low"] = 1e6
    frame.loc[60, "close"] = np.nan
    frame = pd.concat([frame.iloc[:5], frame.iloc[4:]], ignore_index=True)
    frame.loc[90, "timestamp"] += pd.Timedelta("1min")
    write_candles(tmp_path, "BTC_USDT-5m.csv", frame)
    found = report(tmp_path)
    assert (found.rows, found.duplicates, found.misplaced, found.impossible) == (101, 1, 1, 2)
    assert found.first_flaw_row == 6 and "must differ from row 5" in found.first_flaw and not found.usable


def test_an_impossible_bar_is_explained(tmp_path: Path) -> None:
    frame = FRAME.copy()
    frame.loc[30, "close"] = -5.0
    write_candles(tmp_path, "BTC_USDT-5m.parquet", frame)
    found = report(tmp_path)
    assert (found.first_flaw_row, found.first_flaw) == (31, "close must be a positive number, was -5.0")


@pytest.mark.parametrize("content", [b"", b"<html>", b"a,b\n1,2\n"])
def test_a_file_that_cannot_be_read_is_a_line_of_the_report_beside_the_good_ones(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "BTC_USDT-5m.csv").write_bytes(content)
    write_candles(tmp_path, "ETH_USDT-5m.parquet", FRAME)
    bad, good = check_candles(tmp_path)
    assert "BTC_USDT-5m.csv must" in bad.error and not bad.usable and good.usable


def test_a_file_nobody_understands_is_left_alone(tmp_path: Path) -> None:
    write_candles(tmp_path, "trades.csv", FRAME)
    assert report(tmp_path).kind == "unknown" and "name must be like BTC_USDT-5m.parquet" in report(tmp_path).error


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="must exist"):
        check_candles(tmp_path / "nowhere")


def test_funding_is_described_by_its_usual_distance(tmp_path: Path) -> None:
    hours = [0, 8, 16, 32, 40]
    times = pd.to_datetime([START_MS + hour * HOUR_MS for hour in hours], unit="ms", utc=True)
    frame = pd.DataFrame({"timestamp": times, "funding_rate": [1e-4, 2.0, 1e-4, 1e-4, 1e-4]})
    write_candles(tmp_path, "BTC_USDT-8h-funding.parquet", frame)
    found = report(tmp_path)
    assert (found.kind, found.timeframe, found.rows, found.gaps, found.missing_bars) == ("funding", "8h", 5, 1, 1)
    assert (found.impossible, found.first_flaw_row) == (1, 2)


def test_the_real_candles_have_nothing_wrong() -> None:
    for name in ("spot-5m", "funding-8h"):
        reports = check_candles(candles_folder(name))
        assert len(reports) == 3 and all(found.usable and not found.gaps for found in reports)
