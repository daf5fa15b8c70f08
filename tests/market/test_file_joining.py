"""Several files of one symbol: what continues or agrees is joined, what contradicts is refused, all of it said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shared.errors import CandleError
from tests.market.fakes import HOUR_MS, frame_of, same_bars, wavy_bars, write_candles
from worker.market.check import check_candles
from worker.market.files import CandleFolder, load_candles, load_funding

BARS = wavy_bars(48, HOUR_MS)
FRAME = frame_of(BARS)


def notes(folder: Path) -> dict[str, tuple[str, ...]]:
    return {report.file: report.notes for report in check_candles(folder)}


@pytest.mark.parametrize(
    "parts",
    [
        {"BTCUSDT-1h.csv": slice(0, 30), "BTCUSDT-1h-2025-01.csv": slice(30, 48)},
        {"BTCUSDT-1h.csv": slice(30, 48), "BTCUSDT_1h_2024.csv": slice(0, 30)},
        {"BTCUSDT-1h-2024-12.csv": slice(0, 21), "BTCUSDT-1h-2025-01.csv": slice(20, 48)},
        {"a_BTCUSDT.csv": slice(0, 10), "BTC-USDT.parquet": slice(10, 30), "Binance_BTCUSDT_1h.feather": slice(28, 48)},
    ],
    ids=["whole and dump", "whole after dump", "overlap", "three formats"],
)
def test_what_continues_or_agrees_is_joined(tmp_path: Path, parts: dict[str, slice]) -> None:
    parts = {name.removeprefix("a_"): rows for name, rows in parts.items()}
    for name, rows in parts.items():
        write_candles(tmp_path, name, FRAME.iloc[rows])
    assert same_bars(load_candles(tmp_path, "BTC/USDT", HOUR_MS), BARS)
    assert all(report.usable for report in check_candles(tmp_path))


def test_a_file_fills_the_gaps_of_another(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC_USDT-1h.csv", FRAME.drop(index=range(10, 20)))
    write_candles(tmp_path, "BTCUSDT-1h.parquet", FRAME.iloc[8:25])
    assert same_bars(load_candles(tmp_path, "BTC/USDT", HOUR_MS), BARS)
    assert notes(tmp_path)["BTCUSDT-1h.parquet"] == ("7 of its rows are in others too, and agree",)


def test_a_file_that_adds_nothing_is_not_read_and_said_so(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC_USDT-1h.csv", FRAME)
    write_candles(tmp_path, "BTCUSDT-1h-2025-01.csv", FRAME.iloc[5:20])
    assert notes(tmp_path)["BTCUSDT-1h-2025-01.csv"] == ("not read: all of its rows are in BTC_USDT-1h.csv",)
    found = CandleFolder(tmp_path).candles("BTC/USDT", HOUR_MS)
    assert found.notes == ("BTCUSDT-1h-2025-01.csv: not read: all of its rows are in BTC_USDT-1h.csv",)


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
def test_what_contradicts_is_refused_with_both_files_and_rows(tmp_path: Path, column: str) -> None:
    write_candles(tmp_path, "BTC_USDT-1h.csv", FRAME.iloc[:30])
    other = FRAME.iloc[25:].reset_index(drop=True)
    # In a direction in which the bar stays possible.
    other.loc[2, column] += {"high": 1.0, "low": -1.0, "volume": 1.0}.get(column, 0.01)
    other.loc[2, "high"] += 0.01 if column in ("open", "close") else 0.0
    write_candles(tmp_path, "BTCUSDT-1h-2025-01.csv", other)
    changed = {"open": "open", "close": "(high|close)"}.get(column, column)
    sentence = (
        rf"^BTCUSDT-1h-2025-01.csv row 3: {changed} of 2025-01-02 03:00 UTC must agree with .* of BTC_USDT-1h.csv "
        "row 28, was"
    )
    with pytest.raises(CandleError, match=sentence):
        load_candles(tmp_path, "BTC/USDT", HOUR_MS)
    reports = {report.file: report for report in check_candles(tmp_path)}
    assert not reports["BTCUSDT-1h-2025-01.csv"].usable and reports["BTC_USDT-1h.csv"].usable


def test_last_digits_of_another_program_are_no_contradiction(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC_USDT-1h.parquet", FRAME)
    write_candles(tmp_path, "BTCUSDT-1h.parquet", FRAME.assign(volume=FRAME["volume"] * (1 + 1e-12)))
    assert all(report.usable for report in check_candles(tmp_path))


def test_files_of_other_timeframes_and_markets_are_said_not_to_be_read(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC_USDT-1h.csv", FRAME)
    write_candles(tmp_path, "BTC_USDT-1m.csv", frame_of(wavy_bars(60, 60_000)))
    write_candles(tmp_path, "BTC_USDT_USDT-1h-futures.csv", FRAME)
    assert CandleFolder(tmp_path).candles("BTC/USDT", HOUR_MS).notes == (
        "BTC_USDT-1m.csv: not read, for it is of 1m and there are files of 1h",
        "BTC_USDT_USDT-1h-futures.csv: not read, for it is of BTC/USDT:USDT",
    )


def test_files_a_century_apart_are_refused_by_the_later_one(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTCUSDT-1h-2025-01.csv", FRAME)
    write_candles(
        tmp_path, "BTCUSDT-1h-2125-01.csv", FRAME.assign(timestamp=FRAME["timestamp"] + pd.Timedelta("36500D"))
    )
    with pytest.raises(CandleError, match=r"^BTCUSDT-1h-2125-01.csv row 1: timestamp must leave at most 960 bars"):
        load_candles(tmp_path, "BTC/USDT", HOUR_MS)


def test_a_bad_file_takes_no_other_symbol_with_it(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC_USDT-1h.csv", FRAME.assign(low=1e6))
    write_candles(tmp_path, "ETH_USDT-1h.csv", FRAME)
    assert len(load_candles(tmp_path, "ETH/USDT", HOUR_MS)) == 48
    assert [report.usable for report in check_candles(tmp_path)] == [False, True]


def test_funding_is_joined_likewise(tmp_path: Path) -> None:
    times = pd.to_datetime(BARS.open_ms[0] + 8 * HOUR_MS * np.arange(10), unit="ms", utc=True)
    frame = pd.DataFrame({"timestamp": times, "funding_rate": 1e-5 * np.arange(10)})
    write_candles(tmp_path, "BTCUSDT-fundingRate-2025-01.csv", frame.iloc[:6])
    write_candles(tmp_path, "BTC_USDT-8h-funding.parquet", frame.iloc[5:])
    assert load_funding(tmp_path, "BTC/USDT")[1].tolist() == frame["funding_rate"].tolist()
    frame.loc[5, "funding_rate"] = 0.5
    write_candles(tmp_path, "BTC_USDT-8h-funding.parquet", frame.iloc[5:])
    with pytest.raises(
        CandleError, match="BTC_USDT-8h-funding.parquet row 1: funding_rate of .* must agree with 5e-05 of"
    ):
        load_funding(tmp_path, "BTC/USDT")
