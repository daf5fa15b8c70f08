"""A backtest in which nothing trades says why: under the table, in summary.json and with --json; per bot and in all."""

import json
from pathlib import Path

import pytest

from tests.research.runs import SMALL_FLEET, call, run, set_options, write_candles

POOR = ("portfolio.capital_per_bot=50", *SMALL_FLEET)
NUMBER = "portfolio.capital_per_bot 50 is below risk.min_notional 100"


@pytest.fixture(scope="module")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_candles(tmp_path_factory.mktemp("candles"), ("BTC/USDT",), 5)


def options(candles: Path, overrides: tuple[str, ...]) -> list[str]:
    return ["backtest", "--candles", str(candles), "--symbols", "BTC/USDT", *set_options(overrides)]


def test_the_table_says_why_nothing_traded(candles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(options(candles, POOR)) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "! Nothing was traded: " in said and f"steps MIN_NOTIONAL: {NUMBER}; the others" in said


def test_json_has_counts_and_number_for_the_fleet_and_each_bot(
    candles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call([*options(candles, POOR), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    found = summary["no_trades"]
    assert found["fleet"]["binds"] == "MIN_NOTIONAL" and NUMBER in found["fleet"]["sentence"]
    assert set(found["by_bot"]) == set(summary["by_bot"]) and len(found["by_bot"]) == 6
    for name, bot in summary["by_bot"].items():
        own = found["by_bot"][name]
        assert own["steps_by_reason"] == bot["steps_by_reason"] and own["steps"] == summary["bars"]
        assert own["binds"] != "MIN_NOTIONAL" or NUMBER in own["sentence"]
    for reason, count in found["fleet"]["steps_by_reason"].items():
        assert count == sum(bot["steps_by_reason"].get(reason, 0) for bot in found["by_bot"].values())
    assert any(f"Nothing was traded: {found['fleet']['sentence']}" == warning for warning in summary["warnings"])


def test_the_bots_that_made_no_trade_are_told_from_those_that_did(candles: Path, tmp_path: Path) -> None:
    grids = ("strategies.breakout.grid=[[10], [500]]", *SMALL_FLEET[:1], *SMALL_FLEET[2:])
    summary = run(candles, tmp_path, "--symbols", "BTC/USDT", overrides=grids)
    assert summary["no_trades"]["fleet"] is None and list(summary["no_trades"]["by_bot"]) == ["bo_btc_usdt_1h_p2"]
    assert summary["warnings"][0] == (
        "1 of 6 bots (bo_btc_usdt_1h_p2) made no trade: 120 of 120 steps WARMUP: strategies look back over 500 bars, "
        "and there were 120"
    )


def test_a_fleet_that_trades_says_nothing_of_it(candles: Path, tmp_path: Path) -> None:
    summary = run(candles, tmp_path, "--symbols", "BTC/USDT")
    assert summary["no_trades"] == {"fleet": None, "by_bot": {}}
    assert not any("trade" in warning for warning in summary["warnings"])
