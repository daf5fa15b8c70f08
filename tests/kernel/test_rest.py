"""What a replay leaves out changes nothing: in one go it does what it does bar by bar, where every bot is looked at."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from shared.enums import Level, Policy
from tests.kernel.random_runs import Case, calm_rules, random_columns, random_fleet
from tests.kernel.test_invariants import LADDERS, LIVELY, cases
from tests.kernel.test_parity import (
    CASES,
    assert_same_bits,
    empty_curves,
    room,
    roomy,
    step_compiled,
)
from worker.step import brake, mark, protect, rebalance, replay, step
from worker.step.columns import Columns, Curves
from worker.step.fleet import compiled_form
from worker.step.forms import to_array
from worker.step.journal import Fill, Notice
from worker.step.records import Bot, Fleet, Market, Signal
from worker.step.replay import replay_bars, step_bars
from worker.step.scopes import Sleeve

Meddle = Callable[[Fleet], None]
Ran = tuple[Fleet, Curves]


def in_one_go(case: Case, columns: Columns, meddle: Meddle) -> Ran:
    fleet = roomy(random_fleet(case), case.bars)
    meddle(fleet)
    curves = empty_curves(fleet, case.bars)
    assert step_bars(fleet, columns, curves, 0, case.bars) == case.bars
    return fleet, curves


def bar_by_bar(case: Case, columns: Columns, meddle: Meddle) -> Ran:
    fleet = roomy(random_fleet(case), case.bars)
    meddle(fleet)
    curves = empty_curves(fleet, case.bars)
    for t in range(case.bars):
        assert step_bars(fleet, columns, curves, t, t + 1) == t + 1
    return fleet, curves


def difference(one: Ran, other: Ran) -> str:
    """Say what differs first between two runs in the last bit."""
    try:
        for name, kind in {"fills": Fill, "notices": Notice}.items():
            used = [getattr(fleet.journal, name) for fleet, _ in (one, other)]
            rows = [to_array(getattr(fleet, name)[: max(used)], kind) for fleet, _ in (one, other)]
            assert_same_bits(name, *rows)
        for name in Curves._fields:
            assert_same_bits(name, getattr(one[1], name), getattr(other[1], name))
        for name, kind in {"bots": Bot, "sleeves": Sleeve, "markets": Market, "signals": Signal}.items():
            assert_same_bits(name, *(to_array(getattr(fleet, name), kind) for fleet, _ in (one, other)))
        assert one[0].portfolio == other[0].portfolio
        assert one[0].journal == other[0].journal
    except AssertionError as error:
        return str(error)
    return ""


def nothing(fleet: Fleet) -> None:
    """Change nothing before the first bar."""


def set_levels_before(fleet: Fleet) -> None:
    """Let the first bots and a sleeve stand at levels of their own, as the books of a restart may."""
    fleet.sleeves[-1].level_person = Level.NO_ENTRIES.value
    for bot, level in zip(fleet.bots, Level, strict=False):
        bot.level_crashes = level.value
    fleet.bots[-1].retiring = 1


@settings(max_examples=60, deadline=None)
@given(cases)
def test_a_replay_in_one_go_is_the_replay_bar_by_bar(case: Case) -> None:
    columns = random_columns(case)
    for meddle in (nothing, set_levels_before):
        assert not difference(in_one_go(case, columns, meddle), bar_by_bar(case, columns, meddle))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_compiled_replay_in_one_go_is_the_replay_bar_by_bar(case: Case) -> None:
    columns, fleet = random_columns(case), random_fleet(case)
    whole, whole_curves = step_compiled(fleet, columns)
    rows, curves = compiled_form(fleet, *room(fleet, case.bars)), empty_curves(fleet, case.bars)
    for t in range(case.bars):
        assert replay_bars(rows, columns, curves, t, t + 1) == t + 1
    for name in ("portfolio", "sleeves", "bots", "markets", "signals", "fills", "notices"):
        assert_same_bits(name, *(np.atleast_1d(np.asarray(getattr(form, name))) for form in (rows, whole)))
    for name in Curves._fields:
        assert_same_bits(name, getattr(curves, name), getattr(whole_curves, name))


def test_bots_rest_while_their_bands_admit_what_they_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    case, awake = CASES["calm"], []

    def decide(fleet: Fleet) -> None:
        awake.append(fleet.scratch.awake)
        step.decide(fleet)

    monkeypatch.setattr(replay, "decide", decide)
    in_one_go(case, random_columns(case), nothing)
    bar_by_bar(case, random_columns(case), nothing)
    assert awake[case.bars :] == [case.bots] * case.bars
    assert sum(awake[: case.bars]) < 0.75 * case.bots * case.bars


# --- saboteurs -------------------------------------------------------------------------------------------------------

LOSING = calm_rules(
    **LIVELY, bot_drawdown=0.1, sleeve_drawdown=0.03, portfolio_drawdown=0.02, daily_loss=0.01, risk_per_trade=9.0
)
TRAILING = calm_rules(**LIVELY, stop=0.0, trail_activate=0.01, brakes=0)
RUINED = calm_rules(
    **LIVELY, stop=0.0, trail_activate=0.0, brakes=0, leverage=9.0, max_position=9.0, risk_per_trade=9.0
)
OFTEN = calm_rules(**LIVELY, policy=Policy.SCORE.value, rebalance_every=2, rebalance_band=0.0)
SABOTAGED = [
    *(Case(seed, LOSING, volatility=0.04) for seed in range(4)),
    *(Case(seed, TRAILING, ladder=LADDERS[1], volatility=0.004) for seed in range(4, 8)),
    *(Case(seed, replace(RUINED, volatility_low=5.0, volatility_high=5.0), volatility=0.04) for seed in range(8, 12)),
    *(Case(seed, OFTEN) for seed in range(12, 16)),
    *(Case(seed, calm_rules(**LIVELY, resize=1, resize_band=0.02)) for seed in range(16, 20)),
]


def rests_whatever_it_counts(bot: Any, market: Any, rules: Any) -> bool:
    return right_rest(replace(bot, streak_bars=0), market, rules)


def rests_while_it_resizes(bot: Any, market: Any, rules: Any) -> bool:
    return right_rest(bot, market, replace(rules, resize=0))


def rests_at_any_reason(bot: Any, market: Any, rules: Any) -> bool:
    return bot.low <= bot.confirmed <= bot.high


def sleeps(*_: Any) -> None:
    pass


def trails_late(bot: Any, rules: Any, direction: float) -> float:
    return right_trail(bot, rules, direction) * (1.0 + direction * 0.01)


def reaches_nothing(fleet: Any, b: int, *_: Any) -> None:
    fleet.watches[b].reach_low, fleet.watches[b].reach_high = -np.inf, np.inf


def watches_no_mark(bot: Any, watch: Any, rules: Any) -> None:
    right_watch(bot, watch, rules)
    watch.ceiling = np.inf


def watches_no_loss(bot: Any, watch: Any, rules: Any) -> None:
    right_watch(bot, watch, rules)
    watch.floor = -np.inf


def watches_the_old_position(bot: Any, watch: Any) -> None:
    watch.cash = bot.cash


right_rest, right_trail, right_watch = replay.can_rest, protect._trail_begin, brake.watch_equity


@pytest.mark.parametrize(
    ("place", "name", "wrong"),
    [
        (replay, "can_rest", rests_whatever_it_counts),
        (replay, "can_rest", rests_while_it_resizes),
        (replay, "can_rest", rests_at_any_reason),
        (replay, "wake_contradicted", sleeps),
        (replay, "count_rest", sleeps),
        (step, "wake_stale", sleeps),
        (brake, "wake_all", sleeps),
        (mark, "wake_all", sleeps),
        (protect, "_trail_begin", trails_late),
        (protect, "_watch_levels", reaches_nothing),
        (brake, "watch_equity", watches_no_mark),
        (brake, "watch_equity", watches_no_loss),
        (rebalance, "_watch_money", sleeps),
        (step, "watch_position", watches_the_old_position),
        (protect, "watch_position", watches_the_old_position),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_left_out_wrongly_is_found_out(
    place: Any, name: str, wrong: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = runs_looked_at_whole()
    monkeypatch.setattr(place, name, wrong)
    pairs = zip(SABOTAGED, expected, strict=True)
    assert any(difference(in_one_go(case, random_columns(case), nothing), run) for case, run in pairs)


@cache
def runs_looked_at_whole() -> list[Ran]:
    """Give the runs bar by bar, which those in one go must be before anything is sabotaged."""
    runs = [bar_by_bar(case, random_columns(case), nothing) for case in SABOTAGED]
    for case, run in zip(SABOTAGED, runs, strict=True):
        assert not difference(in_one_go(case, random_columns(case), nothing), run)
    return runs
