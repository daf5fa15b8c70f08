"""E: weights by independent formulas, exact bounds, and money that moves as free cash."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from shared.enums import Policy
from shared.units import DAY_MS, HOUR_MS, YEAR_MS
from tests.kernel.random_runs import Case, calm_rules, random_columns, random_fleet
from tests.kernel.tables import FLAT, INF, LONG, a_bot, a_fleet, bar, play_fleet, rules, still
from worker.allocation.bounds import bound_high, bound_low, normalise, project
from worker.allocation.transfers import MOST_GRAINS, free_cash, grain_in_force, grain_of
from worker.allocation.weights import flow_free_return, remember_score, shrunk_sharpe
from worker.step.rebalance import move_money, rebalance
from worker.step.records import Bot, Fleet
from worker.step.replay import load_bar
from worker.step.step import close_bar, open_bar

# --- projection ------------------------------------------------------------------------------------------------------


def projected(weights: list[float], low: float, high: float) -> np.ndarray:
    values = np.array(weights, float)
    project(values, np.zeros(len(values), np.int64), len(values), low, high)
    return values


def bisected(weights: np.ndarray, low: float, high: float) -> np.ndarray:
    """Project by bisection on the shift: the solution is `clip(weights + shift, low, high)` with sum 1."""
    left, right = low - weights.max(), high - weights.min()
    for _ in range(200):
        shift = (left + right) / 2.0
        if np.clip(weights + shift, low, high).sum() < 1.0:
            left = shift
        else:
            right = shift
    return np.clip(weights + right, low, high)


raw_weights = st.lists(st.floats(0.0, 10.0), min_size=1, max_size=12)
bounds = st.tuples(st.floats(0.0, 0.5), st.floats(0.05, 1.0))


@settings(max_examples=300, deadline=None)
@given(raw_weights, bounds, st.sampled_from([0.5, 1.0]))
def test_the_projection_is_the_nearest_point_and_holds_its_bounds_exactly(
    raw: list[float], limits: tuple[float, float], most: float
) -> None:
    members = len(raw)
    low, high = bound_low(limits[0], most, members), bound_high(limits[1], members)
    start = np.array(raw)
    normalise(start, members, False)
    weights = projected(start.tolist(), low, high)
    assert low <= weights.min() and weights.max() <= high
    assert math.fsum(weights) == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(weights, bisected(start, low, high), atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_projection_agrees_with_a_general_optimiser(seed: int) -> None:
    random = np.random.default_rng(seed)
    raw = random.dirichlet(np.full(6, 0.5))
    found = minimize(
        lambda weights: ((weights - raw) ** 2).sum(),
        np.full(6, 1 / 6),
        jac=lambda weights: 2 * (weights - raw),
        bounds=[(0.05, 0.4)] * 6,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1.0, "jac": lambda weights: np.ones(6)},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    np.testing.assert_allclose(projected(raw.tolist(), 0.05, 0.4), found.x, atol=1e-6)


def test_clamping_and_renormalising_would_break_the_bounds() -> None:
    raw = np.array([0.9, 0.05, 0.05])
    clamped = np.clip(raw, 0.1, 0.6)
    assert (clamped / clamped.sum()).max() > 0.6
    assert projected(raw.tolist(), 0.1, 0.6).tolist() == pytest.approx([0.6, 0.2, 0.2])
    assert projected(raw.tolist(), 0.1, 0.6)[0] == 0.6


@pytest.mark.parametrize(
    ("members", "low", "high"),
    [(1, 0.05, 1.0), (2, 0.05, 0.70), (10, 0.05, 0.70), (20, 0.025, 0.70), (25, 0.02, 0.70)],
)
def test_the_default_bounds_in_force_always_leave_room(members: int, low: float, high: float) -> None:
    assert (bound_low(0.05, 0.5, members), bound_high(0.70, members)) == (low, high)
    assert members == 1 or low * members < 1.0 < high * members


@pytest.mark.parametrize(("members", "low"), [(2, 0.04), (25, 0.04), (50, 0.02)])
def test_a_bound_that_was_set_stands_up_to_an_equal_weight(members: int, low: float) -> None:
    assert bound_low(0.04, 1.0, members) == low


@pytest.mark.parametrize("raw", [[0.0, 0.0, 0.0], [1.0, 0.0, 2.0]])
def test_weights_are_equal_where_there_is_nothing_to_divide_by(raw: list[float]) -> None:
    weights = np.array(raw)
    normalise(weights, 3, True)
    assert weights.tolist() == [1 / 3] * 3


@pytest.mark.parametrize("policy", list(Policy), ids=lambda policy: policy.name.lower())
def test_one_without_a_weight_makes_all_equal_only_where_it_has_not_moved_yet(policy: Policy) -> None:
    """Each of three bots has a raw weight but the first, whatever the policy: 0 is a weight but for 1 / √var."""
    bots = [a_bot(signal=k, fixed_weight=k, score=[-0.2, 0.0, 0.2][k], return_variance=float(k)) for k in range(3)]
    setting = rules(policy=policy.value, rebalance_every=1, rebalance_band=0.0, bot_low=0.0, bot_high=1.0, memory=0.0)
    fleet = a_fleet(setting, bots)
    rebalance_once(fleet)
    weights = {
        Policy.FIXED: [0.0, 1 / 3, 2 / 3],
        Policy.SCORE: [0.02 / 0.6, 0.2 / 0.6, 0.38 / 0.6],
    }
    assert [bot.weight for bot in fleet.bots] == pytest.approx(weights.get(policy, [1 / 3] * 3))


def rebalance_once(fleet: Fleet) -> None:
    fleet.portfolio.step = 1
    rebalance(fleet)


# --- the five policies against plain formulas -------------------------------------------------------------------------


@dataclass(slots=True)
class History:
    """What the formulas need: flow-free returns and profits of each bot and sleeve, step by step."""

    bot_returns: list[list[float]] = field(default_factory=list)
    sleeve_returns: list[list[float]] = field(default_factory=list)
    scores: np.ndarray | None = None
    profits: np.ndarray | None = None


def mean_and_variance(returns: np.ndarray, memory: float) -> tuple[float, float]:
    """Give what pandas says of the returns after a first one of 0."""
    weighted = pd.Series([0.0, *returns]).ewm(alpha=memory, adjust=False)
    return float(weighted.mean().iloc[-1]), float(weighted.var(bias=True).iloc[-1])


def shrunk(returns: np.ndarray, step_ms: int) -> float:
    mean, variance = mean_and_variance(returns, 1.0 - 0.5 ** (step_ms / (60 * DAY_MS)))
    if variance <= 0.0:
        return 0.0
    seen_days = min(len(returns) * step_ms / DAY_MS, 120.0)
    annual = mean / np.sqrt(variance) * np.sqrt(YEAR_MS / step_ms)
    return annual * seen_days / (seen_days + 365.0)


def by_sharpe(returns: np.ndarray, step_ms: int) -> np.ndarray:
    ratios = np.array([shrunk(column, step_ms) for column in returns.T])
    return (1.0 + np.clip(ratios, -2.0, 2.0) / 8.0) ** 4


def by_inverse_volatility(returns: np.ndarray, step_ms: int) -> np.ndarray:
    memory = 1.0 - 0.5 ** (step_ms / (60 * DAY_MS))
    variances = np.array([mean_and_variance(column, memory)[1] for column in returns.T])
    return np.ones(len(variances)) if (variances <= 0.0).any() else 1.0 / np.sqrt(variances)


def bounded(raw: np.ndarray, low: float, high: float) -> np.ndarray:
    share = raw / raw.sum()
    return bisected(share, min(low, 1 / len(raw)), max(high, 1 / len(raw)))


def expected_weights(policy: Policy, fleet: Fleet, history: History, step_ms: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the sleeves' weights and the bots' weights within their sleeves."""
    bot_returns, sleeve_returns = np.array(history.bot_returns), np.array(history.sleeve_returns)
    sleeve_of = np.array([bot.sleeve for bot in fleet.bots])
    if policy == Policy.FIXED:
        bots = np.array([bot.fixed_weight for bot in fleet.bots])
        sleeves = np.array([sleeve.fixed_weight for sleeve in fleet.sleeves])
    elif policy == Policy.EQUAL:
        bots, sleeves = np.ones(len(fleet.bots)), np.ones(len(fleet.sleeves))
    elif policy == Policy.SCORE:
        bots = 0.2 + history.scores
        sleeves = np.array([0.2 + history.scores[sleeve_of == s].mean() for s in range(len(fleet.sleeves))])
    elif policy == Policy.SHARPE:
        bots, sleeves = by_sharpe(bot_returns, step_ms), by_sharpe(sleeve_returns, step_ms)
    else:
        bots = np.empty(len(fleet.bots))
        for s in range(len(fleet.sleeves)):
            bots[sleeve_of == s] = by_inverse_volatility(bot_returns[:, sleeve_of == s], step_ms)
        sleeves = by_inverse_volatility(sleeve_returns, step_ms)
    within = np.empty(len(fleet.bots))
    for s in range(len(fleet.sleeves)):
        within[sleeve_of == s] = bounded(bots[sleeve_of == s], 0.05, 0.70)
    return bounded(sleeves, 0.10, 0.60), within


