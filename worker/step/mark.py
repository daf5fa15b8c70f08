"""C: mark every bot, sleeve and the portfolio to the close, after funding, and remember flow-free returns.

A bot whose equity is gone is flattened from this step on and takes no more part.
"""

from shared.enums import Cause, Level, NoticeKind
from worker.allocation.weights import flow_free_return, remember_return
from worker.jit import rule
from worker.risk.levels import set_levels
from worker.risk.position import is_flat
from worker.step.notice import BOT, notice

# Found within the loop over all bots, and told after it, which keeps that loop small.
UNTOLD = Level.NO_ENTRIES.value


@rule
def mark(fleet, close_ms: int) -> None:
    """Charge funding and set equity from the last closes, from the bots up; remember what the step returned."""
    portfolio, sleeves, markets = fleet.portfolio, fleet.sleeves, fleet.markets
    memory = fleet.rules.memory
    for sleeve in sleeves:
        sleeve.equity = 0.0
    for market in markets:
        market.exposure = 0.0
    equity, gross_exposure, gone = portfolio.cash, 0.0, 0
    for bot in fleet.bots:
        market = markets[bot.market]
        value = bot.quantity * market.close
        _charge_funding(bot, value * market.funding_rate)
        bot.equity = bot.cash + value
        if bot.equity <= 0.0 and bot.level_bankrupt == 0 and _lost_it(bot, market):
            bot.level_bankrupt = UNTOLD
            gone += 1
        _remember_bot(bot, memory)
        market.exposure += abs(value)
        gross_exposure += abs(value)
        sleeves[bot.sleeve].equity += bot.equity
        equity += bot.equity
    portfolio.equity = equity
    portfolio.gross_exposure = gross_exposure
    portfolio.planned_exposure = gross_exposure
    if gone > 0:
        _stop_bankrupt(fleet, close_ms)
    for sleeve in sleeves:
        remember_return(sleeve, flow_free_return(sleeve.equity, sleeve.settled_equity), memory)
        sleeve.settled_equity = sleeve.equity


@rule
def _lost_it(bot, market) -> bool:
    """Say whether a bot without money lost it by trading: what flowed out, or has not come yet, is no loss."""
    return bot.settled_equity > 0.0 or not is_flat(bot, market)


@rule
def _stop_bankrupt(fleet, close_ms: int) -> None:
    bots, cause, kind = fleet.bots, Cause.BANKRUPT.value, NoticeKind.TRIPPED.value
    for b in range(len(bots)):
        if bots[b].level_bankrupt == UNTOLD:
            bots[b].level_bankrupt = Level.FLATTEN.value
            notice(fleet, BOT, b, cause, kind, bots[b].equity, 0.0, close_ms)
    set_levels(fleet.portfolio, fleet.sleeves, bots)


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
