"""The order of a step: what the fleet decides at each bar close.

bar t opens            bar t trades              bar t closes
A fill what was decided  B protective exits   C mark  D brakes  E allocate  F confirm  G size  H gate  I net
     at t−1                                                                          → orders for the next open
"""

from worker.jit import rule
from worker.risk.confirmation import confirm
from worker.risk.gate import gate
from worker.risk.levels import set_levels
from worker.step.brake import brake
from worker.step.fill import fill_orders, simulate_executions
from worker.step.mark import mark
from worker.step.net import net
from worker.step.protect import protect
from worker.step.rebalance import rebalance


@rule
def open_bar(fleet, open_ms: int) -> None:
    """A: fill the orders of the bar before at the opens that the markets hold."""
    simulate_executions(fleet)
    fill_orders(fleet, open_ms)


@rule
def close_bar(fleet, open_ms: int) -> None:
    """B to I: take in the closed bar that the markets and signals hold, and decide the orders for the next open."""
    set_levels(fleet.portfolio, fleet.sleeves, fleet.bots)
    close_next_bar(fleet, open_ms)


@rule
def close_next_bar(fleet, open_ms: int) -> None:
    """Do what `close_bar` does where no one but the step itself has changed a level since the bar before."""
    rules, portfolio, markets, signals = fleet.rules, fleet.portfolio, fleet.markets, fleet.signals
    portfolio.step += 1
    portfolio.time_ms = open_ms
    close_ms = open_ms + rules.step_ms
    protect(fleet, close_ms)
    mark(fleet, close_ms)
    brake(fleet, close_ms)
    rebalance(fleet)
    portfolio.settled_equity = portfolio.equity
    wishes = 0
    for bot in fleet.bots:
        market = markets[bot.market]
        signal = signals[bot.signal]
        confirm(bot, market, signal, rules)
        gate(rules, portfolio, bot, market, signal)
        wishes += bot.ordered
    if wishes > 0:
        net(fleet)
