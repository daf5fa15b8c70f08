"""The kernel does what the contract of a step says: its fills, reasons and money are those of the plain reading."""

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from shared.enums import Reason, Trigger
from tests.oracle.books import Run
from tests.oracle.compare import EQUITY_NOISE, compare, equal_fills
from tests.oracle.kernel import interpreted_run, kernel_run, replayed, world_of
from tests.oracle.random_worlds import STYLES, TWO_ACCOUNTS, WILD, Case, random_case
from tests.oracle.walk import walk
from tests.oracle.world import World
from worker.fleet.plan import open_fleet
from worker.step.columns import Columns
from worker.step.records import Fleet

SEEDS = range(24)
# From here on what is borrowed is lost.
WILD_SEEDS = range(1001, 1005)
ACCOUNT_SEEDS = range(2001, 2007)
STYLE_SEEDS = dict(enumerate(STYLES.values(), start=3001))
EVERY_SEED = [*SEEDS, *WILD_SEEDS, *ACCOUNT_SEEDS, *STYLE_SEEDS]


@cache
def case_of(seed: int) -> Case:
    if seed in STYLE_SEEDS:
        return random_case(seed, STYLE_SEEDS[seed])
    return random_case(seed, WILD if seed in WILD_SEEDS else TWO_ACCOUNTS if seed in ACCOUNT_SEEDS else ())


@cache
def world_and_plain(seed: int) -> tuple[World, Run]:
    case = case_of(seed)
    world = world_of(case.settings, case.plan, case.columns, fresh(case), case.closes)
    return world, walk(world)


def fresh(case: Case) -> Fleet:
    return open_fleet(case.settings, case.plan, case.limits)


@pytest.mark.parametrize("seed", EVERY_SEED)
def test_the_kernel_does_what_the_contract_says(seed: int) -> None:
    case, (world, plain) = case_of(seed), world_and_plain(seed)
    found = compare(world, plain, kernel_run(fresh(case), case.columns, case.closes))
    assert found.first is None, f"{found.equal} of {found.fills} fills equal\n{found.first}"


@pytest.mark.parametrize("seed", EVERY_SEED)
def test_bots_at_rest_do_what_the_contract_says(seed: int) -> None:
    case, (world, plain) = case_of(seed), world_and_plain(seed)
    fills, curves = replayed(fresh(case), case.columns, case.closes)
    assert len(fills) == len(plain.fills) == equal_fills(plain, replace(plain, fills=fills))
    np.testing.assert_allclose(curves.equity, plain.portfolio_equity, rtol=EQUITY_NOISE)
    for place, reasons in enumerate(plain.reasons):
        capital = case.settings.portfolio.capital_per_bot
        np.testing.assert_allclose(curves.bot_equity[place], plain.equity[place], atol=EQUITY_NOISE * capital)
        assert curves.reasons[place].tolist() == np.bincount(reasons, minlength=len(Reason)).tolist()
        least = world.markets[world.bots[place].market].measure.min_units
        assert curves.held[place] == sum(abs(units) >= least for units in plain.units[place])


def test_the_random_worlds_meet_every_rule() -> None:
    reasons, triggers, crossed = Counter(), Counter(), Counter()
    for _, run in map(world_and_plain, SEEDS):
        for column in run.reasons:
            reasons.update(column)
        triggers.update(fill.trigger for fill in run.fills)
        crossed.update(_crossing(fill.crossed_units, fill.units) for fill in run.fills)
    # Nobody halts a world, and on paper every order is known to be filled.
    assert [reason.name for reason in Reason if reasons[reason] < 20] == ["HALTED", "RECONCILIATION", "UNRESOLVED"]
    # A write-off and an adoption are steps of their own.
    assert [trigger.name for trigger in Trigger if triggers[trigger] == 0] == ["WRITE_OFF", "ADOPT"]
    assert min(crossed["not"], crossed["partly"], crossed["all"]) > 100


@pytest.mark.parametrize("seed", WILD_SEEDS)
def test_wild_worlds_ruin_bots(seed: int) -> None:
    _, run = world_and_plain(seed)
    ruined = [place for place, equity in enumerate(run.equity) if min(equity) <= 0.0]
    assert ruined
    for place in ruined:
        bar = next(bar for bar, equity in enumerate(run.equity[place]) if equity <= 0.0)
        assert set(run.reasons[place][bar:]) == {Reason.FLATTEN}
        assert run.units[place][-1] == 0


def _crossing(crossed: int, units: int) -> str:
    return "not" if not crossed else "all" if crossed == abs(units) else "partly"


def test_the_kernel_is_caught_when_a_stop_misses_a_touch(monkeypatch: pytest.MonkeyPatch) -> None:
    def beyond(level: float, market, direction: float) -> bool:
        return level > 0.0 and (market.low < level if direction > 0.0 else market.high > level)

    monkeypatch.setattr("worker.step.protect.is_reached", beyond)
    assert any(difference(seed, interpreted_run(*inputs(seed))) for seed in SEEDS)


def test_the_kernel_is_caught_when_a_trailing_stop_of_0_is_armed_at_once() -> None:
    seed = next(seed for seed in SEEDS if case_of(seed).settings.risk.trail_activate == 0.0)
    fleet = fresh(case_of(seed))
    armed = fleet._replace(rules=replace(fleet.rules, trail_activate=5e-324))
    assert "TRAILING_STOP" in difference(seed, kernel_run(armed, case_of(seed).columns, case_of(seed).closes))


def inputs(seed: int) -> tuple[Fleet, Columns, dict[int, list[int]]]:
    case = case_of(seed)
    return fresh(case), case.columns, case.closes


def difference(seed: int, run: Run) -> str:
    world, plain = world_and_plain(seed)
    return compare(world, plain, run).first or ""
