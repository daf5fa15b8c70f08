"""Returns and growth: daily marks, flows taken out, a year of 365 days."""

import numpy as np
import pytest

from shared.metrics.equity import annual_return, daily_equity, flow_free_equity, returns, total_return
from shared.units import DAY_MS, HOUR_MS
from tests.metrics.marks import START_MS, days, grown, hours, random_returns

EMPTY = np.empty(0)


def test_daily_equity_is_the_last_mark_at_or_before_each_midnight() -> None:
    time_ms = START_MS + HOUR_MS * np.array([5, 12, 24, 30, 47, 49, 60])
    day_ms, equity = daily_equity(time_ms, np.array([100.0, 101, 102, 103, 104, 105, 106]))
    #            first mark    midnight 1      midnight 2      last mark
    assert ((day_ms - START_MS) // HOUR_MS).tolist() == [5, 24, 48, 60]
    assert equity.tolist() == [100, 102, 104, 106]


def test_marks_at_midnight_are_daily_already() -> None:
    time_ms, equity = days(5), np.array([1.0, 2, 3, 4, 5])
    day_ms, daily = daily_equity(time_ms, equity)
    assert day_ms.tolist() == time_ms.tolist() and daily.tolist() == equity.tolist()


def test_a_midnight_without_a_new_mark_repeats_the_last() -> None:
    day_ms, equity = daily_equity(days(5)[[0, 1, 4]], np.array([1.0, 2.0, 3.0]))
    assert len(day_ms) == 5 and equity.tolist() == [1, 2, 2, 2, 3]


def test_few_marks_are_their_own_days() -> None:
    assert daily_equity(np.empty(0, np.int64), EMPTY)[1].tolist() == []
    assert daily_equity(hours(1) + 1, np.array([7.0]))[1].tolist() == [7]
    assert daily_equity(hours(3) + 1, np.array([7.0, 8.0, 9.0]))[1].tolist() == [7, 9]


def test_daily_returns_multiply_to_the_total_however_marks_fall() -> None:
    equity = grown(random_returns(1, 500) / 10)
    for shift_ms in (0, 1, 7 * HOUR_MS + 13):
        daily = daily_equity(hours(501) + shift_ms, equity)[1]
        assert np.prod(1.0 + returns(daily)) - 1.0 == pytest.approx(total_return(equity), rel=1e-12)


def test_total_return_is_last_over_first() -> None:
    assert total_return(np.array([100.0, 90.0, 125.0])) == 0.25
    assert total_return(np.array([100.0, -20.0])) == -1.2
    for unknown in (EMPTY, np.array([0.0, 1.0]), np.array([-1.0, 1.0])):
        assert np.isnan(total_return(unknown))


def test_returns_on_equity_that_is_not_positive_are_unknown() -> None:
    np.testing.assert_array_equal(
        returns(np.array([100.0, 150.0, 0.0, 5.0, -1.0, 2.0])), [0.5, -1, np.nan, -1.2, np.nan]
    )
    assert len(returns(EMPTY)) == len(returns(np.array([1.0]))) == 0


def test_annual_return_goes_by_elapsed_time() -> None:
    assert annual_return(days(366), grown(np.full(365, 0.001))) == pytest.approx(1.001**365 - 1.0)
    assert annual_return(np.array([0, 730 * DAY_MS]), np.array([100.0, 121.0])) == pytest.approx(0.10)
    assert annual_return(np.array([0, 73 * DAY_MS]), np.array([100.0, 110.0])) == pytest.approx(1.1**5 - 1.0)
    assert annual_return(days(10), np.array([*[100.0] * 9, 0.0])) == -1.0


def test_an_annual_return_that_says_nothing_is_unknown() -> None:
    assert np.isnan(annual_return(np.empty(0, np.int64), EMPTY))
    assert np.isnan(annual_return(hours(24), np.linspace(100, 101, 24)))  # 23 hours
    assert np.isnan(annual_return(days(2), np.array([0.0, 100.0])))
    assert np.isnan(annual_return(days(2), np.array([100.0, -1.0])))
    assert np.isnan(annual_return(days(2), np.array([1.0, 10.0])))  # 10^365


def test_flows_are_neither_gain_nor_loss() -> None:
    earned = random_returns(2, 300)
    flows = np.random.default_rng(3).normal(0.0, 100.0, 301)
    equity = np.empty(301)
    equity[0] = 1000.0
    for row in range(300):
        flows[row] = max(flows[row], -equity[row] / 2)
        equity[row + 1] = (equity[row] + flows[row]) * (1.0 + earned[row])
    np.testing.assert_allclose(flow_free_equity(equity, flows), grown(earned), rtol=1e-12)


def test_without_flows_equity_stays_as_it_is() -> None:
    equity = grown(random_returns(4))
    assert flow_free_equity(equity, np.zeros(len(equity))) is equity


def test_a_return_on_no_money_is_0() -> None:
    # All of it is withdrawn after the second mark; it comes back after the third.
    equity, flows = np.array([100.0, 110.0, 0.0, 55.0]), np.array([0.0, -110.0, 50.0, 0.0])
    assert flow_free_equity(equity, flows).tolist() == pytest.approx([100.0, 110.0, 110.0, 121.0])
