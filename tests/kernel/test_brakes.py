"""C and D: marks, funding, and the four brakes on marked equity."""

from dataclasses import replace
from itertools import product

import pytest

from shared.enums import Cause, Level, NoticeKind, Reason
from shared.units import DAY_MS, HOUR_MS
from tests.kernel.tables import (
    FLAT,
    LONG,
    SHORT,
    START_MS,
    Bar,
    Missing,
    Run,
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
from worker.risk.brakes import loss_fraction
from worker.risk.levels import scope_level
from worker.step.journal import Notice
from worker.step.rebalance import book_flow
from worker.step.records import Fleet
from worker.step.scopes import Levels

PORTFOLIO, SLEEVE, BOT = 0, 1, 2
OFF = 1e9


def brakes(**limits: float) -> dict[str, float]:
    """Switch on only the brakes that are named."""
    off = {"portfolio_drawdown": OFF, "daily_loss": OFF, "sleeve_drawdown": OFF, "bot_drawdown": OFF}
    return {"brakes": 1} | off | limits


def told(run: Run) -> list[tuple[int, int, Cause, NoticeKind]]:
    """Give each notice as (step, scope kind, cause, kind)."""
    return [
        (number, notice.scope_kind, Cause(notice.cause), NoticeKind(notice.kind))
        for number, step in enumerate(run.steps)
        for notice in step.notices
    ]


# --- marks ---------------------------------------------------------------------------------------------------------


@both_sides
def test_equity_is_cash_and_the_position_at_the_close(side: int) -> None:
    run = play(mirrored([still(LONG), bar(100, 110, 95, 104, LONG), bar(104, 105, 90, 97, LONG)], side))
    assert [step.bot.equity for step in run.steps] == pytest.approx([1000, 1040, 970])
    assert [step.portfolio.equity for step in run.steps] == pytest.approx([1000, 1040, 970])


@both_sides
def test_a_missing_bar_is_marked_at_the_last_close(side: int) -> None:
    run = play(mirrored([still(LONG), bar(100, 110, 95, 104, LONG), Missing(LONG)], side))
    assert run.steps[-1].bot.equity == pytest.approx(1040)


def test_funding_is_paid_on_the_quantity_held_at_the_close() -> None:
    table = [still(LONG, funding=0.01), bar(100, 110, 100, 110, LONG, funding=0.01), still(FLAT, 110.0, funding=-0.02)]
    run = play(table)
    paid = [step.bot.funding_paid for step in run.steps]
    assert paid == pytest.approx([0.0, 10 * 110 * 0.01, 10 * 110 * 0.01 - 10 * 110 * 0.02])
    assert run.steps[-1].bot.equity == pytest.approx(1100 - paid[-1])
    short = play([still(SHORT), still(SHORT, funding=0.01)])
    assert short.steps[-1].bot.cash == pytest.approx(2000 + 10.0)


def test_a_position_stopped_out_within_the_bar_pays_no_funding() -> None:
    table = [still(LONG), bar(100, 100, 90, 95, LONG, funding=0.01)]
    run = play(table, rules(stop=0.05, risk_per_trade=1.0))
    assert run.steps[-1].bot.quantity == 0.0
    assert run.steps[-1].bot.funding_paid == 0.0


# --- the portfolio's drawdown ----------------------------------------------------------------------------------------

# --- bots whose money is gone --------------------------------------------------------------------------------------


def test_a_short_that_costs_more_than_the_bot_has_is_closed_and_takes_no_more_part() -> None:
    """A short of 10 at 100 has lost 2,000 of its 1,000 where the price has tripled."""
    table = [
        still(SHORT),
        bar(100, 150, 100, 150, SHORT),
        bar(150, 300, 150, 300, SHORT),  # equity −1,000: closed at the next open, whatever the band says
        bar(310, 310, 300, 300, LONG),
        still(LONG, 300.0),
        still(LONG, 300.0),
    ]
    run = play(table)
    assert run.legs == [(1, -10.0, 100.0), (3, 10.0, 310.0)]
    assert run.reasons[1:] == [Reason.HOLD, *[Reason.FLATTEN] * 4]
    assert told(run) == [(2, BOT, Cause.BANKRUPT, NoticeKind.TRIPPED)]
    assert (run.notices[0].value, run.notices[0].limit) == (-1000.0, 0.0)
    assert run.notices[0].time_ms == START_MS + 3 * HOUR_MS
    assert [step.bot.equity for step in run.steps][-3:] == [-1100.0] * 3


@pytest.mark.parametrize("money", [0.5, 1000.0])
def test_a_stop_over_a_gap_that_takes_more_than_there_is_ends_a_bot_that_is_flat_by_then(money: float) -> None:
    table = [still(SHORT), still(SHORT), still(SHORT, 300.0), still(SHORT, 300.0)]
    run = play(table, rules(stop=0.5, risk_per_trade=9.0), a_bot(money=money))
    assert [step.bot.quantity for step in run.steps] == [0.0, -money / 100, 0.0, 0.0]
    assert run.steps[-1].bot.equity == -money
    assert told(run) == [(2, BOT, Cause.BANKRUPT, NoticeKind.TRIPPED)]
    assert run.reasons[2:] == [Reason.FLATTEN] * 2


def test_exactly_nothing_left_is_gone_and_the_smallest_rest_is_not() -> None:
    for close, level in ((200.0, Level.FLATTEN), (199.5, Level.RUNNING)):
        run = play([still(SHORT), bar(100, close, 100, close, SHORT)])
        assert Level(run.steps[-1].bot.level) is level, close


def test_what_a_bot_lost_beyond_its_money_the_others_bear_at_the_next_rebalance() -> None:
    bots = [a_bot(), a_bot(market=1, signal=1), a_bot(market=1, signal=2)]
    fleet = a_fleet(rules(rebalance_every=4, bot_low=0.0, bot_high=1.0, sleeve_high=1.0), bots, markets=2)
    rise = [still(SHORT), bar(100, 300, 100, 300, SHORT), still(SHORT, 300.0), still(SHORT, 300.0)]
    run = play_fleet(fleet, [[row, still(FLAT), still(FLAT)] for row in rise])
    assert [bot.equity for bot in run.steps[-1].bots] == [0.0, 500.0, 500.0]
    assert [bot.weight for bot in run.steps[-1].bots] == [0.0, 0.5, 0.5]
    assert run.steps[-1].portfolio.equity == 1000.0


def test_a_position_that_cost_more_than_there_was_before_anybody_looked_is_closed_too() -> None:
    """As in books of a program that did not look."""
    short = a_bot(quantity=-10.0, entry_price=100.0, cash=917.0, settled_equity=-1083.0, confirmed=-1.0)
    run = play([still(SHORT, 200.0)] * 3, bot=short)
    assert told(run) == [(0, BOT, Cause.BANKRUPT, NoticeKind.TRIPPED)], "once"
    assert run.reasons == [Reason.FLATTEN] * 3
    assert run.steps[-1].bot.units == 0


def test_money_that_flowed_out_is_no_loss() -> None:
    def take_all(fleet: Fleet) -> None:
        book_flow(fleet, fleet.bots[0], -1000.0)

    run = play([still(FLAT)] * 3, between={1: take_all})
    assert run.steps[-1].bot.equity == 0.0
    assert run.notices == [] and run.steps[-1].bot.level_bankrupt == Level.RUNNING


@both_sides
def test_an_unrealised_fall_trips_the_portfolio_brake_with_no_closed_trade(side: int) -> None:
    table = [
        still(LONG),
        still(LONG),
        bar(100, 100, 79, 79.5, LONG),  # 20.5 % down, nothing closed
        bar(81, 81, 80, 80, LONG),  # flattened at this open
        still(LONG),  # the price comes back, the level stays
        still(LONG),
    ]
    run = play(mirrored(table, side), rules(**brakes(portfolio_drawdown=0.20)))
    assert len(run.steps[2].fills) == 0
    assert told(run) == [(2, PORTFOLIO, Cause.DRAWDOWN, NoticeKind.TRIPPED)]
    assert run.reasons[2:] == [Reason.FLATTEN] * 4
    assert run.legs[1:] == [(3, -10.0 * side, 100 - 19.0 * side)]
    assert run.notices[0].value == pytest.approx(0.205)
    assert run.notices[0].limit == 0.20


def test_a_fall_short_of_the_limit_does_not_trip() -> None:
    run = play([still(LONG), still(LONG), bar(100, 100, 79, 80.1, LONG)], rules(**brakes(portfolio_drawdown=0.20)))
    assert run.steps[-1].portfolio.level == Level.RUNNING


@pytest.mark.parametrize("limit", [0.05, 0.1, 0.2, 0.25, 0.3, 0.35])
@pytest.mark.parametrize("high", [100, 120, 150])
def test_a_fall_of_exactly_the_limit_trips(limit: float, high: int) -> None:
    price = high - high * round(limit * 100) / 100
    table = [still(LONG), bar(100, high, 100, high, LONG), bar(high, high, price, price, LONG)]
    run = play(table, rules(**brakes(bot_drawdown=limit)), a_bot(allocation=1000.0))
    assert run.steps[-1].bot.equity == 10.0 * price
    assert run.steps[-1].bot.level == Level.NO_ENTRIES


def test_the_drawdown_is_measured_from_the_highest_mark() -> None:
    table = [still(LONG), bar(100, 150, 100, 150, LONG), bar(150, 150, 119, 121, LONG), bar(121, 121, 119, 119, LONG)]
    run = play(table, rules(**brakes(portfolio_drawdown=0.20)))
    assert [step.portfolio.high_water for step in run.steps] == pytest.approx([1000, 1500, 1500, 1500])
    assert [step.portfolio.level for step in run.steps] == [0, 0, 0, Level.FLATTEN]


def test_a_limit_warns_once_at_four_fifths_and_again_only_after_a_new_high() -> None:
    prices = [100, 84.5, 83, 84, 83, 101, 84, 80]
    table = [still(LONG), *[bar(price, price, price, price, LONG) for price in prices]]
    run = play(table, rules(**brakes(portfolio_drawdown=0.20)))
    tripped = (8, PORTFOLIO, Cause.DRAWDOWN, NoticeKind.TRIPPED)
    assert told(run) == [
        (3, PORTFOLIO, Cause.DRAWDOWN, NoticeKind.WARNED),
        (7, PORTFOLIO, Cause.DRAWDOWN, NoticeKind.WARNED),
        tripped,
    ]


@pytest.mark.parametrize("reference", [0.0, -5.0])
def test_of_nothing_no_fraction_is_lost(reference: float) -> None:
    assert loss_fraction(-10.0, reference) == 0.0
    assert loss_fraction(4.0, 5.0) == 0.2


def test_switched_off_the_marks_rise_all_the_same() -> None:
    """So that drawdowns are true from the first step in which the brakes are on."""
    prices = [100, 120, 110]
    table = [still(LONG), *[bar(price, price, price, price, LONG) for price in prices]]
    run = play(table, rules())
    for step, high in zip(run.steps[1:], (1000, 1200, 1200), strict=True):
        assert [scope.high_water for scope in (step.portfolio, *step.sleeves, *step.bots)] == [high] * 3


def test_switched_off_nothing_trips() -> None:
    setting = rules(**(brakes(portfolio_drawdown=0.2, daily_loss=0.05) | {"brakes": 0}))
    assert play([still(LONG), bar(100, 100, 50, 50, LONG)], setting).notices == []


# --- the day's loss -----------------------------------------------------------------------------------------------


@both_sides
def test_the_daily_brake_releases_at_midnight_while_the_drawdown_brake_stays(side: int) -> None:
    setting = rules(**brakes(daily_loss=0.05, bot_drawdown=0.05), step_ms=6 * HOUR_MS)
    table = [
        still(LONG),  # closes at 06:00
        bar(100, 100, 94, 94, LONG),  # closes at 12:00, 6 % down since 00:00
        still(LONG, 94.0),  # 18:00
        still(LONG, 94.0),  # 00:00 the next day
        still(LONG, 94.0),
    ]
    run = play(mirrored(table, side), setting)
    assert [step.portfolio.level_daily_loss for step in run.steps] == [0, 1, 1, 0, 0]
    assert [step.bot.level_drawdown for step in run.steps] == [0, 1, 1, 1, 1]
    assert told(run) == [
        (1, PORTFOLIO, Cause.DAILY_LOSS, NoticeKind.TRIPPED),
        (1, BOT, Cause.DRAWDOWN, NoticeKind.TRIPPED),
        (3, PORTFOLIO, Cause.DAILY_LOSS, NoticeKind.RELEASED),
    ]
    assert run.notices[-1].time_ms == START_MS + DAY_MS
    assert [step.portfolio.level for step in run.steps] == [0, 1, 1, 0, 0]
    assert run.steps[-1].bot.level == Level.NO_ENTRIES


def test_the_daily_brake_stops_entries_and_closes_nothing() -> None:
    bots = [a_bot(), a_bot(signal=1)]
    rows = [
        [still(LONG), still(FLAT)],
        [bar(100, 100, 85, 85, LONG), bar(100, 100, 85, 85, LONG)],  # 7.5 % of the portfolio
        [still(LONG, 85.0), still(LONG, 85.0)],
    ]
    run = play_fleet(a_fleet(rules(**brakes(daily_loss=0.05)), bots), rows)
    assert [Reason(bot.reason) for bot in run.steps[-1].bots] == [Reason.HOLD, Reason.NO_ENTRIES]
    assert [bot.quantity for bot in run.steps[-1].bots] == [10.0, 0.0]


def test_the_day_starts_from_the_mark_at_midnight() -> None:
    table = [still(LONG), *[bar(p, p, p, p, LONG) for p in (100, 100, 110, 105)]]
    run = play(table, rules(**brakes(daily_loss=0.05), step_ms=6 * HOUR_MS))
    assert [step.portfolio.day_start_equity for step in run.steps] == pytest.approx([1000, 1000, 1000, 1100, 1100])


def test_without_a_mark_at_midnight_the_day_starts_from_the_one_before() -> None:
    # Marks at 07:00, 14:00, 21:00 and 04:00.
    table = [still(LONG), *[bar(p, p, p, p, LONG) for p in (100, 104, 120)]]
    run = play(table, rules(**brakes(daily_loss=0.05), step_ms=7 * HOUR_MS))
    assert [step.portfolio.day_start_equity for step in run.steps] == pytest.approx([1000, 1000, 1000, 1040])


def test_the_first_day_starts_from_the_money_put_in() -> None:
    run = play([still(LONG), bar(100, 100, 94, 94, LONG)], rules(**brakes(daily_loss=0.05)))
    assert run.steps[0].portfolio.day_start_equity == 1000.0
    assert run.steps[1].portfolio.level_daily_loss == Level.NO_ENTRIES


def test_the_daily_loss_warns_once_a_day() -> None:
    prices = [100, 95.5, 96.5, 95.8, 95.8]
    table = [still(LONG), *[bar(p, p, p, p, LONG) for p in prices]]
    run = play(table, rules(**brakes(daily_loss=0.05), step_ms=6 * HOUR_MS))
    assert told(run) == [(2, PORTFOLIO, Cause.DAILY_LOSS, NoticeKind.WARNED)]
    # The mark at midnight is 95.8, and 4 % below it warns again.
    again = [*table[:3], *[bar(p, p, p, p, LONG) for p in (95.8, 91.9, 91.8)]]
    run = play(again, rules(**brakes(daily_loss=0.05), step_ms=6 * HOUR_MS))
    assert [number for number, *_ in told(run)] == [2, 4]


# --- sleeves and bots -----------------------------------------------------------------------------------------------


def two_sleeves(**limits: float) -> Fleet:
    bots = [a_bot(), a_bot(signal=1), a_bot(sleeve=1, market=1, signal=2)]
    return a_fleet(rules(**brakes(**limits)), bots, markets=2)


def row(first: float, band: tuple[float, float] = LONG) -> list:
    return [still(band, first), still(FLAT, first), still(FLAT)]


def test_a_bots_drawdown_holds_back_that_bot_alone() -> None:
    run = play_fleet(two_sleeves(bot_drawdown=0.30), [row(100.0), row(100.0), row(69.0)])
    assert [bot.level for bot in run.steps[-1].bots] == [Level.NO_ENTRIES, 0, 0]
    assert [sleeve.level for sleeve in run.steps[-1].sleeves] == [0, 0]
    assert told(run)[-1] == (2, BOT, Cause.DRAWDOWN, NoticeKind.TRIPPED)
    assert run.notices[-1].value == pytest.approx(0.31)


def test_a_sleeves_drawdown_holds_back_its_bots() -> None:
    run = play_fleet(two_sleeves(sleeve_drawdown=0.25), [row(100.0), row(100.0), row(49.0)])
    assert [bot.level for bot in run.steps[-1].bots] == [Level.NO_ENTRIES, Level.NO_ENTRIES, 0]
    assert run.steps[-1].sleeves[0].level_drawdown == Level.NO_ENTRIES
    assert told(run) == [(2, SLEEVE, Cause.DRAWDOWN, NoticeKind.TRIPPED)]


def test_a_brake_acts_in_the_step_it_trips_in() -> None:
    rows = [
        [still(LONG), still(FLAT), still(FLAT)],
        [bar(100, 100, 69, 69, LONG), bar(100, 100, 69, 69, LONG), still(FLAT)],
    ]
    run = play_fleet(two_sleeves(sleeve_drawdown=0.15), rows)
    assert [Reason(bot.reason) for bot in run.steps[-1].bots] == [Reason.HOLD, Reason.NO_ENTRIES, Reason.FLAT]


def test_the_highest_level_over_causes_and_scopes_rules() -> None:
    fleet = two_sleeves()

    def hold(level: Level, cause: str, scope: str) -> object:
        def put(fleet: Fleet) -> None:
            {"portfolio": fleet.portfolio, "sleeve": fleet.sleeves[0], "bot": fleet.bots[0]}[scope].__setattr__(
                f"level_{cause}", level.value
            )

        return put

    between = {
        1: hold(Level.NO_ENTRIES, "crashes", "portfolio"),
        2: hold(Level.FLATTEN, "person", "sleeve"),
        3: hold(Level.HALTED, "reconciliation", "bot"),
        4: hold(Level.RUNNING, "reconciliation", "bot"),
        5: hold(Level.RUNNING, "crashes", "portfolio"),
    }
    run = play_fleet(fleet, [row(100.0)] * 6, between)
    assert [[bot.level for bot in step.bots] for step in run.steps] == [
        [0, 0, 0],
        [1, 1, 1],
        [2, 2, 1],
        [3, 2, 1],
        [2, 2, 1],
        [2, 2, 0],
    ]


def test_the_level_of_a_scope_is_the_highest_over_its_causes_whatever_they_are() -> None:
    causes = [name for name in Levels.__dataclass_fields__ if name != "level"]
    assert causes == [f"level_{cause.name.lower()}" for cause in Cause]
    for levels in product(range(4), repeat=len(causes)):
        scope = Levels(**dict(zip(causes, levels, strict=True)))
        assert scope_level(scope) == max(levels), scope


def test_a_retiring_bot_only_exits() -> None:
    run = play([still(LONG), still(LONG)], bot=a_bot(retiring=1))
    assert run.reasons == [Reason.NO_ENTRIES] * 2
    assert run.steps[-1].bot.level == Level.NO_ENTRIES


def test_notices_name_scope_and_time() -> None:
    run = play_fleet(two_sleeves(bot_drawdown=0.30), [row(100.0), row(100.0), row(75.0)])
    (notice,) = run.notices
    expected = Notice(START_MS + 3 * HOUR_MS, BOT, 0, Cause.DRAWDOWN.value, NoticeKind.WARNED.value, 0.25, 0.30)
    assert replace(notice, value=round(notice.value, 9)) == expected


def second_of_two(**more: float) -> Fleet:
    """Two sleeves of one bot, each on a market of its own."""
    bots = [a_bot(), a_bot(sleeve=1, market=1, signal=1)]
    return a_fleet(rules(warn_at=0.5, **more), bots, markets=2)


def falls(*closes: float) -> list[list[Bar]]:
    """The first bot stays flat; the second is long from 100 on."""
    rows = [bar(max(close, 100), max(close, 100), close, close, LONG) for close in closes]
    return [[still(FLAT), row] for row in (still(LONG), *rows)]


def test_every_notice_of_a_drawdown_is_told_whole() -> None:
    limits = {"portfolio_drawdown": 0.25, "daily_loss": 0.25, "sleeve_drawdown": 0.5, "bot_drawdown": 0.5}
    run = play_fleet(second_of_two(**brakes(**limits), step_ms=8 * HOUR_MS), falls(75.0, 50.0))
    drawdown, at = Cause.DRAWDOWN.value, START_MS + 16 * HOUR_MS
    warned, tripped = NoticeKind.WARNED.value, NoticeKind.TRIPPED.value
    assert run.steps[1].notices == [
        Notice(at, PORTFOLIO, 0, Cause.DAILY_LOSS.value, warned, 0.125, 0.25),
        Notice(at, PORTFOLIO, 0, drawdown, warned, 0.125, 0.25),
        Notice(at, SLEEVE, 1, drawdown, warned, 0.25, 0.5),
        Notice(at, BOT, 1, drawdown, warned, 0.25, 0.5),
    ]
    # The mark at midnight is that of the new day, of which nothing is lost yet.
    assert run.steps[2].notices == [
        Notice(START_MS + DAY_MS, PORTFOLIO, 0, drawdown, tripped, 0.25, 0.25),
        Notice(START_MS + DAY_MS, SLEEVE, 1, drawdown, tripped, 0.5, 0.5),
        Notice(START_MS + DAY_MS, BOT, 1, drawdown, tripped, 0.5, 0.5),
    ]


def test_every_notice_of_a_days_loss_is_told_whole() -> None:
    run = play_fleet(second_of_two(**brakes(daily_loss=0.25), step_ms=12 * HOUR_MS), falls(100.0, 50.0, 50.0))
    daily = Cause.DAILY_LOSS.value
    assert run.notices == [
        Notice(START_MS + 36 * HOUR_MS, PORTFOLIO, 0, daily, NoticeKind.TRIPPED.value, 0.25, 0.25),
        Notice(START_MS + 48 * HOUR_MS, PORTFOLIO, 0, daily, NoticeKind.RELEASED.value, 0.0, 0.25),
    ]


def test_a_bot_whose_money_is_gone_is_named() -> None:
    fleet = second_of_two()
    rows = [[still(FLAT), row] for row in (still(SHORT), bar(100, 250, 100, 250, SHORT))]
    bankrupt = Notice(START_MS + 2 * HOUR_MS, BOT, 1, Cause.BANKRUPT.value, NoticeKind.TRIPPED.value, -500.0, 0.0)
    assert play_fleet(fleet, rows).notices == [bankrupt]
