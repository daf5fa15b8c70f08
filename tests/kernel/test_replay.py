"""A replay reads every column and no other bar, writes what each step left, and stops where it has no room."""

import math
from dataclasses import replace

import numpy as np
import pytest

from shared.enums import Reason
from tests.kernel.random_runs import Case, calm_rules, random_columns, random_fleet
from tests.kernel.whole_bands import whole_bands
from worker.step.columns import Columns, Curves
from worker.step.fleet import compiled_form, fills_per_bar
from worker.step.journal import Fill, Journal, Notice
from worker.step.records import Bot, Fleet, Market, Rung, Signal
from worker.step.replay import has_room, load_bar, step_bars
from worker.step.rules import Rules
from worker.step.scopes import Portfolio, Sleeve
from worker.step.step import close_bar, open_bar

LIVELY = calm_rules(edge_to_cost=0.0, min_notional=20.0, rebalance_every=3, rebalance_band=0.01)
LADDER = ((0.02, 0.5), (0.04, 0.5))
CASE = Case(31, LIVELY, bots=5, bars=60, ladder=LADDER, reserve=77.0)


def room_for(fleet: Fleet, fills: int, notices: int) -> Fleet:
    """Give the fleet a journal of this size."""
    return fleet._replace(fills=[Fill() for _ in range(fills)], notices=[Notice() for _ in range(notices)])


def curves_of(fleet: Fleet, bars: int, sleeves: int, bots: int, rows: int) -> Curves:
    """Give empty curves; those of sleeves and bots may be unwanted."""
    count = len(fleet.bots)
    return Curves(
        np.full(bars, np.nan),
        np.full(bars, np.nan),
        np.full((sleeves, bars), np.nan),
        np.full((count, bars if bots else 0), np.nan),
        np.zeros((count, len(Reason)), np.int64),
        np.zeros(count, np.int64),
        np.full((rows, count), np.nan),
        np.full((rows, count), np.nan),
        np.zeros(rows, np.int64),
        np.zeros(1, np.int64),
    )


# --- in --------------------------------------------------------------------------------------------------------------


def test_a_bar_is_loaded_whole_and_no_other() -> None:
    fleet, columns = random_fleet(CASE), random_columns(CASE)
    low, high = whole_bands(columns.bands, len(fleet.signals))
    for t in range(CASE.bars):
        load_bar(fleet, columns, t)
        for m, market in enumerate(fleet.markets):
            seen = (market.open, market.high, market.low, market.close, market.status, market.funding_rate)
            rows = (columns.open, columns.high, columns.low, columns.close, columns.status, columns.funding_rate)
            assert seen == tuple(row[m, t] for row in rows)
        for k, signal in enumerate(fleet.signals):
            seen = (signal.low, signal.high, signal.stop, signal.target, signal.atr_fraction, signal.closed)
            own = [row[k, t] for row in (low, high, columns.stop, columns.target)]
            series = columns.series[k]
            np.testing.assert_equal(seen, (*own, columns.atr_fraction[series, t], columns.closed[series, t]))
    assert columns.stop.any() and columns.target.any() and columns.funding_rate.any()


@pytest.mark.parametrize("bars", [2, 60])
def test_exits_of_a_strategy_are_read_for_every_bar_where_there_are_any(bars: int) -> None:
    fleet, columns = random_fleet(CASE), random_columns(CASE)
    wide = columns._replace(stop=np.full((5, bars), 0.03), target=np.full((5, bars), 0.04))
    load_bar(fleet, wide, 1)
    assert {(signal.stop, signal.target) for signal in fleet.signals} == {(0.03, 0.04)}
    none = columns._replace(stop=np.zeros((5, 1)), target=np.zeros((5, 1)))
    fresh = random_fleet(CASE)
    load_bar(fresh, none, 1)
    assert {(signal.stop, signal.target) for signal in fresh.signals} == {(0.0, 0.0)}


# --- out -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sleeves", "bots"), [(2, 1), (0, 0)], ids=["all curves", "the least"])
def test_the_curves_are_what_each_step_left(sleeves: int, bots: int) -> None:
    columns = random_columns(CASE)
    fleet = room_for(random_fleet(CASE), 2000, 2000)
    curves = curves_of(fleet, CASE.bars, sleeves, bots, 30)
    assert step_bars(fleet, columns, curves, 0, CASE.bars) == CASE.bars
    expected = stepped(columns, sleeves, bots)
    for name in Curves._fields:
        np.testing.assert_array_equal(getattr(curves, name), getattr(expected, name), err_msg=name)
    assert curves.used[0] > 2 and curves.held.all()
    assert fleet.journal.fills > 10


def stepped(columns: Columns, sleeves: int, bots: int) -> Curves:
    """Step bar by bar and write the curves down beside it."""
    fleet = random_fleet(CASE)
    curves = curves_of(fleet, CASE.bars, sleeves, bots, 30)
    for t in range(CASE.bars):
        fleet.journal.fills = fleet.journal.notices = 0
        load_bar(fleet, columns, t)
        open_bar(fleet, int(columns.open_ms[t]))
        close_bar(fleet, int(columns.open_ms[t]))
        values = [bot.quantity * fleet.markets[bot.market].close for bot in fleet.bots]
        curves.equity[t] = fleet.portfolio.equity
        curves.exposure[t] = sum(abs(value) for value in values)
        curves.sleeve_equity[:, t] = [sleeve.equity for sleeve in fleet.sleeves][:sleeves]
        if bots:
            curves.bot_equity[:, t] = [bot.equity for bot in fleet.bots]
        for b, bot in enumerate(fleet.bots):
            curves.reasons[b, bot.reason] += 1
            curves.held[b] += abs(bot.units) >= 1
        if fleet.portfolio.rebalanced:
            row = curves.used[0]
            curves.rebalance_ms[row] = columns.open_ms[t] + CASE.rules.step_ms
            curves.allocations[row] = [bot.allocation for bot in fleet.bots]
            curves.flows[row] = [bot.flow for bot in fleet.bots]
            curves.used[0] += 1
    return curves


