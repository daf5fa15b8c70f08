"""C: funding, what the marks of a bar show, and flow-free returns. The marks themselves are set in `look.py`.

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
    """Stop whom the marks show without money; sleeves remember what the step returned, bots when they need it."""
    memory, scratch = fleet.rules.memory, fleet.scratch
    if scratch.beyond == 1:
        _stop_bankrupt(fleet, close_ms)
    scratch.unsettled += 1
    for sleeve in fleet.sleeves:
        remember_return(sleeve, flow_free_return(sleeve.equity, sleeve.settled_equity), memory)
        sleeve.settled_equity = sleeve.equity


@rule
def charge_funding(fleet) -> bool:
    """Charge funding for what is held at the close; say whether there was any."""
    bots, markets = fleet.bots, fleet.markets
    is_any = False
    for run in fleet.runs:
        market = markets[run.market]
        for b in range(run.first, run.end if market.funding_rate != 0.0 else run.first):
            amount = bots[b].quantity * market.close * market.funding_rate
            if amount != 0.0:
                bots[b].cash -= amount
                bots[b].funding_paid += amount
                fleet.watches[b].cash = bots[b].cash
                is_any = True
    return is_any


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
    memory, bots, equities, rows = fleet.rules.memory, fleet.bots, fleet.equities, fleet.scratch.unsettled
    for b in range(len(bots)):
        bot = bots[b]
        for row in range(rows):
            equity = equities[row][b]
            # Most bars change nothing for one that is flat, and a comparison is cheaper than a division.
            step_return = 0.0 if equity == bot.settled_equity else flow_free_return(equity, bot.settled_equity)
            remember_return(bot, step_return, memory)
            bot.profit_since_rebalance += equity - bot.settled_equity
            bot.equity = equity
            bot.settled_equity = equity
    fleet.scratch.unsettled = 0
