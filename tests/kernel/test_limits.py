"""Every limit where it is met exactly and one step to either side of it, and every rule where it is switched off.

Prices, fractions and money are such that nothing is rounded: what is met is met to the last bit.
"""

import pytest

from shared.enums import Level, NoticeKind, Reason, Trigger
from shared.units import HOUR_MS
from tests.kernel.tables import (
    FLAT,
    LONG,
    Bar,
    a_bot,
    a_fleet,
    bar,
    both_sides,
    mirrored,
    play,
    play_fleet,
    rules,
    still,
)
from tests.kernel.test_brakes import brakes
from worker.step.records import Fleet

HALF = (0.5, 0.5)
# What a price of 100 can be above and below without rounding, a sixteenth apart.
TICK = 0.0625


def holding(*rows: Bar) -> list[Bar]:
    """A long of 10 at 100, opened in the second bar, and what comes after."""
    return [still(LONG), still(LONG), *rows]


# --- exactly at the limit ------------------------------------------------------------------------------------------


@both_sides
@pytest.mark.parametrize("reached", [-TICK, 0.0, TICK])
def test_a_stop_is_reached_where_the_price_is_its_level(side: int, reached: float) -> None:
    table = holding(bar(100, 100, 93.75 + reached, 100, LONG))
    run = play(mirrored(table, side), rules(stop=0.0625, risk_per_trade=1.0))
    assert run.triggers[1:] == ([Trigger.STOP] if reached <= 0.0 else [])


@both_sides
@pytest.mark.parametrize("reached", [-TICK, 0.0, TICK])
def test_a_rung_is_reached_where_the_price_is_its_level(side: int, reached: float) -> None:
    table = holding(bar(100, 106.25 + reached, 100, 100, LONG))
    run = play(mirrored(table, side), ladder=((0.0625, 0.5),))
    assert run.triggers[1:] == ([Trigger.LADDER] if reached >= 0.0 else [])


@both_sides
@pytest.mark.parametrize("peak", [-TICK, 0.0, TICK])
def test_a_trailing_stop_is_armed_where_the_peak_is_its_activation(side: int, peak: float) -> None:
    table = holding(bar(100, 106.25 + peak, 100, 106, LONG), bar(106, 106, 100, 100, LONG))
    run = play(mirrored(table, side), rules(trail_activate=0.0625, trail_giveback=0.5))
    assert run.triggers[1:] == ([Trigger.TRAILING_STOP] if peak >= 0.0 else [])


@both_sides
@pytest.mark.parametrize("peak", [-TICK, 0.0, TICK])
def test_a_trailing_stop_rules_only_where_it_is_nearer_than_the_stop(side: int, peak: float) -> None:
    """One and a half times a peak of 12.5 % given back is where a stop of 6.25 % stands."""
    table = holding(bar(100, 112.5 + peak, 100, 112, LONG), bar(112, 112, 90, 90, LONG))
    run = play(mirrored(table, side), rules(stop=0.0625, risk_per_trade=1.0, trail_activate=0.0625, trail_giveback=1.5))
    assert run.triggers[1:] == [Trigger.TRAILING_STOP if peak < 0.0 else Trigger.STOP]
    assert run.legs[-1][2] == 100 + side * max(-6.25, -(12.5 + peak) / 2)


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        ({"portfolio_drawdown": 0.25}, Level.FLATTEN),
        ({"sleeve_drawdown": 0.25}, Level.NO_ENTRIES),
        ({"bot_drawdown": 0.25}, Level.NO_ENTRIES),
        ({"daily_loss": 0.25}, Level.NO_ENTRIES),
    ],
    ids=["portfolio", "sleeve", "bot", "day"],
)
@pytest.mark.parametrize("price", [75 + TICK, 75.0, 75 - TICK])
def test_a_brake_trips_where_the_loss_is_its_limit(limits: dict[str, float], kind: Level, price: float) -> None:
    run = play(holding(bar(100, 100, price, price, LONG)), rules(**brakes(**limits)))
    expected = (kind, NoticeKind.TRIPPED) if price <= 75.0 else (Level.RUNNING, NoticeKind.WARNED)
    assert (run.steps[-1].bot.level, run.notices[-1].kind) == expected
    assert run.notices[-1].value == (100 - price) / 100
    last = run.steps[-1]
    flags = [
        last.portfolio.warned_daily_loss,
        *(x.warned_drawdown for x in (last.portfolio, *last.sleeves, *last.bots)),
    ]
    assert sorted(flags) == [0, 0, 0, 1]


