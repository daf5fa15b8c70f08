"""Candles from files: every format, every kind of time, and every way a file can be wrong."""

import gzip
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from shared.errors import CandleError, ConfigurationError
from tests.conftest import candles_folder
from tests.market.fakes import DAY_MS, HOUR_MS, MINUTE_MS, START_MS, frame_of, same_bars, wavy_bars, write_candles
from worker.market.files import find_symbols, load_candles, load_funding, read_candles

BARS = wavy_bars(48, 5 * MINUTE_MS)
FRAME = frame_of(BARS)
NAMES = [
    "BTC_USDT-5m.parquet",
    "BTC_USDT-5m.feather",
    "BTC_USDT-5m.csv",
    "BTC_USDT_USDT-5m-futures.feather",
    "BTCUSDT-5m.csv",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_format_gives_the_same_bars(tmp_path: Path, name: str) -> None:
    write_candles(tmp_path, name, FRAME)
    assert same_bars(load_candles(tmp_path, "BTC/USDT", 5 * MINUTE_MS), BARS)


TIMES: dict[str, Callable[[pd.Series], Any]] = {
    "seconds": lambda when: when.astype("datetime64[s, UTC]").astype("int64"),
    "milliseconds": lambda when: when.astype("datetime64[ms, UTC]").astype("int64"),
    "microseconds": lambda when: when.astype("datetime64[us, UTC]").astype("int64"),
    "nanoseconds": lambda when: when.astype("datetime64[ns, UTC]").astype("int64"),
    "seconds as floats": lambda when: when.astype("datetime64[s, UTC]").astype("int64").astype(float),
    "naive": lambda when: when.dt.tz_localize(None),
    "another zone": lambda when: when.dt.tz_convert("Asia/Tokyo"),
    "ISO text": lambda when: when.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "ISO text with offset": lambda when: when.dt.tz_convert("Asia/Tokyo").map(lambda moment: moment.isoformat()),
    "text without zone": lambda when: when.dt.strftime("%Y-%m-%d %H:%M"),
}


@pytest.mark.parametrize("suffix", ["parquet", "feather", "csv", "csv.gz"])
@pytest.mark.parametrize("kind", TIMES)
def test_every_kind_of_time_is_understood(tmp_path: Path, kind: str, suffix: str) -> None:
    frame = FRAME.assign(timestamp=TIMES[kind](FRAME["timestamp"]))
    write_candles(tmp_path, f"BTC_USDT-5m.{suffix}", frame)
    assert same_bars(load_candles(tmp_path, "BTC/USDT", 5 * MINUTE_MS), BARS)


def test_columns_may_come_in_any_order_with_others_between(tmp_path: Path) -> None:
    shuffled = FRAME.rename(columns={"timestamp": "Date", "close": "Close"}).assign(trades=1)
    write_candles(tmp_path, "BTC_USDT-5m.csv", shuffled[["volume", "Close", "trades", "low", "Date", "open", "high"]])
    assert same_bars(load_candles(tmp_path, "BTC/USDT", 5 * MINUTE_MS), BARS)


def dump_of(part: slice, per_ms: float) -> pd.DataFrame:
    chosen = BARS[part]
    opens = (chosen.open_ms * per_ms).astype(np.int64)
    closes = ((chosen.open_ms + 5 * MINUTE_MS) * per_ms).astype(np.int64) - 1
    prices = (chosen.open, chosen.high, chosen.low, chosen.close, chosen.volume)
    return pd.DataFrame(dict(enumerate((opens, *prices, closes, *([0] * 5)))))


def test_monthly_dumps_without_header_are_joined_though_their_times_changed_to_microseconds(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTCUSDT-5m-2024-12.csv", dump_of(slice(0, 20), 1), header=False)
    write_candles(tmp_path, "BTCUSDT-5m-2025-01.csv", dump_of(slice(20, 48), 1000), header=False)
    assert same_bars(load_candles(tmp_path, "BTC/USDT", 5 * MINUTE_MS), BARS)


def test_dumps_may_stay_packed(tmp_path: Path) -> None:
    text = dump_of(slice(0, 20), 1).to_csv(index=False, header=False)
    with zipfile.ZipFile(tmp_path / "BTCUSDT-5m-2024-12.zip", "w") as archive:
        archive.writestr("BTCUSDT-5m-2024-12.csv", text)
    rest = dump_of(slice(20, 48), 1).to_csv(index=False, header=False)
    (tmp_path / "BTCUSDT-5m-2025-01.csv.gz").write_bytes(gzip.compress(rest.encode()))
    assert same_bars(load_candles(tmp_path, "BTC/USDT", 5 * MINUTE_MS), BARS)


# Row 7 of each file is made wrong; what the refusal must say.
BAD_ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "NaN": ({"close": float("nan")}, "row 7: close must be a positive number, was "),
    "infinite": ({"high": float("inf")}, "row 7: high must be a positive number, was inf"),
    "zero": ({"open": 0.0}, "row 7: open must be a positive number, was 0.0"),
    "negative": ({"low": -1.5}, "row 7: low must be a positive number, was -1.5"),
    "low above high": (
        {"open": 90.0, "close": 90.0, "high": 80.0, "low": 95.0},
        "row 7: low must not exceed high 80.0, was 95.0",
    ),
    "open above high": ({"open": 999.0}, "row 7: open must lie within low .* and high .*, was 999.0"),
    "close below low": ({"close": 1.0}, "row 7: close must lie within low .* and high .*, was 1.0"),
    "negative volume": ({"volume": -2.0}, "row 7: volume must be 0 or more, was -2.0"),
    "NaN volume": ({"volume": float("nan")}, "row 7: volume must be 0 or more, was "),
    "off the grid": ({"minutes": 31}, "row 7: timestamp must be on the 5m grid, was 2025-01-01 00:31"),
    "duplicate": ({"minutes": 25}, "row 7: timestamp must differ from row 6 before it, was 2025-01-01 00:25"),
    "unsorted": (
        {"minutes": 20},
        "row 7: timestamp must be after 2025-01-01 00:25 UTC of the row before, was 2025-01-01 00:20",
    ),
    "no time": ({"timestamp": pd.NaT}, "row 7: timestamp must be a time, was "),
}


def spoilt(changes: dict[str, Any]) -> pd.DataFrame:
    frame = FRAME.copy()
    for column, value in changes.items():
        if column == "minutes":
            column, value = "timestamp", pd.Timestamp(START_MS + value * MINUTE_MS, unit="ms", tz="UTC")
        frame.loc[6, column] = value
    return frame


@pytest.mark.parametrize("suffix", ["parquet", "feather", "csv"])
@pytest.mark.parametrize("kind", BAD_ROWS)
def test_a_row_that_cannot_be_true_is_refused_with_file_and_row(tmp_path: Path, kind: str, suffix: str) -> None:
    changes, sentence = BAD_ROWS[kind]
    write_candles(tmp_path, f"BTC_USDT-5m.{suffix}", spoilt(changes))
    with pytest.raises(CandleError, match=rf"^BTC_USDT-5m\.{suffix} {sentence}"):
        load_candles(tmp_path, "BTC/USDT", 5 * MINUTE_MS)


def test_the_first_wrong_row_is_named_even_where_a_later_one_breaks_an_earlier_rule(tmp_path: Path) -> None:
    frame = spoilt({"volume": -2.0})
    frame.loc[9, "timestamp"] = pd.NaT
    write_candles(tmp_path, "BTC_USDT-5m.parquet", frame)
    with pytest.raises(CandleError, match="row 7: volume"):
        load_candles(tmp_path, "BTC/USDT", 5 * MINUTE_MS)


@pytest.mark.parametrize(
    ("column", "text", "sentence"),
    [
        ("close", "n/a?", "row 7: close must be a positive number, was n/a\\?"),
        ("timestamp", "yesterday", "row 7: timestamp must be a time, was yesterday"),
    ],
)
def test_text_where_a_number_or_time_should_be_is_quoted(tmp_path: Path, column: str, text: str, sentence: str) -> None:
    frame = FRAME.astype({column: object})
    frame.loc[6, column] = text
    write_candles(tmp_path, "BTC_USDT-5m.csv", frame)
    with pytest.raises(CandleError, match=sentence):
        load_candles(tmp_path, "BTC/USDT", 5 * MINUTE_MS)


BAD_FILES: dict[str, tuple[str, bytes, str]] = {
    "empty CSV": ("BTC_USDT-5m.csv", b"", "BTC_USDT-5m.csv must hold at least one row, was empty"),
    "empty Parquet": ("BTC_USDT-5m.parquet", b"", "BTC_USDT-5m.parquet must hold at least one row, was empty"),
    "header only": (
        "BTC_USDT-5m.csv",
        b"timestamp,open,high,low,close,volume\n",
        "must hold at least one row, was empty",
    ),
    "not Parquet": ("BTC_USDT-5m.parquet", b"<html></html>", "BTC_USDT-5m.parquet must be a readable parquet file"),
    "not Feather": ("BTC_USDT-5m.feather", b"<html></html>", "BTC_USDT-5m.feather must be a readable feather file"),
    "not gzip": ("BTC_USDT-5m.csv.gz", b"<html></html>", "BTC_USDT-5m.csv.gz must be a readable gz file"),
    "not zip": ("BTCUSDT-5m-2024-01.zip", b"<html></html>", "BTCUSDT-5m-2024-01.zip must be a readable zip file"),
    "ragged": ("BTC_USDT-5m.csv", b"timestamp,open,high,low,close,volume\n1,2\n", "must be a readable csv file"),
    "no volume": (
        "BTC_USDT-5m.csv",
        b"date,open,high,low,close\n1,1,1,1,1\n",
        "must have a column volume, has date, open",
    ),
    "no time": ("BTC_USDT-5m.csv", b"open,high,low,close,volume\n1,1,1,1,1\n", "must have a column timestamp or date"),
    "narrow dump": ("BTC_USDT-5m.csv", b"1735689600,1,1\n", "must have a header or columns open_time, open"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_cannot_be_read_is_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    name, content, sentence = BAD_FILES[kind]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CandleError, match=sentence) as refusal:
        load_candles(tmp_path, "BTC/USDT", 5 * MINUTE_MS)
    assert "\n" not in str(refusal.value) and str(refusal.value).count(name) == 1


def test_what_is_not_there_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="folder of candles must exist, .*nowhere was not found"):
        load_candles(tmp_path / "nowhere", "BTC/USDT", HOUR_MS)
    with pytest.raises(ConfigurationError, match=r"must hold files like BTC_USDT-5m.parquet, .* holds none"):
        load_candles(tmp_path, "BTC/USDT", HOUR_MS)
    path = write_candles(tmp_path, "ETH_USDT-4h.parquet", frame_of(wavy_bars(9, 4 * HOUR_MS)))
    with pytest.raises(ConfigurationError, match="must exist, .* is a file"):
        load_candles(path, "ETH/USDT", HOUR_MS)
    with pytest.raises(ConfigurationError, match=r"must hold candles of BTC/USDT, holds ETH/USDT"):
        load_candles(tmp_path, "BTC/USDT", HOUR_MS)
    with pytest.raises(ConfigurationError, match="must be as fine as the timeframe 1h and divide it, finest is 4h"):
        load_candles(tmp_path, "ETH/USDT", HOUR_MS)
    with pytest.raises(ConfigurationError, match="must hold funding of ETH/USDT"):
        load_funding(tmp_path, "ETH/USDT")


def test_the_coarsest_file_that_divides_the_timeframe_is_read(tmp_path: Path) -> None:
    for name, step_ms in (("BTC_USDT-1m", MINUTE_MS), ("BTC_USDT-15m", 15 * MINUTE_MS), ("BTC_USDT-4h", 4 * HOUR_MS)):
        write_candles(tmp_path, f"{name}.parquet", frame_of(wavy_bars(500, step_ms)))
    chosen = {
        step_ms: read_candles(tmp_path, "BTC/USDT", step_ms).file_timeframe_ms for step_ms in (HOUR_MS, 5 * MINUTE_MS)
    }
    assert chosen == {HOUR_MS: 15 * MINUTE_MS, 5 * MINUTE_MS: MINUTE_MS}


@pytest.mark.parametrize("rule", ["15min", "1h", "4h", "1D"])
def test_resampling_equals_pandas(tmp_path: Path, rule: str) -> None:
    fine = wavy_bars(12 * 24 * 5, 5 * MINUTE_MS, START_MS + 35 * MINUTE_MS)
    fine = fine[np.delete(np.arange(len(fine)), [100, 101, 500])]
    write_candles(tmp_path, "SOL_USDT-5m.parquet", frame_of(fine))
    step_ms = int(pd.Timedelta(rule).total_seconds() * 1000)
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    expected = frame_of(fine).set_index("timestamp").resample(rule).agg(how).dropna()
    # The first and the last are not whole.
    expected = expected[expected.index >= frame_of(fine)["timestamp"].iloc[0]]
    expected = expected[
        expected.index + pd.Timedelta(rule) <= frame_of(fine)["timestamp"].iloc[-1] + pd.Timedelta("5min")
    ]
    bars = load_candles(tmp_path, "SOL/USDT", step_ms)
    assert len(bars) == len(expected) > 3
    assert bars.open_ms.tolist() == (expected.index.astype("datetime64[ms, UTC]").astype("int64")).tolist()
    for column in how:
        np.testing.assert_allclose(getattr(bars, column), expected[column].to_numpy(), rtol=1e-12)


def test_a_bar_with_missing_parts_is_given_and_named(tmp_path: Path) -> None:
    fine = wavy_bars(48, 5 * MINUTE_MS)
    kept = fine[np.delete(np.arange(48), [12, 13, *range(24, 36)])]
    write_candles(tmp_path, "BTC_USDT-5m.parquet", frame_of(kept))
    candles = read_candles(tmp_path, "BTC/USDT", HOUR_MS)
    assert ((candles.bars.open_ms - START_MS) // HOUR_MS).tolist() == [0, 1, 3]
    assert candles.incomplete_ms.tolist() == [START_MS + HOUR_MS]
    assert candles.bars.open[1] == fine.open[14]


def test_a_window_is_a_slice(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC_USDT-5m.parquet", FRAME)
    window = load_candles(tmp_path, "BTC/USDT", 5 * MINUTE_MS, START_MS + 10 * MINUTE_MS, START_MS + 25 * MINUTE_MS)
    assert same_bars(window, BARS[2:5])
    assert same_bars(load_candles(tmp_path, "BTC/USDT", 5 * MINUTE_MS, end_ms=START_MS + 1), BARS[:1])


def test_a_file_shorter_than_a_bar_gives_none(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC_USDT-5m.parquet", FRAME.iloc[3:10])
    assert len(load_candles(tmp_path, "BTC/USDT", HOUR_MS)) == 0


def test_symbols_are_found_by_file_name(tmp_path: Path) -> None:
    names = [
        "BTC_USDT-5m.parquet",
        "ETHFDUSD-1m-2024-01.csv",
        "SOL_USDT_USDT-1h-futures.feather",
        "1000SATS_USDT-5m.csv",
    ]
    others = ["BTC_USDT-book20-1s.parquet", "notes.csv", "ADA_USDT-8h-funding.parquet", "README.md"]
    for name in names + others:
        (tmp_path / name).touch()
    assert find_symbols(tmp_path) == ("1000SATS/USDT", "BTC/USDT", "ETH/FDUSD", "SOL/USDT:USDT")


def test_the_exact_market_wins_where_a_folder_has_spot_and_perpetual(tmp_path: Path) -> None:
    spot, perpetual = wavy_bars(5, HOUR_MS, level=10.0), wavy_bars(5, HOUR_MS, level=500.0)
    write_candles(tmp_path, "BTC_USDT-1h.parquet", frame_of(spot))
    write_candles(tmp_path, "BTC_USDT_USDT-1h-futures.feather", frame_of(perpetual))
    assert same_bars(load_candles(tmp_path, "BTC/USDT", HOUR_MS), spot)
    assert same_bars(load_candles(tmp_path, "BTC/USDT:USDT", HOUR_MS), perpetual)


def funding_frame(time_ms: list[int], rates: list[float], column: str) -> pd.DataFrame:
    return pd.DataFrame({"timestamp": pd.to_datetime(time_ms, unit="ms", utc=True), column: rates})


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("BTC_USDT-8h-funding.parquet", "funding_rate"),
        ("BTC_USDT_USDT-1h-funding_rate.feather", "open"),
        ("BTCUSDT-fundingRate-2025-01.csv", "last_funding_rate"),
    ],
)
def test_funding_is_read_and_its_late_stamps_brought_to_the_second(tmp_path: Path, name: str, column: str) -> None:
    stamps = [START_MS + number * 8 * HOUR_MS + number for number in range(4)]
    write_candles(tmp_path, name, funding_frame(stamps, [1e-4, -2e-4, 0.0, 3e-4], column))
    times, rates = load_funding(tmp_path, "BTC/USDT")
    assert times.dtype == np.int64 and times.tolist() == [START_MS + number * 8 * HOUR_MS for number in range(4)]
    assert rates.dtype == np.float64 and rates.tolist() == [1e-4, -2e-4, 0.0, 3e-4]


@pytest.mark.parametrize(
    ("stamps", "rates", "sentence"),
    [
        ([0, 1], [1e-4, 1.5], "row 2: funding_rate must lie between -1 and 1, was 1.5"),
        ([0, 1], [float("nan"), 1e-4], "row 1: funding_rate must lie between -1 and 1, was"),
        ([0, 2, 1, 3], [1e-4] * 4, "row 3: timestamp must be after 2025-01-01 16:00 UTC"),
        ([1, 1], [1e-4, 1e-4], "row 2: timestamp must differ from row 1"),
    ],
)
def test_impossible_funding_is_refused(tmp_path: Path, stamps: list[int], rates: list[float], sentence: str) -> None:
    times = [START_MS + stamp * 8 * HOUR_MS for stamp in stamps]
    write_candles(tmp_path, "BTC_USDT-8h-funding.parquet", funding_frame(times, rates, "funding_rate"))
    with pytest.raises(CandleError, match=sentence):
        load_funding(tmp_path, "BTC/USDT")


def test_a_year_of_real_candles_is_read_whole_and_fast() -> None:
    folder = candles_folder("spot-5m")
    symbols = find_symbols(folder)
    assert symbols == ("BTC/USDT", "ETH/USDT", "SOL/USDT")
    load_candles(folder, "BTC/USDT", 5 * MINUTE_MS)
    began = time.perf_counter()
    rows = [len(load_candles(folder, symbol, 5 * MINUTE_MS)) for symbol in symbols]
    assert time.perf_counter() - began < 1.0
    assert rows == [119_520] * 3
    hours = load_candles(folder, "SOL/USDT", HOUR_MS)
    assert len(hours) == 9_960 and hours.open_ms[0] % DAY_MS == 0


def test_real_minutes_resample_to_the_five_minutes_of_another_source() -> None:
    minutes = load_candles(candles_folder("perp-1m"), "BTC/USDT", 5 * MINUTE_MS)
    five = load_candles(candles_folder("perp-5m"), "BTC/USDT", 5 * MINUTE_MS)
    five = five.between(int(minutes.open_ms[0]), int(minutes.open_ms[-1]) + 1)
    assert len(five) == 14_626
    for column in ("open_ms", "open", "high", "low", "close"):
        assert np.array_equal(getattr(five, column), getattr(minutes, column))
    np.testing.assert_allclose(five.volume, minutes.volume, rtol=1e-9)


def test_real_funding_is_read() -> None:
    times, rates = load_funding(candles_folder("funding-8h"), "SOL/USDT")
    assert len(times) == 1_247 and (times % (8 * HOUR_MS) == 0).all() and (rates < 0.0).sum() == 514
