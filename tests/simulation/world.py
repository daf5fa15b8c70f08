"""A world of its own: an exchange, an account with money on it, books, and workers that come and go over them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from sqlalchemy import event

from shared.accounts import AccountSettings
from shared.clock import ManualClock
from shared.database import open_writer, transaction
from shared.enums import Cause, CommandKind, ScopeKind
from shared.settings import Settings, load_settings
from shared.tables.commands import ask
from tests.exchange.accounts import Account
from tests.exchange.desk import Desk
from tests.exchange.engine import Exchange
from tests.exchange.exact import whole
from tests.exchange.in_process import InProcessAdapter
from tests.exchange.listings import Listing, Product, usual_listings
from tests.exchange.prices import Book, Level, Prices, Wave
from tests.live.running import URL, make_database
from tests.simulation.death import Killed, Places, never
from tests.simulation.exchange_market import ExchangeMarket
from worker.brokers.exchange import ExchangeBroker
from worker.exchange.account import CcxtAccount
from worker.exchange.keys import Keys
from worker.exchange.protocol import AccountClient
from worker.live.worker import LiveWorker
from worker.market.protocol import Market
from worker.orders.exchange_orders import ExchangeOrders, Surroundings
from worker.orders.lanes import InlineLanes
from worker.store import fleet, lease

ACCOUNT = "main"
START_MS = 1_767_225_600_000
STEP_MS = 900_000
MONEY = "100000"
THINNER = 20
INSTALLATION = "simu" * 4


@dataclass(frozen=True, slots=True)
class Venue:
    """Where a fleet trades: `symbols` of the settings, with the exchange's name of each."""

    exchange: str
    type: str
    listed: dict[str, str]
    shorts: bool

    @property
    def product(self) -> Product:
        """Say what is traded."""
        return Product.SWAP if self.shorts else Product.SPOT


SPOT = {"BTC/USDT": "BTCUSDT", "ETH/USDT": "ETHUSDT"}
VENUES = {
    "binance spot": Venue("binance", "spot", SPOT, False),
    "binance swap": Venue("binance", "swap", SPOT, True),
    "gate spot": Venue("gate", "spot", SPOT, False),
    "bybit swap": Venue("bybit", "swap", SPOT, True),
    "bybit unified": Venue("bybit", "unified", SPOT, False),
}

# Windows of minutes, so that bots trade many times a day.
FLEET = (
    "portfolio.timeframe=15m",
    f"portfolio.symbols={list(SPOT)}",
    "portfolio.capital_per_bot=5000",
    "strategies.mean_reversion.grid=[[6, 1.0]]",
    "strategies.breakout.grid=[[8]]",
    "strategies.trend_following.grid=[[3, 9]]",
    "risk.cooldown=0",
    "risk.edge_to_cost=0",
    "risk.stop=0.01",
    "risk.trail_activate=0.008",
    "risk.confirm_bars=1",
    "broker.kind=ccxt",
    "broker.first_orders=1000",
    f"database.url={URL}",
)


def settings_of(venue: Venue, *overrides: str) -> Settings:
    """Give the settings of six bots at a venue."""
    account = (
        f"accounts.{ACCOUNT}.exchange={venue.exchange}",
        f"accounts.{ACCOUNT}.type={venue.type}",
        f"accounts.{ACCOUNT}.limit=900000",
        f"accounts.{ACCOUNT}.sandbox=false",
        f"portfolio.allow_short={str(venue.shorts).lower()}",
    )
    return load_settings(None, {}, (*FLEET, *account, *overrides))


@dataclass
class Process:
    """One worker process: everything of it is forgotten when it ends."""

    worker: LiveWorker
    orders: ExchangeOrders
    places: Places
    machine: str


class ThinWave(Wave):
    """A wave whose book is so thin that most orders are filled at several prices."""

    def book(self, listing: Listing, price: Decimal, time_ms: int) -> Book:
        """Give what is offered."""
        whole_book = super().book(listing, price, time_ms)
        return Book(*([Level(at, _part(size, listing)) for at, size in side] for side in whole_book))


@dataclass(slots=True)
class Sent:
    """A request as it left: when, by the how manieth process, and all its text; the network may deliver it twice."""

    time_ms: int
    process: int
    method: str
    text: str
    is_doubled: bool = False


def sent_by(request: PreparedRequest, time_ms: int, process: int) -> Sent:
    """Note a request."""
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
    return Sent(time_ms, process, request.method or "", f"{request.url} {body} {dict(request.headers)}")


class LeanSession:
    """What ccxt uses of a session of requests, without what costs most of its time: cookies, proxies, redirections."""

    def __init__(self, transport: BaseAdapter) -> None:
        self._transport = transport
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {}

    def request(self, method: str, url: str, data: Any = None, headers: Any = None, **_: Any) -> Response:
        """Carry a request."""
        request = PreparedRequest()
        request.method, request.url, request.body = method, url, data
        request.headers = CaseInsensitiveDict(headers or {})
        return self._transport.send(request)

    def close(self) -> None:
        """Have nothing to close."""


Wrap = Callable[["World", AccountClient], AccountClient]