def remember(history: History, fleet: Fleet, settled: tuple[np.ndarray, np.ndarray]) -> None:
    """Take a step's returns: equity marked in it (its flows taken out) against equity after the flows before."""
    flows = np.array([bot.flow if fleet.portfolio.rebalanced == 1 else 0.0 for bot in fleet.bots])
    marked = np.array([bot.equity for bot in fleet.bots]) - flows
    sleeve_of = np.array([bot.sleeve for bot in fleet.bots])
    sleeves = np.array([marked[sleeve_of == s].sum() for s in range(len(fleet.sleeves))])
    history.bot_returns.append((marked / settled[0] - 1.0).tolist())
    history.sleeve_returns.append((sleeves / settled[1] - 1.0).tolist())
    history.profits = history.profits + (marked - settled[0])


@pytest.mark.parametrize("policy", list(Policy), ids=lambda policy: policy.name.lower())
def test_weights_are_those_of_the_plain_formulas_over_many_steps(policy: Policy) -> None:
    every = 5
    lively = calm_rules(policy=policy.value, brakes=0, edge_to_cost=0.0, min_notional=5.0, rebalance_band=0.02)
    case = Case(11, lively, bots=8, sleeves=3, bars=240, volatility=0.012)
    fleet, columns = random_fleet(case), random_columns(case)
    history = History(scores=np.zeros(8), profits=np.zeros(8))
    seen, moved = [], 0
    for t in range(case.bars):
        settled = (
            np.array([bot.equity for bot in fleet.bots]),
            np.array([sleeve.equity for sleeve in fleet.sleeves]),
        )
        allocations = np.array([bot.allocation for bot in fleet.bots])
        fleet.journal.fills = fleet.journal.notices = 0
        load_bar(fleet, columns, t)
        open_bar(fleet, int(columns.open_ms[t]))
        close_bar(fleet, int(columns.open_ms[t]))
        remember(history, fleet, settled)
        if (t + 1) % every:
            assert fleet.portfolio.rebalanced == 0
            continue
        history.scores = 0.9 * history.scores + 0.1 * np.clip(history.profits / allocations, -0.2, 0.2)
        history.profits = np.zeros(8)
        sleeves, within = expected_weights(policy, fleet, history, case.rules.step_ms)
        np.testing.assert_allclose([sleeve.weight for sleeve in fleet.sleeves], sleeves, atol=1e-8)
        np.testing.assert_allclose([bot.weight for bot in fleet.bots], within, atol=1e-8)
        new = fleet.portfolio.equity * sleeves[[bot.sleeve for bot in fleet.bots]] * within
        is_due = (np.abs(new - allocations) > 0.02 * allocations).any()
        assert fleet.portfolio.rebalanced == is_due
        np.testing.assert_allclose([bot.allocation for bot in fleet.bots], new if is_due else allocations, rtol=1e-7)
        seen.append([bot.weight for bot in fleet.bots])
        moved += is_due
    assert moved > 0
    if policy not in (Policy.EQUAL, Policy.FIXED):
        assert np.ptp(np.array(seen), axis=0).max() > 0.005


