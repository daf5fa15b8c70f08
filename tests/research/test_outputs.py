"""What a backtest writes sums: fills to equity, sleeves to the portfolio, round trips to profit."""

import json
import math
import weakref
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from shared.enums import Reason
from shared.errors import LedgerError
from shared.metrics.performance import Performance
from shared.settings import load_settings
from shared.tables.exports import columns
from tests.conftest import ROOT
from tests.research.runs import SMALL_FLEET, SYMBOLS, call, read_rows, run, simulated_bars, write_candles
from worker.fleet.plan import plan_fleet, planned_bots
from worker.research import backtest as backtesting
from worker.research.backtest import run_backtest
from worker.research.books import Books, check_books, keep_books
from worker.research.history import History, load_history

Finished = tuple[Path, dict[str, Any]]
FILES = ("equity", "fills", "round_trips", "allocations", "decisions")
EXACT = 1e-9


def is_close(left: float, right: float) -> bool:
    return math.isclose(left, right, rel_tol=EXACT, abs_tol=1e-6)


def test_the_run_is_worth_looking_at(finished: Finished) -> None:
    out, summary = finished
    assert summary["fills"] > 100
    assert summary["bots"] == 18
    assert summary["bars"] == len(simulated_bars("BTC/USDT"))
    assert len(read_rows(out, "round_trips")) > 50
    assert any(float(row["transfer"]) != 0.0 for row in read_rows(out, "allocations"))
    assert any(float(fill["crossed"]) != 0.0 for fill in read_rows(out, "fills"))


def test_fills_and_transfers_alone_give_the_equity(finished: Finished) -> None:
    out, summary = finished
    cash, held = defaultdict(lambda: 1000.0), defaultdict(float)
    for row in read_rows(out, "allocations"):
        cash[row["scope"]] += float(row["transfer"])
    for fill in read_rows(out, "fills"):
        cash[fill["bot"]] -= float(fill["quantity"]) * float(fill["price"]) + float(fill["fee"])
        held[fill["bot"]] += float(fill["quantity"])
    closes = {symbol: float(simulated_bars(symbol).close[-1]) for symbol in SYMBOLS}
    equity = {bot: cash[bot] + held[bot] * closes[found["symbol"]] for bot, found in summary["by_bot"].items()}
    assert is_close(sum(equity.values()), summary["portfolio"]["end_equity_quote"])
    for bot, found in summary["by_bot"].items():
        assert is_close(equity[bot], found["end_equity_quote"]), bot


def test_sleeves_sum_to_the_portfolio_at_every_mark(finished: Finished) -> None:
    out, summary = finished
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    portfolio = {}
    for row in read_rows(out, "equity"):
        if row["scope"] == "portfolio":
            portfolio[row["time"]] = [float(row["equity"]), float(row["money_in"])]
        else:
            sums[row["time"]][0] += float(row["equity"])
            sums[row["time"]][1] += float(row["money_in"])
    assert len(portfolio) == summary["bars"] + 1
    assert portfolio.keys() == sums.keys()
    for time, (equity, money_in) in portfolio.items():
        assert is_close(sums[time][0], equity), time
        assert is_close(sums[time][1], money_in), time


def test_round_trips_and_what_is_open_give_the_profit(finished: Finished) -> None:
    out, summary = finished
    profit = sum(float(row["profit"]) for row in read_rows(out, "round_trips"))
    profit += sum(found["open_profit_quote"] + found["open_realised_quote"] for found in summary["by_bot"].values())
    assert is_close(profit, summary["portfolio"]["profit_quote"])
    assert is_close(profit, summary["portfolio"]["end_equity_quote"] - 18 * 1000.0)


@pytest.mark.parametrize("figure", ["profit_quote", "fees_quote", "slippage_quote", "fees_saved_quote", "fills"])
def test_a_figure_sums_from_bots_to_sleeves_to_the_portfolio(finished: Finished, figure: str) -> None:
    _, summary = finished
    assert summary["portfolio"][figure] != 0.0
    for scopes in ("by_bot", "by_sleeve"):
        assert is_close(sum(found[figure] for found in summary[scopes].values()), summary["portfolio"][figure])


