"""Books for the tests of the dashboard, made by a real worker over simulated bars, within the process.

`seeded` is made once per session and copied: 12 days of the default 27 bots on the hour, with funding, a bar that did
not come, a deposit, a withdrawal, a paused bot, a refused command, brakes that warned and tripped, changed settings.
"""

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine

from shared.clock import ManualClock, SystemClock
from shared.database import open_reader, open_writer, transaction
from shared.enums import CommandKind, ScopeKind
from shared.migrations.upgrade import upgrade
from shared.settings import Settings, load_settings
from shared.tables.commands import ask
from shared.units import HOUR_MS
from worker.build import candles_name
from worker.live.worker import LiveWorker
from worker.market.simulated import SimulatedMarket
from worker.strategies.bars import Bars, make_bars

PORTFOLIO_ID = 1
FILE = "flotilla.db"
DAYS = 12
# The bar that never came, and when people asked for things, in bars from the first.
MISSING_BAR, MISSING_SYMBOL = 100, "ETH/USDT"
PAUSED_BOT = "mr_btc_usdt_1h_p2"
FUNDING_RATE, FUNDING_EVERY_MS = 1e-4, 8 * HOUR_MS
# Stops and brakes that trip within a few days, so that there is something to see.
TIGHT_BRAKES = ("risk.stop=0.03", "risk.bot_drawdown=0.05", "risk.sleeve_drawdown=0.04", "risk.daily_loss=0.006")
# What somebody may have put into a name or a reason to see it run.
HOSTILE = '<script>alert("x")</script><b onmouseover=alert(1)>[a](javascript:alert(1)) $x^2$ :red[y] %{z} \' "; --'