@pytest.mark.parametrize(("days", "trust"), [(0, 0.0), (30, 30 / 395), (120, 120 / 485), (4000, 120 / 485)])
def test_a_sharpe_ratio_is_trusted_by_the_time_seen_up_to_120_days(days: int, trust: float) -> None:
    member = Bot(return_mean=0.001, return_variance=0.0004, steps_seen=days * 24)
    assert shrunk_sharpe(member, HOUR_MS, 93.6) == pytest.approx(0.001 / 0.02 * 93.6 * trust)
    assert shrunk_sharpe(replace(member, return_variance=0.0), HOUR_MS, 93.6) == 0.0


@pytest.mark.parametrize(("allocation", "gained"), [(1000.0, 0.05), (250.0, 0.2), (50.0, 0.2), (0.0, 0.0)])
def test_a_score_remembers_a_tenth_of_the_return_on_allocation_which_is_none_on_none(
    allocation: float, gained: float
) -> None:
    for sign in (1, -1):
        bot = a_bot(allocation=allocation, score=0.1, profit_since_rebalance=sign * 50.0)
        remember_score(bot)
        assert bot.score == pytest.approx(0.09 + sign * 0.1 * gained)
        assert bot.profit_since_rebalance == 0.0


def test_a_return_on_no_money_is_zero() -> None:
    assert flow_free_return(110.0, 100.0) == pytest.approx(0.1)
    assert flow_free_return(110.0, 0.0) == 0.0
    assert flow_free_return(110.0, -5.0) == 0.0