def test_orders_are_numbered_in_the_fills(finished: Finished) -> None:
    out, summary = finished
    orders = [int(fill["order"]) for fill in read_rows(out, "fills") if fill["order"]]
    assert len(set(orders)) == summary["orders"] == summary["portfolio"]["orders"] < summary["fills"]
    assert all(fill["order"] or fill["quantity"] == fill["crossed"] for fill in read_rows(out, "fills"))


def test_every_bar_of_every_bot_has_one_reason(finished: Finished) -> None:
    out, summary = finished
    steps: dict[str, int] = defaultdict(int)
    for row in read_rows(out, "decisions"):
        assert row["reason"] in Reason.__members__
        steps[row["bot"]] += int(row["steps"])
    assert steps == dict.fromkeys(summary["by_bot"], summary["bars"])


def test_the_weights_of_a_rebalance_sum_to_one_in_the_portfolio_and_in_each_sleeve(finished: Finished) -> None:
    out, summary = finished
    weights: dict[tuple[str, str], float] = defaultdict(float)
    transfers: dict[tuple[str, str], float] = defaultdict(float)
    for row in read_rows(out, "allocations"):
        owner = summary["by_bot"][row["scope"]]["sleeve"] if row["scope_kind"] == "BOT" else "portfolio"
        weights[row["time"], owner] += float(row["weight"])
        transfers[row["time"], row["scope_kind"]] += float(row["transfer"])
    assert {owner for _, owner in weights} == {"portfolio", *summary["by_sleeve"]}
    assert all(is_close(weight, 1.0) for weight in weights.values())
    assert all(is_close(transfer, 0.0) for transfer in transfers.values())


def test_the_equity_of_an_allocation_is_that_of_the_curve(finished: Finished) -> None:
    out, _ = finished
    curve = {(row["time"], row["scope"]): row["equity"] for row in read_rows(out, "equity")}
    sleeves = [row for row in read_rows(out, "allocations") if row["scope_kind"] == "SLEEVE"]
    assert sleeves
    assert all(row["equity"] == curve[row["time"], row["scope"]] for row in sleeves)


def test_columns_are_those_of_the_exports(finished: Finished) -> None:
    out, _ = finished
    for name in ("fills", "round_trips", "allocations"):
        exported = [column for column in columns(name) if column not in ("client_order_id", "exchange_trade_id")]
        own = [column for column in read_rows(out, name)[0] if column != "order"]
        assert own[: len(exported)] == exported, name


def test_every_fill_has_a_number_of_its_own(finished: Finished) -> None:
    out, summary = finished
    numbers = [int(row["id"]) for row in read_rows(out, "fills")]
    assert numbers == list(range(1, summary["fills"] + 1))


def test_the_summary_has_every_figure_of_the_portfolio_and_each_sleeve(finished: Finished) -> None:
    _, summary = finished
    figures = {*Performance.__dataclass_fields__, "profit_quote", "slippage_quote", "funding_quote"}
    assert set(summary["portfolio"]) == figures
    assert list(summary["by_sleeve"]) == ["mean_reversion", "breakout", "trend_following"]
    for sleeve in summary["by_sleeve"].values():
        assert set(sleeve) == figures
    assert set(summary["seconds"]) == {"load", "kernel", "signals", "replay", "figures"}
    assert summary["settings"]["portfolio"]["timeframe"] == "1h"
    assert 0.0 <= summary["portfolio"]["win_rate_low"] <= summary["portfolio"]["win_rate"]


def test_a_figure_that_cannot_be_known_is_null(candles: Path, tmp_path: Path) -> None:
    summary = run(candles, tmp_path / "out", "--set", "risk.min_notional=1e9")
    assert summary["fills"] == 0
    for figure in ("win_rate", "profit_factor", "sharpe_ratio", "expectancy_quote"):
        assert summary["portfolio"][figure] is None
    assert summary["portfolio"]["total_return"] == 0.0
    assert read_rows(tmp_path / "out", "fills") == []


