"""What the options of `flotilla backtest` choose."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.units import DAY_MS, HOUR_MS
from tests.research.runs import (
    DAYS,
    SMALL_FLEET,
    START_MS,
    call,
    read_rows,
    read_summary,
    run,
    set_options,
    simulated_bars,
    write_bars,
    write_candles,
)
from worker.cli import COMMANDS, LazyCommands


def test_symbols_choose_the_bots(candles: Path, tmp_path: Path) -> None:
    summary = run(candles, tmp_path / "out", "--symbols", "ETH/USDT,SOL/USDT")
    assert summary["symbols"] == ["ETH/USDT", "SOL/USDT"]
    assert summary["bots"] == 12
    again = run(candles, tmp_path / "again", "--symbols", "ETH/USDT", "--symbols", "SOL/USDT")
    assert again["portfolio"] == summary["portfolio"]


def test_from_and_to_choose_the_bars(candles: Path, tmp_path: Path) -> None:
    summary = run(candles, tmp_path / "out", "--from", "2026-01-05", "--to", "2026-01-15T12:00Z")
    assert summary["from"] == "2026-01-05T00:00:00.000Z"
    assert summary["to"] == "2026-01-15T12:00:00.000Z"
    assert summary["bars"] == 10 * 24 + 12
    times = [row["time"] for row in read_rows(tmp_path / "out", "equity") if row["scope"] == "portfolio"]
    assert (times[0], times[-1]) == ("2026-01-05T00:00:00.000Z", "2026-01-15T12:00:00.000Z")


def test_a_setting_stands_above_the_file_and_the_file_above_the_default(candles: Path, tmp_path: Path) -> None:
    (tmp_path / "flotilla.toml").write_text("[broker]\nfee_rate = 0.0\n[portfolio]\ncapital_per_bot = 500.0\n")
    from_file = run(candles, tmp_path / "file")
    assert from_file["portfolio"]["fees_quote"] == 0.0
    assert from_file["portfolio"]["start_equity_quote"] == 18 * 500.0
    above = run(candles, tmp_path / "above", "--set", "broker.fee_rate=0.002")
    assert above["portfolio"]["fees_quote"] > 0.0
    (tmp_path / "other.toml").write_text("[portfolio]\ncapital_per_bot = 250.0\n")
    other = run(candles, tmp_path / "other", "--config", str(tmp_path / "other.toml"))
    assert other["portfolio"]["start_equity_quote"] == 18 * 250.0


def test_the_legacy_profile_trades_far_more(candles: Path, tmp_path: Path) -> None:
    calm = run(candles, tmp_path / "calm", "--set", "risk.brakes=false")
    legacy = run(candles, tmp_path / "legacy", "--set", "risk.brakes=false", "--profile", "legacy")
    assert (calm["profile"], legacy["profile"]) == ("calm", "legacy")
    assert legacy["fills"] > 2 * calm["fills"]
    assert legacy["portfolio"]["fees_saved_quote"] == 0.0
    assert legacy["orders"] == len({fill["order"] for fill in read_rows(tmp_path / "legacy", "fills")})
    assert any("risk.brakes=false" in note for note in legacy["notes"])


def test_a_coarser_timeframe_is_made_from_the_files(candles: Path, tmp_path: Path) -> None:
    summary = run(candles, tmp_path / "out", "--set", "portfolio.timeframe=4h")
    assert summary["bars"] == DAYS * 6
    assert next(iter(summary["by_bot"])) == "mr_btc_usdt_4h_p1"


def test_funding_is_paid_from_the_cash(candles: Path, tmp_path: Path) -> None:
    times = np.arange(START_MS, START_MS + DAYS * DAY_MS, 8 * HOUR_MS)
    for coin in ("BTC", "ETH", "SOL"):
        rates = pa.table(
            {"timestamp": pa.array(times, pa.timestamp("ms", "UTC")), "funding_rate": [0.001] * len(times)}
        )
        (tmp_path / "funding").mkdir(exist_ok=True)
        pq.write_table(rates, tmp_path / "funding" / f"{coin}_USDT-8h-funding.parquet")
    without = run(candles, tmp_path / "without")
    summary = run(candles, tmp_path / "out", "--funding", str(tmp_path / "funding"))
    paid = summary["portfolio"]["funding_quote"]
    assert without["portfolio"]["funding_quote"] == 0.0
    assert paid != 0.0
    assert paid == pytest.approx(sum(bot["funding_quote"] for bot in summary["by_bot"].values()))
    assert summary["portfolio"]["profit_quote"] == pytest.approx(
        sum(float(row["profit"]) for row in read_rows(tmp_path / "out", "round_trips"))
        + sum(bot["open_profit_quote"] + bot["open_realised_quote"] for bot in summary["by_bot"].values())
        - paid
    )


def test_a_simulated_market_is_run_from_its_seed(tmp_path: Path, candles: Path) -> None:
    chosen = [*set_options(SMALL_FLEET), "--set", "market.start=2026-01-01", "--simulated", str(DAYS)]
    assert call(["backtest", *chosen, "--out", str(tmp_path / "out")]) == 0
    summary = read_summary(tmp_path / "out")
    from_files = run(candles, tmp_path / "files")
    assert summary["market"] == "simulated market, seed 7"
    assert summary["portfolio"] == from_files["portfolio"]
    assert call(["backtest", *chosen, "--set", "market.seed=8", "--out", str(tmp_path / "other")]) == 0
    assert read_summary(tmp_path / "other")["portfolio"] != summary["portfolio"]


def test_a_brake_that_ended_trading_is_said_first_and_with_its_time(candles: Path, tmp_path: Path) -> None:
    summary = run(candles, tmp_path / "out", "--set", "risk.portfolio_drawdown=0.01")
    first = summary["warnings"][0]
    tripped = next(brake for brake in summary["brakes"] if brake["kind"] == "TRIPPED")
    assert tripped["scope"] == "portfolio"
    assert tripped["value"] >= tripped["limit"] == 0.01
    assert "ended trading: FLATTEN from" in first
    assert tripped["time"][:10] in first
    last_fill = max(fill["time"] for fill in read_rows(tmp_path / "out", "fills"))
    assert last_fill <= tripped["time"]


def test_what_the_candles_lack_is_said(tmp_path: Path) -> None:
    folder = write_candles(tmp_path / "candles", ("BTC/USDT",))
    bars = simulated_bars("ETH/USDT")
    kept = np.r_[50:100, 103:200, 210:500]
    write_bars(folder / "ETH_USDT-1h.parquet", bars[kept])
    summary = run(folder, tmp_path / "out", "--symbols", "BTC/USDT,ETH/USDT")
    eth = summary["candles"][1]
    assert (eth["bars_before"], eth["bars_after"]) == (50, 100)
    assert (eth["gaps"], eth["missing_bars"]) == (2, 13)
    said = " ".join(summary["notes"])
    assert "ETH/USDT begins 2026-01-03 02:00 UTC, 50 bars after the first" in said
    assert "ETH/USDT lacks 13 bars in 2 gaps" in said
    assert "STALE" in summary["by_bot"]["mr_eth_usdt_1h_p1"]["steps_by_reason"]
    assert all(
        fill["time"] >= "2026-01-03T02" for fill in read_rows(tmp_path / "out", "fills") if "ETH" in fill["symbol"]
    )


def test_every_command_can_be_loaded_and_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert {"backtest", "candles"} <= set(COMMANDS)
    assert call(["--help"]) == 0
    listed = capsys.readouterr().out
    for name in ("backtest", "candles"):
        assert name in listed
        assert LazyCommands()[name].help


def test_bounds_that_leave_no_room_are_said(candles: Path, tmp_path: Path) -> None:
    summary = run(candles, tmp_path / "out", "--set", f"allocation.sleeve_low={1 / 3}")
    assert [note for note in summary["notes"] if "leaves the 3 sleeves no room" in note]