@pytest.mark.parametrize("limit", ["portfolio_drawdown", "sleeve_drawdown", "bot_drawdown", "daily_loss"])
@pytest.mark.parametrize("price", [87.5 + TICK, 87.5, 87.5 - TICK])
def test_a_brake_warns_where_the_loss_is_its_share_of_the_limit(limit: str, price: float) -> None:
    run = play(holding(bar(100, 100, price, price, LONG)), rules(**brakes(**{limit: 0.25}), warn_at=0.5))
    assert [notice.kind for notice in run.notices] == ([NoticeKind.WARNED] if price <= 87.5 else [])


@pytest.mark.parametrize("atr", [0.25 - 2.0**-20, 0.25, 0.25 + 2.0**-20])
def test_a_move_that_is_just_worth_its_cost_is_traded(atr: float) -> None:
    setting = rules(edge_to_cost=2.0, fee_rate=0.125, slippage=0.0, leverage=2.0)
    run = play([still(LONG, atr=atr)], setting, a_bot(horizon_root=2.0))
    assert run.reasons == [Reason.TRADE if atr >= 0.25 else Reason.COST]


@pytest.mark.parametrize("cooldown_ms", [HOUR_MS - 1, HOUR_MS, HOUR_MS + 1])
def test_a_cooldown_that_has_just_passed_is_over(cooldown_ms: int) -> None:
    table = [
        still(LONG),
        still(FLAT),
        still(LONG),  # closed at the open of this bar, an hour before its close
    ]
    run = play(table, rules(cooldown_ms=cooldown_ms))
    assert run.reasons[-1] == (Reason.TRADE if cooldown_ms <= HOUR_MS else Reason.COOLDOWN)


@both_sides
@pytest.mark.parametrize("cap", ["max_portfolio_exposure", "max_symbol_exposure"])
@pytest.mark.parametrize("limit", [0.5 - 2.0**-12, 0.5, 0.5 + 2.0**-12])
def test_a_cap_that_is_just_filled_cuts_nothing(side: int, cap: str, limit: float) -> None:
    run = play(mirrored([still(HALF)], side), rules(**{cap: limit}))
    assert run.reasons == [Reason.TRADE if limit >= 0.5 else Reason.CAP]


@pytest.mark.parametrize("minimum", [500.0 - TICK, 500.0, 500.0 + TICK])
def test_a_change_that_is_just_worth_the_minimum_is_made(minimum: float) -> None:
    assert play([still(HALF)], rules(min_notional=minimum)).reasons == [
        Reason.TRADE if minimum <= 500.0 else Reason.MIN_NOTIONAL
    ]


@both_sides
@pytest.mark.parametrize("money", [TICK, 0.0, -TICK])
def test_a_bot_with_the_least_money_gets_no_size_and_one_with_none_has_no_room(side: int, money: float) -> None:
    poor = a_bot(cash=money, settled_equity=-1.0, allocation=1000.0)
    run = play(mirrored([still(LONG)], side), bot=poor, market={"quantity_step": 1.0})
    assert run.reasons == [Reason.MIN_NOTIONAL if money > 0.0 else Reason.CAP]


@pytest.mark.parametrize("netting", [0, 1])
@pytest.mark.parametrize("minimum", [500.0 - TICK, 500.0, 500.0 + TICK])
def test_an_order_that_is_just_worth_the_exchanges_minimum_is_sent(netting: int, minimum: float) -> None:
    run = play([still(HALF)] * 2, rules(netting=netting), market={"min_notional": minimum})
    assert len(run.fills) == (1 if minimum <= 500.0 else 0)
    assert run.steps[0].reason == (Reason.TRADE if minimum <= 500.0 else Reason.MIN_NOTIONAL)


