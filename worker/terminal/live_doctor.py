"""`flotilla doctor --live`: whether live orders may leave, found out as a start does, without sending one."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.text import Text

from shared.clock import Clock, SystemClock
from shared.database import open_commands, translated
from shared.enums import Severity
from shared.errors import ConfigurationError, DatabaseError, LedgerError, MarketError
from worker.build import make_accounts
from worker.exchange.protocol import AccountClient
from worker.orders.admission import not_verified, set_up, symbols_by_account
from worker.orders.reading import Question, Reading, read_account
from worker.orders.reconciliation import Reconciler
from worker.store.accounts import KnownAccount, known_accounts
from worker.store.fleet import installation_of
from worker.store.orders import load_open_orders
from worker.terminal.output import print_json, result_console
from worker.terminal.place import Place, open_books


@dataclass(frozen=True, slots=True)
class Found:
    """An account that may trade: how far the exchange's clock is ahead, its quote there, and the limit.

    `books_agree` is None where there are no books to hold to it.
    """

    name: str
    exchange: str
    skew_ms: int
    quote: float
    limit: float
    not_verified: tuple[str, ...]
    books_agree: bool | None


def examine_live(place: Place, as_json: bool) -> None:
    """Check all that a start checks, and print what was found. Raises what a start raises."""
    settings, clock = place.settings, SystemClock()
    if settings.broker.kind != "ccxt":
        raise ConfigurationError(f"broker.kind must be ccxt for live orders, was {settings.broker.kind}")
    known, no_books = _known(place)
    clients, warnings = make_accounts(settings, known, clock, os.environ)
    warnings += no_books
    differences: list[str] = []
    agree: dict[str, bool | None] = {}
    for name, client in clients.items():
        symbols = {*symbols_by_account(settings).get(name, ()), *known.get(name, KnownAccount()).symbols}
        traded = sorted(symbol for symbol in symbols if client.rules(symbol).is_trading)
        set_up(client, settings, traded)
        said = _differences(place, client, traded, clock)
        agree[name] = None if said is None else not said
        differences += said or []
    found = [_found(place, client, agree[name]) for name, client in clients.items()]
    if as_json:
        told = {"accounts": [asdict(account) for account in found], "warnings": warnings, "differences": differences}
        print_json(told)
    else:
        _print(place, found, warnings)
    if differences:
        raise LedgerError("; ".join(differences))


def _print(place: Place, found: Sequence[Found], warnings: Sequence[str]) -> None:
    console = result_console()
    for account in found:
        console.print(Text(f"account {account.name}: may trade on {account.exchange}", style="green"))
        console.print(Text(f"  {_money(place, account)}; clock {_clock(account.skew_ms)}"))
        if account.books_agree is not None:
            said = "agree with" if account.books_agree else "differ from"
            console.print(Text(f"  the books {said} it", style="" if account.books_agree else "red"))
        if account.not_verified:
            told = ", ".join(account.not_verified)
            console.print(Text(f"  not verified on {account.exchange}: {told} (docs/live.md)", style="yellow"))
    for warning in warnings:
        console.print(Text(warning, style="yellow"))


def _known(place: Place) -> tuple[Mapping[str, KnownAccount], list[str]]:
    """Give what the books have, or why they cannot be read: at first no worker has opened them yet."""
    try:
        with open_books(place) as (connection, _):
            return known_accounts(connection, place.settings.portfolio.name), []
    except DatabaseError as error:
        return {}, [f"nothing was compared with books: {error}"]


def _differences(place: Place, client: AccountClient, symbols: Sequence[str], clock: Clock) -> list[str] | None:
    """Read an account as a first pass does and hold the books to it, undone; None without books. Raises MarketError."""
    settings, name = place.settings, client.name
    try:
        with open_books(place) as (connection, portfolio_id):
            installation = installation_of(connection, portfolio_id) or ""
            every_ms = round(1000 * settings.broker.reconcile_seconds)
            reconciler = Reconciler(
                portfolio_id, installation, settings.portfolio.quote, {name: symbols}, every_ms, clock
            )
            question = reconciler.question(connection, name, 0)
            is_quiet = not load_open_orders(connection, portfolio_id)
    except DatabaseError:
        _require_read(read_account(client, Question(name, symbols, clock.now_ms(), frozenset(), 0), clock))
        return None
    reading = _require_read(read_account(client, question, clock))
    engine = open_commands(settings.database.url, place.root)
    try:
        with translated(engine), engine.connect() as connection:
            said = reconciler.take(connection, reading, is_quiet).said
            connection.rollback()
    finally:
        engine.dispose()
    return [item.sentence for item in said if item.severity is Severity.ERROR]


def _require_read(reading: Reading) -> Reading:
    if reading.failure:
        raise MarketError(f"account {reading.question.account} could not be reconciled: {reading.failure}")
    return reading


def _found(place: Place, client: AccountClient, books_agree: bool | None) -> Found:
    account, quote = place.settings.account(client.name), place.settings.portfolio.quote
    where = account.endpoint or ("testnet" if account.sandbox else "real money")
    return Found(
        client.name,
        f"{account.exchange} {account.type} ({where})",
        client.skew_ms(),
        float(client.balances().get(quote, 0)),
        account.limit or 0.0,
        not_verified(place.settings, client.name),
        books_agree,
    )


def _money(place: Place, account: Found) -> str:
    money = place.settings.portfolio.money
    return f"{money.amount(account.quote)} {place.settings.portfolio.quote} there, limit {money.amount(account.limit)}"


def _clock(skew_ms: int) -> str:
    return f"{abs(skew_ms)} ms {'behind' if skew_ms >= 0 else 'ahead of'} the exchange's"
