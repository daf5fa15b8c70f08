"""Writing off what can be sold no more: a symbol that was delisted, or whose candles have ended."""

import math

from sqlalchemy import Connection

from shared.enums import BarStatus, ScopeKind
from shared.errors import CommandRefused
from shared.units import format_time
from worker.allocation.transfers import LARGEST_QUOTE
from worker.live.books import Books
from worker.live.stepper import Stepper
from worker.step.records import Bot, Market
from worker.store.commands import CommandRow


def write_off(connection: Connection, stepper: Stepper, books: Books, command: CommandRow, market_ms: int) -> str:
    """Book the whole holding of a bot as gone at the price asked for, as a step of its own; say what it came to.

    Raises CommandRefused where there is nothing to write off, it can still be sold, or the price is none.
    """
    b = _bot(books, command)
    bot, symbol = stepper.fleet.bots[b], books.registered.bots[b].symbol
    market = stepper.fleet.markets[bot.market]
    price = _price(command.amount, bot)
    _require_gone(command.scope, symbol, bot, market)
    quantity, change = bot.quantity, bot.quantity * (price - market.close)
    rows = stepper.write_off(b, price, market_ms)
    books.save_step(connection, rows, books.book(rows.fills), [], [])
    return (
        f"{command.scope} is flat: {quantity:.8g} of {symbol} written off at {price:,.8g}, "
        f"{change:+,.8g} against its last price {market.close:,.8g}"
    )


def _bot(books: Books, command: CommandRow) -> int:
    names = [bot.name for bot in books.registered.bots]
    if command.scope_kind is not ScopeKind.BOT or command.scope not in names:
        raise CommandRefused(f"write-off must be for a running bot, was for {command.scope or 'the portfolio'!r}")
    return names.index(command.scope)


def _price(price: float | None, bot: Bot) -> float:
    if price is None or not 0.0 <= price < math.inf:
        raise CommandRefused(f"price must be 0 or more, was {price}")
    if abs(bot.quantity) * price > LARGEST_QUOTE:
        most = LARGEST_QUOTE / abs(bot.quantity)
        raise CommandRefused(f"price must be at most {most:,.8g} for {bot.quantity:.8g}, was {price:,.8g}")
    return price


def _require_gone(name: str, symbol: str, bot: Bot, market: Market) -> None:
    if bot.quantity == 0.0:
        raise CommandRefused(f"{name} holds nothing to write off")
    if market.status != BarStatus.MISSING:
        since = f", the last at {format_time(market.price_ms)}" if market.price_ms else ""
        raise CommandRefused(
            f"{symbol} has bars{since}: what can be sold is not written off; "
            f"`flotilla flatten --scope bot:{name}` sells it"
        )
