"""Whatever a file holds, it is refused in one sentence or read: nothing is raised, and nothing ends the process."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow.feather import write_feather

from tests.conftest import ROOT
from tests.market.damage import ARCHIVES, TABLES, damaged
from tests.market.fakes import HOUR_MS, START_MS, frame_of, wavy_bars, write_candles
from worker.market.check import check_candles

GOOD = frame_of(wavy_bars(20, HOUR_MS))


def survive(folder: Path, files: dict[str, bytes], count: int, seed: int) -> tuple[int, int]:
    """Check damaged files one after another beside a good one; give how many were refused and how many read."""
    write_candles(folder, "ETH_USDT-1h.parquet", GOOD)
    refused = 0
    for suffix, content in damaged(files, count, seed):
        path = folder / f"BTC_USDT-1h.{suffix}"
        path.write_bytes(content)
        found, good = check_candles(folder)
        assert good.usable and good.rows == 20
        assert found.file == path.name and found.usable == (found.refusal == "")
        assert len(found.refusal) < 1_000
        refused += not found.usable
        path.unlink()
    return refused, count - refused


def test_undamaged_files_are_read(tmp_path: Path) -> None:
    for suffix, content in {**ARCHIVES, **TABLES}.items():
        path = tmp_path / f"BTC_USDT-1h.{suffix}"
        path.write_bytes(content)
        (report,) = check_candles(tmp_path)
        assert report.usable and report.rows == 200
        path.unlink()


@pytest.mark.parametrize("files", [ARCHIVES, TABLES], ids=["archives", "tables"])
def test_damaged_files_are_survived(tmp_path: Path, files: dict[str, bytes]) -> None:
    refused, _ = survive(tmp_path, files, 48, seed=1)
    assert refused > 24


@pytest.mark.slow
@pytest.mark.parametrize("files", [ARCHIVES, TABLES], ids=["archives", "tables"])
@pytest.mark.parametrize("seed", [11, 12])
def test_hundreds_of_damaged_files_are_survived(tmp_path: Path, files: dict[str, bytes], seed: int) -> None:
    refused, _ = survive(tmp_path, files, 400, seed)
    assert refused > 200


ODD = {
    "lists": pa.array([[1.0]] * 3),
    "structs": pa.array([{"a": 1}] * 3),
    "bytes": pa.array([b"\xff"] * 3),
    "truth": pa.array([True] * 3),
    "times of day": pa.array([1] * 3, pa.time64("us")),
    "durations": pa.array([1] * 3, pa.duration("ms")),
    "dictionary": pa.array(["x"] * 3).dictionary_encode(),
    "large texts": pa.array(["x"] * 3, pa.large_string()),
    "nothing": pa.nulls(3),
    "times beyond all calendars": pa.array([2**62] * 3, pa.timestamp("s")),
    "large numbers": pa.array([2**64 - 1] * 3, pa.uint64()),
    "infinite": pa.array([np.inf] * 3),
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("column", ["timestamp", "close"])
def test_columns_of_odd_types_are_refused(tmp_path: Path, kind: str, column: str) -> None:
    times = pa.array(START_MS + HOUR_MS * np.arange(3), pa.timestamp("ms", "UTC"))
    columns = {"timestamp": times, **dict.fromkeys(("open", "high", "low", "close", "volume"), pa.array([1.0] * 3))}
    write_feather(pa.table({**columns, column: ODD[kind]}), tmp_path / "BTC_USDT-1h.feather")
    (report,) = check_candles(tmp_path)
    assert column in report.refusal


def test_a_zone_nobody_knows_is_no_traceback(tmp_path: Path) -> None:
    times = pa.array([1, 2, 3], pa.timestamp("ms", "Nowhere/Atlantis"))
    columns = dict.fromkeys(("open", "high", "low", "close", "volume"), pa.array([1.0] * 3))
    write_feather(pa.table({"timestamp": times, **columns}), tmp_path / "BTC_USDT-1h.feather")
    (report,) = check_candles(tmp_path)
    assert "row 1: timestamp must be on the 1h grid" in report.refusal


BAD_ROW = 200


@pytest.mark.slow
def test_the_process_ends_with_its_code_whatever_a_large_csv_holds(tmp_path: Path) -> None:
    """A reader's thread that goes on after an error would meet the end of the interpreter and abort it (134)."""
    bars = wavy_bars(200_000, 60_000)
    lines = frame_of(bars).assign(timestamp=bars.open_ms).to_csv(index=False).splitlines()
    lines[BAD_ROW] = lines[BAD_ROW].replace(",", ",x", 1)
    (tmp_path / "BTC_USDT-1m.csv").write_text("\n".join(lines))
    command = [sys.executable, "-m", "worker", "candles", "check", str(tmp_path)]
    for _ in range(12):
        ended = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 78
        assert f"row {BAD_ROW}: open must be a positive number, was x" in ended.stderr
        assert ended.stderr.count("\n") == 1
