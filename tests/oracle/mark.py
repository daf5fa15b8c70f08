"""C. Mark: funding, then equity at the bar's close."""

from tests.oracle.books import Bot, Fleet
from tests.oracle.quantities import total
from tests.oracle.world import World


def mark(world: World, fleet: Fleet, bar: int) -> None:
    """Value every bot, sleeve and the portfolio; a bot whose money is gone is flattened from now on."""
    for bot in fleet.bots:
        _mark_bot(world, bot, bar)
    for sleeve, bots in zip(fleet.sleeves, fleet.sleeve_bots, strict=True):
        sleeve.equity = total(bot.scope.equity for bot in bots)
    fleet.portfolio.equity = total(bot.scope.equity for bot in fleet.bots)


def _mark_bot(world: World, bot: Bot, bar: int) -> None:
    market = world.markets[bot.world.market]
    close, held = market.close[bar], bot.measure.base(bot.units)
    bot.cash -= held * close * market.funding_rate[bar]
    bot.scope.equity = bot.cash + held * close
    # Lost by trading: a bot whose money was passed on has lost none.
    had_or_holds = bot.scope.settled > 0.0 or abs(bot.units) >= market.measure.min_units
    if bot.scope.equity <= 0.0 and had_or_holds:
        bot.is_ruined = True
