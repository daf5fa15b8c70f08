"""B: protective exits within the bar: stop and trailing stop first, then the rungs of the ladder."""

import math

from shared.enums import Leg, Level, Trigger
from worker.brokers.fill_model import execution_fee, execution_price
from worker.jit import rule
from worker.risk.position import is_dust, is_flat, sign
from worker.risk.protection import (
    is_reached,
    is_rung_reached,
    peak_profit,
    raise_level,
    rung_level,
    rung_price,
    stop_price,
)
from worker.risk.quantity import coins, only_steps, whole_steps
from worker.step.fill import book_fill
from worker.step.watch import put_prices, watch_position, watch_prices

# More than what rounding makes of a price.
ROUNDING = 1e-9


@rule
def protect(fleet, close_ms: int) -> bool:
    """Exit positions whose protective level or rung was reached in this bar; afterwards best prices take it in.

    Works at every level but HALTED, where levels move on but nothing is sent. Says whether anything was filled.
    A bot whose exit is under way asks for nothing more.
    """
    markets, watches, fills = fleet.markets, fleet.watches, fleet.journal.fills
    for run in fleet.runs:
        low, high = markets[run.market].low, markets[run.market].high
        for b in range(run.first, run.end):
            if low <= watches[b].reach_low or high >= watches[b].reach_high:
                _protect_bot(fleet, b, close_ms)
    return fleet.journal.fills != fills


@rule
def _protect_bot(fleet, b: int, close_ms: int) -> None:
    bot, watch = fleet.bots[b], fleet.watches[b]
    market = fleet.markets[bot.market]
    if is_flat(bot, market):
        watch.reach_low, watch.reach_high = -math.inf, math.inf
        return
    if market.close <= 0.0:
        return
    put_prices(bot, market, watch)
    units, best_price, under_way = bot.units, bot.best_price, bot.exit_units
    direction = float(sign(units))
    raise_level(bot, fleet.rules, direction)
    if bot.level < Level.HALTED and under_way == 0:
        if is_reached(bot.exit_level, market, direction):
            _stop_out(fleet, b, direction, close_ms)
        elif bot.target_fraction > 0.0 or len(fleet.ladder) > 0:
            _climb_ladder(fleet, b, direction, close_ms)
    if under_way != 0 or not is_dust(bot.units + bot.exit_units, market):
        _take_extremes(bot, market, direction)
    if bot.units != units:
        watch_position(bot, watch)
    elif fleet.scratch.goes_on == 1:
        _watch_levels(fleet, b, direction, bot.best_price != best_price)


@rule
def _take_extremes(bot, market, direction: float) -> None:
    if direction > 0.0:
        bot.best_price = max(bot.best_price, market.high)
        bot.worst_price = min(bot.worst_price, market.low)
    else:
        bot.best_price = min(bot.best_price, market.low)
        bot.worst_price = max(bot.worst_price, market.high)


@rule
def _is_trailing(bot, rules, direction: float) -> bool:
    return rules.trail_activate > 0.0 and (
        peak_profit(bot.entry_price, bot.best_price, direction) >= rules.trail_activate
    )


@rule
def _trail_begin(bot, rules, direction: float) -> float:
    """Give a price short of which no best price arms the trailing stop."""
    return bot.entry_price * (1.0 + direction * rules.trail_activate) * (1.0 - direction * ROUNDING)


@rule
def _watch_levels(fleet, b: int, direction: float, is_better: bool) -> None:
    """Watch for the level behind, and ahead for the nearer of the next rung and what moves the trailing stop."""
    bot, rules = fleet.bots[b], fleet.rules
    behind = bot.exit_level if bot.exit_level > 0.0 else -direction * math.inf
    ahead = direction * math.inf
    if _is_trailing(bot, rules, direction):
        ahead = bot.best_price
        # The level follows a better best price at the next bar.
        behind = direction * math.inf if is_better else behind
    elif rules.trail_activate > 0.0:
        ahead = _trail_begin(bot, rules, direction)
    has_target = bot.target_fraction > 0.0
    if bot.rungs_fired < (1 if has_target else len(fleet.ladder)):
        profit = bot.target_fraction if has_target else fleet.ladder[bot.rungs_fired].profit
        rung = rung_level(bot.entry_price, direction, profit)
        ahead = min(ahead, rung) if direction > 0.0 else max(ahead, rung)
    watch_prices(bot, fleet.watches[b], direction, behind, ahead)


@rule
def _stop_out(fleet, b: int, direction: float, close_ms: int) -> None:
    bot = fleet.bots[b]
    market = fleet.markets[bot.market]
    level = bot.exit_level
    trigger = Trigger.TRAILING_STOP.value if bot.is_trailed == 1 else Trigger.STOP.value
    price = stop_price(level, market, direction)
    _exit(fleet, b, trigger, -only_steps(market, bot.units), price, fleet.rules.slippage, direction, close_ms)


@rule
def _climb_ladder(fleet, b: int, direction: float, close_ms: int) -> None:
    bot = fleet.bots[b]
    market = fleet.markets[bot.market]
    has_target = bot.target_fraction > 0.0
    rungs = 1 if has_target else len(fleet.ladder)
    while bot.rungs_fired < rungs and not is_dust(bot.units + bot.exit_units, market):
        profit = bot.target_fraction if has_target else fleet.ladder[bot.rungs_fired].profit
        fraction = 1.0 if has_target else fleet.ladder[bot.rungs_fired].fraction
        level = rung_level(bot.entry_price, direction, profit)
        if not is_rung_reached(level, market, direction):
            return
        bot.rungs_fired += 1
        bot.open_fraction = max(bot.open_fraction - fraction, 0.0)
        _take_rung(fleet, b, fraction, rung_price(level, market, direction), direction, close_ms)


@rule
def _take_rung(fleet, b: int, fraction: float, price: float, direction: float, close_ms: int) -> None:
    bot = fleet.bots[b]
    market = fleet.markets[bot.market]
    held = only_steps(market, abs(bot.units + bot.exit_units))
    size = whole_steps(market, fraction * coins(market, bot.opened_units))
    if bot.open_fraction <= 1e-9 or size > held or is_dust(held - size, market):
        size = held
    if not is_dust(size, market):
        _exit(fleet, b, Trigger.LADDER.value, -int(direction) * size, price, 0.0, direction, close_ms)
        bot.target_units = bot.units + bot.exit_units


@rule
def _exit(
    fleet, b: int, trigger: int, units: int, level: float, slippage: float, direction: float, close_ms: int
) -> None:
    bot = fleet.bots[b]
    market = fleet.markets[bot.market]
    price = execution_price(level, -direction, slippage)
    if fleet.rules.asks_exits == 1:
        _ask(bot, market, trigger, units, price, direction)
        return
    size = coins(market, abs(units))
    fee = execution_fee(size, price, market.fee_rate)
    lost = size * abs(price - level)
    book_fill(fleet, b, Leg.CLOSE.value, trigger, units, price, fee, lost, 0, 0.0, close_ms)
    fleet.journal.orders += 1
    if is_flat(bot, market):
        bot.lock_sign = int(direction)


@rule
def _ask(bot, market, trigger: int, units: int, price: float, direction: float) -> None:
    """Ask for an exit; the rungs that one bar reaches are one, at their average price."""
    asked = bot.exit_units + units
    bot.exit_price = price if asked == units else (bot.exit_price * bot.exit_units + price * units) / asked
    bot.exit_units = asked
    bot.exit_trigger = trigger
    # Until it is flat, the lock keeps its signal from buying back what leaves, and closes what did not.
    if is_dust(bot.units + asked, market):
        bot.lock_sign = int(direction)
