"""What every bar reads of a bot, close together, and the bounds within which nothing else of it need be read."""

import math
from dataclasses import dataclass

from worker.jit import rule
from worker.risk.position import is_flat

# So many bars of equities are kept before the bots take them into their returns.
EQUITIES_KEPT = 8


@dataclass(slots=True)
class Watch:
    """One bot as a bar sees it; what stands in its record too is brought there where the record is read.

    A bar at or beyond `reach_low` or `reach_high` may do more to its position than move `highest` or `lowest`, the
    extremes since it opened. An equity at or below `floor`, or above `ceiling`, may concern a brake. `rest` is the
    confirmed exposure of a bot at rest and NaN of one that is not, `since` the bar from which on it rests; `awake`
    says that it is to be looked at in this bar. `next_bot` is the next one with the same signal, -1 for none.
    """

    cash: float = 0.0
    quantity: float = 0.0
    reach_low: float = math.inf
    reach_high: float = -math.inf
    highest: float = 0.0
    lowest: float = 0.0
    floor: float = math.inf
    ceiling: float = -math.inf
    rest: float = math.nan
    since: int = 0
    awake: int = 1
    next_bot: int = -1


@dataclass(slots=True)
class Run:
    """Neighbouring bots of one market and one sleeve: from `first` to before `end`."""

    first: int = 0
    end: int = 0
    market: int = 0
    sleeve: int = 0


@dataclass(slots=True)
class Scratch:
    """How much of the lists is in use: bots that are awake, bots that order, and rows of equities.

    `order_style` is that of the present fills. `row` is that of the present bar; the first `unsettled` rows have not
    been taken into the bots' returns. `beyond` is 1 where an equity of the present bar may concern a brake, `goes_on`
    within a replay. `looked_at` sums the bots that were awake over all bars.
    """

    awake: int = 0
    ordering: int = 0
    row: int = 0
    unsettled: int = 0
    beyond: int = 0
    goes_on: int = 0
    order_style: int = 0
    looked_at: int = 0


@rule
def watch_all(fleet, goes_on: int) -> None:
    """Begin anew, whatever was changed since: every bot is awake, and the next bar looks at all there is of it.

    `goes_on` is 1 where that bar is followed by others before anything else may change the fleet, else 0: then nothing
    is watched from one bar to the next.
    """
    bots, watches = fleet.bots, fleet.watches
    fleet.scratch.goes_on = goes_on
    fleet.scratch.unsettled = 0
    _take_reserves(fleet)
    for b in range(len(bots)):
        watch = watches[b]
        watch.cash = bots[b].cash
        watch.quantity = bots[b].quantity
        watch.reach_low = math.inf
        watch.floor = math.inf
        watch.awake = 1
        watch.rest = math.nan


@rule
def _take_reserves(fleet) -> None:
    fleet.portfolio.reserved = 0.0
    for market in fleet.markets:
        market.reserved = 0.0
    for bot in fleet.bots:
        fleet.markets[bot.market].reserved += bot.reserved
        fleet.portfolio.reserved += bot.reserved


@rule
def watch_position(bot, watch) -> None:
    """Take over what a bot holds, after a fill: the next bar looks at it whatever its prices, and so do F to H."""
    watch.cash = bot.cash
    watch.quantity = bot.quantity
    watch.reach_low = math.inf
    watch.awake = 1


@rule
def watch_prices(bot, watch, direction: float, behind: float, ahead: float) -> None:
    """Watch for prices behind and ahead of a position, and move its extremes on until then."""
    is_long = direction > 0.0
    watch.reach_low = behind if is_long else ahead
    watch.reach_high = ahead if is_long else behind
    watch.highest = bot.best_price if is_long else bot.worst_price
    watch.lowest = bot.worst_price if is_long else bot.best_price


@rule
def put_prices(bot, market, watch) -> None:
    """Bring the best and the worst price of an open position up to date, where they were left to its watch."""
    if watch.reach_low == math.inf or is_flat(bot, market):
        return
    is_long = bot.units > 0
    bot.best_price = watch.highest if is_long else watch.lowest
    bot.worst_price = watch.lowest if is_long else watch.highest
