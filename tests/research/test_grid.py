"""Bars of several symbols on one grid, and funding on its bars."""

import numpy as np
import pytest

from shared.enums import BarStatus
from shared.errors import ConfigurationError
from worker.research.candles import fill_gaps, funding_per_bar, lay_on_grid
from worker.strategies.bars import Bars, make_bars, no_bars


def bars_at(*opens: int) -> Bars:
    """Build bars of one millisecond times ten with prices that name their time."""
    price = np.array(opens, float) + 1.0
    return make_bars(opens, price, price + 3.0, price - 0.5, price + 2.0, price * 10.0)


def test_a_missing_bar_is_flat_at_the_last_close_and_nothing_before_the_first() -> None:
    filled, status = fill_gaps(bars_at(10, 20, 50), np.arange(0, 70, 10))
    assert status.tolist() == [
        BarStatus.MISSING,
        BarStatus.FRESH,
        BarStatus.FRESH,
        BarStatus.MISSING,
        BarStatus.MISSING,
        BarStatus.FRESH,
        BarStatus.MISSING,
    ]
    assert filled.close.tolist() == [0.0, 13.0, 23.0, 23.0, 23.0, 53.0, 53.0]
    assert filled.open.tolist() == [0.0, 11.0, 21.0, 23.0, 23.0, 51.0, 53.0]
    assert filled.high.tolist() == [0.0, 14.0, 24.0, 23.0, 23.0, 54.0, 53.0]
    assert filled.low.tolist() == [0.0, 10.5, 20.5, 23.0, 23.0, 50.5, 53.0]
    assert filled.volume.tolist() == [0.0, 110.0, 210.0, 0.0, 0.0, 510.0, 0.0]


def test_a_symbol_without_bars_is_missing_throughout() -> None:
    filled, status = fill_gaps(no_bars(), np.arange(0, 30, 10))
    assert set(status.tolist()) == {BarStatus.MISSING}
    assert filled.close.tolist() == [0.0, 0.0, 0.0]


def test_the_grid_reaches_from_the_first_to_the_last_of_any_symbol() -> None:
    grid = lay_on_grid({"A": bars_at(10, 20), "B": bars_at(20, 30, 40)}, 10)
    assert grid.open_ms.tolist() == [10, 20, 30, 40]
    assert [len(bars) for bars in grid.bars.values()] == [4, 4]
    with pytest.raises(ConfigurationError, match="must cover the period asked for, was no bar of A"):
        lay_on_grid({"A": no_bars()}, 10)


def test_symbols_of_the_grid_in_its_order_are_not_copied_and_others_are_laid_as_they_are_asked_for() -> None:
    grid = lay_on_grid({"A": bars_at(10, 20), "B": bars_at(20, 30, 40)}, 10)
    assert grid.rows(["A", "B"]) is grid.columns
    turned = grid.rows(["B", "A", "B"])
    assert turned.shape == (5, 3, 4)
    assert turned.flags.c_contiguous
    closes = [grid.bars[symbol].close.tolist() for symbol in ("B", "A", "B")]
    assert turned[3].tolist() == closes == [[0.0, 23.0, 33.0, 43.0], [13.0, 23.0, 23.0, 23.0], [0.0, 23.0, 33.0, 43.0]]


def test_bars_that_may_not_be_written_to_are_laid_as_others_so_that_loops_are_compiled_once() -> None:
    bars = bars_at(0, 10)
    for column in (bars.open, bars.close):
        column.flags.writeable = False
    laid = lay_on_grid({"A": bars}, 10).bars["A"]
    assert laid.close.flags.writeable
    assert laid.close.flags.c_contiguous
    assert laid.close.tolist() == bars.close.tolist()


def test_funding_belongs_to_the_bar_it_settles_in_its_close_included() -> None:
    times, rates = np.array([0, 10, 15, 20, 41]), np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert funding_per_bar(times, rates, np.array([0, 10, 30]), 10).tolist() == [2.0, 7.0, 0.0]