@dataclass(frozen=True)
class Books:
    """A database in a folder of its own."""

    root: Path
    settings: Settings

    @property
    def url(self) -> str:
        """Give the url of the database."""
        return f"sqlite:///{self.root}/{FILE}"

    def reader(self) -> Engine:
        """Open it as the pages do."""
        return open_reader(self.url)

    def write(self, sql: str, *parameters: Any) -> None:
        """Change rows behind everybody's back."""
        engine = open_writer(self.url)
        try:
            with transaction(engine) as connection:
                connection.exec_driver_sql(sql, parameters)
        finally:
            engine.dispose()

    def copy(self, folder: Path) -> "Books":
        """Give a copy to change."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.root / FILE, folder / FILE)
        return Books(folder, self.settings)


class SeededMarket(SimulatedMarket):
    """The simulated market, with funding every eight hours, and one bar that never comes."""

    def fetch_bars(self, symbol: str, start_ms: int, end_ms: int) -> Bars:
        bars = super().fetch_bars(symbol, start_ms, end_ms)
        if symbol != MISSING_SYMBOL:
            return bars
        return bars[bars.open_ms != self.first_open_ms() + MISSING_BAR * HOUR_MS]

    def fetch_funding(self, symbol: str, start_ms: int, end_ms: int) -> tuple[np.ndarray, np.ndarray]:
        first = start_ms // FUNDING_EVERY_MS + 1
        times = np.arange(first, end_ms // FUNDING_EVERY_MS + 1, dtype=np.int64) * FUNDING_EVERY_MS
        return times, np.full(len(times), FUNDING_RATE)


class BitcoinMarket(SimulatedMarket):
    """The simulated market in bitcoin; all but the first symbol at what very cheap coins cost."""

    def _bars(self, symbol: str, start_ms: int, end_ms: int) -> Bars:
        bars = super()._bars(symbol, start_ms, end_ms)
        factor = 1.0 if symbol == self._symbols[0] else 6.5e-5
        prices = (getattr(bars, name) * factor for name in ("open", "high", "low", "close"))
        return make_bars(bars.open_ms, *prices, bars.volume)


BITCOIN = (
    "portfolio.quote=BTC", 'portfolio.symbols=["ETH/BTC", "PEPE/BTC"]', "portfolio.capital_per_bot=0.01",
    "risk.min_notional=0.0001", "risk.edge_to_cost=0.5",
)  # fmt: skip


def settings_of(*overrides: str, days: int = DAYS) -> Settings:
    """Give settings of a simulated fleet with so much history."""
    simulated = (f"market.history_days={days}", "market.bar_seconds=5.0", f"database.url=sqlite:///{FILE}")
    return load_settings(None, {}, (*simulated, *overrides))


@dataclass
class Session:
    """A worker on books, and what a test asks of it."""

    books: Books
    worker: LiveWorker
    clock: ManualClock
    engine: Engine

    def step(self, bars: int) -> int:
        """Step at most so many bars that have closed."""
        made = 0

        def enough() -> bool:
            nonlocal made
            made += 1
            return made >= bars

        return self.worker.step_due(enough)

    def ask(
        self,
        kind: CommandKind,
        scope_kind: ScopeKind = ScopeKind.PORTFOLIO,
        scope: str = "",
        reason: str = "seen by a test",
        who: str = "ann",
        amount: float | None = None,
    ) -> None:
        """Ask for something and let the worker answer."""
        with transaction(self.engine) as connection:
            ask(connection, PORTFOLIO_ID, kind, scope_kind, scope, reason, who, self.clock.now_ms(), amount)
        self.clock.advance_ms(120)
        assert self.worker.answer_commands() == 1


def run(books: Books, act: Callable[[Session], Any], market: type[SimulatedMarket] = SeededMarket) -> None:
    """Start a worker on books, let it act, and stop it."""
    upgrade(books.url)
    engine = open_writer(books.url)
    clock = ManualClock(SystemClock().now_ms())
    own = books.settings
    source = market(own.portfolio.symbols, own.step_ms, own.market, clock)
    worker = LiveWorker(own, source, engine, clock, lambda: own, False, candles_name(own))
    worker.recover(False)
    session = Session(books, worker, clock, open_writer(books.url))
    try:
        act(session)
    finally:
        worker.close()
        session.engine.dispose()


def empty(folder: Path) -> Books:
    """Make a database in which no worker has opened books yet."""
    folder.mkdir(parents=True, exist_ok=True)
    books = Books(folder, settings_of())
    upgrade(books.url)
    return books


def opened(folder: Path) -> Books:
    """Make books that a worker has opened but not stepped."""
    folder.mkdir(parents=True, exist_ok=True)
    books = Books(folder, settings_of())
    run(books, lambda session: None)
    return books


def seeded(folder: Path | None = None) -> Books:
    """Give the seeded books: those of the session to read only, or a copy in a folder to change."""
    return _seeded() if folder is None else _seeded().copy(folder)


def stale(folder: Path, silent_ms: int = HOUR_MS) -> Books:
    """Make seeded books whose worker holds its lease, has been silent for so long, and whose step is overdue."""
    books = seeded(folder)
    then_ms = SystemClock().now_ms() - silent_ms
    beat(books, then_ms, due_ms=then_ms + 5_000)
    return books


def living(folder: Path) -> Books:
    """Make seeded books whose worker seems to have stepped a moment ago."""
    books = seeded(folder)
    now_ms = SystemClock().now_ms()
    beat(books, now_ms, due_ms=now_ms + 3_600_000)
    return books


def beat(books: Books, wall_ms: int, due_ms: int | None) -> None:
    """Write a heartbeat as of a wall time."""
    books.write(
        "UPDATE heartbeat SET wall_ms = ?, due_ms = ?, lease_pid = 4242, lease_host = 'ship', lease_since_ms = ?, "
        "lease_renewed_ms = ?",
        *(wall_ms, due_ms, wall_ms - HOUR_MS, wall_ms),
    )


def live(folder: Path, testnet: bool = True, endpoint: str | None = None) -> Books:
    """Make seeded books that look as though their orders left for an account: reconciled, nothing on its way."""
    books, now_ms = living(folder), SystemClock().now_ms()
    account = {"exchange": "binance", "type": "spot", "sandbox": testnet, "endpoint": endpoint, "limit": 27_000.0}
    changes = {"broker": {"kind": "ccxt"}, "accounts": {"main": account}}
    books.write("UPDATE settings_version SET settings = json_patch(settings, ?)", json.dumps(changes))
    for table in ("sleeve", "market_state", '"order"'):
        books.write(f"UPDATE {table} SET account = 'main'")
    books.write(
        "INSERT INTO account_state (portfolio_id, account, baseline_ms, reconciled_ms, differs, silent_until_ms, "
        "orders_sent, is_confirmed, ramp, ramp_since_ms, skew_ms, used_weight, weight_limit) "
        "VALUES (1, 'main', ?, ?, 0, 0, 12, 1, 0.1, 0, 0, 120, 6000)",
        *(now_ms - HOUR_MS, now_ms - 12_000),
    )
    return books


def order_under_way(books: Books, name: str, status: str, sent_ms: int | None, **columns: Any) -> None:
    """Write an order that is on its way: a buy of 0.5 BTC."""
    row = {
        **{"portfolio_id": 1, "client_order_id": name, "account": "main", "symbol": "BTC/USDT", "side": "BUY"},
        **{"units": 50_000_000, "quantity": 0.5, "filled_units": 0, "filled_quantity": 0.0, "fee": 0.0},
        **{"status": status, "trigger": "SIGNAL", "step": 1, "decided_ms": SystemClock().now_ms(), "sent_ms": sent_ms},
        **columns,
    }
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    books.write(f'INSERT INTO "order" ({names}) VALUES ({marks})', *row.values())


def halted(folder: Path) -> Books:
    """Make seeded books that a person has halted, positions and all."""
    books = seeded(folder)

    def halt(session: Session) -> None:
        session.ask(CommandKind.HALT, reason="the exchange is down", who="bea")
        session.step(2)

    run(books, halt)
    return books


def hostile(folder: Path) -> Books:
    """Make seeded books in which every text that people or settings choose is hostile."""
    books = seeded(folder)
    books.write("UPDATE bot SET name = name || ?, note = ?", HOSTILE, HOSTILE)
    books.write("UPDATE sleeve SET name = name || ?", HOSTILE)
    books.write("UPDATE portfolio SET name = ?, market_label = ?, broker_label = ?", HOSTILE, HOSTILE, HOSTILE)
    books.write(
        "UPDATE event SET message = ?, scope = CASE scope WHEN '' THEN '' ELSE scope || ? END", HOSTILE, HOSTILE
    )
    books.write("UPDATE command SET reason = ?, who = ?, answer = ?", HOSTILE, HOSTILE, HOSTILE)
    books.write('UPDATE "order" SET reason = ?', HOSTILE)
    books.write("UPDATE bar_record SET reason = ?", HOSTILE)
    return books


def bitcoin(folder: Path) -> Books:
    """Make books of a fleet that counts in bitcoin, with a deposit and a withdrawal."""
    folder.mkdir(parents=True, exist_ok=True)
    books = Books(folder, settings_of(*BITCOIN))

    def act(session: Session) -> None:
        session.step(100)
        session.ask(CommandKind.DEPOSIT, amount=0.0005, reason="more of the same")
        session.step((DAYS - 1) * 24)
        session.ask(CommandKind.WITHDRAW, amount=0.00001, reason="rent")

    run(books, act, BitcoinMarket)
    _flush(books)
    return books


def large(folder: Path | None = None) -> Books:
    """Give books of 500 bots over two days: those of the session to read only, or a copy."""
    return _large() if folder is None else _large().copy(folder)


@cache
def _session_folder() -> Path:
    folder = tempfile.mkdtemp(prefix="flotilla-dashboard-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def _seeded() -> Books:
    folder = _session_folder() / "seeded"
    folder.mkdir()
    first = Books(folder, settings_of(*TIGHT_BRAKES))

    def begin(session: Session) -> None:
        session.step(60)
        session.ask(CommandKind.PAUSE, ScopeKind.BOT, PAUSED_BOT, "it trades the news badly")
        session.step(60)
        session.ask(CommandKind.DEPOSIT, amount=5_000.0, reason="more of the same")
        session.step(40)
        session.ask(CommandKind.WITHDRAW, amount=1e12, reason="all of it", who="bea")

    def go_on(session: Session) -> None:
        session.ask(CommandKind.WITHDRAW, amount=750.0, reason="rent", who="bea")
        session.step(DAYS * 24)

    run(first, begin)
    changed = Books(folder, settings_of(*TIGHT_BRAKES, "risk.stop=0.04", "risk.cooldown=600.0"))
    run(changed, go_on)
    _flush(changed)
    return changed


@cache
def _large() -> Books:
    folder = _session_folder() / "large"
    folder.mkdir()
    symbols = [f"C{number:02d}/USDT" for number in range(12)]
    grids = (
        f"portfolio.symbols={symbols}",
        f"strategies.mean_reversion.grid={[[float(10 + at), 1.5] for at in range(14)]}",
        f"strategies.breakout.grid={[[10 + at] for at in range(14)]}",
        f"strategies.trend_following.grid={[[5 + at, 30 + at] for at in range(14)]}",
        "allocation.bot_low=0.0",
    )
    books = Books(folder, settings_of(*grids, days=2))
    run(books, lambda session: session.step(2 * 24), SimulatedMarket)
    _flush(books)
    return books


def _flush(books: Books) -> None:
    """Bring what is in the write-ahead log into the file, so that a copy of the file is the whole."""
    open_writer(books.url).dispose()
