"""The composition root: names every concrete market, broker, database and clock."""

from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Engine

from shared.clock import Clock, SystemClock
from shared.database import open_writer, transaction
from shared.errors import ConfigurationError
from shared.migrations.upgrade import upgrade
from shared.settings import Settings
from worker.live import LiveWorker
from worker.market.protocol import Market
from worker.store.candles import Candles
from worker.store.fleet import symbols_in_books


def make_market(
    settings: Settings, symbols: Sequence[str], root: Path, engine: Engine, clock: Clock
) -> Market:
    """Make the market the settings ask for, for the symbols of the settings and of the books."""
    market, step_ms = settings.market, settings.step_ms
    if market.kind == "simulated":
        from worker.market.simulated import SimulatedMarket

        return SimulatedMarket(symbols, step_ms, market, clock)
    if market.kind == "replay":
        from worker.market.replay import ReplayMarket

        folders = {"candles": root / market.candles, "funding": market.funding and root / market.funding}
        return ReplayMarket(symbols, step_ms, market.model_copy(update=folders), clock)
    if market.kind == "ccxt":
        from worker.market.exchange import CcxtMarket

        name = ":".join(filter(None, (market.exchange, market.exchange_type, market.endpoint)))
        return CcxtMarket(symbols, step_ms, market, clock, Candles(engine, name))
    raise ConfigurationError(f"market.kind must be simulated, replay or ccxt, was {market.kind!r}")


def make_worker(settings: Settings, root: Path, load: Callable[[], Settings], clock: Clock | None = None) -> LiveWorker:
    """Open the database, migrated to this program's version, and put the worker together."""
    clock = clock or SystemClock()
    upgrade(settings.database.url, root, clock)
    engine = open_writer(settings.database.url, root)
    with transaction(engine) as connection:
        symbols = dict.fromkeys((*settings.portfolio.symbols, *symbols_in_books(connection, settings.portfolio.name)))
    market = make_market(settings, tuple(symbols), root, engine, clock)
    return LiveWorker(settings, market, engine, clock, load, real_time=settings.market.kind == "ccxt")
