"""What a person says a difference between books and account is: a bot's, money that came or went, or nobody's."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection

from shared.enums import CommandKind, ScopeKind
from shared.errors import CommandRefused
from worker.live.books import Books
from worker.live.excess import close_excess
from worker.live.flows import book_money
from worker.live.stepper import Stepper
from worker.orders.order_book import OrderRow
from worker.orders.reconciliation import Difference
from worker.orders.under_way import UnderWay
from worker.store.commands import CommandRow
from worker.store.money import save_transfers

WAYS = ("adopt", "deposit", "withdraw", "unattributed", "close")


@dataclass(frozen=True, slots=True)
class Resolved:
    """What was done about a difference, in a sentence, and the orders that are to leave for it."""

    sentence: str
    orders: Sequence[OrderRow] = ()


def resolve(
    connection: Connection, under_way: UnderWay, stepper: Stepper, books: Books, command: CommandRow, market_ms: int
) -> Resolved:
    """Book a difference as a person says, or make the order that closes it.

    The command's detail is the symbol, the way, and the account where it was said. Raises CommandRefused where nothing
    differs, or it cannot be what was said.
    """
    symbol, way, account = (*(command.detail or "").split(" "), "", "", "")[:3]
    if way not in WAYS:
        raise CommandRefused(f"{CommandKind.RECONCILE.lower()} must say one of {', '.join(WAYS)}, was {way!r}")
    # What is refused changes nothing.
    with connection.begin_nested():
        found = under_way.find_difference(connection, symbol, account)
        if way == "close":
            return Resolved(*close_excess(connection, under_way, stepper, books, command, found, market_ms))
        under_way.explain(connection, found, found.gap)
        if way == "adopt":
            return Resolved(_adopt(connection, stepper, books, command, symbol, found.gap, market_ms))
        return Resolved(_take_as_money(connection, stepper, books, way, found, market_ms))


def _take_as_money(
    connection: Connection, stepper: Stepper, books: Books, way: str, found: Difference, market_ms: int
) -> str:
    gap = f"{found.gap.normalize():+f} {found.coin}"
    if way == "unattributed":
        return f"{gap} of account {found.account} is nobody's: the books expect it from now on"
    if found.coin != books.quote:
        ways = "adopt, unattributed or close"
        raise CommandRefused(f"{way} must be of the quote {books.quote}, was of {found.coin}: say {ways}")
    if (found.gap > 0) != (way == "deposit"):
        raise CommandRefused(f"{way} must be of money that {'came' if way == 'deposit' else 'went'}, it did not")
    transfer = book_money(stepper.fleet, float(found.gap), market_ms)
    save_transfers(connection, books.portfolio_id, [transfer])
    return f"{gap} of account {found.account} is the portfolio's own cash"


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