# --- money ---------------------------------------------------------------------------------------------------------


def put_to_work(fleet: Fleet, allocations: list[float]) -> Fleet:
    for bot, allocation in zip(fleet.bots, allocations, strict=True):
        bot.new_allocation = allocation
        bot.equity = bot.cash + bot.quantity * 100.0
    for market in fleet.markets:
        market.close = 100.0
    move_money(fleet)
    return fleet


def test_those_above_give_their_free_cash_and_those_below_share_it_by_what_they_lack() -> None:
    bots = [
        a_bot(cash=500.0, quantity=5.0),  # equity 1,000, free 500
        a_bot(cash=100.0, quantity=9.0),  # equity 1,000, free 100
        a_bot(),
        a_bot(),
    ]
    fleet = put_to_work(a_fleet(rules(), bots), [800.0, 700.0, 1400.0, 1100.0])
    # 200 and 100 are given; 400 and 100 are lacked
    assert [bot.flow for bot in fleet.bots] == pytest.approx([-200.0, -100.0, 240.0, 60.0], abs=1e-5)
    assert math.fsum(bot.flow for bot in fleet.bots) == 0.0
    assert [bot.cash for bot in fleet.bots] == pytest.approx([300.0, 0.0, 1240.0, 1060.0], abs=1e-5)


def test_leverage_frees_the_money_a_position_does_not_need() -> None:
    assert free_cash(1000.0, 5.0, 100.0, 0.0, 1.0) == 500.0
    assert free_cash(1000.0, -5.0, 100.0, 0.0, 2.0) == 750.0
    assert free_cash(1000.0, 50.0, 100.0, 0.0, 1.0) == 0.0
    assert free_cash(-10.0, 0.0, 100.0, 0.0, 1.0) == 0.0


def test_what_an_unresolved_order_may_come_to_is_not_free() -> None:
    assert free_cash(1000.0, 5.0, 100.0, 300.0, 1.0) == 200.0
    assert free_cash(1000.0, 5.0, 100.0, 300.0, 2.0) == 600.0


def test_the_portfolios_own_cash_is_given_first() -> None:
    fleet = a_fleet(rules(), [a_bot(), a_bot()])
    fleet.portfolio.cash = 100.0
    put_to_work(fleet, [1050.0, 1050.0])
    assert [bot.flow for bot in fleet.bots] == [50.0, 50.0]
    assert fleet.portfolio.cash == 0.0


def test_a_retiring_bot_gives_its_free_cash_to_the_others() -> None:
    bots = [a_bot(retiring=1), a_bot(signal=1), a_bot(signal=2)]
    fleet = a_fleet(rules(rebalance_every=1, rebalance_band=0.1), bots)
    run = play_fleet(fleet, [[still(FLAT)] * 3])
    assert [bot.allocation for bot in run.steps[0].bots] == pytest.approx([0.0, 1500.0, 1500.0])
    assert [bot.cash for bot in run.steps[0].bots] == pytest.approx([0.0, 1500.0, 1500.0], abs=1e-5)


