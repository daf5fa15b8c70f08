"""What becomes of orders that were decided when a level rises before they are sent, and closing at once."""

from shared.enums import Level, Reason
from worker.jit import rule
from worker.risk.gate import order_close
from worker.risk.levels import set_levels
from worker.risk.position import without_increase
from worker.step.net import net


@rule
def withdraw_orders(fleet) -> None:
    """Take out of the orders what each bot's level forbids by now, and net what is left again."""
    for bot in fleet.bots:
        bot.crossed_units = 0
        if bot.level >= Level.HALTED:
            bot.order_units = 0
        elif bot.level >= Level.NO_ENTRIES and bot.order_units != 0:
            bot.order_units = without_increase(bot.units, bot.units + bot.order_units) - bot.units
        if bot.ordered == 1 and bot.order_units == 0:
            bot.ordered = 0
            bot.reason = Reason.HALTED.value if bot.level >= Level.HALTED else Reason.NO_ENTRIES.value
            bot.reason_value = float(bot.level)
            bot.reason_limit = float(Level.HALTED.value if bot.level >= Level.HALTED else Level.NO_ENTRIES.value)
    net(fleet)


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
            order_close(bot, fleet.markets[bot.market])
    net(fleet)
