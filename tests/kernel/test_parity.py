"""The plain form and the compiled form of a step agree bit for bit, and the same inputs make the same fills."""

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest

from shared.enums import Policy, Reason
from shared.settings import Settings, load_settings
from shared.units import MINUTE_MS
from tests.conftest import candles_folder
from tests.kernel.closing import ask_close_compiled
from tests.kernel.random_runs import Case, calm_rules, legacy_rules, random_columns, random_fleet
from worker.fleet.plan import open_fleet, plan_fleet, planned_bots
from worker.market.files import load_candles
from worker.research.candles import lay_on_grid
from worker.research.replay import make_columns
from worker.step.columns import Columns, Curves
from worker.step.fleet import compiled_form
from worker.step.forms import to_array
from worker.step.journal import Fill, Journal, Notice
from worker.step.records import Bot, Fleet, Market, Signal
from worker.step.replay import replay_bars, step_bars
from worker.step.scopes import Portfolio, Sleeve
from worker.step.withdraw import ask_close

LADDER = ((0.02, 0.33), (0.04, 0.33), (0.06, 0.34))
LIVELY = {"edge_to_cost": 0.0, "min_notional": 20.0}
TIGHT = {"portfolio_drawdown": 0.02, "sleeve_drawdown": 0.04, "bot_drawdown": 0.05, "daily_loss": 0.02}

CASES = {
    "calm": Case(1, calm_rules(edge_to_cost=5.0), bars=600),
    "lively": Case(2, calm_rules(**LIVELY), bars=400, bots=9, sleeves=3),
    "without netting": Case(3, calm_rules(**LIVELY, netting=0), bars=300),
    "resizing": Case(4, calm_rules(**LIVELY, resize=1, resize_band=0.1), bars=300),
    "ladder": Case(5, calm_rules(**LIVELY), bars=400, ladder=LADDER),
    "coarse steps and a reserve": Case(6, calm_rules(**LIVELY), bars=300, quantity_step=0.1, reserve=555.5),
    "capped and levered": Case(
        7, calm_rules(**LIVELY, leverage=3.0, max_symbol_exposure=0.1, max_portfolio_exposure=0.2), bars=300
    ),
    "brakes": Case(8, calm_rules(**LIVELY, **TIGHT), bars=300, halted=1),
    "legacy": Case(9, legacy_rules(), bars=300),
    "closed by a person": Case(10, calm_rules(**LIVELY), bars=300, closes=(40, 41, 90, 200)),
    "orders under way": Case(
        11, calm_rules(**LIVELY, max_symbol_exposure=0.1), bars=300, unresolved=2, differing=1, account_room=9_000.0
    ),
    "an account that may hold so much": Case(12, calm_rules(**LIVELY), bars=200, unresolved=1, account_most=800.0),
    **{
        f"allocated by {policy.name.lower()}": Case(
            20 + policy, calm_rules(**LIVELY, policy=policy.value, rebalance_every=2, rebalance_band=0.01), bars=200
        )
        for policy in Policy
    },
}


def empty_curves(fleet: Fleet, bars: int) -> Curves:
    bots = len(fleet.bots)
    return Curves(
        np.zeros(bars),
        np.zeros(bars),
        np.zeros((len(fleet.sleeves), bars)),
        np.zeros((bots, bars)),
        np.zeros((bots, len(Reason)), np.int64),
        np.zeros(bots, np.int64),
        np.zeros((bars, bots)),
        np.zeros((bars, bots)),
        np.zeros(bars, np.int64),
        np.zeros(1, np.int64),
    )


def roomy(fleet: Fleet, bars: int) -> Fleet:
    """Give a plain fleet whose journal holds a whole run, so that `step_bars` takes it in one go."""
    fills, notices = room(fleet, bars)
    return fleet._replace(fills=[Fill() for _ in range(fills)], notices=[Notice() for _ in range(notices)])


