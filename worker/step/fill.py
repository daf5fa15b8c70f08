"""A: fill what was decided at the bar before, and book it."""

from shared.enums import BarStatus, Leg
from worker.brokers.fill_model import execution_fee
from worker.jit import rule
from worker.risk.position import is_dust, is_flat, sign
from worker.risk.quantity import coins, hold
from worker.step.execution import execute
from worker.step.net import list_orders


@rule
def simulate_executions(fleet, style: int) -> None:
    """Execute each market's order in its present bar, from the open on; where the bar is missing, cancel it."""
    fleet.scratch.order_style = style
    for market in fleet.markets:
        is_missing = market.status == BarStatus.MISSING
        market.cross_price = 0.0 if is_missing else market.open
        if market.order_units != 0 and not is_missing:
            execute(market, market.order_units, style, fleet.rules)


@rule
def fill_orders(fleet, open_ms: int) -> None:
    """Share the executions out to the bots that ordered, close leg first; an order without a price is cancelled."""
    list_orders(fleet)
    fill_listed(fleet, open_ms)


@rule
def fill_listed(fleet, open_ms: int) -> None:
    """Do what `fill_orders` does where the bots that ordered are listed."""
    for market in fleet.markets:
        if fleet.rules.netting == 1 and market.order_units != 0 and market.cross_price > 0.0:
            fleet.journal.orders += 1
    for i in range(fleet.scratch.ordering):
        b = fleet.ordering[i]
        bot = fleet.bots[b]
        if bot.order_units != 0:
            if fleet.markets[bot.market].cross_price > 0.0:
                _fill_order(fleet, b, open_ms)
            _forget_order(bot)
    for market in fleet.markets:
        market.order_units = 0
        market.cross_price = 0.0


@rule
def _forget_order(bot) -> None:
    bot.order_units = 0
    bot.crossed_units = 0


@rule
def _fill_order(fleet, b: int, open_ms: int) -> None:
    bot = fleet.bots[b]
    market = fleet.markets[bot.market]
    if fleet.rules.netting == 0:
        fleet.journal.orders += 1
        execute(market, bot.order_units, fleet.scratch.order_style, fleet.rules)
    closing = closing_units(bot, market, bot.order_units)
    opening = bot.order_units - closing
    # What crosses in house closes first: live it is booked before the exchange's trades.
    crossed = min(abs(closing), abs(bot.crossed_units))
    if closing != 0:
        _fill_leg(fleet, b, Leg.CLOSE.value, closing, crossed, open_ms)
    left = abs(bot.crossed_units) - crossed
    if market.entries_lapse == 1:
        opening = left * sign(opening)
    if opening != 0:
        _fill_leg(fleet, b, Leg.OPEN.value, opening, left, open_ms)


@rule
def closing_units(bot, market, units: int) -> int:
    """Give the part of a trade that closes; what would cross zero by no more than dust closes too."""
    if is_flat(bot, market) or sign(bot.units) == sign(units):
        return 0
    beyond = abs(units) - abs(bot.units)
    return -bot.units if beyond > 0 and not is_dust(beyond, market) else units


@rule
def _fill_leg(fleet, b: int, leg: int, units: int, crossed: int, time_ms: int) -> None:
    market = fleet.markets[fleet.bots[b].market]
    price = leg_price(market, abs(units), crossed)
    sent = coins(market, abs(units) - crossed)
    fee = execution_fee(sent, market.fill_price, market.fill_fee_rate)
    slippage = sent * market.fill_slippage
    saved = coins(market, crossed) * market.cross_price * (market.fee_rate + fleet.rules.slippage)
    book_fill(fleet, b, leg, fleet.bots[b].order_trigger, units, price, fee, slippage, crossed, saved, time_ms)


@rule
def leg_price(market, size: int, crossed: int) -> float:
    """Give the average price of a leg of which so much crossed in house; what crossed entirely has the price there."""
    if crossed == size:
        return market.cross_price
    if crossed == 0:
        return market.fill_price
    return (crossed * market.cross_price + (size - crossed) * market.fill_price) / size


@rule
def book_fill(
    fleet,
    b: int,
    leg: int,
    trigger: int,
    units: int,
    price: float,
    fee: float,
    slippage: float,
    crossed: int,
    saved: float,
    time_ms: int,
) -> None:
    """Book one leg, of which `crossed` (not signed) crossed in house: money and position of the bot, and a row."""
    bot = fleet.bots[b]
    market = fleet.markets[bot.market]
    _take_units(bot, market, leg, units, price, time_ms)
    bot.cash -= coins(market, units) * price + fee
    bot.fees_paid += fee
    fleet.portfolio.saved_quote += saved
    _write_fill(fleet, b, leg, trigger, units, price, time_ms)
    row = fleet.fills[fleet.journal.fills - 1]
    row.fee = fee
    row.slippage = slippage
    row.crossed_units = crossed if units > 0 else -crossed
    row.crossed = coins(market, row.crossed_units)
    row.saved = saved
    if is_flat(bot, market):
        _close_position(bot)


@rule
def _take_units(bot, market, leg: int, units: int, price: float, time_ms: int) -> None:
    if is_flat(bot, market):
        _open_position(bot, price, time_ms)
    elif leg == Leg.OPEN:
        size = abs(bot.units) + abs(units)
        bot.entry_price = (bot.entry_price * abs(bot.units) + price * abs(units)) / size
    hold(bot, market, bot.units + units)
    bot.last_fill_ms = time_ms
    if bot.opened_units == 0:
        bot.opened_units = abs(bot.units)


@rule
def _write_fill(fleet, b: int, leg: int, trigger: int, units: int, price: float, ms: int) -> None:
    bot = fleet.bots[b]
    market = fleet.markets[bot.market]
    row = fleet.fills[fleet.journal.fills]
    fleet.journal.fills += 1
    row.time_ms = ms
    row.step = fleet.portfolio.step
    row.bot = b
    row.market = bot.market
    row.leg = leg
    row.trigger = trigger
    row.units = units
    row.quantity = coins(market, units)
    row.price = price
    row.best_price = bot.best_price
    row.worst_price = bot.worst_price


@rule
def _open_position(bot, price: float, time_ms: int) -> None:
    bot.entry_price = price
    bot.opened_units = 0
    bot.opened_ms = time_ms
    bot.best_price = price
    bot.worst_price = price
    bot.stop_fraction = bot.order_stop
    bot.target_fraction = bot.order_target
    bot.exit_level = 0.0
    bot.rungs_fired = 0
    bot.open_fraction = 1.0
    bot.lock_sign = 0


@rule
def _close_position(bot) -> None:
    bot.entry_price = 0.0
    bot.opened_units = 0
    bot.best_price = 0.0
    bot.worst_price = 0.0
    bot.stop_fraction = 0.0
    bot.target_fraction = 0.0
    bot.exit_level = 0.0
    bot.rungs_fired = 0
    bot.open_fraction = 1.0
