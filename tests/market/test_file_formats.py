"""Formats of files: JSON of several shapes, plain and packed archives, and what is inside them."""

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from shared.errors import CandleError
from tests.market.fakes import HOUR_MS, frame_of, same_bars, wavy_bars
from worker.market.files import find_symbols, load_candles, load_funding

BARS = wavy_bars(24, HOUR_MS)
FRAME = frame_of(BARS)
ROWS = [
    [int(open_ms), *(float(getattr(BARS, name)[row]) for name in ("open", "high", "low", "close", "volume"))]
    for row, open_ms in enumerate(BARS.open_ms)
]
RECORDS = [dict(zip(("date", "open", "high", "low", "close", "volume"), row, strict=True)) for row in ROWS]

JSON: dict[str, Any] = {
    "rows of freqtrade and ccxt": ROWS,
    "rows of an exchange's REST": [
        [row[0], *map(str, row[1:]), row[0] + HOUR_MS - 1, "0", 9, "0", "0", "0"] for row in ROWS
    ],
    "records": RECORDS,
    "records of texts": [{name: str(value) for name, value in record.items()} for record in RECORDS],
    "rows within an object": {"symbol": "BTCUSDT", "data": ROWS},
    "records within objects": {"Response": "Success", "Data": {"Aggregated": False, "Data": RECORDS}},
    "columns": {name: [record[name] for record in RECORDS] for name in RECORDS[0]},
    "columns of pandas": json.loads(pd.DataFrame(RECORDS).to_json(double_precision=15)),
    "split of pandas": json.loads(pd.DataFrame(RECORDS).to_json(orient="split", double_precision=15)),
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["json", "json.gz"])
@pytest.mark.parametrize("kind", JSON)
def test_json_of_every_shape_is_read(tmp_path: Path, kind: str, suffix: str) -> None:
    content = json.dumps(JSON[kind]).encode()
    (tmp_path / f"BTC_USDT-1h.{suffix}").write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    assert same_bars(load_candles(tmp_path, "BTC/USDT", HOUR_MS), BARS)


def test_funding_rows_of_json_are_read(tmp_path: Path) -> None:
    rows = [[1735689600000 + 8 * HOUR_MS * number, 0.0001 * number, 0, 0, 0, 0] for number in range(4)]
    (tmp_path / "BTC_USDT_USDT-8h-funding_rate.json").write_text(json.dumps(rows))
    times, rates = load_funding(tmp_path, "BTC/USDT")
    assert times.tolist() == [row[0] for row in rows] and rates.tolist() == [row[1] for row in rows]


def packed(inner: str, content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"__MACOSX/._{inner}", b"a file of macOS")
            archive.writestr("readme.txt", b"words")
            archive.writestr(f"data/{inner}", content)

    return write


CSV = FRAME.to_csv(index=False).encode()
PARQUET = FRAME.to_parquet(index=False)
PACKED: dict[str, Callable[[Path], None]] = {
    "BTCUSDT-1h.csv.zip": packed("BTCUSDT-1h.csv", CSV),
    "BTCUSDT-1h.zip": packed("anything.CSV", CSV),
    "BTCUSDT_1h.zip": packed("candles.json", json.dumps(ROWS).encode()),
    "BTCUSDT_1H.ZIP": packed("candles.parquet", PARQUET),
    "BTCUSDT-1h.CSV": lambda path: path.write_bytes(CSV) and None,
    "BTCUSDT-1h.csv.gz": lambda path: path.write_bytes(gzip.compress(CSV)) and None,
    "BTCUSDT-1h.gz": lambda path: path.write_bytes(gzip.compress(CSV)) and None,
    "BTCUSDT_1h.gz": lambda path: path.write_bytes(gzip.compress(json.dumps(ROWS).encode())) and None,
    "BTCUSDT-1h.parquet.gz": lambda path: path.write_bytes(gzip.compress(PARQUET)) and None,
}  # fmt: skip


@pytest.mark.parametrize("name", PACKED)
def test_archives_are_read_by_what_is_inside(tmp_path: Path, name: str) -> None:
    PACKED[name](tmp_path / name)
    assert same_bars(load_candles(tmp_path, "BTC/USDT", HOUR_MS), BARS)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "must hold at least one row, was empty"),
        (b"[]", "must hold at least one row, was empty"),
        (b"{", "must be a readable json file: Expecting property name"),
        (b"3", "must be a readable json file: "),
        (b'{"a": 1}', "must be a readable json file: it must hold rows or columns of candles"),
        (b"[[1735689600000, 1, 1]]", "row 1 must hold open_time, open, high, low, close, volume, was "),
        (b'[{"date": 1, "open": 1}]', "must have a column high, has date, open"),
        (b"[" * 100_000, "must be a readable json file: "),
        (b"[[1735689600000, 1, 2, 1, 1, -4]]", "row 1: volume must be 0 or more, was -4"),
    ],
)
def test_json_that_holds_no_candles_is_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "BTC_USDT-1h.json").write_bytes(content)
    with pytest.raises(CandleError, match=f"^BTC_USDT-1h.json {sentence}") as refusal:
        load_candles(tmp_path, "BTC/USDT", HOUR_MS)
    assert "\n" not in str(refusal.value)


def test_two_files_in_one_archive_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "BTCUSDT-1h.zip", "w") as archive:
        archive.writestr("a.csv", CSV)
        archive.writestr("b.csv", CSV)
    with pytest.raises(CandleError, match=r"^BTCUSDT-1h.zip must hold one file of candles, holds 2$"):
        load_candles(tmp_path, "BTC/USDT", HOUR_MS)


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "BTC_USDT-1h.csv").mkdir()
    FRAME.to_csv(tmp_path / "ETH_USDT-1h.csv", index=False)
    assert find_symbols(tmp_path) == ("ETH/USDT",)
