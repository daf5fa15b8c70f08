"""What becomes of orders that were decided when a level rises before they are sent, and closing at once."""

from shared.enums import Leg, Level, Reason, Trigger
from worker.jit import rule
from worker.risk.gate import order_close
from worker.risk.levels import set_levels
from worker.risk.position import is_closing, position_sign, sign, without_increase
from worker.step.fill import book_fill
from worker.step.net import net


@rule
def withdraw_orders(fleet) -> None:
    """Take out of the orders what each bot's level, or its close, forbids by now, and net what is left again."""
    for bot in fleet.bots:
        bot.crossed_units = 0
        if bot.order_units != 0:
            bot.order_units = _still_allowed(bot, fleet.markets[bot.market])
            if bot.order_units == 0:
                bot.ordered = 0
                _say_withdrawn(bot)
    net(fleet)


@rule
def _still_allowed(bot, market) -> int:
    if bot.level >= Level.HALTED:
        return 0
    if bot.level >= Level.NO_ENTRIES or is_closing(bot, market):
        return without_increase(bot.units, bot.units + bot.order_units) - bot.units
    return bot.order_units


@rule
def _say_withdrawn(bot) -> None:
    if bot.level < Level.NO_ENTRIES:
        bot.reason = Reason.CLOSE.value
        bot.reason_value = bot.quantity
        bot.reason_limit = 0.0
        return
    is_halted = bot.level >= Level.HALTED
    bot.reason = Reason.HALTED.value if is_halted else Reason.NO_ENTRIES.value
    bot.reason_value = float(bot.level)
    bot.reason_limit = float(Level.HALTED.value if is_halted else Level.NO_ENTRIES.value)


@rule
def ask_close(fleet, b: int) -> None:
    """Let a position be closed at the next open and locked as one that was stopped out; what would increase it goes."""
    bot = fleet.bots[b]
    direction = position_sign(bot, fleet.markets[bot.market])
    if direction != 0:
        bot.lock_sign = direction
        withdraw_orders(fleet)


@rule
def order_closes(fleet) -> None:
    """Order every position closed whose level is FLATTEN, and nothing else, as a step of its own between bars."""
    fleet.portfolio.step += 1
    set_levels(fleet.portfolio, fleet.sleeves, fleet.bots)
    for bot in fleet.bots:
        bot.order_units = 0
        bot.crossed_units = 0
        bot.ordered = 0
        if bot.level == Level.FLATTEN:
            order_close(bot, fleet.markets[bot.market], Trigger.FLATTEN.value)
    net(fleet)


@rule
def write_off(fleet, b: int, price: float, time_ms: int) -> None:
    """Book all that a bot holds as gone at a price, without fee, as a step of its own between bars.

    It is locked as one that was stopped out; what it waited for is taken back, and the rest is netted again.
    """
    bot = fleet.bots[b]
    fleet.portfolio.step += 1
    direction = sign(bot.units)
    book_fill(fleet, b, Leg.CLOSE.value, Trigger.WRITE_OFF.value, -bot.units, price, 0.0, 0.0, 0, 0.0, time_ms)
    bot.lock_sign = direction
    bot.order_units = 0
    bot.crossed_units = 0
    bot.ordered = 0
    _mark_gone(fleet, bot)
    net(fleet)


@rule
def _mark_gone(fleet, bot) -> None:
    """Let equity say it at once: after the last bar of a symbol no mark may come."""
    change = bot.cash - bot.equity
    bot.equity = bot.cash
    fleet.sleeves[bot.sleeve].equity += change
    fleet.portfolio.equity += change
