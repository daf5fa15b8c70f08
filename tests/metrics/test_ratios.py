"""Relations of ratios and drawdowns, each said as a sentence; equality with an independent library on real days."""

from functools import cache

import empyrical
import numpy as np
import pandas as pd
import pytest

from shared.metrics.drawdowns import drawdown, max_drawdown, max_drawdown_ms
from shared.metrics.equity import annual_return, daily_equity, returns
from shared.metrics.ratios import annual_volatility, calmar_ratio, sharpe_ratio, sortino_ratio, value_at_risk
from shared.units import DAY_MS, MINUTE_MS
from tests.conftest import candles_folder
from tests.metrics.marks import days, grown, random_returns

SEEDS = pytest.mark.parametrize("seed", range(5))
EMPTY = np.empty(0)


@cache
def real_days(symbol: str) -> tuple[np.ndarray, np.ndarray]:
    frame = pd.read_parquet(candles_folder("spot-5m") / f"{symbol}-5m.parquet")
    closes_ms = frame["timestamp"].astype("datetime64[ms, UTC]").astype("int64").to_numpy() + 5 * MINUTE_MS
    day_ms, closes = daily_equity(closes_ms, frame["close"].to_numpy())
    assert len(day_ms) > 400 and np.all(day_ms[1:] % DAY_MS == 0)
    return day_ms[1:], closes[1:]  # from the first midnight


@pytest.mark.parametrize("symbol", ["BTC_USDT", "ETH_USDT", "SOL_USDT"])
def test_an_independent_library_agrees_on_real_days(symbol: str) -> None:
    day_ms, closes = real_days(symbol)
    daily = returns(closes)
    independent = {
        "sharpe": empyrical.sharpe_ratio(daily, annualization=365),
        "sortino": empyrical.sortino_ratio(daily, annualization=365),
        "calmar": empyrical.calmar_ratio(daily, annualization=365),
        "max drawdown": -empyrical.max_drawdown(daily),
        "annual return": empyrical.annual_return(daily, annualization=365),
        "annual volatility": empyrical.annual_volatility(daily, annualization=365),
        "value at risk": -empyrical.value_at_risk(daily, cutoff=0.01),
    }
    ours = {
        "sharpe": sharpe_ratio(daily),
        "sortino": sortino_ratio(daily),
        "calmar": calmar_ratio(day_ms, closes),
        "max drawdown": max_drawdown(closes),
        "annual return": annual_return(day_ms, closes),
        "annual volatility": annual_volatility(daily),
        "value at risk": value_at_risk(daily),
    }
    assert ours == pytest.approx(independent, rel=1e-9)


@pytest.mark.parametrize("symbol", ["BTC_USDT", "SOL_USDT"])
def test_the_length_of_the_real_drawdown_is_that_of_a_loop(symbol: str) -> None:
    day_ms, closes = real_days(symbol)
    peak_row = deepest_row = deepest_peak = 0
    deepest = 0.0
    for row, close in enumerate(closes):
        peak_row = row if close >= closes[peak_row] else peak_row
        if 1.0 - close / closes[peak_row] > deepest:
            deepest, deepest_row, deepest_peak = 1.0 - close / closes[peak_row], row, peak_row
    back = [row for row in range(deepest_row, len(closes)) if closes[row] >= closes[deepest_peak]]
    end = back[0] if back else len(closes) - 1
    assert max_drawdown_ms(day_ms, closes) == day_ms[end] - day_ms[deepest_peak]


@SEEDS
def test_scaling_returns_scales_volatility_and_leaves_the_ratios(seed: int) -> None:
    daily = random_returns(seed)
    assert annual_volatility(daily / 3) == pytest.approx(annual_volatility(daily) / 3)
    assert sharpe_ratio(daily / 3) == pytest.approx(sharpe_ratio(daily))
    assert sortino_ratio(daily / 3) == pytest.approx(sortino_ratio(daily))
    assert value_at_risk(daily / 3) == pytest.approx(value_at_risk(daily) / 3)


@SEEDS
def test_shifting_returns_up_raises_the_ratios_and_leaves_volatility(seed: int) -> None:
    daily = random_returns(seed)
    assert annual_volatility(daily + 0.001) == pytest.approx(annual_volatility(daily))
    assert sharpe_ratio(daily + 0.001) > sharpe_ratio(daily)
    assert sortino_ratio(daily + 0.001) > sortino_ratio(daily)
    assert value_at_risk(daily + 0.001) == pytest.approx(value_at_risk(daily) - 0.001)


@SEEDS
def test_adding_a_constant_to_returns_never_deepens_the_drawdown(seed: int) -> None:
    daily = random_returns(seed)
    assert max_drawdown(grown(daily + 0.001)) <= max_drawdown(grown(daily))


@SEEDS
def test_negated_returns_have_the_negated_sharpe_ratio(seed: int) -> None:
    daily = random_returns(seed)
    assert sharpe_ratio(-daily) == pytest.approx(-sharpe_ratio(daily))


