"""Book what really traded: a bot's share of one trade, at its own price and fee."""

from shared.enums import Leg, Trigger
from worker.risk.position import sign
from worker.risk.quantity import coins
from worker.step.fill import book_fill, closing_units
from worker.step.journal import Fill
from worker.step.records import Bot, Fleet

PROTECTIVE = (Trigger.STOP, Trigger.TRAILING_STOP, Trigger.LADDER)


def book_share(
    fleet: Fleet,
    b: int,
    units: int,
    price: float,
    fee: float,
    time_ms: int,
    trigger: int,
    base_fee_units: int = 0,
    is_crossed: bool = False,
) -> None:
    """Book a bot's share of a trade: what closes the position it holds by then first, the rest opens.

    `units` are signed and `fee` is quote. A fee in base lowers what the bot holds, and costs its worth at the price.
    `is_crossed` says that it traded with other bots in house. A share of a protective exit is taken off what was asked.
    """
    bot = fleet.bots[b]
    market = fleet.markets[bot.market]
    booked = units - base_fee_units
    if booked == 0 or sign(booked) != sign(units):
        raise ValueError(f"a fee in base must be less than the {units} units of its share, was {base_fee_units}")
    fee += coins(market, base_fee_units) * price
    if trigger in PROTECTIVE:
        _take_off_exit(bot, units)
    closing = closing_units(bot, market, booked)
    closing_fee = fee if closing == booked else fee * (closing / booked)
    for leg, part, cost in ((Leg.CLOSE, closing, closing_fee), (Leg.OPEN, booked - closing, fee - closing_fee)):
        if part != 0:
            _book_leg(fleet, b, leg, part, price, cost, time_ms, trigger, is_crossed)


def _take_off_exit(bot: Bot, units: int) -> None:
    left = bot.exit_units - units
    if sign(left) == sign(bot.exit_units):
        bot.exit_units = left
    else:
        forget_exit(bot)


def forget_exit(bot: Bot) -> None:
    """Let an exit be under way no more: it is filled, or known not to be."""
    bot.exit_units, bot.exit_trigger, bot.exit_price = 0, Trigger.SIGNAL.value, 0.0


def _book_leg(
    fleet: Fleet, b: int, leg: Leg, units: int, price: float, fee: float, time_ms: int, trigger: int, is_crossed: bool
) -> None:
    bot, portfolio = fleet.bots[b], fleet.portfolio
    market = fleet.markets[bot.market]
    crossed = abs(units) if is_crossed else 0
    saved = coins(market, crossed) * price * (market.fee_rate + fleet.rules.slippage)
    if fleet.journal.fills == len(fleet.fills):
        # An order may fill in any number of trades.
        fleet.fills.append(Fill())
    # One decision opens a position in any number of trades, what crosses in house first.
    is_opening = leg is Leg.OPEN and bot.opened_units != 0 and bot.opened_ms >= portfolio.time_ms + fleet.rules.step_ms
    book_fill(fleet, b, leg.value, int(trigger), units, price, fee, 0.0, crossed, saved, time_ms)
    if is_opening:
        bot.opened_units += abs(units)