@pytest.mark.parametrize("exponent", [-40, -3, 0, 1, 17, 40])
def test_the_grain_scales_with_the_money_by_powers_of_two(exponent: int) -> None:
    assert grain_of(1000.0) == 2.0**-20
    assert grain_of(1000.0 * 2.0**exponent) == 2.0 ** (exponent - 20)
    assert grain_of(0.01) == 2.0**-36


def test_money_that_has_outgrown_its_grain_moves_in_a_larger_one() -> None:
    assert grain_in_force(2.0**-20, 4e9) == 2.0**-20
    assert grain_in_force(2.0**-20, 5e9) == 2.0**-19
    grain = grain_in_force(2.0**-40, 1e6)
    assert grain * MOST_GRAINS >= 2e6 > grain * MOST_GRAINS / 2.0


@pytest.mark.parametrize("grain", [2.0**-20, 2.0**-60, 2.0**-200])
def test_transfers_sum_to_exactly_zero_whatever_grain_the_settings_give(grain: float) -> None:
    random = np.random.default_rng(5)
    for _ in range(50):
        equities, allocations = random.uniform(0.1, 3e3, 40), random.uniform(0.1, 3e3, 40)
        fleet = a_fleet(
            rules(grain=grain),
            [
                a_bot(cash=float(e), equity=float(e), new_allocation=float(a))
                for e, a in zip(equities, allocations, strict=True)
            ],
        )
        fleet.portfolio.equity = float(equities.sum())
        move_money(fleet)
        flows = [bot.flow for bot in fleet.bots]
        assert any(flows) and sum(flows) == 0.0 == sum(reversed(flows))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-50.0, 1e5), st.floats(-100.0, 100.0), st.floats(0.0, 1.0)), min_size=2, max_size=9),
    st.sampled_from([0.0, 0.1, 12345.678]),
)
def test_transfers_sum_to_exactly_zero_and_never_take_what_a_position_needs(
    rows: list[tuple[float, float, float]], reserve: float
) -> None:
    bots = [a_bot(cash=cash, quantity=quantity) for cash, quantity, _ in rows]
    fleet = a_fleet(rules(), bots)
    fleet.portfolio.cash = reserve
    money = math.fsum(bot.cash + bot.quantity * 100.0 for bot in bots) + reserve
    total = math.fsum(share for _, _, share in rows) or 1.0
    before = [bot.cash + bot.quantity * 100.0 for bot in bots]
    allocations = [max(money, 0.0) * share / total for _, _, share in rows]
    put_to_work(fleet, allocations)
    assert math.fsum([bot.flow for bot in fleet.bots] + [fleet.portfolio.cash - reserve]) == 0.0
    for bot, equity, allocation in zip(fleet.bots, before, allocations, strict=True):
        if bot.flow < 0.0:
            assert -bot.flow <= equity - allocation + 1e-9
            assert -bot.flow <= max(0.0, equity - abs(bot.quantity) * 100.0) + 1e-9
        if bot.flow > 0.0:
            assert allocation > equity


def test_nothing_moves_within_the_band_and_off_the_beat() -> None:
    def cash(band: float, every: int) -> list[list[float]]:
        bots = [a_bot(), a_bot(signal=1, cash=1100.0)]
        fleet = a_fleet(rules(rebalance_every=every, rebalance_band=band), bots)
        return [[bot.cash for bot in step.bots] for step in play_fleet(fleet, [[still(FLAT)] * 2] * 4).steps]

    # 1,050 each: a move of 5 % against allocations of 1,000
    assert cash(0.06, 1) == [[1000.0, 1100.0]] * 4
    assert cash(0.04, 2) == [[1000.0, 1100.0], [1050.0, 1050.0], [1050.0, 1050.0], [1050.0, 1050.0]]


@pytest.mark.parametrize("netting", [0, 1])
def test_a_rebalance_makes_no_trade_and_changes_no_open_position(netting: int) -> None:
    bots = [a_bot(), a_bot(signal=1, fixed_weight=9.0)]
    setting = rules(policy=Policy.FIXED.value, rebalance_every=3, rebalance_band=0.0, netting=netting, bot_high=1.0)
    rows = [[still((0.5, 0.5))] * 2, *[[bar(100, 110, 90, 100, (0.5, 0.5))] * 2] * 6]
    run = play_fleet(a_fleet(setting, bots), rows)
    assert len(run.fills) == 2
    assert [bot.quantity for bot in run.steps[-1].bots] == [5.0, 5.0]
    assert [bot.allocation for bot in run.steps[-1].bots] == pytest.approx([200.0, 1800.0])
    # The first needs 500 for its position, so it gives no more than the other half.
    assert [bot.equity for bot in run.steps[-1].bots] == pytest.approx([500.0, 1500.0], abs=1e-5)


