"""C: mark every bot, sleeve and the portfolio to the close, after funding, and remember flow-free returns.

A bot whose equity is gone is flattened from this step on and takes no more part.
"""

from shared.enums import Cause, Level, NoticeKind
from worker.allocation.weights import flow_free_return, remember_return
from worker.jit import rule
from worker.risk.levels import set_levels
from worker.risk.position import is_flat
from worker.step.notice import BOT, notice


@rule
def mark(fleet, close_ms: int) -> None:
    """Charge funding and set equity from the last closes, from the bots up; remember what the step returned."""
    portfolio, sleeves, markets = fleet.portfolio, fleet.sleeves, fleet.markets
    memory = fleet.rules.memory
    for sleeve in sleeves:
        sleeve.equity = 0.0
    for market in markets:
        market.exposure = 0.0
    equity, gross_exposure = portfolio.cash, 0.0
    bots = fleet.bots
    for b in range(len(bots)):
        bot = bots[b]
        market = markets[bot.market]
        value = bot.quantity * market.close
        _charge_funding(bot, value * market.funding_rate)
        bot.equity = bot.cash + value
        if bot.equity <= 0.0 and bot.level_bankrupt == 0 and _lost_it(bot, market):
            _go_bankrupt(fleet, b, close_ms)
        _remember_bot(bot, memory)
        market.exposure += abs(value)
        gross_exposure += abs(value)
        sleeves[bot.sleeve].equity += bot.equity
        equity += bot.equity
    portfolio.equity = equity
    portfolio.gross_exposure = gross_exposure
    portfolio.planned_exposure = gross_exposure
    for sleeve in sleeves:
        remember_return(sleeve, flow_free_return(sleeve.equity, sleeve.settled_equity), memory)
        sleeve.settled_equity = sleeve.equity


@rule
def _lost_it(bot, market) -> bool:
    """Say whether a bot without money lost it by trading: what flowed out, or has not come yet, is no loss."""
    return bot.settled_equity > 0.0 or not is_flat(bot, market)


@rule
def _go_bankrupt(fleet, b: int, close_ms: int) -> None:
    bot = fleet.bots[b]
    bot.level_bankrupt = Level.FLATTEN.value
    set_levels(fleet.portfolio, fleet.sleeves, fleet.bots)
    notice(fleet, BOT, b, Cause.BANKRUPT.value, NoticeKind.TRIPPED.value, bot.equity, 0.0, close_ms)


@rule
def _charge_funding(bot, amount: float) -> None:
    if amount != 0.0:
        bot.cash -= amount
        bot.funding_paid += amount


@rule
def _remember_bot(bot, memory: float) -> None:
    remember_return(bot, flow_free_return(bot.equity, bot.settled_equity), memory)
    bot.profit_since_rebalance += bot.equity - bot.settled_equity
    bot.settled_equity = bot.equity
