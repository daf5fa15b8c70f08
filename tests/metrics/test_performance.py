"""All figures of one scope at once, and that each is written down."""

import importlib
import inspect
import pkgutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

import shared.metrics
from shared.metrics.drawdowns import max_drawdown, max_drawdown_ms
from shared.metrics.equity import annual_return, daily_equity, returns, total_return
from shared.metrics.performance import Activity, Performance, performance
from shared.metrics.ratios import annual_volatility, calmar_ratio, sharpe_ratio, sortino_ratio, value_at_risk
from shared.metrics.round_trips import effective_interval
from tests.metrics.marks import START_MS, grown, hours, random_returns

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"
EMPTY = np.empty(0)
IDLE = Activity(
    bots=2,
    profits_quote=EMPTY,
    notionals_quote=EMPTY,
    opened_ms=EMPTY,
    closed_ms=EMPTY,
    gross_quote=None,
    fees_quote=0.0,
    saved_quote=0.0,
    orders=0,
    fills=0,
    trials=0,
)


def public_functions() -> list[str]:
    modules = [
        importlib.import_module(f"shared.metrics.{module.name}")
        for module in pkgutil.iter_modules(shared.metrics.__path__)
    ]
    return [
        name
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    ]


def undocumented(names: list[str], text: str) -> list[str]:
    return [name for name in names if f"`{name}`" not in text]


def test_every_metric_and_every_field_is_documented() -> None:
    names = public_functions() + [field.name for field in fields(Performance)]
    assert len(names) > 40
    assert undocumented(names, DOCUMENT.read_text()) == []


def test_a_metric_that_is_not_documented_is_found() -> None:
    assert undocumented(["sharpe_ratio", "luck_ratio"], DOCUMENT.read_text()) == ["luck_ratio"]


def test_every_metric_says_what_it_gives() -> None:
    for module in pkgutil.iter_modules(shared.metrics.__path__):
        for name, function in inspect.getmembers(
            importlib.import_module(f"shared.metrics.{module.name}"), inspect.isfunction
        ):
            assert function.__doc__, f"{module.name}.{name} has no docstring"


def test_performance_is_its_parts() -> None:
    time_ms, equity = hours(24 * 60 + 1), grown(random_returns(1, 24 * 60) / 5)
    activity = Activity(
        bots=4,
        profits_quote=np.array([30.0, -10.0, 5.0]),
        notionals_quote=np.array([500.0, -500.0]),
        opened_ms=np.array([time_ms[0]]),
        closed_ms=np.array([time_ms[-1]]),
        gross_quote=equity / 2,
        fees_quote=7.5,
        saved_quote=1.5,
        orders=5,
        fills=6,
        trials=2,
    )
    daily = returns(daily_equity(time_ms, equity)[1])
    low, high = effective_interval(2, 3, 2)
    assert performance(time_ms, equity, activity) == Performance(
        start_ms=START_MS,
        end_ms=int(time_ms[-1]),
        start_equity_quote=1000.0,
        end_equity_quote=equity[-1],
        total_return=total_return(equity),
        annual_return=annual_return(time_ms, equity),
        annual_volatility=annual_volatility(daily),
        sharpe_ratio=sharpe_ratio(daily),
        sortino_ratio=sortino_ratio(daily),
        calmar_ratio=calmar_ratio(time_ms, equity),
        max_drawdown=max_drawdown(equity),
        max_drawdown_ms=max_drawdown_ms(time_ms, equity),
        value_at_risk=value_at_risk(daily),
        profit_factor=3.5,
        expectancy_quote=25.0 / 3.0,
        win_rate=2.0 / 3.0,
        win_rate_low=low,
        win_rate_high=high,
        trials=2,
        round_trips=3,
        turnover=1000.0 / np.mean(equity),
        fees_quote=7.5,
        fees_saved_quote=1.5,
        orders=5,
        fills=6,
        time_in_market=0.25,
        exposure=0.5,
    )


def test_a_transfer_changes_no_figure_but_turnover_and_the_equities() -> None:
    time_ms, earned = hours(24 * 40 + 1), random_returns(2, 24 * 40) / 5
    flows = np.zeros(len(time_ms))
    flows[300] = 5000.0
    flows[700] = -100.0
    equity = np.full(len(time_ms), 1000.0)
    for row, growth in enumerate(earned):
        equity[row + 1] = (equity[row] + flows[row]) * (1.0 + growth)
    without, with_flows = performance(time_ms, grown(earned), IDLE), performance(time_ms, equity, IDLE, flows)
    assert with_flows.end_equity_quote > 3000.0
    for field in fields(Performance):
        if not field.name.endswith("equity_quote"):
            expected = pytest.approx(getattr(without, field.name), rel=1e-9, nan_ok=True)
            assert getattr(with_flows, field.name) == expected, field.name
    ignored = performance(time_ms, equity, IDLE)
    assert ignored.total_return > 2.0, "without its flows a deposit looks like profit"


def test_a_fleet_that_did_nothing_has_no_invented_figures() -> None:
    idle = performance(hours(200), np.full(200, 1000.0), IDLE)
    assert (idle.total_return, idle.annual_return, idle.annual_volatility, idle.max_drawdown) == (0.0, 0.0, 0.0, 0.0)
    assert (idle.turnover, idle.time_in_market, idle.value_at_risk) == (0.0, 0.0, 0.0)
    unknown = (
        "sharpe_ratio",
        "sortino_ratio",
        "calmar_ratio",
        "profit_factor",
        "expectancy_quote",
        "win_rate",
        "exposure",
    )
    assert all(np.isnan(getattr(idle, name)) for name in (*unknown, "win_rate_low", "win_rate_high"))


def test_one_mark_is_enough_to_say_that_nothing_is_known() -> None:
    figures = performance(hours(1), np.array([1000.0]), IDLE)
    assert figures.total_return == 0.0 and np.isnan(figures.annual_return) and np.isnan(figures.time_in_market)


@pytest.mark.parametrize(("times", "marks"), [(0, 0), (3, 2)])
def test_marks_without_times_are_refused(times: int, marks: int) -> None:
    with pytest.raises(
        ValueError, match=f"marks must be as many as their times and at least 1, was {marks} of {times}"
    ):
        performance(hours(times), np.ones(marks), replace(IDLE))
