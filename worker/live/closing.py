"""Closing one position at the next open, because a person asked for it."""

from sqlalchemy import Connection

from shared.enums import Level, ScopeKind
from shared.errors import CommandRefused
from shared.money import quantity_text
from worker.live.books import Books
from worker.live.stepper import Stepper
from worker.risk.position import is_flat
from worker.step.records import Bot
from worker.store.commands import CommandRow


def close_position(connection: Connection, stepper: Stepper, books: Books, command: CommandRow, market_ms: int) -> str:
    """Let the position of a bot be closed at the next open and its side be locked; say what that will close.

    Raises CommandRefused where there is nothing to close, or no order of the bot is sent.
    """
    names = [bot.name for bot in books.registered.bots]
    if command.scope_kind is not ScopeKind.BOT or command.scope not in names:
        raise CommandRefused(f"close must be for a running bot, was for {command.scope or 'the portfolio'!r}")
    b = names.index(command.scope)
    bot, symbol = stepper.fleet.bots[b], books.registered.bots[b].symbol
    _require_closable(stepper, command.scope, stepper.plan.series[bot.market], bot)
    rows = stepper.ask_close(b, market_ms)
    if rows.settled_orders or rows.new_orders:
        books.save_orders(connection, rows)
    side = "long" if bot.units > 0 else "short"
    return (
        f"{command.scope} closes {quantity_text(abs(bot.quantity))} of {symbol} at the next open; "
        f"it goes {side} again once its signal has left that side"
    )


def _require_closable(stepper: Stepper, name: str, symbol: str, bot: Bot) -> None:
    if is_flat(bot, stepper.fleet.markets[bot.market]):
        raise CommandRefused(f"{name} holds nothing to close")
    if bot.level >= Level.HALTED:
        raise CommandRefused(f"{name} is at {Level.HALTED.name}: no order leaves before it is flattened or released")
    if symbol in stepper.untraded:
        raise CommandRefused(f"{symbol} is traded no more: `flotilla write-off {name}` books it as gone")
