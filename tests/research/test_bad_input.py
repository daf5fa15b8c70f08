"""Whatever is wrong with what a person typed or a folder holds is said in one sentence with its exit code."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.research.runs import call, simulated_bars, write_bars, write_candles
from worker.strategies.bars import Bars, make_bars

CONFIGURATION = 78


def changed(row: int, **values: float) -> Callable[[Bars], Bars]:
    """Give a change of one row of bars."""

    def change(bars: Bars) -> Bars:
        columns = {name: getattr(bars, name).copy() for name in ("open_ms", "open", "high", "low", "close", "volume")}
        for name, value in values.items():
            columns[name][row] = value
        return make_bars(**columns)

    return change


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--set", "risk.stopp=0.1"], "setting risk.stopp is unknown"),
        (["--set", "risk.stop=2"], "setting risk.stop must be less than 1, was 2"),
        (["--set", "risk.stop"], "an override must be like risk.stop=0.05, was 'risk.stop'"),
        (["--set", "portfolio.timeframe=7m"], "timeframe must divide a day"),
        (["--set", "allocation.bot_low=0.5"], "allocation.bot_low must be at most 1/9 for 9 bots"),
        (["--set", "allocation.sleeve_high=0.2"], "allocation.sleeve_high must be at least 1/3 for 3 sleeves"),
        (["--set", "strategies.scalper.grid=[[1]]"], "strategy must be one of mean_reversion, breakout"),
        (["--set", "strategies.breakout.grid=[[1]]"], "breakout: window_bars must be a whole number from"),
        (["--profile", "wild"], "profile must be one of calm, legacy, was 'wild'"),
        (["--symbols", "DOGE/USDT"], "must hold candles of DOGE/USDT, holds BTC/USDT, ETH/USDT, SOL/USDT"),
        (["--symbols", "BTC-USDT"], "symbols must be like BTC/USDT, was 'BTC-USDT'"),
        (["--symbols", ","], "--symbols must be like BTC/USDT,ETH/USDT, was ','"),
        (["--from", "yesterday"], "time must be ISO like 2025-01-31"),
        (["--from", "2026-01-09", "--to", "2026-01-08"], "--from must be before --to 2026-01-08 00:00 UTC"),
        (["--from", "2031-01-01"], "candles of BTC/USDT must cover some of the period from 2031-01-01"),
        (["--config", "nowhere.toml"], "settings file nowhere.toml must exist, was not found"),
        (["--funding", "nowhere"], "folder of candles must exist, nowhere was not found"),
        (["--set", "portfolio.timeframe=30m"], "must be as fine as the timeframe 30m"),
        (["--simulated", "10"], "either --candles DIR or --simulated DAYS, was given both"),
    ],
)
def test_options_that_make_no_sense(
    candles: Path, options: list[str], sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert call(["backtest", "--candles", candles, "--out", tmp_path / "out", *options]) == CONFIGURATION
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (changed(7, close=np.nan), "BTC_USDT-1h.parquet row 8: close must be a positive number, was nan"),
        (changed(7, open=-1.0), "BTC_USDT-1h.parquet row 8: open must be a positive number, was -1.0"),
        (changed(7, low=1e9), "BTC_USDT-1h.parquet row 8: low must not exceed high"),
        (changed(7, volume=-1.0), "BTC_USDT-1h.parquet row 8: volume must be 0 or more"),
        (lambda bars: bars[np.r_[0:9, 8:20]], "BTC_USDT-1h.parquet row 10: timestamp must differ from row 9"),
        (lambda bars: bars[np.r_[0:9, 12, 10]], "BTC_USDT-1h.parquet row 11: timestamp must be after"),
        (lambda bars: bars[:0], "BTC_USDT-1h.parquet must hold at least one row, was empty"),
    ],
    ids=["nan", "negative price", "low above high", "negative volume", "duplicate", "unsorted", "empty"],
)
def test_candles_that_cannot_be_true(
    change: Callable[[Bars], Bars], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_candles(tmp_path / "candles", days=3)
    write_bars(folder / "BTC_USDT-1h.parquet", change(simulated_bars("BTC/USDT", 3)))
    assert call(["backtest", "--candles", folder]) == CONFIGURATION
    assert sentence in capsys.readouterr().err
    assert call(["candles", "check", folder]) == CONFIGURATION
    assert "BTC_USDT-1h.parquet must hold only bars that can be true" in capsys.readouterr().err


def test_a_folder_without_candles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder, sentence in ((tmp_path / "absent", "was not found"), (tmp_path, "holds none")):
        for command in (["backtest", "--candles"], ["candles", "check"]):
            assert call([*command, folder]) == CONFIGURATION
            assert sentence in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_said_before_the_run(
    candles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert call(["backtest", "--candles", candles, "--out", tmp_path / "file"]) == CONFIGURATION
    assert "must be one that can be written" in capsys.readouterr().err


def test_backtest_wants_candles_or_a_simulation(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["backtest"]) == CONFIGURATION
    assert "was given neither" in capsys.readouterr().err
    assert call(["backtest", "--simulated", "0"]) == CONFIGURATION
    assert "days to simulate must be from 1 to 3650, was 0" in capsys.readouterr().err


def test_an_interrupt_ends_with_130(candles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("worker.terminal.backtest.run_backtest", interrupted)
    assert call(["backtest", "--candles", candles]) == 130


def test_the_process_itself_says_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "worker", "backtest", "--candles", "absent"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == CONFIGURATION
    assert ended.stderr == "flotilla: folder of candles must exist, absent was not found\n"
    assert ended.stdout == ""


def test_help_is_there_at_once() -> None:
    code = "import sys\nfrom worker.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
    code += "print([name for name in ('numba', 'pandas', 'scipy', 'ccxt', 'sqlalchemy') if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"