@both_sides
@pytest.mark.parametrize(("wanted", "kept"), [(12.5 + TICK, 0), (12.5, 1), (9, 1), (8, 1), (8 - TICK, 0)])
def test_a_resize_by_just_its_band_is_not_made(side: int, wanted: float, kept: int) -> None:
    """The band is a fifth of the larger one of what is held (10) and wanted."""

    def give(fleet: Fleet) -> None:
        fleet.bots[0].allocation = 100.0 * wanted

    setting = rules(resize=1, resize_band=0.2, leverage=4.0)
    run = play(mirrored(holding(still(LONG), still(LONG)), side), setting, between={2: give})
    assert run.steps[-1].bot.quantity == side * (10.0 if kept else wanted)
    assert run.reasons[2] == (Reason.HOLD if kept else Reason.TRADE)


@pytest.mark.parametrize("band", [0.25 - 2.0**-12, 0.25, 0.25 + 2.0**-12])
def test_money_moves_only_where_an_allocation_would_by_more_than_the_band(band: float) -> None:
    bots = [a_bot(money=1000.0), a_bot(money=1500.0, signal=1, allocation=1000.0)]
    run = play_fleet(a_fleet(rules(rebalance_every=1, rebalance_band=band), bots), [[still(FLAT)] * 2])
    assert run.steps[0].portfolio.rebalanced == (1 if band < 0.25 else 0)


# --- switched off --------------------------------------------------------------------------------------------------

# A rule, how it is switched off, and bars in which it would act at its default.
OFF = {
    "stop": ({"stop": 0.0}, [bar(100, 100, 1, 100, LONG)]),
    "trailing stop": ({"trail_activate": 0.0}, [bar(100, 150, 100, 149, LONG), bar(149, 149, 1, 100, LONG)]),
    "trailing stop of a position that never won": ({"trail_activate": 0.0}, [bar(100, 100, 1, 1, LONG)]),
    "trailing stop beside a stop": (
        {"trail_activate": 0.0, "stop": 0.5, "risk_per_trade": 1.0},
        [bar(100, 150, 100, 149, LONG), bar(149, 149, 51, 100, LONG)],
    ),
    "ladder": ({}, [bar(100, 190, 100, 150, LONG)]),
    "brakes": ({"brakes": 0}, [bar(100, 100, 1, 1, LONG)]),
    "resizing": ({"resize": 0}, [still(LONG, 50.0), still(LONG, 150.0)]),
    "volatility": ({"volatility_sizing": 0}, [still(LONG, atr=0.5), still(LONG, atr=0.001)]),
    "caps": ({}, [still(LONG, 190.0), still(LONG, 190.0)]),
    "cost": ({"edge_to_cost": 0.0, "fee_rate": 0.001, "leverage": 2.0}, [still(LONG, atr=0.0)]),
}


@both_sides
@pytest.mark.parametrize(("changes", "rows"), OFF.values(), ids=OFF)
def test_switched_off_a_rule_does_nothing(changes: dict[str, float], rows: list[Bar], side: int) -> None:
    run = play(mirrored(holding(*rows, still(LONG, rows[-1].close)), side), rules(**changes))
    assert run.legs == [(1, 10.0 * side, 100.0)]
    assert run.notices == []
    assert run.reasons == [Reason.TRADE, *[Reason.HOLD] * (len(run.steps) - 1)]


@both_sides
@pytest.mark.parametrize("stop", [0.0, 0.5])
def test_without_a_trailing_stop_the_level_is_the_stops_whatever_was_won(side: int, stop: float) -> None:
    table = holding(bar(100, 150, 100, 149, LONG), bar(149, 160, 149, 149, LONG))
    run = play(mirrored(table, side), rules(stop=stop, risk_per_trade=1.0))
    assert [step.bot.exit_level for step in run.steps[1:]] == [(100 - side * 50.0) if stop else 0.0] * 3
