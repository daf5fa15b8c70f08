"""The composition root: names every concrete market, broker, database and clock."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Engine

from shared.clock import Clock, SystemClock
from shared.database import open_writer, transaction, translated
from shared.errors import ConfigurationError
from shared.migrations.upgrade import upgrade
from shared.settings import Settings
from shared.state_folder import state_folder
from worker.brokers.exchange import ExchangeBroker
from worker.exchange.key_check import require_own_wallets
from worker.exchange.keys import load_keys
from worker.exchange.protocol import AccountClient
from worker.fleet.series import CandlePlace, candle_sources, market_place
from worker.jit import kernel_cache
from worker.live.worker import LiveWorker
from worker.market.places import Places
from worker.market.protocol import Market
from worker.orders.admission import admit, check_settings, symbols_by_account
from worker.orders.exchange_orders import ExchangeOrders, Surroundings
from worker.orders.lanes import ThreadLanes
from worker.store.accounts import KnownAccount, accounts_in_books, is_confirmed, known_accounts
from worker.store.candles import Candles
from worker.store.lease import require_unheld, this_process
from worker.store.lease_keeper import LeaseKeeper
from worker.store.trace import require_books

log = logging.getLogger(__name__)


def candles_name(settings: Settings) -> str:
    """Name what candles are kept under: bars of different markets must not mix."""
    market = settings.market
    if market.kind == "ccxt":
        return market_place(settings).name
    return f"simulated:{market.seed}" if market.kind == "simulated" else f"replay:{market.candles}"


def make_market(
    settings: Settings, in_books: Mapping[str, Sequence[str]], root: Path, engine: Engine, clock: Clock
) -> Market:
    """Make the market the settings ask for, for their symbols and those of the bots in the books, by account."""
    market, step_ms = settings.market, settings.step_ms
    known = tuple(dict.fromkeys(symbol for symbols in in_books.values() for symbol in symbols))
    symbols = tuple(dict.fromkeys((*settings.portfolio.symbols, *known)))
    if market.kind == "simulated":
        from worker.market.simulated import SimulatedMarket

        return SimulatedMarket(symbols, step_ms, market, clock)
    if market.kind == "replay":
        from worker.market.replay import ReplayMarket

        folders = {
            name: root / folder.expanduser() for name in ("candles", "funding") if (folder := getattr(market, name))
        }
        return ReplayMarket(symbols, step_ms, market.model_copy(update=folders), clock, known)
    if market.kind == "ccxt":
        return _exchange_market(settings, in_books, engine, clock)
    raise ConfigurationError(f"market.kind must be simulated, replay or ccxt, was {market.kind!r}")


def _exchange_market(settings: Settings, in_books: Mapping[str, Sequence[str]], engine: Engine, clock: Clock) -> Market:
    """Make the market of each exchange that an account is on, and all of them one where they are several."""
    from worker.market.exchange import CcxtMarket

    sources = candle_sources(settings, in_books)
    places: dict[CandlePlace, dict[str, None]] = {}
    for place, symbol in sources.values():
        places.setdefault(place, {})[symbol] = None
    known = {symbol for symbols in in_books.values() for symbol in symbols}
    markets: dict[CandlePlace, Market] = {}
    for place, symbols in places.items():
        update = {"exchange": place.exchange, "exchange_type": place.kind, "endpoint": place.endpoint}
        market, store = settings.market.model_copy(update=update), Candles(engine, place.name)
        markets[place] = CcxtMarket(tuple(symbols), settings.step_ms, market, clock, store, known)
    if all(series == symbol for series, (_, symbol) in sources.items()):
        return next(iter(markets.values()))
    return Places({series: (markets[place], symbol) for series, (place, symbol) in sources.items()})


def make_account(settings: Settings, name: str, clock: Clock) -> AccountClient:
    """Make the client of an account, with its keys; asks no exchange. Raises ConfigurationError."""
    from worker.exchange.account import CcxtAccount

    account = settings.account(name)
    return CcxtAccount(name, account, load_keys(name, account.keys), clock)


def make_accounts(
    settings: Settings, known: Mapping[str, KnownAccount], clock: Clock, environment: Mapping[str, str]
) -> tuple[dict[str, AccountClient], list[str]]:
    """Make the clients of all accounts in use, once each may trade, and give warnings; `known` is what the books have.

    Raises ConfigurationError where one may not, and MarketError where its exchange does not answer.
    """
    planned = symbols_by_account(settings)
    check_settings(settings, {name: account.symbols for name, account in known.items() if account.symbols}, environment)
    names = dict.fromkeys((*planned, *(name for name, account in known.items() if account.symbols)))
    places = {name: settings.account(name) for name in names}
    require_own_wallets({name: (place, load_keys(name, place.keys)) for name, place in places.items()})
    clients = {name: make_account(settings, name, clock) for name in names}
    warnings = []
    for name, client in clients.items():
        warnings += admitted(client, settings, planned.get(name, ()), known.get(name, KnownAccount()), clock)
    return clients, warnings


def admitted(
    client: AccountClient, settings: Settings, symbols: Sequence[str], account: KnownAccount, clock: Clock
) -> list[str]:
    """Wait until an account may be asked, hold it to what orders want of it, and give warnings; errors as above."""
    if account.holds_paper:
        raise ConfigurationError(
            f"bots of account {client.name} must hold nothing that was bought on paper, did: live orders want books of "
            "their own (database.url)"
        )
    client.budget.silent_until_ms = account.silent_until_ms
    _wait_out(client, clock)
    return admit(client, settings, symbols, account.symbols, not account.orders_sent)


def _wait_out(client: AccountClient, clock: Clock) -> None:
    """Ask nothing of an exchange that has told an earlier worker to wait."""
    left_ms = client.budget.silent_until_ms - clock.now_ms()
    if left_ms > 0:
        log.warning("account %s was told to wait: %.0f s left", client.name, left_ms / 1000)
        clock.sleep(left_ms / 1000)


def make_orders(
    settings: Settings, root: Path, engine: Engine, clock: Clock, environment: Mapping[str, str]
) -> ExchangeOrders:
    """Make what carries orders to the accounts and back; errors as of `make_accounts`."""
    with translated(engine), engine.connect() as connection:
        known = known_accounts(connection, settings.portfolio.name)
    clients, warnings = make_accounts(settings, known, clock, environment)
    around = Surroundings(
        engine=engine,
        clock=clock,
        clients=clients,
        make_lanes=ThreadLanes,
        state=state_folder(root, settings.database.url),
        is_confirmed=is_confirmed,
        warnings=tuple(warnings),
    )
    return ExchangeOrders(settings, around)


def make_worker(
    settings: Settings,
    root: Path,
    load: Callable[[], Settings],
    clock: Clock | None = None,
    environment: Mapping[str, str] | None = None,
) -> LiveWorker:
    """Open the database, migrated to this program's version, and put the worker together.

    Raises ConfigurationError where orders are to be real and may not be; see `worker.orders.admission`.
    """
    clock, environment = clock or SystemClock(), os.environ if environment is None else environment
    is_live = settings.broker.kind == "ccxt"
    if is_live:
        # Before books are made or an exchange is asked.
        check_settings(settings, {}, environment)
    require_books(settings.database.url, root, settings.portfolio.name)
    if kernel_cache().trouble:
        log.warning("%s", kernel_cache().trouble)
    upgrade(settings.database.url, root, clock, lambda books: require_unheld(books, this_process(), clock.now_ms()))
    engine = open_writer(settings.database.url, root)
    with transaction(engine) as connection:
        in_books = accounts_in_books(connection, settings.portfolio.name)
    broker, orders = None, None
    if is_live:
        broker, orders = ExchangeBroker(), make_orders(settings, root, engine, clock, environment)
    market = make_market(settings, in_books, root, engine, clock)
    real_time = settings.market.kind == "ccxt"
    # The market of an exchange keeps what it fetches; the bars of the others are kept for pages to draw.
    kept = None if real_time else candles_name(settings)
    return LiveWorker(
        settings, market, engine, clock, load, real_time, kept, broker, orders, LeaseKeeper(engine, clock)
    )
