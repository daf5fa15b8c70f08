"""What every bar reads of a bot, close together, and the bounds within which nothing else of it need be read."""

import math
from dataclasses import dataclass

from worker.jit import rule
from worker.risk.position import position_sign

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

    `row` is that of the present bar; the first `unsettled` rows have not been taken into the bots' returns.
    """

    awake: int = 0
    ordering: int = 0
    row: int = 0
    unsettled: int = 0


@rule
def watch_all(fleet) -> None:
    """Begin anew, whatever was changed since: every bot is awake, and the next bar looks at all there is of it."""
    bots, watches = fleet.bots, fleet.watches
    fleet.scratch.unsettled = 0
    for b in range(len(bots)):
        watch_position(bots[b], watches[b])
        watches[b].reach_low = math.inf
        watches[b].floor = math.inf
        watches[b].awake = 1
        watches[b].rest = math.nan


@rule
def watch_position(bot, watch) -> None:
    """Take over what a bot holds."""
    is_long = bot.units > 0
    watch.cash = bot.cash
    watch.quantity = bot.quantity
    watch.highest = bot.best_price if is_long else bot.worst_price
    watch.lowest = bot.worst_price if is_long else bot.best_price


@rule
def put_prices(bot, market, watch) -> None:
    """Bring the best and the worst price of an open position up to date."""
    direction = position_sign(bot, market)
    if direction > 0:
        bot.best_price = watch.highest
        bot.worst_price = watch.lowest
    elif direction < 0:
        bot.best_price = watch.lowest
        bot.worst_price = watch.highest
