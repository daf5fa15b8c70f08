"""The unit that money is counted in changes nothing: dollars, cents or bitcoin, a fleet trades the same."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.settings import Settings, load_settings
from tests.research.runs import DAYS, SMALL_FLEET, START, SYMBOLS, read_rows, run, simulated_bars, write_bars
from worker.fleet.plan import plan_fleet, planned_bots
from worker.market.protocol import file_limits
from worker.research.backtest import Backtest, run_backtest
from worker.research.candles import lay_on_grid
from worker.research.history import History, Source
from worker.strategies.bars import Bars, make_bars

CAPITAL, MIN_NOTIONAL = 1000.0, 20.0
# Each row takes other ways through the rules: what is counted in money anywhere must scale in all of them.
WAYS: dict[str, tuple[str, ...]] = {
    "calm": ("risk.edge_to_cost=0.5",),
    "legacy": ("allocation.policy=score", "risk.resize=true", "risk.resize_band=0.0", "allocation.rebalance_band=0.0"),
    "without netting": ("risk.netting=false", "risk.edge_to_cost=0.5", "allocation.policy=inverse_volatility"),
    "capped": (
        "risk.max_portfolio_exposure=0.3", "risk.max_symbol_exposure=0.2", "risk.edge_to_cost=0.0",
        "risk.ladder=[[0.01, 0.5], [0.02, 0.5]]", "allocation.rebalance_band=0.01",
    ),
}  # fmt: skip
EXPONENTS = (-40, -1, 9, *(pytest.param(k, marks=pytest.mark.slow) for k in (-17, -10, -3, 1, 2, 20, 40)))


def _settings(unit: float, way: str) -> Settings:
    money = (f"portfolio.capital_per_bot={CAPITAL * unit!r}", f"risk.min_notional={MIN_NOTIONAL * unit!r}")
    return load_settings(None, {}, [f"market.start={START}", *SMALL_FLEET, *money, *WAYS[way]])


def _scaled(bars: Bars, unit: float) -> Bars:
    prices = (getattr(bars, name) * unit for name in ("open", "high", "low", "close"))
    return make_bars(bars.open_ms, *prices, bars.volume)


def _history(settings: Settings, unit: float) -> History:
    """Give simulated candles with gaps, and funding, in a unit of money."""
    bars_of = {symbol: _scaled(simulated_bars(symbol), unit) for symbol in SYMBOLS}
    kept = np.random.default_rng(3).random(24 * DAYS) > 0.01
    bars_of[SYMBOLS[1]] = bars_of[SYMBOLS[1]][np.flatnonzero(kept)]
    grid = lay_on_grid(bars_of, settings.step_ms)
    rates = np.where(np.arange(len(grid.open_ms)) % 8 == 0, 0.0003, 0.0)
    limits = {symbol: file_limits(bars) for symbol, bars in bars_of.items()}
    return History(Source("scaled", []), grid, {SYMBOLS[0]: rates}, limits)


def _run(unit: float, way: str) -> Backtest:
    settings = _settings(unit, way)
    return run_backtest(settings, plan_fleet(planned_bots(settings)), lambda: _history(settings, unit))


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def plain(way: str) -> Backtest:
    found = _run(1.0, way)
    assert len(found.replay.fills) > 100 and np.count_nonzero(found.replay.flows) > 10
    return found


MONEY = ("price", "fee", "slippage", "saved", "best_price", "worst_price")


def _differences(found: Backtest, plain: Backtest, unit: float) -> list[str]:
    """Name what is not exactly the same but for the unit of money."""
    replay, before = found.replay, plain.replay
    if len(replay.fills) != len(before.fills):
        return [f"{len(replay.fills)} fills for {len(before.fills)}"]
    names = replay.fills.dtype.names or ()
    wrong = [
        f"fills.{name}"
        for name in names
        if not np.array_equal(replay.fills[name], before.fills[name] * (unit if name in MONEY else 1))
    ]
    for name in ("equity", "exposure", "sleeve_equity", "allocations", "flows"):
        if not np.array_equal(getattr(replay, name), getattr(before, name) * unit):
            wrong.append(name)
    if not np.array_equal(replay.reasons, before.reasons):
        wrong.append("reasons")
    if [trip.profit for trip in found.books.trips] != [trip.profit * unit for trip in plain.books.trips]:
        wrong.append("round trips")
    return wrong + _other_figures(found, plain, unit)


def _other_figures(found: Backtest, plain: Backtest, unit: float) -> list[str]:
    wrong = []
    for own, before in zip(found.figures, plain.figures, strict=True):
        values, expected = own.values(), before.values()
        scaled = {name: value * unit if name.endswith("_quote") else value for name, value in expected.items()}
        wrong += [f"{own.scope}.{name}" for name in scaled if not _same(values[name], scaled[name])]
    return wrong


def _same(one: Any, other: Any) -> bool:
    is_unknown = isinstance(one, float) and math.isnan(one)
    return bool(np.isnan(other)) if is_unknown else bool(one == other)


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_candles_and_money_in_another_unit_give_exactly_the_same_fills(
    plain: Backtest, way: str, exponent: int
) -> None:
    assert _differences(_run(2.0**exponent, way), plain, 2.0**exponent) == []


def test_an_amount_left_in_the_old_unit_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.fleet.plan.grain_of", lambda capital: 2.0**-4)
    assert "flows" in _differences(_run(2.0, "capped"), _run(1.0, "capped"), 2.0)


def _quoted(folder: Path, quote: str, unit: float, out: Path) -> list[dict[str, str]]:
    """Give the fills over candles of ETH in a quote, with money of the same scale."""
    money = (f"portfolio.quote={quote}", f"portfolio.capital_per_bot={1e3 * unit}", f"risk.min_notional={1e2 * unit}")
    folder.mkdir()
    write_bars(folder / f"ETH_{quote}-1h.parquet", _scaled(simulated_bars("ETH/USDT"), unit))
    run(folder, out, "--symbols", f"ETH/{quote}", overrides=[*SMALL_FLEET, *money])
    return read_rows(out, "fills")


def _what(fill: dict[str, str]) -> list[str]:
    names = ("time", "sleeve", "side", "leg", "trigger")
    return [fill["bot"].rpartition("_")[2], *(fill[name] for name in names)]


def test_a_fleet_that_counts_in_bitcoin_trades_as_one_that_counts_in_dollars(tmp_path: Path) -> None:
    dollars = _quoted(tmp_path / "dollars", "USDT", 1.0, tmp_path / "out_dollars")
    bitcoin = _quoted(tmp_path / "bitcoin", "BTC", 1e-5, tmp_path / "out_bitcoin")
    assert len(bitcoin) > 50 and any(float(fill["fee"]) > 0.0 for fill in bitcoin)
    assert [_what(fill) for fill in bitcoin] == [_what(fill) for fill in dollars]
    quantities = [[float(fill["quantity"]) for fill in fills] for fills in (bitcoin, dollars)]
    assert np.allclose(*quantities, rtol=0.0, atol=1.01e-8)


def test_a_backtest_in_bitcoin_says_enough_digits_and_what_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    money = ("portfolio.quote=BTC", "portfolio.capital_per_bot=0.01", "risk.min_notional=0.001", "risk.leverage=3")
    write_bars(tmp_path / "ETH_BTC-1h.parquet", _scaled(simulated_bars("ETH/USDT"), 1e-5))
    summary = run(tmp_path, tmp_path / "out", "--symbols", "ETH/BTC", overrides=[*SMALL_FLEET, *money])
    said = capsys.readouterr().out
    portfolio = summary["portfolio"]
    line = next(line for line in said.splitlines() if "Profit " in line and "factor" not in line)
    assert f" {portfolio['profit_quote']:,.7f} " in line and portfolio["profit_quote"] != 0.0
    assert f" {portfolio['end_equity_quote']:,.7f} " in said and f" {portfolio['expectancy_quote']:,.8f} " in said
    assert any(note.startswith("risk.leverage 3 enlarges no position") for note in summary["notes"])
    assert "risk.leverage 3 enlarges no position" in said
    assert any(re.search(r"lost 0\.\d{7} BTC after costs", warning) for warning in summary["warnings"])
