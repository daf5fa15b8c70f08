"""The random worlds tell a wrong rule from a right one: the plain reading with one rule changed is found out."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.oracle import allocate, brake, confirm, fill, gate, mark, net, protect, size, weigh
from tests.oracle import walk as walking
from tests.oracle.books import Bot
from tests.oracle.compare import compare
from tests.oracle.quantities import Measure
from tests.oracle.test_kernel import ACCOUNT_SEEDS, SEEDS, STYLE_SEEDS, world_and_plain
from tests.oracle.walk import walk
from tests.oracle.world import World

Rule = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Saboteur:
    """`wrong` makes of the right rule `name` of a module or class the one that stands in for it."""

    place: Any
    name: str
    wrong: Callable[[Rule], Rule]


def _armed_at_once(right: Rule) -> Rule:
    return lambda rules, position: right(replace(rules, trail_activate=rules.trail_activate or 5e-324), position)


def _forgets_own(right: Rule) -> Rule:
    def room(rules, fleet, bot: Bot, gross, close: float) -> float:
        return right(rules, fleet, bot, gross, close) - abs(bot.measure.base(bot.units)) * close

    return room


def _misses_a_touch(right: Rule) -> Rule:
    def is_stopped(position, market, bar: int) -> bool:
        touched = market.low[bar] if position.direction > 0 else market.high[bar]
        return right(position, market, bar) and touched != position.level

    return is_stopped


def _rung_first(right: Rule) -> Rule:
    def meet(world, fleet, place: int, market, bar: int) -> None:
        protect._climb(world, fleet, place, market, bar)
        if fleet.bots[place].position is not None:
            right(world, fleet, place, market, bar)

    return meet


def _level_falls(right: Rule) -> Rule:
    def raise_level(rules, position) -> None:
        position.level = None
        right(rules, position)

    return raise_level


def _no_lock(right: Rule) -> Rule:
    def exit_(world, fleet, place: int, *rest: Any) -> None:
        right(world, fleet, place, *rest)
        fleet.bots[place].locked_sign = 0

    return exit_


def _closed_is_free(right: Rule) -> Rule:
    def book(fleet, made, share=None) -> None:
        bot = fleet.bots[made.bot]
        was_closing, lock = bot.is_closing, bot.locked_sign
        right(fleet, made, share)
        if was_closing and bot.position is None:
            bot.locked_sign = lock

    return book


def _nan_resets(right: Rule) -> Rule:
    def forgetful(world, bot: Bot, bar: int) -> None:
        if math.isnan(world.signals[bot.world.signal].low[bar]):
            bot.streak_bars = 0
        right(world, bot, bar)

    return forgetful


def _takes_what_positions_need(right: Rule) -> Rule:
    def gives(world, bot: Bot, bar: int) -> int:
        return math.floor(max(0.0, bot.scope.equity - bot.allocation) / world.grain)

    return gives


def _never_a_new_day(right: Rule) -> Rule:
    def begin_day(fleet, time_ms: int) -> None:
        tripped = fleet.is_daily_tripped
        right(fleet, time_ms)
        fleet.is_daily_tripped = tripped

    return begin_day


def _flow_moves_no_mark(right: Rule) -> Rule:
    def flow(scope, amount: float) -> None:
        scope.equity += amount

    return flow


def _first_cross_first(right: Rule) -> Rule:
    def cross(larger, crossing: int, grain_units: int) -> None:
        for share in larger:
            share.crossed = min(abs(share.units), crossing)
            crossing -= share.crossed

    return cross


def _closes_must_be_large(right: Rule) -> Rule:
    def is_small(world, bot: Bot, target: int, bar: int) -> bool:
        worth = abs(bot.measure.base(gate.order_units(bot, target))) * world.markets[bot.world.market].close[bar]
        return worth < world.rules.min_notional

    return is_small


def _clamped(right: Rule) -> Rule:
    def bounded(raw: list[float], low: float, high: float) -> list[float]:
        clamped = [min(max(weight / sum(raw), low), high) for weight in raw]
        return [weight / sum(clamped) for weight in clamped]

    return bounded


def _mean_forgets_slower(right: Rule) -> Rule:
    return lambda scope, step_ms: right(scope, step_ms // 2)


def _crossed_pays(right: Rule) -> Rule:
    def leg(world, market, share, *rest: Any):
        made = right(world, market, share, *rest)
        return made._replace(fee=abs(market.measure.base(made.units)) * made.price * market.fee_rate)

    return leg


def _one_step_more(right: Rule) -> Rule:
    def toward_zero(measure: Measure, quantity: float) -> int:
        units = right(measure, quantity)
        return units + measure.step_units if units > 0 else units

    return toward_zero


def _no_funding(right: Rule) -> Rule:
    return lambda world, bot, bar: right(_without_funding(world), bot, bar)


def _without_funding(world: World) -> World:
    return replace(world, markets=[replace(market, funding_rate=[0.0] * len(market.open)) for market in world.markets])


def _every_bar_counts(right: Rule) -> Rule:
    def take(world, bot: Bot, signal, bar: int) -> None:
        right(world, bot, replace(signal, closed=[1] * len(signal.closed)), bar)

    return take


def _longer_by_a_moment(right: Rule) -> Rule:
    def gated(world, *rest: Any):
        longer = replace(world.rules, cooldown_ms=world.rules.cooldown_ms + 1)
        return right(replace(world, rules=longer), *rest)

    return gated


SABOTEURS = {
    "a trailing stop of 0 is armed at once": Saboteur(protect, "trailing_price", _armed_at_once),
    "there is no trailing stop": Saboteur(protect, "trailing_price", lambda right: lambda rules, position: None),
    "a stop misses an exact touch": Saboteur(protect, "is_stopped", _misses_a_touch),
    "a stop fills at its level over a gap": Saboteur(
        protect, "stopped_at", lambda right: lambda position, market, bar: position.level
    ),
    "a rung comes before the stop": Saboteur(protect, "_meet", _rung_first),
    "a level may fall": Saboteur(protect, "raise_level", _level_falls),
    "nothing is locked": Saboteur(protect, "_exit", _no_lock),
    "what a person closed is not locked": Saboteur(fill, "book", _closed_is_free),
    "a close waits for its signal": Saboteur(walking, "ask_close", lambda right: lambda *asked: None),
    "no funding": Saboteur(mark, "_mark_bot", _no_funding),
    "the day's loss is never released": Saboteur(brake, "_begin_day", _never_a_new_day),
    "a flow is a drawdown": Saboteur(allocate, "flow", _flow_moves_no_mark),
    "money is taken from positions": Saboteur(allocate, "_gives", _takes_what_positions_need),
    "weights are clamped and renormalised": Saboteur(weigh, "bounded", _clamped),
    "memory is twice as long": Saboteur(allocate, "observe", _mean_forgets_slower),
    "a NaN band resets the streak": Saboteur(walking, "confirm", _nan_resets),
    "base bars of a longer timeframe count": Saboteur(confirm, "_take", _every_bar_counts),
    "a resize needs no band": Saboteur(size, "_is_worth_it", lambda right: lambda rules, wanted, held: True),
    "volatility does not size": Saboteur(size, "volatility_multiplier", lambda right: lambda rules, atr, own_ms: 1.0),
    "a size is rounded up": Saboteur(Measure, "toward_zero", _one_step_more),
    "the cap counts the bot's own position twice": Saboteur(gate, "_room", _forgets_own),
    "a close must be worth something": Saboteur(gate, "_is_small", _closes_must_be_large),
    "a blocked reversal keeps the position": Saboteur(
        gate, "without_increase", lambda right: lambda bot, target: bot.units
    ),
    "cooldown ends a moment later": Saboteur(gate, "_gate_increase", _longer_by_a_moment),
    "the first in the fleet crosses first": Saboteur(net, "_cross", _first_cross_first),
    "an order too small is sent": Saboteur(net, "is_too_small", lambda right: lambda market, units, close: False),
    "what crosses pays a fee": Saboteur(fill, "_leg", _crossed_pays),
    "what crosses pays slippage": Saboteur(
        fill, "leg_price", lambda right: lambda mid, slipped, crossed, sent: slipped
    ),
}


def _on_the_first(world: World) -> World:
    return replace(world, markets=[replace(market, account=world.markets[0].account) for market in world.markets])


def _money_crosses(right: Rule) -> Rule:
    return lambda world, fleet, account: right(_on_the_first(world), fleet, world.markets[0].account)


def _a_touch_fills(right: Rule) -> Rule:
    def is_traded_through(market, side: int, bar: int) -> bool:
        open_ = market.open[bar]
        return market.patience_low[bar] <= open_ if side > 0 else market.patience_high[bar] >= open_

    return is_traded_through


def _always(**changes: Any) -> Callable[[Rule], Rule]:
    """Give the rule whose execution is always changed so."""
    return lambda right: lambda *asked: right(*asked)._replace(**changes)


def _taken_at_the_open(right: Rule) -> Rule:
    return lambda rules, market, side, bar: right(rules, replace(market, patience_close=market.open), side, bar)


OF_STYLES = {
    "a touch fills what rests": Saboteur(fill, "is_traded_through", _a_touch_fills),
    "nothing lapses": Saboteur(fill, "execution", _always(opens=True)),
    "everything lapses": Saboteur(fill, "execution", _always(opens=False)),
    "what did not fill is taken at the open": Saboteur(fill, "execution", _taken_at_the_open),
    "what rested pays no fee": Saboteur(fill, "execution", _always(fee_rate=0.0)),
}


@pytest.mark.parametrize("saboteur", OF_STYLES.values(), ids=OF_STYLES)
def test_a_wrong_rule_of_order_styles_is_found_out(saboteur: Saboteur, monkeypatch: pytest.MonkeyPatch) -> None:
    right_runs = [world_and_plain(seed) for seed in STYLE_SEEDS]
    monkeypatch.setattr(saboteur.place, saboteur.name, saboteur.wrong(getattr(saboteur.place, saboteur.name)))
    assert any(compare(world, right, walk(world)).first for world, right in right_runs)


ACROSS_ACCOUNTS = {
    "money crosses accounts": Saboteur(allocate, "members", _money_crosses),
    "an account is asked for more than it has": Saboteur(
        allocate, "within_accounts", lambda right: lambda fleet, accounts, asked: asked
    ),
}


@pytest.mark.parametrize("saboteur", ACROSS_ACCOUNTS.values(), ids=ACROSS_ACCOUNTS)
def test_a_wrong_rule_of_accounts_is_found_out(saboteur: Saboteur, monkeypatch: pytest.MonkeyPatch) -> None:
    right_runs = [world_and_plain(seed) for seed in ACCOUNT_SEEDS]
    monkeypatch.setattr(saboteur.place, saboteur.name, saboteur.wrong(getattr(saboteur.place, saboteur.name)))
    assert any(compare(world, right, walk(world)).first for world, right in right_runs)


@pytest.mark.parametrize("saboteur", SABOTEURS.values(), ids=SABOTEURS)
def test_a_wrong_rule_is_found_out(saboteur: Saboteur, monkeypatch: pytest.MonkeyPatch) -> None:
    right_runs = [world_and_plain(seed) for seed in SEEDS]
    monkeypatch.setattr(saboteur.place, saboteur.name, saboteur.wrong(getattr(saboteur.place, saboteur.name)))
    assert any(compare(world, right, walk(world)).first for world, right in right_runs)
