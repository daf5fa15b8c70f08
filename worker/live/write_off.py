"""Writing off what can be sold no more: a symbol that was delisted, or whose candles have ended."""

import math

from sqlalchemy import Connection

from shared.enums import BarStatus, ScopeKind
from shared.errors import CommandRefused
from shared.money import Money, price_text, quantity_text
from shared.units import format_time
from worker.allocation.transfers import MOST_GRAINS
from worker.live.books import Books
from worker.live.stepper import Stepper
from worker.risk.brakes import loss_fraction
from worker.step.records import Bot, Market
from worker.store.commands import CommandRow


def write_off(
    connection: Connection, stepper: Stepper, books: Books, command: CommandRow, market_ms: int, money: Money
) -> str:
    """Book the whole holding of a bot as gone at the price asked for, as a step of its own; say what it came to.

    Raises CommandRefused where there is nothing to write off, it can still be sold, or the price is none.
    """
    b = _bot(books, command)
    bot, symbol = stepper.fleet.bots[b], books.registered.bots[b].symbol
    market = stepper.fleet.markets[bot.market]
    price = _price(command.amount, bot, MOST_GRAINS * stepper.fleet.rules.grain)
    _require_gone(command.scope, symbol, bot, market)
    quantity, change = bot.quantity, bot.quantity * (price - market.close)
    rows = stepper.write_off(b, price, market_ms)
    books.save_step(connection, rows, books.book(rows.fills), [], [])
    portfolio = stepper.fleet.portfolio
    drawdown = loss_fraction(portfolio.equity, portfolio.high_water)
    return (
        f"{command.scope} is flat: {quantity_text(quantity)} of {symbol} written off at {price_text(price)}, "
        f"{money.gain(change)} against its last price {price_text(market.close)}; "
        f"the portfolio's drawdown is {max(drawdown, 0.0):.2%}"
    )


def _bot(books: Books, command: CommandRow) -> int:
    names = [bot.name for bot in books.registered.bots]
    if command.scope_kind is not ScopeKind.BOT or command.scope not in names:
        raise CommandRefused(f"write-off must be for a running bot, was for {command.scope or 'the portfolio'!r}")
    return names.index(command.scope)


def _price(price: float | None, bot: Bot, largest: float) -> float:
    if price is None or not 0.0 <= price < math.inf:
        raise CommandRefused(f"price must be 0 or more, was {'no number' if price is None else price}")
    if abs(bot.quantity) * price > largest:
        most = price_text(largest / abs(bot.quantity))
        raise CommandRefused(f"price must be at most {most} for {quantity_text(bot.quantity)}, was {price_text(price)}")
    return price


def _require_gone(name: str, symbol: str, bot: Bot, market: Market) -> None:
    if bot.units == 0:
        raise CommandRefused(f"{name} holds nothing to write off")
    if market.status != BarStatus.MISSING:
        since = f", the last at {format_time(market.price_ms)}" if market.price_ms else ""
        raise CommandRefused(
            f"{symbol} has bars{since}: what can be sold is not written off; "
            f"`flotilla flatten --scope bot:{name}` sells it"
        )
