"""I: bots that want opposite things trade with each other first; one order per market goes to the exchange."""

from shared.enums import Reason, Trigger
from shared.units import STEP_TOLERANCE
from worker.jit import rule
from worker.risk.position import round_toward_zero

# What rounding leaves below this share of an order is float noise, not a remainder.
SUM_NOISE = 1e-12


@rule
def net(fleet) -> None:
    """Turn the bots' wishes into what crosses in house and what each market's one order is."""
    if fleet.rules.netting == 0:
        _send_each(fleet)
        return
    for market in fleet.markets:
        market.buy_quantity = 0.0
        market.sell_quantity = 0.0
        market.largest_buyer = -1
        market.largest_seller = -1
    bots = fleet.bots
    for b in range(len(bots)):
        if bots[b].order_quantity != 0.0:
            _add_wish(fleet, b)
    for market in fleet.markets:
        _make_order(market)
    for b in range(len(bots)):
        if bots[b].order_quantity != 0.0:
            _cross(fleet, b)


@rule
def _add_wish(fleet, b: int) -> None:
    wish = fleet.bots[b].order_quantity
    market = fleet.markets[fleet.bots[b].market]
    if wish > 0.0:
        market.buy_quantity += wish
        if market.largest_buyer < 0 or wish > fleet.bots[market.largest_buyer].order_quantity:
            market.largest_buyer = b
    else:
        market.sell_quantity -= wish
        if market.largest_seller < 0 or wish < fleet.bots[market.largest_seller].order_quantity:
            market.largest_seller = b


@rule
def _make_order(market) -> None:
    remainder = market.buy_quantity - market.sell_quantity
    market.order_quantity = round_toward_zero(remainder, market.quantity_step)
    if is_below_minimum(market, market.order_quantity):
        market.order_quantity = 0.0


@rule
def is_below_minimum(market, quantity: float) -> bool:
    """Say whether the exchange would refuse an order for being too small."""
    return abs(quantity) < market.min_quantity or abs(quantity) * market.close < market.min_notional


@rule
def _cross(fleet, b: int) -> None:
    bot = fleet.bots[b]
    market = fleet.markets[bot.market]
    is_buy = bot.order_quantity > 0.0
    own_side = market.buy_quantity if is_buy else market.sell_quantity
    other_side = market.sell_quantity if is_buy else market.buy_quantity
    if own_side <= other_side:
        bot.order_crossed = bot.order_quantity
        return
    bot.order_crossed = bot.order_quantity * (other_side / own_side)
    if market.order_quantity == 0.0:
        drop_remainder(bot, market)
        return
    left = (market.buy_quantity - market.sell_quantity) - market.order_quantity
    noise = max(STEP_TOLERANCE * market.quantity_step, SUM_NOISE * own_side)
    if b == (market.largest_buyer if is_buy else market.largest_seller) and abs(left) > noise:
        bot.order_quantity -= left


@rule
def drop_remainder(bot, market) -> None:
    """Leave a bot only what crossed in house; where that is nothing, its wish was below the exchange's minimum."""
    if bot.order_crossed == 0.0:
        bot.ordered = 0
    if bot.order_crossed == 0.0 and bot.order_trigger == Trigger.SIGNAL:
        bot.reason = Reason.MIN_NOTIONAL.value
        bot.reason_value = abs(bot.order_quantity) * market.close
        bot.reason_limit = market.min_notional
    bot.order_quantity = bot.order_crossed


@rule
def _send_each(fleet) -> None:
    for bot in fleet.bots:
        market = fleet.markets[bot.market]
        if bot.order_quantity != 0.0 and is_below_minimum(market, bot.order_quantity):
            drop_remainder(bot, market)
