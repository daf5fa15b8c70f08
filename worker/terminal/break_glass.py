"""`flotilla flatten --direct`: what is ours is closed on the exchanges, be worker and database there or not."""

import getpass
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Engine

from shared.clock import Clock, SystemClock
from shared.database import open_commands, transaction
from shared.enums import CommandKind, ScopeKind
from shared.errors import ConfigurationError, DatabaseError, FlotillaError, MarketError
from shared.installation import new_installation
from shared.private_files import make_folders
from shared.settings import Settings
from shared.state_folder import KILL_FILE, state_folder
from shared.tables.commands import ask
from worker.build import make_account
from worker.exchange.protocol import AccountClient
from worker.orders.admission import is_perpetual, symbols_by_account
from worker.orders.break_glass import BreakGlass, Holdings, Installation
from worker.orders.direct_file import direct_file
from worker.orders.gateway import LEAVES_WITHIN_MS
from worker.store import lease
from worker.store.accounts import accounts_in_books, held_in_books
from worker.store.fleet import installation_of
from worker.store.lease_keeper import LeaseKeeper
from worker.store.state_folder import read_installation
from worker.terminal.output import print_line, say
from worker.terminal.place import Place, portfolio_of


class NotClosed(FlotillaError):
    """Something is still open; the words say what."""

    exit_code = 69


@dataclass(frozen=True, slots=True)
class Books:
    """What the books say, where they can be read; a worker that held the lease may have orders on their way."""

    installation: str | None = None
    symbols: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    held: Mapping[tuple[str, str], Decimal] | None = None
    had_worker: bool = True


def flatten_directly(place: Place, reason: str) -> None:
    """Close what is open on all accounts of the settings. Raises NotClosed with what is still open."""
    settings, clock = place.settings, SystemClock()
    if settings.broker.kind != "ccxt":
        raise ConfigurationError(f"broker.kind must be ccxt for flatten --direct, was {settings.broker.kind}")
    state = state_folder(place.root, settings.database.url)
    with _books(place, reason, state, clock) as books:
        installation = books.installation or read_installation(state, settings.portfolio.name)
        if installation is None:
            say("no installation id is known: own orders are not told from others, and none is cancelled")
        who = Installation(installation or new_installation(), settings.portfolio.name)
        if books.held is None and any(account.type != "swap" for account in settings.accounts.values()):
            say("the books cannot be read: coins of spot accounts are left alone, for nobody says whose they are")
        # Side by side: one account's exchange may be slow, and each is waited for.
        with ThreadPoolExecutor(max(len(settings.accounts), 1)) as threads:
            each = threads.map(lambda name: _close(place, name, who, books, clock), settings.accounts)
            left = [said for sentences in each for said in sentences]
        left += _without_settings(settings, books)
    if left:
        raise NotClosed("; ".join(left))
    print_line("nothing is open any more")


def _without_settings(settings: Settings, books: Books) -> list[str]:
    """Name what is held on accounts of which nobody says where they are."""
    return [
        f"{account} {symbol}: {quantity:f} could not be closed: the settings have no account {account}"
        for (account, symbol), quantity in (books.held or {}).items()
        if account not in settings.accounts and quantity
    ]


def _close(place: Place, name: str, who: Installation, books: Books, clock: Clock) -> list[str]:
    settings = place.settings
    file = direct_file(state_folder(place.root, settings.database.url), settings.portfolio.name)
    try:
        client = make_account(settings, name, clock)
        holdings = _holdings(settings, name, books)
        quiet_at_ms = clock.monotonic_ms() + _arrives_within_ms(client) if books.had_worker else 0
        return BreakGlass(client, who, file, clock, say).run(holdings, quiet_at_ms)
    except (ConfigurationError, MarketError) as error:
        return [f"account {name} was left as it is: {error}"]


def _arrives_within_ms(client: AccountClient) -> int:
    finality = client.finality
    return LEAVES_WITHIN_MS + (finality.bound_ms if finality.window_ms is None else finality.window_ms)


def _holdings(settings: Settings, name: str, books: Books) -> Holdings:
    symbols = dict.fromkeys((*symbols_by_account(settings).get(name, ()), *books.symbols.get(name, ())))
    perpetuals = [symbol for symbol in symbols if is_perpetual(symbol, settings.account(name))]
    if books.held is None:
        return Holdings(list(symbols), perpetuals, None)
    ours = {
        symbol: quantity
        for (account, symbol), quantity in books.held.items()
        if account == name and symbol not in perpetuals and quantity > 0
    }
    return Holdings(list(dict.fromkeys((*symbols, *ours))), perpetuals, ours)


@contextmanager
def _books(place: Place, reason: str, state: Path, clock: Clock) -> Iterator[Books]:
    """Take the lease and ask for FLATTEN, so that no worker opens again; without a database KILL says so."""
    settings = place.settings
    try:
        engine = open_commands(settings.database.url, place.root)
    except DatabaseError as error:
        _leave_kill(state, error)
        yield Books()
        return
    try:
        try:
            books, portfolio_id, token = _take(engine, settings, reason, clock)
        except DatabaseError as error:
            _leave_kill(state, error)
            yield Books()
            return
        keeper = LeaseKeeper(engine, clock)
        keeper.start(portfolio_id, token)
        try:
            yield books
        finally:
            keeper.stop()
            with transaction(engine) as connection:
                lease.release(connection, portfolio_id, token)
    finally:
        engine.dispose()


def _take(engine: Engine, settings: Settings, reason: str, clock: Clock) -> tuple[Books, int, int]:
    name, now_ms = settings.portfolio.name, clock.now_ms()
    with transaction(engine) as connection:
        portfolio_id = portfolio_of(connection, settings)
        had_worker = lease.is_held(connection, portfolio_id)
        token = lease.seize(connection, portfolio_id, lease.this_process(), now_ms)
        who = getpass.getuser()
        ask(connection, portfolio_id, CommandKind.FLATTEN, ScopeKind.PORTFOLIO, "", reason, who, now_ms)
        installation = installation_of(connection, portfolio_id)
        symbols, held = accounts_in_books(connection, name), held_in_books(connection, name)
    say("the lease is taken: no worker sends under the number of before; FLATTEN holds until it is released")
    return Books(installation, symbols, held, had_worker), portfolio_id, token


def _leave_kill(state: Path, error: DatabaseError) -> None:
    """Nothing else keeps a worker from opening again once the database is back."""
    try:
        make_folders(state)
        (state / KILL_FILE).touch()
    except OSError as failure:
        say(f"{error}; no file {KILL_FILE} could be made in {state} ({failure.strerror}): stop the worker by hand")
        return
    say(f"{error}; a file {KILL_FILE} in {state} keeps every worker from sending until you remove it")
