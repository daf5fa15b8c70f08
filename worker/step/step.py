"""The order of a step: what the fleet decides at each bar close.

bar t opens            bar t trades              bar t closes
A fill what was decided  B protective exits   C mark  D brakes  E allocate  F confirm  G size  H gate  I net
     at t−1                                                                          → orders for the next open

`open_bar` and `close_bar` step any fleet, whatever was changed of it since. A replay, of which nothing else changes
the fleet between two bars, calls what they consist of: `watch_all` once, then for each bar `open_next_bar`, `take_bar`
and `decide`, and `put_back` at the end.
"""

import math

from worker.jit import rule
from worker.risk.confirmation import confirm
from worker.risk.gate import gate
from worker.risk.levels import set_levels
from worker.step.brake import brake
from worker.step.fill import fill_listed, fill_orders, simulate_executions
from worker.step.look import look
from worker.step.mark import mark, settle_returns
from worker.step.net import net_listed
from worker.step.protect import protect
from worker.step.rebalance import rebalance
from worker.step.rest import list_awake, wake_stale
from worker.step.room import give_room, use_room
from worker.step.watch import put_prices, watch_all, watch_position


@rule
def open_bar(fleet, open_ms: int) -> None:
    """A: fill the orders of the bar before at the opens that the markets hold."""
    simulate_executions(fleet, fleet.rules.order_style)
    fill_orders(fleet, open_ms)


@rule
def close_bar(fleet, open_ms: int) -> None:
    """B to I: take in the closed bar that the markets and signals hold, and decide the orders for the next open."""
    set_levels(fleet.portfolio, fleet.sleeves, fleet.bots)
    watch_all(fleet, 0)
    take_bar(fleet, open_ms)
    decide(fleet)
    settle_returns(fleet)


@rule
def ask_exits(fleet, open_ms: int) -> None:
    """B where exits are asked for: each bot whose level or rung the bar reached says what it exits, and nothing fills.

    Under rules that ask for exits (`asks_exits`) a step begins here, and `close_bar` goes on with C. What was asked
    before stays asked, and only its level moves on; `book_share` books what was filled of it.
    """
    _begin(fleet, open_ms)
    set_levels(fleet.portfolio, fleet.sleeves, fleet.bots)
    watch_all(fleet, 0)
    protect(fleet, open_ms + fleet.rules.step_ms)


@rule
def _begin(fleet, open_ms: int) -> None:
    fleet.portfolio.step += 1
    fleet.portfolio.time_ms = open_ms


@rule
def open_next_bar(fleet, open_ms: int) -> None:
    """A, within a replay: what is watched of a bot follows its fill."""
    bots, markets, watches, ordering = fleet.bots, fleet.markets, fleet.watches, fleet.ordering
    # Nobody orders at most opens.
    if fleet.scratch.ordering == 0:
        return
    simulate_executions(fleet, fleet.rules.order_style)
    for i in range(fleet.scratch.ordering):
        b = ordering[i]
        put_prices(bots[b], markets[bots[b].market], watches[b])
    fill_listed(fleet, open_ms)
    for i in range(fleet.scratch.ordering):
        b = ordering[i]
        watch_position(bots[b], watches[b])
    fleet.scratch.ordering = 0


@rule
def take_bar(fleet, open_ms: int) -> None:
    """B to E: what a closed bar does to the fleet before anything is decided, and for which bots that is to be done."""
    portfolio = fleet.portfolio
    if fleet.rules.asks_exits == 0:
        _begin(fleet, open_ms)
    close_ms = open_ms + fleet.rules.step_ms
    look(fleet, close_ms)
    mark(fleet, close_ms)
    brake(fleet, close_ms)
    rebalance(fleet)
    portfolio.settled_equity = portfolio.equity
    wake_stale(fleet)
    list_awake(fleet)


@rule
def decide(fleet) -> None:
    """F to I for the bots that are awake; those at rest want what they have."""
    give_room(fleet)
    rules, portfolio, bots, equities = fleet.rules, fleet.portfolio, fleet.bots, fleet.equities[fleet.scratch.row]
    markets, signals, awake = fleet.markets, fleet.signals, fleet.awake
    wishes, ordering = 0, 0
    for i in range(fleet.scratch.awake):
        b = awake[i]
        bot = bots[b]
        market, signal = markets[bot.market], signals[bot.signal]
        bot.equity = equities[b]
        confirm(bot, market, signal, rules)
        gate(rules, portfolio, bot, market, signal)
        wishes += bot.ordered
        if bot.order_units != 0:
            fleet.ordering[ordering] = b
            ordering += 1
            if market.account_room < math.inf:
                use_room(markets, bot, market)
    fleet.scratch.ordering = ordering
    if wishes > 0:
        net_listed(fleet)


@rule
def put_back(fleet) -> None:
    """Bring the records up to date with what was watched."""
    settle_returns(fleet)
    for b in range(len(fleet.bots)):
        bot = fleet.bots[b]
        put_prices(bot, fleet.markets[bot.market], fleet.watches[b])
        bot.low = fleet.signals[bot.signal].low
        bot.high = fleet.signals[bot.signal].high
