"""`flotilla candles check`."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.research.runs import call, simulated_bars, write_bars


def test_gaps_are_reported_and_no_reason_to_refuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bars = simulated_bars("BTC/USDT", 3)
    write_bars(tmp_path / "BTC_USDT-1h.parquet", bars[np.r_[0:10, 15:72]])
    (tmp_path / "notes.csv").write_text("not candles\n")
    assert call(["candles", "check", tmp_path]) == 0
    printed = capsys.readouterr().out
    assert "BTC/USDT" in printed
    assert "2026-01-01 00:00 UTC" in printed
    assert "notes.csv: name must be like" in printed
    assert call(["candles", "check", tmp_path, "--json"]) == 0
    candles, notes = json.loads(capsys.readouterr().out)
    assert (candles["rows"], candles["gaps"], candles["missing_bars"], candles["usable"]) == (67, 1, 5, True)
    assert not notes["usable"]


def test_an_impossible_bar_is_shown_with_its_row_before_the_refusal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bars = simulated_bars("BTC/USDT", 3)
    high = bars.high.copy()
    high[4] = 1.0
    write_bars(
        tmp_path / "BTC_USDT-1h.parquet", type(bars)(bars.open_ms, bars.open, high, bars.low, bars.close, bars.volume)
    )
    assert call(["candles", "check", tmp_path, "--json"]) == 78
    said = capsys.readouterr()
    assert json.loads(said.out)[0]["first_flaw_row"] == 5
    assert "row 5: low must not exceed high 1.0" in said.err
