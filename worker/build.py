"""The composition root: names every concrete market, broker, database and clock."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Engine

from shared.clock import Clock, SystemClock
from shared.database import open_writer, transaction
from shared.errors import ConfigurationError
from shared.migrations.upgrade import upgrade
from shared.settings import Settings
from worker.jit import kernel_cache
from worker.live.worker import LiveWorker
from worker.market.protocol import Market
from worker.store.candles import Candles
from worker.store.fleet import symbols_in_books
from worker.store.lease import require_unheld, this_process
from worker.store.trace import require_books

log = logging.getLogger(__name__)


def candles_name(settings: Settings) -> str:
    """Name what candles are kept under: bars of different markets must not mix."""
    market = settings.market
    if market.kind == "ccxt":
        return ":".join(filter(None, (market.exchange, market.exchange_type, market.endpoint)))
    return f"simulated:{market.seed}" if market.kind == "simulated" else f"replay:{market.candles}"


def make_market(settings: Settings, in_books: Sequence[str], root: Path, engine: Engine, clock: Clock) -> Market:
    """Make the market the settings ask for, for their symbols and those of the bots in the books."""
    market, step_ms = settings.market, settings.step_ms
    symbols = tuple(dict.fromkeys((*settings.portfolio.symbols, *in_books)))
    if market.kind == "simulated":
        from worker.market.simulated import SimulatedMarket

        return SimulatedMarket(symbols, step_ms, market, clock)
    if market.kind == "replay":
        from worker.market.replay import ReplayMarket

        folders = {
            name: root / folder.expanduser() for name in ("candles", "funding") if (folder := getattr(market, name))
        }
        return ReplayMarket(symbols, step_ms, market.model_copy(update=folders), clock, in_books)
    if market.kind == "ccxt":
        from worker.market.exchange import CcxtMarket

        return CcxtMarket(symbols, step_ms, market, clock, Candles(engine, candles_name(settings)), in_books)
    raise ConfigurationError(f"market.kind must be simulated, replay or ccxt, was {market.kind!r}")


def make_worker(settings: Settings, root: Path, load: Callable[[], Settings], clock: Clock | None = None) -> LiveWorker:
    """Open the database, migrated to this program's version, and put the worker together."""
    clock = clock or SystemClock()
    require_books(settings.database.url, root, settings.portfolio.name)
    if kernel_cache().trouble:
        log.warning("%s", kernel_cache().trouble)
    upgrade(settings.database.url, root, clock, lambda books: require_unheld(books, this_process(), clock.now_ms()))
    engine = open_writer(settings.database.url, root)
    with transaction(engine) as connection:
        in_books = symbols_in_books(connection, settings.portfolio.name)
    market = make_market(settings, in_books, root, engine, clock)
    real_time = settings.market.kind == "ccxt"
    # The market of an exchange keeps what it fetches; the bars of the others are kept for pages to draw.
    kept = None if real_time else candles_name(settings)
    return LiveWorker(settings, market, engine, clock, load, real_time, kept)
