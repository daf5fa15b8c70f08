"""The plain reading by hand: quantities, netting and prices as the contract writes them, and what it imports."""

import ast
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.enums import Trigger
from shared.settings import load_settings
from tests.oracle.books import Share
from tests.oracle.fill import leg_price
from tests.oracle.net import net
from tests.oracle.quantities import MOST_UNITS, Measure, measure
from tests.oracle.weigh import bounded, default_bounds
from tests.oracle.world import Market, Rules, rules_of

# What stands beside the kernel, or makes its inputs; everything else is the reading.
BESIDE = {"kernel.py", "scan.py", "random_worlds.py"}


def test_the_reading_shares_nothing_with_the_kernel() -> None:
    files = [path for path in Path(__file__).parent.glob("*.py") if not path.name.startswith("test_")]
    assert {path.name for path in files} > BESIDE
    for path in files:
        if path.name not in BESIDE:
            assert [name for name in imported(path) if not name.startswith(ALLOWED)] == [], path.name


ALLOWED = ("shared.enums", "shared.settings", "shared.units", "tests.oracle", "array", "collections", "dataclasses")
ALLOWED += ("fractions", "math", "typing")


def imported(path: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    froms = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    beside = [f"tests.oracle.{name.removesuffix('.py')}" for name in BESIDE]
    names = froms + [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return [f"not {name}" if name in beside else name for name in names]


UNITS = st.sampled_from(["1e-12", "1e-08", "0.01", "0.5", "1.0", "25.0", "1000.0"])


@given(UNITS, st.integers(1, 40), st.integers(0, MOST_UNITS // 40))
def test_a_quantity_of_whole_steps_is_itself(unit: str, step_units: int, steps: int) -> None:
    counted = measure(float(unit), float(Fraction(unit) * step_units), float(unit))
    units = steps * counted.step_units
    assert counted.base(units) == float(Fraction(unit) * units)
    assert counted.toward_zero(counted.base(units)) == units
    assert counted.toward_zero(-counted.base(units)) == -units


@given(UNITS, st.floats(1e-12, 1e6, allow_subnormal=False))
def test_no_more_steps_fit(unit: str, quantity: float) -> None:
    counted = measure(float(unit), float(unit), float(unit))
    units = counted.toward_zero(quantity)
    if units <= MOST_UNITS:
        assert counted.base(units) <= quantity < counted.base(units + 1)


def market(step: int = 1, least: int = 1, minimum: float = 5.0) -> Market:
    return Market(
        "BTC/USDT", "paper", Measure(1, 100, step, least), minimum, 0.0, 0.0, [], [], [], [], [], [], [], [], []
    )


def shares(*units: int) -> list[Share]:
    return [Share(place, wish, wish, Trigger.SIGNAL, 1.0, 0.08, ()) for place, wish in enumerate(units)]


def rules(*overrides: str) -> Rules:
    return rules_of(load_settings(environment={}, overrides=overrides))


@pytest.mark.parametrize("side", [1, -1])
def test_the_smaller_side_crosses_and_one_order_goes_out(side: int) -> None:
    # 1000 of 1300: 230 of the first 300, of the next 300 then 770 / 1000, which is 231, and the rest.
    wishes = shares(side * 300, -side * 1000, side * 300, side * 700)
    trading, dropped, orders = net(rules(), market(), wishes, 10.0)
    assert [share.crossed for share in trading] == [230, 1000, 231, 539]
    assert [share.units for share in trading] == [side * 300, -side * 1000, side * 300, side * 700]
    assert (dropped, orders) == ([], 1)


def test_a_rest_too_small_is_dropped_and_whole_steps_cross() -> None:
    # 30 of 20 and 20 cross, in steps of 10; the rest of 10 units is worth 1, the exchange wants 5.
    trading, dropped, orders = net(rules(), market(10, 10), shares(20, -30, 20), 10.0)
    assert [(share.units, share.crossed) for share in trading] == [(10, 10), (-30, 30), (20, 20)]
    assert (dropped, orders) == ([], 0)


def test_who_is_left_without_an_order_is_told() -> None:
    _, dropped, orders = net(rules(), market(), shares(20), 10.0)
    assert [share.bot for share in dropped] == [0]
    assert orders == 0


def test_what_rounding_leaves_comes_off_the_largest() -> None:
    # A holding off the step: 95 − 30 = 65 is sent as 60, 5 come off the order of the larger bot.
    trading, _, _ = net(rules(), market(10, 10), shares(40, -30, 55), 100.0)
    assert [(share.units, share.crossed) for share in trading] == [(40, 12), (-30, 30), (50, 18)]


def test_without_netting_each_goes_by_itself() -> None:
    trading, dropped, orders = net(rules("risk.netting=false"), market(), shares(300, -20), 10.0)
    assert [share.crossed for share in trading] == [0]
    assert [share.bot for share in dropped] == [1]
    assert orders == 1


def test_a_leg_that_crossed_has_exactly_the_open() -> None:
    assert leg_price(0.95, 0.95 * 1.0005, 7, 0) == 0.95
    assert leg_price(0.95, 0.95 * 1.0005, 0, 7) == 0.95 * 1.0005
    assert leg_price(100.0, 104.0, 3, 1) == 101.0


@pytest.mark.parametrize(
    ("raw", "low", "high", "expected"),
    [
        ([1.0, 1.0, 2.0], 0.05, 0.7, [0.25, 0.25, 0.5]),
        ([1.0, 1.0, 8.0], 0.05, 0.7, [0.15, 0.15, 0.7]),
        ([0.0, 1.0, 3.0], 0.1, 0.6, [0.1, 0.3, 0.6]),
        ([0.0, 0.0, 0.0], 0.1, 0.6, [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_weights_are_the_nearest_within_bounds(
    raw: list[float], low: float, high: float, expected: list[float]
) -> None:
    assert bounded(raw, low, high) == pytest.approx(expected, abs=1e-15)


@given(st.lists(st.floats(0.0, 4.0), min_size=1, max_size=12))
def test_weights_are_shares_less_one_amount_but_for_bounds(raw: list[float]) -> None:
    low, high = default_bounds(None, None, 0.05, 0.70, len(raw))
    weights = bounded(raw, low, high)
    assert sum(weights) == pytest.approx(1.0, abs=1e-12)
    assert all(low - 1e-15 <= weight <= high + 1e-15 for weight in weights)
    shares = [weight / sum(raw) if sum(raw) > 0.0 else 1.0 / len(raw) for weight in raw]
    taken = [(share - weight, weight) for share, weight in zip(shares, weights, strict=True)]
    # Nearest: who is inside gave one amount, who is at a bound would have given more (at the low) or less.
    inside = [off for off, weight in taken if low + 1e-12 < weight < high - 1e-12]
    for off in inside:
        assert off == pytest.approx(inside[0], abs=1e-12)
        assert all(other <= off + 1e-12 for other, weight in taken if weight <= low + 1e-12)
        assert all(other >= off - 1e-12 for other, weight in taken if weight >= high - 1e-12)
