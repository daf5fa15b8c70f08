"""What befalls a fleet, by name: its market, its database and its clock fail on order, and a supervisor restarts it."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from shared.errors import MarketError
from shared.settings import Settings
from tests.exchange import record
from tests.exchange.prices import Wave
from tests.live.plain_strategies import NO_DEFAULTS, PLAIN_RISK
from tests.simulation.checks import broken
from tests.simulation.exchange_market import ExchangeMarket
from tests.simulation.saboteurs import Through
from tests.simulation.world import ACCOUNT, START_MS, STEP_MS, VENUES, Process, Sent, World, settings_of
from worker.build import admitted
from worker.exchange.protocol import AccountClient, Answer, OrderRequest
from worker.orders.exchange_orders import ExchangeOrders, Surroundings
from worker.process.crashes import CrashCount
from worker.process.host import Wakes
from worker.process.service import CutOff, _Run
from worker.store.accounts import KnownAccount, known_accounts
from worker.strategies.bars import Bars, no_bars

LEVELS = {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0}
# A fall that reaches every stop.
FALL = 0.97
# Two bots that hold from the first close on, and two that want to enter later.
FLEET = (
    *NO_DEFAULTS,
    *PLAIN_RISK,
    "risk.stop=0.01",
    "strategies.steady.grid=[[1.0]]",
    "strategies.later.grid=[[0.5]]",
    "allocation.policy=fixed",
    "risk.brakes=false",
    "worker.command_poll_seconds=5",
)
# The later ones want to from the close of this bar on.
LATER_BAR = 8
MINUTE_MS = 60_000
# Exit codes after which supervisor leaves a program ended.
FINAL = (0, 78)


class FailingMarket(ExchangeMarket):
    """Candles that cannot be had while it `is_down`, nor, any more, of symbols that are `gone`."""

    is_down: Callable[[], bool] = staticmethod(lambda: False)
    gone: frozenset[str] = frozenset()

    def ended(self, symbol: str, open_ms: int) -> str:
        return f"{symbol} is not listed any more" if symbol in self.gone else ""

    def fetch_bars(self, symbol: str, start_ms: int, end_ms: int) -> Bars:
        if self.is_down():
            raise MarketError(f"candles of {symbol} could not be read")
        return no_bars() if symbol in self.gone else super().fetch_bars(symbol, start_ms, end_ms)


@dataclass
class Database:
    """The database as a worker has it: it fails with `words` where `fails` says so of a statement or a commit."""

    words: str = "database or disk is full"
    fails: Callable[[str], bool] = lambda _: False
    failures: int = 0

    def watch(self, engine: Engine) -> None:
        """Stand before every statement and commit of an engine."""
        event.listen(engine, "before_cursor_execute", lambda *given: self._see(given[2]))
        event.listen(engine, "commit", lambda _: self._see("COMMIT"))

    def _see(self, statement: str) -> None:
        if self.fails(statement):
            self.failures += 1
            raise OperationalError(statement, {}, sqlite3.OperationalError(self.words))


class Placed(NamedTuple):
    """An order as the exchange has it: when it came, in minutes since the start of the world."""

    minutes: float
    symbol: str
    side: str
    quantity: Decimal
    name: str


def _minutes(time_ms: int) -> float:
    return (time_ms - START_MS) / MINUTE_MS


def places_order(sent: Sent) -> bool:
    """Say whether a request would place an order."""
    return sent.method == "POST" and "newClientOrderId" in sent.text


@dataclass
class Trial:
    """A world with a steady fleet, and a supervisor over its worker: `ends` are the exit codes of those that ended."""

    world: World
    market: FailingMarket
    database: Database
    # called before an order is handed to the client of the account
    before_sending: Callable[[], object] = lambda: None
    # orders that were handed over and were not marked in the books
    unmarked: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    process: Process | None = None
    acts: list[tuple[int, Callable[[], object]]] = field(default_factory=list)

    def at(self, minutes: float, act: Callable[[], object]) -> None:
        """Do something so long after the start of the world; soon after, where the worker is at work then."""
        self.acts.append((START_MS + round(minutes * MINUTE_MS), act))
        self.acts.sort(key=lambda one: one[0])

    def run(self, minutes: float) -> None:
        """Let the fleet run until so long after the start of the world, its worker started again when it has ended."""
        wakes = _VirtualWakes(self, START_MS + round(minutes * MINUTE_MS))
        crashes = CrashCount(self.world.root / "crashes", self.world.clock)
        while not wakes.stopping():
            start = crashes.begin()
            wakes.pause(start.delay_seconds)
            code = _Run(self._make, self.world.settings, wakes, self.world.clock, False, CutOff(), None).through(start)
            crashes.end(code)
            self.process = None
            if code in FINAL:
                self.ends += [code] if code else []
                return
            self.ends.append(code)

    def broken(self) -> list[str]:
        """Give what does not hold at the end, by the exchange's own record and the books."""
        return [*broken(self.world), *(f"{name} left and was not in the books as sent" for name in self.unmarked)]

    def rows(self, sql: str, *parameters: object) -> list[tuple]:
        """Read rows of the books."""
        return self.world.rows(sql, *parameters)

    def events(self, kind: str) -> list[str]:
        """Give what the events of a kind say."""
        return [message for (message,) in self.rows("SELECT message FROM event WHERE kind = ? ORDER BY id", kind)]

    def minutes(self) -> float:
        """Give how long the world has been there, by the exchange."""
        return _minutes(self.world.exchange.clock())

    def fall(self, minutes: float, *listed: str) -> None:
        """Let prices fall so that every stop is reached, of all symbols where none is named."""
        for name in listed or LEVELS:
            level, since_ms = LEVELS[name], START_MS + round(minutes * MINUTE_MS)
            self.world.exchange.price_override[name] = lambda at, level=level, since=since_ms: (
                level if at < since else FALL * level
            )

    def placed(self) -> list[Placed]:
        """Give the orders that the exchange has, oldest first, by its own record."""
        known = record.orders_by_client_id(self.world.exchange, self.world.account)
        rows = [row for rows in known.values() for row in rows]
        return sorted(Placed(_minutes(row.time_ms), row.symbol, row.side, row.quantity, row.client_id) for row in rows)

    def held(self) -> dict[str, Decimal]:
        """Give what the exchange has of each symbol of the fleet."""
        world, found = self.world, dict.fromkeys(self.world.venue.listed.values(), Decimal(0))
        for (symbol, _), quantity in record.positions(world.exchange, world.account).items():
            found[symbol] += quantity
        for (_, coin), amounts in record.balances(world.exchange, world.account).items():
            if f"{coin}USDT" in found:
                found[f"{coin}USDT"] += sum(amounts)
        return found

    def booked(self) -> dict[str, int]:
        """Give the units of each bot."""
        return dict(self.rows("SELECT name, units FROM bot_state JOIN bot ON bot.id = bot_id ORDER BY 1"))

    def orders(self) -> list[tuple[float, str, str]]:
        """Give minute, status and reason of the orders in the books."""
        rows = self.rows('SELECT decided_ms, status, reason FROM "order" ORDER BY id')
        return [(_minutes(decided_ms), status, reason) for decided_ms, status, reason in rows]

    def requests(self) -> list[float]:
        """Give the minutes of the requests that would place an order."""
        return [_minutes(sent.time_ms) for sent in self.world.sent if places_order(sent)]

    def asked(self) -> list[float]:
        """Give the minutes of all requests."""
        return [_minutes(sent.time_ms) for sent in self.world.sent]

    def reasons(self, strategy: str) -> set[str]:
        """Give why the bots of a strategy did or did not trade."""
        asked = """SELECT decision.reason FROM decision JOIN bot ON bot.id = bot_id WHERE substr(name, 1, 2) = ?
                   UNION SELECT bot_state.reason FROM bot_state JOIN bot ON bot.id = bot_id
                   WHERE substr(name, 1, 2) = ?"""
        return {reason for (reason,) in self.rows(asked, strategy[:2], strategy[:2])}

    def differences(self) -> dict[str, Decimal]:
        """Give how much more of each coin was found than expected, where that is something."""
        rows = self.rows("SELECT coin, found, expected FROM account_coin")
        gaps = {coin: Decimal(found) - Decimal(expected) for coin, found, expected in rows}
        return {coin: gap for coin, gap in gaps.items() if gap}

    def _make(self, _settings: Settings) -> "_Started":
        self.process = self.world.start(machine="one")
        return _Started(self.process)


