"""I: bots that want opposite things trade with each other first; one order per market goes to the exchange."""

from shared.enums import Reason, Trigger
from worker.jit import rule
from worker.risk.position import is_dust
from worker.risk.quantity import coins, only_steps, pro_rata


@rule
def net(fleet) -> None:
    """Turn the bots' wishes into what crosses in house and what each market's one order is."""
    list_orders(fleet)
    net_listed(fleet)


@rule
def list_orders(fleet) -> None:
    """List the bots that order."""
    count = 0
    for b in range(len(fleet.bots)):
        if fleet.bots[b].order_units != 0:
            fleet.ordering[count] = b
            count += 1
    fleet.scratch.ordering = count


@rule
def net_listed(fleet) -> None:
    """Do what `net` does where the bots that order are listed."""
    if fleet.rules.netting == 0:
        _send_each(fleet)
        return
    for market in fleet.markets:
        _forget_wishes(market)
    for i in range(fleet.scratch.ordering):
        _add_wish(fleet, fleet.ordering[i])
    for market in fleet.markets:
        _make_order(market)
    for i in range(fleet.scratch.ordering):
        bot = fleet.bots[fleet.ordering[i]]
        _cross(bot, fleet.markets[bot.market], fleet.rules.entries_lapse == 1)
    for m in range(len(fleet.markets)):
        if fleet.markets[m].rounding_left > 0:
            _leave_rounding(fleet, m)


@rule
def _forget_wishes(market) -> None:
    market.buy_units = 0
    market.sell_units = 0
    market.whole_wishes = 1
    market.largest_buyer = -1
    market.largest_seller = -1


@rule
def _add_wish(fleet, b: int) -> None:
    wish = fleet.bots[b].order_units
    market = fleet.markets[fleet.bots[b].market]
    if only_steps(market, wish) != wish:
        market.whole_wishes = 0
    if wish > 0:
        market.buy_units += wish
        if market.largest_buyer < 0 or wish > fleet.bots[market.largest_buyer].order_units:
            market.largest_buyer = b
    else:
        market.sell_units -= wish
        if market.largest_seller < 0 or wish < fleet.bots[market.largest_seller].order_units:
            market.largest_seller = b


@rule
def _make_order(market) -> None:
    remainder = market.buy_units - market.sell_units
    market.order_units = only_steps(market, remainder)
    market.cross_left = min(market.buy_units, market.sell_units)
    market.side_left = max(market.buy_units, market.sell_units)
    market.rounding_left = abs(remainder - market.order_units)
    if is_below_minimum(market, market.order_units):
        market.order_units = 0
        market.rounding_left = 0


@rule
def is_below_minimum(market, units: int) -> bool:
    """Say whether the exchange would refuse an order for being too small."""
    return is_dust(units, market) or coins(market, abs(units)) * market.close < market.min_notional


@rule
def _cross(bot, market, may_lapse: bool) -> None:
    """Set what of a bot's order crosses; what the larger side has no order for is dropped."""
    is_buy = bot.order_units > 0
    own_side = market.buy_units if is_buy else market.sell_units
    other_side = market.sell_units if is_buy else market.buy_units
    if own_side <= other_side:
        bot.crossed_units = bot.order_units
        return
    size = _crossed(market, abs(bot.order_units), may_lapse or market.order_units == 0)
    bot.crossed_units = size if is_buy else -size
    if market.order_units == 0:
        drop_remainder(bot, market)


@rule
def _crossed(market, size: int, may_be_all: bool) -> int:
    """Give the same share of each order of the larger side, so that they sum to what the other side wants.

    Where the remainder is dropped, or may be, what crosses must be whole steps, as long as all wishes are.
    """
    crossed = pro_rata(size, market.cross_left, market.side_left)
    if may_be_all and market.whole_wishes == 1:
        crossed = only_steps(market, crossed)
    market.cross_left -= crossed
    market.side_left -= size
    return crossed


@rule
def _leave_rounding(fleet, m: int) -> None:
    """Take what rounding to the step left off the largest order of the larger side; off the next where it is less."""
    market = fleet.markets[m]
    is_buy = market.order_units > 0
    _leave(fleet.bots[market.largest_buyer if is_buy else market.largest_seller], market)
    # Of the smaller side there is nothing left: it crosses entirely.
    for i in range(fleet.scratch.ordering):
        if fleet.bots[fleet.ordering[i]].market == m:
            _leave(fleet.bots[fleet.ordering[i]], market)


@rule
def _leave(bot, market) -> None:
    left = min(market.rounding_left, abs(bot.order_units - bot.crossed_units))
    market.rounding_left -= left
    bot.order_units -= left if bot.order_units > 0 else -left


@rule
def drop_remainder(bot, market) -> None:
    """Leave a bot only what crossed in house; where that is nothing, its wish was below the exchange's minimum."""
    if bot.crossed_units == 0:
        bot.ordered = 0
    if bot.crossed_units == 0 and bot.order_trigger == Trigger.SIGNAL:
        bot.reason = Reason.MIN_NOTIONAL.value
        bot.reason_value = coins(market, abs(bot.order_units)) * market.close
        bot.reason_limit = market.min_notional
    bot.order_units = bot.crossed_units


@rule
def _send_each(fleet) -> None:
    for i in range(fleet.scratch.ordering):
        bot = fleet.bots[fleet.ordering[i]]
        market = fleet.markets[bot.market]
        wish = bot.order_units
        bot.order_units = only_steps(market, wish)
        if is_below_minimum(market, bot.order_units):
            bot.order_units = wish
            drop_remainder(bot, market)