def room(fleet: Fleet, bars: int) -> tuple[int, int]:
    bots = len(fleet.bots)
    return (bars + 2) * bots * (3 + len(fleet.ladder)), (bars + 2) * 3 * (bots + len(fleet.sleeves) + 1)


def step_plain(fleet: Fleet, columns: Columns, closes: Sequence[int] = ()) -> tuple[Fleet, Curves]:
    bars = len(columns.open_ms)
    fleet, curves = roomy(fleet, bars), empty_curves(fleet, bars)
    for start, stop in pairwise((0, *closes, bars)):
        for b in range(len(fleet.bots) if start else 0):
            ask_close(fleet, b)
        assert step_bars(fleet, columns, curves, start, stop) == stop
    return fleet, curves


def step_compiled(fleet: Fleet, columns: Columns, closes: Sequence[int] = ()) -> tuple[Fleet, Curves]:
    bars = len(columns.open_ms)
    fleet, curves = compiled_form(fleet, *room(fleet, bars)), empty_curves(fleet, bars)
    for start, stop in pairwise((0, *closes, bars)):
        for b in range(len(fleet.bots) if start else 0):
            ask_close_compiled(fleet, b)
        assert replay_bars(fleet, columns, curves, start, stop) == stop
    return fleet, curves


def assert_same_bits(name: str, one: np.ndarray, other: np.ndarray) -> None:
    """Compare arrays to the last bit; NaN is NaN whatever its payload."""
    if one.dtype.names:
        for column in one.dtype.names:
            assert_same_bits(f"{name}.{column}", one[column], other[column])
        return
    bits = [np.ascontiguousarray(values).view(np.int64) for values in (one, other)]
    is_same = bits[0] == bits[1]
    if one.dtype == np.float64:
        is_same |= np.isnan(one) & np.isnan(other)
    assert is_same.all(), f"{name} must agree to the last bit, was {one[~is_same][:3]} and {other[~is_same][:3]}"


def assert_same(plain: tuple[Fleet, Curves], compiled: tuple[Fleet, Curves]) -> None:
    fleet, rows = plain[0], compiled[0]
    assert_same_bits("portfolio", to_array([fleet.portfolio], Portfolio), np.array([rows.portfolio]))
    assert_same_bits("journal", to_array([fleet.journal], Journal), np.array([rows.journal]))
    kinds = {"sleeves": Sleeve, "bots": Bot, "markets": Market, "signals": Signal, "fills": Fill, "notices": Notice}
    for name, kind in kinds.items():
        assert_same_bits(name, to_array(getattr(fleet, name), kind), getattr(rows, name))
    for name in Curves._fields:
        assert_same_bits(name, getattr(plain[1], name), getattr(compiled[1], name))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_plain_and_compiled_agree_to_the_last_bit(case: Case) -> None:
    columns = random_columns(case)
    plain = step_plain(random_fleet(case), columns, case.closes)
    compiled = step_compiled(random_fleet(case), columns, case.closes)
    assert_same(plain, compiled)
    assert plain[0].journal.fills > 10


def test_the_cases_use_what_they_are_named_after() -> None:
    runs = {name: step_plain(random_fleet(case), random_columns(case), case.closes) for name, case in CASES.items()}
    fills = {name: run[0].fills[: run[0].journal.fills] for name, run in runs.items()}
    assert any(fill.crossed for fill in fills["lively"])
    assert not any(fill.crossed for fill in fills["without netting"])
    assert {fill.trigger for fill in fills["ladder"]} >= {0, 1, 2, 3}
    assert runs["brakes"][0].journal.notices > 3
    assert runs["capped and levered"][1].reasons[:, Reason.CAP].sum() > 3
    assert all(runs[f"allocated by {policy.name.lower()}"][1].used[0] > 0 for policy in (Policy.SCORE, Policy.SHARPE))
    counts = sum(run[1].reasons.sum(axis=0) for run in runs.values())
    assert [Reason(n).name for n in np.flatnonzero(counts == 0)] == []