@dataclass
class _Watched(Through):
    """An account that says when an order is handed to it."""

    trial: Trial

    def send(self, request: OrderRequest, leave_by_ms: int | None = None) -> Answer:
        """Send; the books are looked at as another process sees them."""
        asked = 'SELECT status FROM "order" WHERE client_order_id = ?'
        if self.trial.rows(asked, request.client_order_id) != [("SUBMITTED",)]:
            self.trial.unmarked.append(request.client_order_id)
        self.trial.before_sending()
        answer: Answer = self.behind.send(request, leave_by_ms)
        return answer


class _Started:
    """A worker that has taken its books up already."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def __getattr__(self, name: str) -> object:
        return getattr(self._process.worker, name)

    def recover(self, crash_brake: bool) -> None:
        """Nothing is left to take up."""
        assert not crash_brake, "no worker may have crashed again and again"


class _VirtualWakes(Wakes):
    """Lets the virtual clock go on where a worker sleeps, to the next thing that is due, and does what is to happen."""

    def __init__(self, trial: Trial, until_ms: int) -> None:
        super().__init__()
        self._trial = trial
        self._until_ms = until_ms

    def stopping(self) -> bool:
        return self._now_ms() >= self._until_ms

    def sleep(self, seconds: float) -> None:
        process, wait_ms = self._trial.process, round(1000 * max(seconds, 0.01))
        if process is not None and (left := process.worker.seconds_until_due()) > 0:
            due = [round(1000 * left) + 1, process.orders.reconciler.due_in_ms(), process.orders.desk.due_in_ms()]
            wait_ms = max(200, min(at_ms for at_ms in due if at_ms is not None))
        self._go_on(wait_ms)

    def pause(self, seconds: float) -> None:
        self._go_on(round(1000 * seconds))

    def _go_on(self, wait_ms: int) -> None:
        acts = self._trial.acts
        if acts:
            wait_ms = min(wait_ms, acts[0][0] - self._now_ms())
        self._trial.world.clock.advance_ms(max(wait_ms, 0))
        while acts and acts[0][0] <= self._now_ms():
            acts.pop(0)[1]()

    def _now_ms(self) -> int:
        return self._trial.world.exchange.clock()


def make_trial(root: Path, venue: str, *overrides: str) -> Trial:
    """Make a world of steady prices. A start waits out silences and is admitted as that of a real process is."""
    database = Database()

    def make_orders(settings: Settings, around: Surroundings) -> ExchangeOrders:
        database.watch(around.engine)
        return ExchangeOrders(settings, around)

    def admit(world: World, client: AccountClient) -> AccountClient:
        with world.reader.connect() as connection:
            known = known_accounts(connection, world.settings.portfolio.name).get(ACCOUNT, KnownAccount())
        admitted(client, world.settings, tuple(world.venue.listed), known, world.clock)
        return _Watched(client, trial)

    settings = settings_of(VENUES[venue], *FLEET, *overrides)
    world = World(root, VENUES[venue], settings, prices=Wave(), wrap=admit, make_orders=make_orders)
    for listed, level in LEVELS.items():
        world.exchange.price_override[listed] = lambda _, level=level: level
    world.market = market = FailingMarket(world.exchange, world.venue.listed, STEP_MS, START_MS)
    trial = Trial(world, market, database)
    return trial
