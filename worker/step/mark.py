"""C: mark every bot, sleeve and the portfolio to the close, after funding, and remember flow-free returns.

A bot whose equity is gone is flattened from this step on and takes no more part.
"""

from shared.enums import Cause, Level, NoticeKind
from worker.allocation.weights import flow_free_return, remember_return
from worker.jit import rule
from worker.risk.levels import set_levels
from worker.risk.position import is_flat
from worker.step.notice import BOT, notice
from worker.step.rest import wake_all


@rule
def mark(fleet, close_ms: int) -> None:
    """Charge funding and set equity from the last closes, from the bots up; remember what the step returned."""
    sleeves, memory, scratch = fleet.sleeves, fleet.rules.memory, fleet.scratch
    if scratch.unsettled == len(fleet.equities):
        settle_returns(fleet)
    scratch.row = scratch.unsettled
    _charge_funding(fleet)
    if _mark_bots(fleet, fleet.equities[scratch.row]) <= 0.0:
        _stop_bankrupt(fleet, close_ms)
    scratch.unsettled += 1
    for sleeve in sleeves:
        remember_return(sleeve, flow_free_return(sleeve.equity, sleeve.settled_equity), memory)
        sleeve.settled_equity = sleeve.equity


@rule
def _charge_funding(fleet) -> None:
    bots, markets = fleet.bots, fleet.markets
    for run in fleet.runs:
        market = markets[run.market]
        if market.funding_rate != 0.0:
            for b in range(run.first, run.end):
                amount = bots[b].quantity * market.close * market.funding_rate
                if amount != 0.0:
                    bots[b].cash -= amount
                    bots[b].funding_paid += amount
                    fleet.watches[b].cash = bots[b].cash


@rule
def _mark_bots(fleet, equities) -> float:
    """Set the equities of this bar and what they sum to; give the least of them."""
    portfolio, sleeves, markets, watches = fleet.portfolio, fleet.sleeves, fleet.markets, fleet.watches
    for sleeve in sleeves:
        sleeve.equity = 0.0
    for market in markets:
        market.exposure = 0.0
    total, gross_exposure, least = portfolio.cash, 0.0, 1.0
    for run in fleet.runs:
        sleeve, market = sleeves[run.sleeve], markets[run.market]
        close, of_sleeve, of_market = market.close, sleeve.equity, market.exposure
        for b in range(run.first, run.end):
            value = watches[b].quantity * close
            equity = watches[b].cash + value
            equities[b] = equity
            of_market += abs(value)
            gross_exposure += abs(value)
            of_sleeve += equity
            total += equity
            least = min(least, equity)
        sleeve.equity, market.exposure = of_sleeve, of_market
    portfolio.equity = total
    portfolio.gross_exposure = gross_exposure
    portfolio.planned_exposure = gross_exposure
    return least


@rule
def _stop_bankrupt(fleet, close_ms: int) -> None:
    bots, equities = fleet.bots, fleet.equities[fleet.scratch.row]
    gone, cause, kind = 0, Cause.BANKRUPT.value, NoticeKind.TRIPPED.value
    for b in range(len(bots)):
        if equities[b] <= 0.0 and bots[b].level_bankrupt == 0 and _lost_it(fleet, b):
            bots[b].level_bankrupt = Level.FLATTEN.value
            notice(fleet, BOT, b, cause, kind, equities[b], 0.0, close_ms)
            gone += 1
    if gone > 0:
        set_levels(fleet.portfolio, fleet.sleeves, bots)
        wake_all(fleet)


@rule
def _lost_it(fleet, b: int) -> bool:
    """Say whether a bot without money lost it by trading: what flowed out, or has not come yet, is no loss."""
    bot, row = fleet.bots[b], fleet.scratch.row
    before = fleet.equities[row - 1][b] if row > 0 else bot.settled_equity
    return before > 0.0 or not is_flat(bot, fleet.markets[bot.market])


@rule
def settle_returns(fleet) -> None:
    """Let the bots remember what the bars returned since they last did."""
    memory, scratch, equities = fleet.rules.memory, fleet.scratch, fleet.equities
    bots = fleet.bots
    for b in range(len(bots)):
        for row in range(scratch.unsettled):
            _remember(bots[b], equities[row][b], memory)
    scratch.unsettled = 0


@rule
def _remember(bot, equity: float, memory: float) -> None:
    bot.equity = equity
    remember_return(bot, flow_free_return(bot.equity, bot.settled_equity), memory)
    bot.profit_since_rebalance += bot.equity - bot.settled_equity
    bot.settled_equity = bot.equity
