"""One look at a bar for every bot: all that B and C do of those at which nothing happens.

Most bars neither meet a level nor fill anything. So the marks are set while the bar is looked at for levels, and set
once more where an exit or funding has changed what they are made of.
"""

from worker.jit import rule
from worker.step.mark import charge_funding, settle_returns
from worker.step.protect import protect


@rule
def look(fleet, close_ms: int) -> None:
    """B and C: let extremes take in the bar, exit what it reached, charge funding, and set equities from the closes."""
    scratch = fleet.scratch
    if scratch.unsettled == len(fleet.equities):
        settle_returns(fleet)
    scratch.row = scratch.unsettled
    equities = fleet.equities[scratch.row]
    is_within = _look_at_bots(fleet, equities)
    # Where exits are asked for, that was done before.
    has_filled = is_within and fleet.rules.asks_exits == 0 and protect(fleet, close_ms)
    has_paid = charge_funding(fleet)
    if has_filled or has_paid:
        _look_at_bots(fleet, equities)


@rule
def _look_at_bots(fleet, equities) -> bool:
    """Set equities and what they sum to, and whether any may concern a brake; say whether a level may be reached."""
    portfolio, sleeves, markets, watches = fleet.portfolio, fleet.sleeves, fleet.markets, fleet.watches
    for sleeve in sleeves:
        sleeve.equity = 0.0
    for market in markets:
        market.exposure = market.reserved
    total, gross_exposure, is_beyond, is_within = portfolio.cash, 0.0, False, False
    for run in fleet.runs:
        sleeve, market = sleeves[run.sleeve], markets[run.market]
        low, high, close = market.low, market.high, market.close
        of_sleeve, of_market = sleeve.equity, market.exposure
        for b in range(run.first, run.end):
            watch = watches[b]
            if (low <= watch.reach_low) | (high >= watch.reach_high):
                is_within = True
            else:
                watch.highest = max(watch.highest, high)
                watch.lowest = min(watch.lowest, low)
            value = watch.quantity * close
            equity = watch.cash + value
            equities[b] = equity
            is_beyond |= (equity > watch.ceiling) | (equity <= watch.floor)
            size = abs(value)
            of_market += size
            gross_exposure += size
            of_sleeve += equity
            total += equity
        sleeve.equity, market.exposure = of_sleeve, of_market
    portfolio.equity = total
    portfolio.gross_exposure = gross_exposure
    portfolio.planned_exposure = gross_exposure + portfolio.reserved
    fleet.scratch.beyond = 1 if is_beyond else 0
    return is_within