@SEEDS
def test_the_order_of_days_matters_to_drawdowns_alone(seed: int) -> None:
    daily = random_returns(seed)
    shuffled = np.random.default_rng(seed).permutation(daily)
    assert sharpe_ratio(shuffled) == pytest.approx(sharpe_ratio(daily))
    assert value_at_risk(shuffled) == value_at_risk(daily)
    assert max_drawdown(grown(shuffled)) != pytest.approx(max_drawdown(grown(daily)))


@SEEDS
def test_seeing_the_same_days_twice_changes_no_ratio_but_for_the_sample_correction(seed: int) -> None:
    daily = random_returns(seed)
    twice = np.concatenate((daily, daily))
    assert sortino_ratio(twice) == pytest.approx(sortino_ratio(daily))
    count = len(daily)
    assert sharpe_ratio(twice) == pytest.approx(sharpe_ratio(daily) * ((2 * count - 1) / (2 * count - 2)) ** 0.5)


@SEEDS
def test_money_counted_in_another_coin_has_the_same_drawdown(seed: int) -> None:
    equity = grown(random_returns(seed))
    np.testing.assert_allclose(drawdown(equity * 7.0), drawdown(equity), atol=1e-12)
    assert calmar_ratio(days(len(equity)), equity * 7.0) == pytest.approx(calmar_ratio(days(len(equity)), equity))


@SEEDS
def test_a_longer_history_never_has_a_shallower_drawdown(seed: int) -> None:
    equity = grown(random_returns(seed))
    depths = [max_drawdown(equity[:count]) for count in range(1, len(equity))]
    assert depths == sorted(depths) and depths[-1] > 0.0


def test_drawdown_is_the_fall_from_the_highest_so_far() -> None:
    equity = np.array([100.0, 120.0, 90.0, 120.0, 60.0, 150.0, -30.0])
    np.testing.assert_allclose(drawdown(equity), [0, 0, 0.25, 0, 0.5, 0, 1.2], atol=1e-15)


@pytest.mark.parametrize(
    ("equity", "length_days"),
    [
        ([100, 120, 90, 110, 120, 130], 3),  # peak on day 1, back on day 4
        ([100, 120, 90, 110, 119], 3),  # not back: to the last mark
        ([100, 120, 120, 120, 60, 130], 2),  # from the last mark at the peak, day 3
        ([100, 90, 100, 50, 80, 100], 3),  # of two the deeper, from day 2
        ([100, 50, 100, 50, 80, 100], 2),  # of two equal ones the first
        ([100, 110, 110, 120], 0),
        ([100], 0),
    ],
)
def test_a_drawdown_lasts_from_its_peak_until_equity_is_back(equity: list[float], length_days: int) -> None:
    assert max_drawdown_ms(days(len(equity)), np.array(equity, float)) == length_days * DAY_MS


def test_equity_that_never_fell_has_no_drawdown_and_no_calmar_ratio() -> None:
    equity = np.linspace(100.0, 200.0, 10)
    assert max_drawdown(equity) == 0.0
    assert np.isnan(calmar_ratio(days(10), equity))


def test_without_a_positive_mark_a_drawdown_is_unknown() -> None:
    for equity in (EMPTY, np.array([0.0, -1.0])):
        assert np.isnan(max_drawdown(equity)) and np.isnan(max_drawdown_ms(days(len(equity)), equity))
    np.testing.assert_array_equal(drawdown(np.array([0.0, 10.0, 5.0])), [np.nan, 0.0, 0.5])
    assert max_drawdown(np.array([0.0, 10.0, 5.0])) == 0.5


@pytest.mark.parametrize("daily", [EMPTY, np.array([0.01])], ids=["no day", "one day"])
def test_ratios_of_fewer_than_two_days_are_unknown(daily: np.ndarray) -> None:
    assert all(np.isnan(figure(daily)) for figure in (annual_volatility, sharpe_ratio, sortino_ratio))


def test_returns_that_do_not_differ_have_no_sharpe_ratio() -> None:
    daily = returns(grown(np.full(50, 0.001)))
    assert np.ptp(daily) > 0.0, "rounding should make them differ"
    assert np.isnan(sharpe_ratio(daily)) and np.isnan(sharpe_ratio(np.zeros(50)))


def test_returns_that_never_lose_have_no_sortino_ratio() -> None:
    assert np.isnan(sortino_ratio(np.array([0.01, 0.02, 0.0])))


def test_after_losing_everything_there_is_no_ratio() -> None:
    daily = returns(np.array([100.0, 50.0, -1.0, 20.0, 30.0]))
    figures = (annual_volatility, sharpe_ratio, sortino_ratio, value_at_risk)
    assert all(np.isnan(figure(daily)) for figure in figures)


def test_value_at_risk_is_the_loss_of_the_worst_day_in_a_hundred() -> None:
    daily = np.linspace(-0.10, 0.10, 201)
    assert value_at_risk(daily) == pytest.approx(0.098)
    assert value_at_risk(daily, confidence=0.95) == pytest.approx(0.09)
    assert value_at_risk(np.array([0.01, 0.02])) < 0.0
    assert np.isnan(value_at_risk(EMPTY))
