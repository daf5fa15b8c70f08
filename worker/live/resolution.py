"""What a person says a difference between books and account is: a bot's, money that came or went, or nobody's."""

from decimal import Decimal

from sqlalchemy import Connection

from shared.enums import CommandKind, ScopeKind
from shared.errors import CommandRefused
from worker.live.books import Books
from worker.live.flows import book_money
from worker.live.stepper import Stepper
from worker.orders.under_way import UnderWay
from worker.store.commands import CommandRow
from worker.store.money import save_transfers

WAYS = ("adopt", "deposit", "withdraw", "unattributed")


def resolve(
    connection: Connection, under_way: UnderWay, stepper: Stepper, books: Books, command: CommandRow, market_ms: int
) -> str:
    """Book a difference as a person says, and say what it came to.

    Raises CommandRefused where nothing differs, or it cannot be what was said.
    """
    _, _, way = (command.detail or "").partition(" ")
    if way not in WAYS:
        raise CommandRefused(f"{CommandKind.RECONCILE.lower()} must say one of {', '.join(WAYS)}, was {way!r}")
    # What is refused changes nothing.
    with connection.begin_nested():
        return _book(connection, under_way, stepper, books, command, market_ms)


def _book(
    connection: Connection, under_way: UnderWay, stepper: Stepper, books: Books, command: CommandRow, market_ms: int
) -> str:
    symbol, _, way = (command.detail or "").partition(" ")
    found = under_way.resolve(connection, symbol)
    gap = f"{found.gap.normalize():+f} {found.coin}"
    if way == "adopt":
        return _adopt(connection, stepper, books, command, symbol, found.gap, market_ms)
    if way in ("deposit", "withdraw"):
        _require_money(books, way, found.coin, found.gap > 0)
        transfer = book_money(stepper.fleet, float(found.gap), market_ms)
        save_transfers(connection, books.portfolio_id, [transfer])
        return f"{gap} of account {found.account} is the portfolio's own cash"
    return f"{gap} of account {found.account} is nobody's: the books expect it from now on"


def _require_money(books: Books, way: str, coin: str, is_more: bool) -> None:
    if coin != books.quote:
        raise CommandRefused(f"{way} must be of the quote {books.quote}, was of {coin}: say adopt or unattributed")
    if is_more != (way == "deposit"):
        raise CommandRefused(f"{way} must be of money that {'came' if way == 'deposit' else 'went'}, it did not")


def _adopt(
    connection: Connection,
    stepper: Stepper,
    books: Books,
    command: CommandRow,
    symbol: str,
    gap: Decimal,
    market_ms: int,
) -> str:
    names = [bot.name for bot in books.registered.bots]
    if command.scope_kind is not ScopeKind.BOT or command.scope not in names:
        raise CommandRefused(f"adopt must name a running bot, was {command.scope!r}")
    b = names.index(command.scope)
    if books.registered.bots[b].symbol != symbol:
        raise CommandRefused(f"{command.scope} trades {books.registered.bots[b].symbol}: it cannot adopt {symbol}")
    rows = stepper.adopt(b, gap, market_ms)
    books.save_trades(connection, rows)
    price = stepper.fleet.markets[stepper.fleet.bots[b].market].close
    return f"{command.scope} holds {gap.normalize():+f} more of {symbol}, as though traded at its last price {price:g}"
