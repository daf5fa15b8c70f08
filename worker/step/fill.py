"""A: fill what was decided at the bar before, and book it."""

from shared.enums import BarStatus, Leg
from worker.brokers.fill_model import execution_fee, execution_price
from worker.jit import rule
from worker.risk.position import is_dust, is_flat, sign


@rule
def simulate_executions(fleet) -> None:
    """Execute each market's order at the open of its present bar; where the bar is missing, cancel it."""
    for market in fleet.markets:
        is_missing = market.status == BarStatus.MISSING
        market.cross_price = 0.0 if is_missing else market.open
        market.fill_price = execution_price(market.cross_price, market.order_quantity, fleet.rules.slippage)


@rule
def fill_orders(fleet, open_ms: int) -> None:
    """Share the executions out to the bots that ordered, close leg first; an order without a price is cancelled."""
    for market in fleet.markets:
        if fleet.rules.netting == 1 and market.order_quantity != 0.0 and market.cross_price > 0.0:
            fleet.journal.orders += 1
    bots = fleet.bots
    for b in range(len(bots)):
        bot = bots[b]
        if bot.order_quantity != 0.0:
            if fleet.markets[bot.market].cross_price > 0.0:
                _fill_order(fleet, b, open_ms)
            _forget_order(bot)
    for market in fleet.markets:
        market.order_quantity = 0.0
        market.cross_price = 0.0


@rule
def _forget_order(bot) -> None:
    bot.order_quantity = 0.0
    bot.order_crossed = 0.0


@rule
def _fill_order(fleet, b: int, open_ms: int) -> None:
    bot = fleet.bots[b]
    market = fleet.markets[bot.market]
    crossed_share = bot.order_crossed / bot.order_quantity
    if fleet.rules.netting == 0:
        fleet.journal.orders += 1
        market.fill_price = execution_price(market.cross_price, bot.order_quantity, fleet.rules.slippage)
    closing = 0.0
    if not is_flat(bot, market) and sign(bot.quantity) != sign(bot.order_quantity):
        beyond = abs(bot.order_quantity) - abs(bot.quantity)
        is_reversal = beyond > 0.0 and not is_dust(beyond, market)
        closing = -bot.quantity if is_reversal else bot.order_quantity
        _fill_leg(fleet, b, Leg.CLOSE.value, closing, crossed_share, open_ms)
    opening = bot.order_quantity - closing
    if opening != 0.0:
        _fill_leg(fleet, b, Leg.OPEN.value, opening, crossed_share, open_ms)


@rule
def _fill_leg(fleet, b: int, leg: int, quantity: float, crossed_share: float, time_ms: int) -> None:
    bot = fleet.bots[b]
    market = fleet.markets[bot.market]
    rules = fleet.rules
    crossed = quantity * crossed_share
    sent = quantity - crossed
    price = (crossed * market.cross_price + sent * market.fill_price) / quantity
    fee = execution_fee(sent, market.fill_price, rules.fee_rate)
    saved = abs(crossed) * market.cross_price * (rules.fee_rate + rules.slippage)
    book_fill(fleet, b, leg, bot.order_trigger, quantity, price, fee, crossed, saved, time_ms)


@rule
def book_fill(
    fleet,
    b: int,
    leg: int,
    trigger: int,
    quantity: float,
    price: float,
    fee: float,
    crossed: float,
    saved: float,
    time_ms: int,
) -> None:
    """Book one leg: cash, position and entry price of the bot, and a row in the journal."""
    bot = fleet.bots[b]
    market = fleet.markets[bot.market]
    if is_flat(bot, market):
        _open_position(bot, price, time_ms)
    elif leg == Leg.OPEN:
        size = abs(bot.quantity) + abs(quantity)
        bot.entry_price = (bot.entry_price * abs(bot.quantity) + price * abs(quantity)) / size
    bot.quantity += quantity
    bot.cash -= quantity * price + fee
    bot.fees_paid += fee
    bot.last_fill_ms = time_ms
    if bot.opened_quantity == 0.0:
        bot.opened_quantity = abs(bot.quantity)
    fleet.portfolio.saved_quote += saved
    row = fleet.fills[fleet.journal.fills]
    fleet.journal.fills += 1
    row.time_ms = time_ms
    row.step = fleet.portfolio.step
    row.bot = b
    row.market = bot.market
    row.leg = leg
    row.trigger = trigger
    row.quantity = quantity
    row.price = price
    row.fee = fee
    row.crossed = crossed
    row.saved = saved
    row.best_price = bot.best_price
    row.worst_price = bot.worst_price
    if is_flat(bot, market):
        _close_position(bot)


@rule
def _open_position(bot, price: float, time_ms: int) -> None:
    bot.entry_price = price
    bot.opened_quantity = 0.0
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
    bot.opened_quantity = 0.0
    bot.best_price = 0.0
    bot.worst_price = 0.0
    bot.stop_fraction = 0.0
    bot.target_fraction = 0.0
    bot.exit_level = 0.0
    bot.rungs_fired = 0
    bot.open_fraction = 1.0