def test_a_new_position_is_sized_from_the_new_allocation() -> None:
    bots = [a_bot(), a_bot(signal=1, fixed_weight=3.0)]
    setting = rules(policy=Policy.FIXED.value, rebalance_every=1, rebalance_band=0.0, bot_high=1.0)
    run = play_fleet(a_fleet(setting, bots), [[still(LONG)] * 2] * 2)
    assert [fill.quantity for fill in run.fills] == pytest.approx([5.0, 15.0], abs=1e-6)


def test_a_sleeve_in_which_every_bot_retires_gets_nothing() -> None:
    bots = [a_bot(), a_bot(sleeve=1, signal=1, retiring=1), a_bot(sleeve=1, signal=2, retiring=1)]
    fleet = a_fleet(rules(rebalance_every=1), bots)
    run = play_fleet(fleet, [[still(FLAT)] * 3])
    assert [sleeve.weight for sleeve in run.steps[0].sleeves] == [1.0, 0.0]
    assert [bot.cash for bot in run.steps[0].bots] == pytest.approx([3000.0, 0.0, 0.0], abs=1e-5)


@pytest.mark.parametrize("policy", list(Policy), ids=lambda policy: policy.name.lower())
def test_where_every_bot_retires_no_money_moves(policy: Policy) -> None:
    bots = [a_bot(retiring=1), a_bot(sleeve=1, signal=1, money=500.0, retiring=1)]
    fleet = a_fleet(rules(policy=policy.value, rebalance_every=1, rebalance_band=0.0), bots)
    run = play_fleet(fleet, [[still(FLAT)] * 2] * 2)
    assert [step.portfolio.rebalanced for step in run.steps] == [0, 0]
    assert [(bot.cash, bot.allocation) for bot in run.steps[-1].bots] == [(1000.0, 1000.0), (500.0, 500.0)]


def test_drawdowns_survive_a_rebalance() -> None:
    bots = [a_bot(), a_bot(signal=1)]
    setting = rules(brakes=1, rebalance_every=3, rebalance_band=0.0, bot_drawdown=INF)
    rows = [[still(LONG), still(FLAT)], [still(LONG), still(FLAT)], [bar(100, 100, 79, 80, LONG)] * 2]
    rows[2][1] = replace(rows[2][1], band=FLAT)
    run = play_fleet(a_fleet(setting, bots), rows)
    after = run.steps[-1]
    assert after.portfolio.rebalanced == 1
    assert [1.0 - bot.equity / bot.high_water for bot in after.bots] == pytest.approx([0.2, 0.0], abs=1e-9)
    assert 1.0 - after.sleeves[0].equity / after.sleeves[0].high_water == pytest.approx(0.1, abs=1e-9)


def test_a_sleeve_whose_only_bot_is_replaced_keeps_its_drawdown() -> None:
    old, new = a_bot(retiring=1), a_bot(signal=1, money=0.0)
    other = a_bot(sleeve=1, signal=2)
    fleet = a_fleet(rules(brakes=1, rebalance_every=1, bot_drawdown=INF), [old, new, other])
    fleet.sleeves[0].high_water = 1250.0
    run = play_fleet(fleet, [[still(FLAT)] * 3])
    assert [bot.cash for bot in run.steps[0].bots] == pytest.approx([0.0, 1000.0, 1000.0], abs=1e-5)
    sleeve = run.steps[0].sleeves[0]
    assert 1.0 - sleeve.equity / sleeve.high_water == pytest.approx(0.2, abs=1e-9)


def test_memory_halves_in_sixty_days() -> None:
    setting = calm_rules()
    assert (1.0 - setting.memory) ** (60 * (DAY_MS / HOUR_MS)) == pytest.approx(0.5)
    assert setting.steps_per_year_root == pytest.approx((365 * 24) ** 0.5)