def test_a_level_that_was_raised_before_a_replay_holds_from_its_first_bar_on() -> None:
    fleet = room_for(random_fleet(replace(CASE, ladder=())), 2000, 2000)
    fleet.portfolio.level_person = 1
    step_bars(fleet, random_columns(CASE), curves_of(fleet, CASE.bars, 2, 1, 30), 0, CASE.bars)
    assert fleet.journal.fills == 0


# --- room ------------------------------------------------------------------------------------------------------------

# What one bar of 5 bots with 2 rungs can write: 3 fills of each besides its rungs, 4 notices of each of 8 scopes.
FILLS, NOTICES = 5 * (3 + 2), 4 * (5 + 2 + 1)


def test_a_fresh_fleet_has_room_for_two_bars() -> None:
    fleet = random_fleet(CASE)
    assert fills_per_bar(5, 2) == FILLS
    assert (len(fleet.fills), len(fleet.notices)) == (2 * FILLS, 2 * NOTICES)
    assert len(fleet.weights) == len(fleet.pinned) == 5
    assert len(random_fleet(replace(CASE, bots=1, sleeves=3)).weights) == 3


@pytest.mark.parametrize(
    ("fills", "notices", "rows", "has"),
    [
        (FILLS, NOTICES, 1, True),
        (FILLS - 1, NOTICES, 1, False),
        (FILLS, NOTICES - 1, 1, False),
        (FILLS, NOTICES, 0, False),
    ],
)
@pytest.mark.parametrize("used", [0, 7])
def test_a_replay_stops_before_the_bar_it_has_no_room_for(
    fills: int, notices: int, rows: int, has: bool, used: int
) -> None:
    fleet = room_for(random_fleet(CASE), fills + used, notices + used)
    fleet.journal.fills = fleet.journal.notices = used
    curves = curves_of(fleet, CASE.bars, 2, 1, rows + used)
    curves.used[0] = used
    assert has_room(fleet, curves) == has
    left = step_bars(fleet, random_columns(CASE), curves, 0, 1)
    assert (left, fleet.portfolio.step) == ((1, 1) if has else (0, 0))


# --- both forms of the records ---------------------------------------------------------------------------------------


def test_a_fleet_goes_to_the_compiled_form_whole() -> None:
    fleet = room_for(random_fleet(CASE), 2000, 2000)
    step_bars(fleet, random_columns(CASE), curves_of(fleet, CASE.bars, 2, 1, 30), 0, 40)
    rows = compiled_form(fleet, 11, 12)
    assert (len(rows.fills), len(rows.notices)) == (11, 12)
    assert (len(rows.weights), len(rows.pinned)) == (5, 5)
    kinds = {"rules": Rules, "portfolio": Portfolio, "journal": Journal}
    for name, kind in kinds.items():
        assert_told_alike(getattr(rows, name), getattr(fleet, name), kind)
    for name, kind in {"sleeves": Sleeve, "bots": Bot, "markets": Market, "signals": Signal, "ladder": Rung}.items():
        for row, record in zip(getattr(rows, name), getattr(fleet, name), strict=True):
            assert_told_alike(row, record, kind)


def assert_told_alike(row: np.void, record: object, kind: type) -> None:
    names = tuple(kind.__dataclass_fields__)
    assert row.dtype.names == names
    np.testing.assert_equal([row[name] for name in names], [getattr(record, name) for name in names])


# What a fresh record says beside nothing: 0, 0.0.
FRESH = {
    Portfolio: {"day": -1},
    Sleeve: {"fixed_weight": 1.0},
    Bot: {
        "fixed_weight": 1.0,
        "horizon_root": 1.0,
        "volatility_scale": 1.0,
        "last_fill_ms": -(2**62),
        "open_fraction": 1.0,
        "low": None,
        "high": None,
        "reason": Reason.WARMUP.value,
        "reason_value": None,
        "reason_limit": None,
    },
    Market: {
        "coins_per_unit": 1.0,
        "units_per_coin": 1e8,
        "step_units": 1,
        "min_units": 1,
        "min_notional": 5.0,
        "account_room": math.inf,
        "status": 1,
        "whole_wishes": 1,
        "largest_buyer": -1,
        "largest_seller": -1,
    },
    Signal: {"low": None, "high": None, "atr_fraction": None, "closed": 1},
    Rung: {},
    Fill: {},
    Notice: {},
    Journal: {},
}


@pytest.mark.parametrize("kind", FRESH, ids=lambda kind: kind.__name__)
def test_a_fresh_record_says_nothing_but_what_stands_here(kind: type) -> None:
    """None stands for NaN."""
    fresh = kind()
    said = {name: getattr(fresh, name) for name in kind.__dataclass_fields__}
    told = {name: None if value != value else value for name, value in said.items() if value != 0}
    assert told == FRESH[kind]


def test_rules_have_no_defaults() -> None:
    with pytest.raises(TypeError, match="missing"):
        Rules()
