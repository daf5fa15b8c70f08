"""Shares of executions: they sum to the trade exactly, and an order filled whole gives each bot its part."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.orders.shares import share_amount, share_units

Share = Callable[[int, Sequence[int], int], list[int]]


def _all_trades(share: Share, wanted: list[int], trades: list[int], step: int) -> list[int]:
    got = [0] * len(wanted)
    for units in trades:
        left = [want - have for want, have in zip(wanted, got, strict=True)]
        shares = share(units, left, step)
        assert sum(shares) == units, "the shares of a trade sum to it"
        assert all(part >= 0 for part in shares), "no bot sells what another buys"
        got = [have + part for have, part in zip(got, shares, strict=True)]
        assert all(have <= want for have, want in zip(got, wanted, strict=True)), "no bot gets more than its part"
    return got


@st.composite
def _order_in_trades(draw: st.DrawFn) -> tuple[list[int], list[int], int]:
    step = draw(st.sampled_from([1, 3, 7, 10, 250, 1_000, 123_457]))
    wanted = [step * part for part in draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=6))]
    left = sum(wanted) // step
    trades: list[int] = []
    while left:
        part = draw(st.integers(1, left)) if len(trades) < 8 else left
        trades.append(step * part)
        left -= part
    return wanted, trades, step


@given(_order_in_trades())
def test_an_order_filled_whole_gives_each_bot_exactly_its_part(case: tuple[list[int], list[int], int]) -> None:
    wanted, trades, step = case
    assert _all_trades(share_units, wanted, trades, step) == wanted


@given(_order_in_trades(), st.sampled_from([2, 3, 7, 64, 9_973]))
def test_trades_that_are_no_whole_steps_are_shared_out_exactly(
    case: tuple[list[int], list[int], int], step: int
) -> None:
    """A step of the books that is none of the exchange's, as after it changed, loses nothing."""
    wanted, trades, _ = case
    assert _all_trades(share_units, wanted, trades, step) == wanted


def _by_parts_of_the_order(units: int, _left: Sequence[int], _step: int) -> list[int]:
    """Share each trade out by the order's parts, 6 and 4, whatever each bot has got already."""
    shares = [units * part // 10 for part in (6, 4)]
    return [shares[0] + units - sum(shares), shares[1]]


def test_a_rule_that_gives_every_rest_to_the_largest_is_caught() -> None:
    with pytest.raises(AssertionError, match="more than its part"):
        _all_trades(_by_parts_of_the_order, [6, 4], [1] * 10, 1)


@pytest.mark.parametrize(
    ("units", "wanted", "step", "shares"),
    [
        (10, [10], 1, [10]),
        (5, [6, 4], 1, [3, 2]),
        (1, [6, 4], 1, [1, 0]),
        (30, [60, 40], 10, [20, 10]),
        # more than was ordered: kept, with the largest
        (12, [6, 4], 1, [8, 4]),
        (3, [0, 0], 1, [3, 0]),
    ],
)
def test_shares_of_one_trade(units: int, wanted: list[int], step: int, shares: list[int]) -> None:
    assert share_units(units, wanted, step) == shares


@given(
    st.decimals(min_value="-1000", max_value="1000", places=8),
    st.lists(st.integers(1, 10**9), min_size=1, max_size=6),
)
def test_fees_are_shared_exactly_and_nearly_in_proportion(amount: Decimal, units: list[int]) -> None:
    shares = share_amount(amount, units)
    assert sum(shares) == amount
    for share, part in zip(shares, units, strict=True):
        assert abs(share - amount * part / sum(units)) <= Decimal("1e-11") * len(units)


def test_an_amount_for_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="units must be given"):
        share_amount(Decimal(1), [0, 0])