@dataclass
class World:
    """Everything outside a worker, and the way to start one. `wrap` puts something between it and its account."""

    root: Path
    venue: Venue
    settings: Settings
    seed: int = 0
    start_ms: int = START_MS
    prices: Prices = field(default_factory=lambda: ThinWave())
    listings: list[Listing] = field(default_factory=lambda: usual_listings()[:2])
    wrap: Wrap = lambda _, client: client
    make_orders: Callable[[Settings, Surroundings], ExchangeOrders] = ExchangeOrders
    sent: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        make_database(self.root)
        self.clock = ManualClock(self.start_ms)
        self.exchange = Exchange(
            lambda: self.start_ms + self.clock.monotonic_ms(), self.listings, prices=self.prices, seed=self.seed
        )
        unified = self.venue.exchange == "bybit"
        self.account: Account = self.exchange.open_account(ACCOUNT, unified, USDT=MONEY)
        if self.venue.type == "swap" and not unified:
            self.exchange.fund_contracts(self.account, "USDT", MONEY)
        self.desk = Desk(self.exchange, with_sockets=False)
        self.adapter = InProcessAdapter(self.desk, self.clock, is_total=True)
        self.market: Market = ExchangeMarket(self.exchange, self.venue.listed, STEP_MS, self.start_ms)
        self.reader = open_writer(URL, self.root)
        self.processes = 0
        # when each process had its lease, by the exchange's time
        self.leased_ms: dict[int, int] = {}

    @property
    def keys(self) -> Keys:
        """Give the key of the account."""
        return Keys(key=self.account.key.api_key, secret=self.account.key.secret)

    def start(self, reached: Callable[[str], None] = never, machine: str = "one") -> Process:
        """Start a worker as a new process; raises what its start raises."""
        places = Places(reached, self.processes)
        self.processes += 1
        engine = open_writer(URL, self.root)
        event.listen(engine, "connect", _careless)
        # The connection there is, was made before.
        engine.dispose()
        places.watch(engine)
        client = self.wrap(self, self._client(places, machine))
        around = Surroundings(engine, self.clock, {ACCOUNT: client}, InlineLanes, self.root, lambda *_: True)
        try:
            client.connect(tuple(self.venue.listed))
            orders = self.make_orders(self.settings, around)
            worker = LiveWorker(
                self.settings,
                self.market,
                engine,
                self.clock,
                lambda: self.settings,
                False,
                None,
                ExchangeBroker(),
                orders,
            )
            with on_machine(machine):
                worker.recover(False)
            self.leased_ms[places.number] = self.exchange.clock()
        except BaseException:
            places.is_dead = True
            engine.dispose()
            raise
        return Process(worker, orders, places, machine)

    def end(self, process: Process) -> None:
        """End a process: in order where it lives, else as it died."""
        if process.places.is_dead:
            process.worker._engine.dispose()
            return
        try:
            with on_machine(process.machine):
                process.worker.close()
        except Killed:
            process.worker._engine.dispose()

    def _client(self, places: Places, machine: str) -> CcxtAccount:
        settings = AccountSettings.model_validate(self.settings.account(ACCOUNT))

        def carry(request: PreparedRequest) -> Response:
            places.see(f"send {request.method}")
            sent, fired = sent_by(request, self.exchange.clock(), places.number), self.desk.faults.fired
            self.sent.append(sent)
            before = len(fired)
            try:
                response = self.adapter.send(request)
            finally:
                sent.is_doubled = any(action == "twice" for action, _ in fired[before:])
            places.see(f"answer {request.method}")
            return response

        account = CcxtAccount(ACCOUNT, settings, self.keys, self.clock, carry)
        account._wire.client.session = LeanSession(account._wire.transport)
        return account

    def rows(self, sql: str, *parameters: Any) -> list[tuple]:
        """Read rows of the books."""
        with transaction(self.reader) as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql, parameters)]

    def ask(
        self,
        kind: CommandKind,
        scope: str = "",
        amount: float | None = None,
        cause: Cause | None = None,
        detail: str | None = None,
    ) -> int:
        """Queue a command as a person does; `scope` is like `bot:NAME`, empty for the portfolio."""
        scope_kind, _, name = scope.partition(":")
        place = ScopeKind[scope_kind.upper() or "PORTFOLIO"]
        with transaction(self.reader) as connection:
            now_ms = self.clock.now_ms()
            return ask(connection, 1, kind, place, name, "simulated", "ann", now_ms, amount, cause, detail=detail)

    def close(self) -> None:
        """Give the connection back."""
        self.reader.dispose()


def _part(size: Decimal, listing: Listing) -> Decimal:
    return max(listing.step, whole(size / THINNER, listing.step))


def _careless(connection: Any, _record: Any) -> None:
    """A process dies here, never the machine: nothing need reach the disk."""
    connection.execute("PRAGMA synchronous = OFF")


@contextmanager
def on_machine(name: str) -> Iterator[None]:
    """Let what is started be a process of another machine: none can see there whether it still runs.

    A database begun by it has an installation id that is the same in every run.
    """
    here, drawn = lease.this_process, fleet.new_installation
    holder = replace(here(), host=name, machine=name)
    lease.this_process, fleet.new_installation = lambda: holder, lambda: INSTALLATION
    try:
        yield
    finally:
        lease.this_process, fleet.new_installation = here, drawn


def symbols(world: World) -> Sequence[str]:
    """Give the symbols of the fleet."""
    return tuple(world.venue.listed)
