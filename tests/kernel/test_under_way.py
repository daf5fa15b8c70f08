"""Orders under way: what the step does while one of them is not known to be anything, and exits that are asked for."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from shared.enums import BarStatus, Cause, Leg, Level, Reason, Trigger
from tests.kernel.tables import (
    FLAT,
    LONG,
    SHORT,
    START_MS,
    Bar,
    Run,
    a_bot,
    a_fleet,
    bar,
    both_sides,
    copied,
    mirrored,
    play,
    play_fleet,
    rules,
    still,
    units,
)
from worker.risk.levels import set_levels
from worker.step.journal import Fill
from worker.step.records import Bot, Fleet
from worker.step.rules import Rules
from worker.step.share import book_share, forget_exit
from worker.step.step import ask_exits, close_bar, open_bar

HELD = {"quantity": 10.0, "entry_price": 100.0, "best_price": 100.0, "opened_quantity": 10.0, "confirmed": 1.0}
FROZEN = {"sized_exposure": 1.0, "target_quantity": 10.0, "stop_fraction": 0.05}


def a_holder(side: int = 1, **changes: float) -> Bot:
    """Give a bot that holds 10 at 100 with a stop at 95, bought of its own money, or the mirror of it."""
    mirrored_fields = {name: side * value for name, value in (HELD | FROZEN).items() if name in MIRRORED}
    bot = a_bot(**(HELD | FROZEN | mirrored_fields | {"money": 1000.0} | changes))
    bot.cash = 1000.0 - side * 1000.0
    return bot


MIRRORED = ("quantity", "confirmed", "sized_exposure", "target_quantity")

# --- the rows of the gate -----------------------------------------------------------------------------------------


@both_sides
@pytest.mark.parametrize(
    ("reason", "bot", "market"),
    [(Reason.RECONCILIATION, {}, {"differs": 1}), (Reason.UNRESOLVED, {"unresolved": 1}, {})],
    ids=["the quantity differs", "an order is not known to be anything"],
)
def test_entries_wait_while_exits_go_on(side: int, reason: Reason, bot: dict, market: dict) -> None:
    def wait(fleet: Fleet) -> None:
        for name, value in bot.items():
            setattr(fleet.bots[0], name, value)
        for name, value in market.items():
            setattr(fleet.markets[0], name, value)

    entry = play(mirrored([still(LONG), still(LONG)], side), between={0: wait})
    assert [(step.reason, step.bot.order_units) for step in entry.steps] == [(reason, 0)] * 2
    assert (entry.steps[0].bot.reason_value, entry.steps[0].bot.reason_limit) == (1.0, 0.0)
    reversal = play(mirrored([still(LONG), still(LONG), still(SHORT), still(SHORT)], side), between={2: wait})
    assert reversal.legs == [(1, 10.0 * side, 100.0), (3, -10.0 * side, 100.0)]
    assert reversal.steps[2].reason is reason
    close = play(mirrored([still(LONG), still(LONG), still(FLAT), still(FLAT)], side), between={2: wait})
    assert (close.steps[2].reason, close.legs[-1]) == (Reason.TRADE, (3, -10.0 * side, 100.0))


def test_the_rows_of_orders_under_way_stand_between_the_level_and_the_lock() -> None:
    def all_at_once(fleet: Fleet) -> None:
        fleet.bots[0].lock_sign, fleet.bots[0].unresolved, fleet.markets[0].differs = 1, 1, 1
        fleet.bots[0].level_person = Level.NO_ENTRIES.value
        # What is confirmed already keeps the lock.
        fleet.bots[0].confirmed = 1.0

    def calmer(name: str) -> Callable[[Fleet], None]:
        def change(fleet: Fleet) -> None:
            setattr(fleet.markets[0] if name == "differs" else fleet.bots[0], name, 0)

        return change

    names = ("level_person", "differs", "unresolved", "lock_sign")
    run = play([still(LONG)] * 5, between={0: all_at_once} | {n: calmer(name) for n, name in enumerate(names, start=1)})
    rows = [Reason.NO_ENTRIES, Reason.RECONCILIATION, Reason.UNRESOLVED, Reason.REENTRY_LOCK, Reason.TRADE]
    assert run.reasons == rows


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_level_that_counts(cause: Cause) -> None:
    for scope in range(3):
        fleet = a_fleet(rules(), [a_bot()])
        setattr((fleet.portfolio, *fleet.sleeves, *fleet.bots)[scope], f"level_{cause.name.lower()}", 2)
        set_levels(fleet.portfolio, fleet.sleeves, fleet.bots)
        assert fleet.bots[0].level == Level.FLATTEN


# --- what is reserved counts as used ------------------------------------------------------------------------------


def test_what_is_reserved_is_none_of_a_bots_own_money() -> None:
    wild = rules(volatility_sizing=1, volatility_low=9.0, volatility_high=9.0, max_position=9.0)
    free, reserved = (play([still(LONG)], wild, a_bot(reserved=amount)) for amount in (0.0, 250.0))
    assert [run.steps[0].bot.order_units for run in (free, reserved)] == [units(10.0), units(7.5)]


def test_what_is_reserved_takes_room_under_the_caps() -> None:
    for cap in ("max_portfolio_exposure", "max_symbol_exposure"):
        # Of 2,000 half may be held; 400 may be on its way for the first bot.
        fleet = a_fleet(rules(**{cap: 0.5}), [a_bot(reserved=400.0, unresolved=1), a_bot(signal=1)])
        run = play_fleet(fleet, [[still(LONG), still(LONG)]])
        first, second = run.steps[0].bots
        assert (Reason(first.reason), Reason(second.reason)) == (Reason.UNRESOLVED, Reason.CAP)
        assert second.order_units == units(6.0)
        assert (second.reason_value, second.reason_limit) == (pytest.approx(0.7), 0.5)


def test_what_is_reserved_is_not_given_away() -> None:
    bots = [a_bot(money=1500.0, reserved=1400.0), a_bot(money=500.0, signal=1)]
    run = play_fleet(a_fleet(rules(rebalance_every=1), bots), [[still(FLAT), still(FLAT)]])
    assert [bot.flow for bot in run.steps[0].bots] == [-100.0, 100.0]


# --- the room of an account ---------------------------------------------------------------------------------------


def on_accounts(rooms: dict[int, float]) -> Fleet:
    """Give three bots on three markets, the first two on account 0, the third on account 1."""
    fleet = a_fleet(rules(), [a_bot(market=m, signal=m) for m in range(3)], markets=3)
    for market, account in zip(fleet.markets, (0, 0, 1), strict=True):
        market.account_index, market.account_room = account, rooms.get(account, math.inf)
    return fleet


def test_the_bots_of_an_account_share_its_room() -> None:
    run = play_fleet(on_accounts({0: 1300.0}), [[still(LONG)] * 3])
    bots = run.steps[0].bots
    assert [bot.order_units for bot in bots] == [units(10.0), units(3.0), units(10.0)]
    assert [Reason(bot.reason) for bot in bots] == [Reason.TRADE, Reason.CAP, Reason.TRADE]
    assert (bots[1].reason_value, bots[1].reason_limit) == (pytest.approx(1000 / 3000), pytest.approx(300 / 3000))


def test_an_account_without_room_still_lets_positions_go() -> None:
    fleet = on_accounts({0: 0.0, 1: -50.0})
    run = play_fleet(fleet, [[still(LONG)] * 3])
    assert [Reason(bot.reason) for bot in run.steps[0].bots] == [Reason.CAP] * 3
    held = a_fleet(rules(), [a_holder()])
    held.markets[0].account_room = -50.0
    # What closes frees its room for what opens.
    assert play_fleet(held, [[still(SHORT)], [still(SHORT)]]).legs == [(1, -10.0, 100.0), (1, -9.5, 100.0)]


def test_what_a_position_has_is_not_asked_for_again() -> None:
    """A reversal to the same size needs no more room than there was."""
    fleet = a_fleet(rules(), [a_holder(money=1000.0)])
    fleet.markets[0].account_room = 0.0
    run = play_fleet(fleet, [[still(SHORT)]])
    assert (run.steps[0].reason, run.steps[0].bot.order_units) == (Reason.TRADE, units(-20.0))


def limited(most: float, *bots: object) -> Fleet:
    """Give bots on one market of an account that may hold so much."""
    fleet = a_fleet(rules(), list(bots))
    fleet.accounts[0].most = most
    return fleet


def test_positions_and_what_orders_may_come_to_stay_within_what_an_account_may_hold() -> None:
    wants = [[still(LONG), still(LONG)]]
    orders = lambda fleet: [bot.order_units for bot in play_fleet(fleet, wants).steps[0].bots]  # noqa: E731
    entries = [a_bot(), a_bot(signal=1)]
    assert orders(limited(math.inf, *entries)) == [units(10.0), units(10.0)]
    assert orders(limited(1500.0, *[a_bot(), a_bot(signal=1)])) == [units(10.0), units(5.0)]
    assert orders(limited(1500.0, a_holder(), a_bot(signal=1))) == [0, units(5.0)]
    assert orders(limited(1500.0, a_bot(reserved=800.0, unresolved=1), a_bot(signal=1))) == [0, units(7.0)]


def test_the_room_is_that_of_each_bar() -> None:
    """A price that rises uses room up, one that falls gives it back, whatever was there a bar before."""
    fleet = limited(1500.0, a_holder(), a_bot(signal=1))
    risen, fallen = bar(100, 155, 100, 155, LONG), bar(100, 100, 60, 60, LONG)
    run = play_fleet(fleet, [[risen, risen], [fallen, fallen]])
    first, second = ([bot.order_units for bot in step.bots] for step in run.steps)
    assert first[1] == 0
    assert second[1] > 0


# --- exits that are asked for -------------------------------------------------------------------------------------

ASKING = {"asks_exits": 1, "stop": 0.05, "leverage": 10.0, "slippage": 0.001, "risk_per_trade": 1.0}
REACHED = bar(100, 101, 94, 96, LONG)


def asked(side: int, line: Bar = REACHED, ladder: tuple[tuple[float, float], ...] = (), **bot: float) -> Fleet:
    """Give a fleet of one holder after B of one bar in which exits are asked for."""
    fleet = a_fleet(rules(**ASKING), [a_holder(side, **bot)], ladder=ladder)
    load(fleet, line, side)
    ask_exits(fleet, START_MS)
    return fleet


def load(fleet: Fleet, line: Bar, side: int) -> None:
    (line,) = mirrored([line], side)
    market, signal = fleet.markets[0], fleet.signals[0]
    market.open, market.high, market.low, market.close = line.open, line.high, line.low, line.close
    market.status, (signal.low, signal.high), signal.atr_fraction = BarStatus.FRESH.value, line.band, line.atr


@both_sides
def test_a_level_that_is_reached_is_asked_for_at_its_price_and_books_nothing(side: int) -> None:
    fleet = asked(side)
    bot = fleet.bots[0]
    level = 100 - 5 * side
    assert (bot.exit_units, bot.exit_trigger) == (units(-10.0 * side), Trigger.STOP)
    assert bot.exit_price == pytest.approx(level * (1 - side * 0.001))
    assert (fleet.journal.fills, bot.units, fleet.journal.orders) == (0, units(10.0 * side), 0)


@both_sides
def test_what_is_asked_is_what_the_model_would_have_filled(side: int) -> None:
    """The same bar under both rules: quantity, cause and price of the exit are the same."""
    for line, rungs in (
        (REACHED, ()),
        (bar(93, 94, 92, 92, LONG), ()),
        (bar(100, 103, 100, 102, LONG), ((0.02, 0.33), (0.04, 0.67))),
        (bar(100, 105, 100, 105, LONG), ((0.02, 1.0),)),
    ):
        fleet = asked(side, line, rungs)
        filled = a_fleet(rules(**(ASKING | {"asks_exits": 0})), [a_holder(side)], ladder=rungs)
        load(filled, line, side)
        close_bar(filled, START_MS)
        (fill,) = filled.fills[: filled.journal.fills]
        bot, done = fleet.bots[0], filled.bots[0]
        assert (bot.exit_units, bot.exit_trigger, bot.exit_price) == (fill.units, fill.trigger, fill.price)
        assert (bot.exit_level, bot.rungs_fired, bot.lock_sign) == (
            done.exit_level or bot.exit_level,
            done.rungs_fired or bot.rungs_fired,
            done.lock_sign,
        )


@both_sides
def test_the_rungs_of_one_bar_are_asked_for_as_one(side: int) -> None:
    fleet = asked(side, bar(100, 105, 100, 105, LONG), ((0.02, 0.3), (0.04, 0.2), (0.06, 0.5)))
    bot = fleet.bots[0]
    assert (bot.exit_units, bot.exit_trigger, bot.rungs_fired) == (units(-5.0 * side), Trigger.LADDER, 2)
    assert bot.exit_price == pytest.approx((3 * (100 + 2 * side) + 2 * (100 + 4 * side)) / 5)
    assert (bot.target_units, bot.lock_sign) == (units(5.0 * side), 0)


@both_sides
def test_while_an_exit_is_under_way_its_level_moves_on_and_nothing_more_is_asked(side: int) -> None:
    fleet = asked(side, exit_level=0.0)
    fleet.bots[0].exit_units, fleet.bots[0].exit_price = units(-4.0 * side), 1.0
    fleet.rules.trail_activate = 0.03
    load(fleet, bar(100, 120, 99, 120, LONG), side)
    ask_exits(fleet, START_MS)
    load(fleet, bar(100, 101, 90, 90, LONG), side)
    ask_exits(fleet, START_MS)
    bot = fleet.bots[0]
    assert bot.exit_level == pytest.approx(100 + side * 20 * 0.6)
    assert (bot.exit_units, bot.exit_price) == (units(-4.0 * side), 1.0)


@both_sides
def test_a_step_sells_nothing_twice_while_an_exit_is_under_way(side: int) -> None:
    for level, reason in ((Level.RUNNING, Reason.CLOSE), (Level.FLATTEN, Reason.FLATTEN)):
        fleet = asked(side)
        fleet.bots[0].level_person = level.value
        close_bar(fleet, START_MS)
        bot = fleet.bots[0]
        assert (Reason(bot.reason), bot.order_units, bot.ordered, fleet.journal.fills) == (reason, 0, 0, 0)


@both_sides
def test_while_a_rung_is_under_way_the_signal_trades_nothing_and_a_flatten_the_rest(side: int) -> None:
    rung = (bar(100, 103, 100, 102, FLAT), ((0.02, 0.3), (0.5, 0.7)))
    fleet = asked(side, *rung)
    close_bar(fleet, START_MS)
    assert (Reason(fleet.bots[0].reason), fleet.bots[0].order_units) == (Reason.UNRESOLVED, 0)
    flattened = asked(side, *rung)
    flattened.bots[0].level_person = Level.FLATTEN.value
    close_bar(flattened, START_MS)
    assert flattened.bots[0].order_units == units(-7.0 * side)


@both_sides
def test_an_exit_that_is_known_not_to_be_is_made_good_by_the_next_step(side: int) -> None:
    fleet = asked(side)
    close_bar(fleet, START_MS)
    forget_exit(fleet.bots[0])
    load(fleet, bar(97, 98, 97, 98, LONG), side)
    ask_exits(fleet, START_MS)
    close_bar(fleet, START_MS)
    assert (Reason(fleet.bots[0].reason), fleet.bots[0].order_units) == (Reason.CLOSE, units(-10.0 * side))


@both_sides
def test_nothing_is_asked_for_at_halted(side: int) -> None:
    fleet = asked(side, level_person=Level.HALTED.value)
    assert (fleet.bots[0].exit_units, fleet.bots[0].lock_sign) == (0, 0)


@both_sides
def test_asking_and_filling_at_once_is_the_step_that_fills(side: int) -> None:
    """Fills, money and decisions are those of the model, to the last bit, where each exit fills as it was asked."""
    table = [
        still(LONG),
        bar(100, 104, 99, 103, LONG),
        bar(103, 108, 102, 107, LONG),
        bar(107, 107, 100, 101, LONG),  # trails out
        bar(101, 101, 101, 101, SHORT),
        bar(101, 109, 100, 108, SHORT),  # stopped out
        still(FLAT),
    ]
    exits = {"stop": 0.05, "trail_activate": 0.03, "slippage": 0.001, "leverage": 10.0, "fee_rate": 0.001}
    modelled = play(mirrored(table, side), rules(**exits))
    asking = play_asking(mirrored(table, side), rules(**exits, asks_exits=1))
    assert {Trigger.STOP, Trigger.TRAILING_STOP} <= set(modelled.triggers)
    # What a real trade slipped by is measured against the price when it was sent.
    assert [_unslipped(fill) for fill in asking.fills] == [_unslipped(fill) for fill in modelled.fills]
    assert [step.bot for step in asking.steps] == [step.bot for step in modelled.steps]
    assert [step.portfolio for step in asking.steps] == [step.portfolio for step in modelled.steps]


def _unslipped(fill: Fill) -> Fill:
    return replace(fill, slippage=0.0)


def play_asking(table: Sequence[Bar], rules_: Rules) -> Run:
    """Run one bot over a table where each exit is asked for and fills as it was asked before the step goes on."""
    fleet = a_fleet(rules_, [a_bot()])
    run = Run(fleet)
    for number, line in enumerate(table):
        load(fleet, line, 1)
        fleet.journal.fills = fleet.journal.notices = 0
        open_ms = START_MS + number * rules_.step_ms
        open_bar(fleet, open_ms)
        ask_exits(fleet, open_ms)
        bot = fleet.bots[0]
        if bot.exit_units != 0:
            fee = abs(bot.exit_units * 1e-8 * bot.exit_price) * 0.001
            book_share(fleet, 0, bot.exit_units, bot.exit_price, fee, open_ms + rules_.step_ms, bot.exit_trigger)
        close_bar(fleet, open_ms)
        run.steps.append(copied(fleet))
    return run


# --- the share of one trade ---------------------------------------------------------------------------------------


def a_trader(**bot: float) -> Fleet:
    fleet = a_fleet(rules(slippage=0.0005), [a_bot(**bot)])
    fleet.markets[0].close = 100.0
    return fleet


@both_sides
def test_a_share_that_turns_a_position_closes_then_opens(side: int) -> None:
    fleet = a_fleet(rules(), [a_holder(side)])
    book_share(fleet, 0, units(-15.0 * side), 98.0, 3.0, START_MS, Trigger.SIGNAL)
    close, opened = fleet.fills[: fleet.journal.fills]
    assert (Leg(close.leg), close.quantity, close.fee) == (Leg.CLOSE, -10.0 * side, pytest.approx(2.0))
    assert (Leg(opened.leg), opened.quantity, opened.fee) == (Leg.OPEN, -5.0 * side, pytest.approx(1.0))
    assert (close.price, opened.price, fleet.bots[0].entry_price) == (98.0, 98.0, 98.0)
    assert fleet.bots[0].cash == pytest.approx(1000 - 1000 * side + 15 * 98 * side - 3.0)


@both_sides
def test_shares_of_one_order_average_the_entry_price(side: int) -> None:
    fleet = a_trader()
    for quantity, price in ((2.0, 100.0), (3.0, 101.0), (5.0, 103.0)):
        book_share(fleet, 0, units(quantity * side), price, 0.1, START_MS, Trigger.SIGNAL)
    bot = fleet.bots[0]
    assert bot.entry_price == pytest.approx((2 * 100 + 3 * 101 + 5 * 103) / 10)
    assert (bot.units, bot.fees_paid) == (units(10.0 * side), pytest.approx(0.3))


@both_sides
def test_a_fee_in_base_lowers_the_quantity_and_costs_its_worth(side: int) -> None:
    fleet = a_trader()
    book_share(fleet, 0, units(10.0 * side), 100.0, 0.0, START_MS, Trigger.SIGNAL, base_fee_units=units(0.01))
    bot = fleet.bots[0]
    assert bot.units == units(10.0 * side) - units(0.01)
    assert bot.fees_paid == pytest.approx(1.0)
    # All that was bought was paid for, and the books say so by fill and fee.
    assert bot.cash == pytest.approx(1000 - 1000 * side)
    (fill,) = fleet.fills[: fleet.journal.fills]
    assert 1000 - (fill.quantity * fill.price + fill.fee) == pytest.approx(bot.cash)


def test_a_fee_in_base_that_is_all_of_a_share_is_refused() -> None:
    with pytest.raises(ValueError, match="a fee in base must be less than the 5 units of its share, was 5"):
        book_share(a_trader(), 0, 5, 100.0, 0.0, START_MS, Trigger.SIGNAL, base_fee_units=5)


@both_sides
def test_what_an_exit_filled_is_taken_off_what_was_asked(side: int) -> None:
    fleet = asked(side)
    for quantity, left in ((4.0, 6.0), (5.5, 0.5), (0.5, 0.0)):
        book_share(fleet, 0, units(-quantity * side), 95.0, 0.0, START_MS, fleet.bots[0].exit_trigger)
        assert fleet.bots[0].exit_units == units(-left * side)
    bot = fleet.bots[0]
    assert (bot.units, bot.lock_sign) == (0, side)
    other = asked(side)
    book_share(other, 0, units(-4.0 * side), 95.0, 0.0, START_MS, Trigger.SIGNAL)
    assert other.bots[0].exit_units == units(-10.0 * side)


def test_a_share_that_crossed_in_house_says_what_that_saved() -> None:
    fleet = a_trader()
    fleet.markets[0].fee_rate = 0.001
    book_share(fleet, 0, units(10.0), 100.0, 0.0, START_MS, Trigger.SIGNAL, is_crossed=True)
    (fill,) = fleet.fills[: fleet.journal.fills]
    assert (fill.crossed_units, fill.fee, fill.saved) == (units(10.0), 0.0, pytest.approx(1000 * 0.0015))
    assert fleet.portfolio.saved_quote == fill.saved


def test_an_order_may_fill_in_more_trades_than_the_journal_had_room_for() -> None:
    fleet = a_trader()
    room = len(fleet.fills)
    for number in range(3 * room):
        book_share(fleet, 0, 1000, 100.0 + number, 0.0, START_MS, Trigger.SIGNAL)
    assert [fill.price for fill in fleet.fills[: fleet.journal.fills]] == [100.0 + n for n in range(3 * room)]
    assert fleet.bots[0].units == 3000 * room