@pytest.mark.parametrize("spoil", ["cash", "best_price", "reason", "streak_bars"])
def test_the_comparison_catches_a_difference_in_the_last_bit(spoil: str) -> None:
    bots = to_array(random_fleet(CASES["calm"]).bots, Bot)
    other = bots.copy()
    kind = next(field.type for field in fields(Bot) if field.name == spoil)
    value = other[spoil][-1]
    other[spoil][-1] = np.nextafter(value, np.inf) if kind in (float, "float") else value + 1
    with pytest.raises(AssertionError, match=spoil):
        assert_same_bits("bots", bots, other)


def test_a_replay_in_pieces_is_the_replay_in_one_go() -> None:
    case = CASES["lively"]
    columns, bars = random_columns(case), case.bars
    whole, whole_curves = step_compiled(random_fleet(case), columns)
    fleet = compiled_form(random_fleet(case), *room(random_fleet(case), bars))
    curves = empty_curves(random_fleet(case), bars)
    for start, stop in ((0, 1), (1, 37), (37, 38), (38, bars)):
        assert replay_bars(fleet, columns, curves, start, stop) == stop
    assert_same_bits("bots", fleet.bots, whole.bots)
    assert_same_bits("fills", fleet.fills, whole.fills)
    assert_same_bits("equity", curves.equity, whole_curves.equity)


def test_a_replay_stops_before_the_bar_its_journal_may_not_hold() -> None:
    case = CASES["lively"]
    columns, fleet = random_columns(case), random_fleet(case)
    most = len(fleet.bots) * 3
    small = compiled_form(fleet, 2 * most, 10**4)
    curves = empty_curves(fleet, case.bars)
    bar, fills = 0, []
    while bar < case.bars:
        began = bar
        bar = replay_bars(small, columns, curves, bar, case.bars)
        assert bar > began
        fills.append(small.fills[: small.journal["fills"]].copy())
        small.journal["fills"] = 0
    assert len(fills) > 3
    whole, _ = step_compiled(random_fleet(case), columns)
    assert_same_bits("fills", np.concatenate(fills), whole.fills[: whole.journal["fills"]])


def test_the_same_inputs_make_the_same_fills() -> None:
    case = CASES["lively"]
    one, other = (step_compiled(random_fleet(case), random_columns(case)) for _ in range(2))
    assert_same_bits("fills", one[0].fills, other[0].fills)
    another = replace(case, seed=case.seed + 1)
    different, _ = step_compiled(random_fleet(another), random_columns(another))
    assert different.fills.tobytes() != one[0].fills.tobytes()


def real_fleet(settings: Settings, bars: int) -> tuple[Fleet, Columns]:
    """Build the default fleet over the first real one-minute bars."""
    folder = candles_folder("perp-1m")
    loaded = {symbol: load_candles(folder, symbol, MINUTE_MS)[:bars] for symbol in settings.portfolio.symbols}
    plan = plan_fleet(planned_bots(settings))
    grid = lay_on_grid(loaded, MINUTE_MS)
    return open_fleet(settings, plan, {}), make_columns(settings, plan, grid, {})


@pytest.mark.parametrize(
    ("profile", "overrides"),
    [
        ("calm", ["risk.edge_to_cost=0.0", "risk.stop=0.01", "risk.trail_activate=0.004"]),
        pytest.param(
            "calm",
            ["risk.edge_to_cost=0.3", "risk.ladder=[[0.003, 0.5], [0.006, 0.5]]", "risk.stop=0.005"],
            marks=pytest.mark.slow,
        ),
        pytest.param("legacy", [], marks=pytest.mark.slow),
    ],
    ids=["calm", "ladder", "legacy"],
)
def test_plain_and_compiled_agree_on_real_candles(profile: str, overrides: list[str]) -> None:
    settings = load_settings(environment={}, profile=profile, overrides=["portfolio.timeframe=1m", *overrides])
    fleet, columns = real_fleet(settings, 3000)
    compiled = step_compiled(fleet, columns)
    plain = step_plain(fleet, columns)
    assert_same(plain, compiled)
    assert plain[0].journal.fills > 300
