"""What round trips earned, and how sure a win rate is."""

import numpy as np
import pytest
from scipy.stats import binomtest

from shared.metrics.activity import exposure, time_in_market, turnover
from shared.metrics.round_trips import (
    expectancy,
    independent,
    open_profit,
    profit_factor,
    symbol_days,
    wilson_interval,
    win_rate,
    wins,
)
from shared.units import DAY_MS

PROFITS = np.array([30.0, -10.0, 0.0, 20.0, -15.0])
EMPTY = np.empty(0)


def test_profit_factor_is_gains_over_losses() -> None:
    assert profit_factor(PROFITS) == 2.0
    assert profit_factor(np.array([-5.0])) == 0.0
    assert np.isnan(profit_factor(np.array([5.0, 0.0]))) and np.isnan(profit_factor(EMPTY))


def test_turning_every_round_trip_around_inverts_the_profit_factor() -> None:
    assert profit_factor(-PROFITS) == 1.0 / profit_factor(PROFITS)


def test_expectancy_is_the_mean_profit() -> None:
    assert expectancy(PROFITS) == 5.0
    assert np.isnan(expectancy(EMPTY))


def test_a_round_trip_that_came_out_even_is_no_win() -> None:
    assert wins(PROFITS) == 2 and win_rate(PROFITS) == 0.4
    assert wins(EMPTY) == 0 and np.isnan(win_rate(EMPTY))


@pytest.mark.parametrize(("quantity", "made"), [(2.0, 19.5), (-2.0, -20.5)])
def test_open_profit_is_after_the_entry_fee_that_is_still_carried(quantity: float, made: float) -> None:
    assert open_profit(quantity, 100.0, 0.5, 110.0) == made
    assert open_profit(np.array([quantity, 0.0]), 100.0, np.array([0.5, 0.0]), 110.0).tolist() == [made, 0.0]


@pytest.mark.parametrize("count", [1, 2, 10, 137, 5000])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_interval_is_that_of_scipy(count: int, confidence: float) -> None:
    for successes in {0, 1, count // 3, count - 1, count}:
        expected = binomtest(successes, count).proportion_ci(confidence, method="wilson")
        assert wilson_interval(successes, count, confidence) == pytest.approx(tuple(expected), abs=1e-12)


def test_the_interval_holds_the_rate_and_narrows_with_the_count() -> None:
    reaches = []
    for count in (10, 100, 1000):
        low, high = wilson_interval(count * 4 // 10, count)
        assert 0.0 < low < 0.4 < high < 1.0
        reaches.append(high - low)
    assert reaches == sorted(reaches, reverse=True)


def test_without_round_trips_the_interval_is_unknown() -> None:
    assert np.isnan(wilson_interval(0, 0)).all()


def test_symbol_days_are_told_apart_by_symbol_and_utc_day() -> None:
    symbols, closed = np.array([0, 1, 0, 0, 1, 2]), np.array([0, 0, DAY_MS - 1, DAY_MS, DAY_MS + 5, 5])
    days = symbol_days(symbols, closed)
    assert days[0] == days[2] and len(np.unique(days)) == 5
    assert len(symbol_days(np.empty(0, np.int64), np.empty(0, np.int64))) == 0


def test_an_interval_counts_the_trips_of_one_bot_and_the_symbol_days_of_several() -> None:
    assert (independent(40, 7, 1), independent(40, 7, 2), independent(0, 0, 0)) == (40, 7, 0)


def test_turnover_counts_both_sides_against_the_mean_equity() -> None:
    assert turnover(np.array([500.0, -500.0, 250.0]), np.array([900.0, 1100.0])) == 1.25
    assert turnover(EMPTY, np.array([1000.0])) == 0.0
    assert np.isnan(turnover(np.array([1.0]), EMPTY)) and np.isnan(turnover(np.array([1.0]), np.array([-1.0])))


def test_time_in_market_is_the_mean_over_bots_within_the_stretch() -> None:
    opened, closed = np.array([-50, 20, 90]), np.array([10, 40, 500])  # 10 + 20 + 10 of 100
    assert time_in_market(opened, closed, 0, 100) == pytest.approx(0.4)
    assert time_in_market(opened, closed, 0, 100, bots=4) == pytest.approx(0.1)
    assert time_in_market(EMPTY, EMPTY, 0, 100) == 0.0
    assert time_in_market(np.array([-20]), np.array([-10]), 0, 100) == 0.0
    assert np.isnan(time_in_market(opened, closed, 5, 5)) and np.isnan(time_in_market(opened, closed, 0, 100, bots=0))


def test_exposure_is_the_mean_share_of_equity_that_was_held() -> None:
    assert exposure(np.array([500.0, 0.0]), np.array([1000.0, 1000.0])) == 0.25
    assert exposure(np.array([500.0, 9.0]), np.array([1000.0, 0.0])) == 0.5
    assert np.isnan(exposure(EMPTY, EMPTY)) and np.isnan(exposure(np.array([1.0]), np.array([0.0])))