def test_a_loss_is_said(finished: Finished) -> None:
    _, summary = finished
    losers = {scope for scope, found in summary["by_sleeve"].items() if found["profit_quote"] < 0.0}
    said = {warning.split()[0] for warning in summary["warnings"] if " lost " in warning}
    assert losers <= said
    assert losers


def test_the_same_run_writes_the_same_files(finished: Finished, candles: Path, tmp_path: Path) -> None:
    out, summary = finished
    again = run(candles, tmp_path / "again")
    assert {**again, "seconds": None} == {**summary, "seconds": None}
    for name in FILES:
        assert (tmp_path / "again" / f"{name}.csv").read_bytes() == (out / f"{name}.csv").read_bytes(), name


def test_every_column_and_key_is_documented(finished: Finished, candles: Path, tmp_path: Path) -> None:
    out, summary = finished
    braked = run(candles, tmp_path / "braked", "--set", "risk.portfolio_drawdown=0.01")
    text = (ROOT / "docs/backtest.md").read_text()
    for name in FILES:
        section = text.split(f"### `{name}.csv`")[1].split("\n#")[0]
        documented = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
        assert documented == list(read_rows(out, name)[0]), name
    keys = [*summary, *next(iter(summary["by_bot"].values())), *braked["brakes"][0], *summary["candles"][0]]
    assert [key for key in keys if f"`{key}`" not in text] == []


def test_a_fill_that_is_lost_is_seen(candles: Path) -> None:
    settings = load_settings(None, {}, SMALL_FLEET)
    plan = plan_fleet(planned_bots(settings))
    found = run_backtest(settings, plan, lambda: load_history(settings, plan.symbols, candles))
    check_books(found.replay, found.books)
    found.replay.fills["price"][len(found.replay.fills) // 2] *= 1.001
    with pytest.raises(LedgerError, match="must follow from its fills, is off by"):
        check_books(found.replay, found.books)


def test_bars_are_let_go_before_the_figures_need_the_room(candles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(None, {}, SMALL_FLEET)
    plan = plan_fleet(planned_bots(settings))
    prices: list[weakref.ref] = []

    def load() -> History:
        history = load_history(settings, plan.symbols, candles)
        prices.append(weakref.ref(history.grid.columns))
        return history

    def keep(*told: Any) -> Books:
        assert prices[0]() is None
        return keep_books(*told)

    monkeypatch.setattr(backtesting, "keep_books", keep)
    run_backtest(settings, plan, load)
    assert len(prices) == 1


def test_partial_exits_sum_too(candles: Path, tmp_path: Path) -> None:
    ladder = "risk.ladder=[[0.01, 0.33], [0.02, 0.33], [0.03, 0.34]]"
    summary = run(candles, tmp_path / "out", "--set", ladder)
    assert "LADDER" in {fill["trigger"] for fill in read_rows(tmp_path / "out", "fills")}
    test_fills_and_transfers_alone_give_the_equity((tmp_path / "out", summary))
    test_round_trips_and_what_is_open_give_the_profit((tmp_path / "out", summary))


def test_json_is_the_summary_alone(candles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(candles, tmp_path / "out", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out" / "summary.json").read_text())


def test_the_table_shows_every_sleeve(candles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(candles, tmp_path / "out")
    printed = capsys.readouterr().out
    words = (
        "portfolio",
        "mean_reversion",
        "Sharpe",
        "Sortino",
        "Calmar",
        "Max drawdown",
        "Profit factor",
        "Expectancy",
    )
    words += ("95% interval", "VaR 99%", "Turnover", "Fees", "Saved by netting", "Orders", "Fills", "Time in market")
    assert [word for word in words if word not in printed] == []
    assert "Shorts are a simulation" in printed


def test_what_is_not_written_leaves_nothing(tmp_path: Path) -> None:
    folder = write_candles(tmp_path / "few", SYMBOLS[:1], days=2)
    before = sorted(tmp_path.rglob("*"))
    assert call(["backtest", "--candles", folder, "--symbols", "BTC/USDT"]) == 0
    assert sorted(tmp_path.rglob("*")) == before
