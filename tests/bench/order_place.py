"""A worker whose orders go to the local exchange, in this process or by sockets, and when each request left."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
from requests import PreparedRequest, Response

from shared.accounts import AccountSettings
from shared.clock import ManualClock
from shared.database import open_writer
from shared.settings import Settings, load_settings
from tests.bench.order_exchange import ACCOUNT, LeapingClock, make_exchange, symbols_of
from tests.conftest import ROOT
from tests.exchange.accounts import drawn_key
from tests.exchange.desk import Desk
from tests.exchange.in_process import InProcessAdapter
from tests.live.plain_strategies import NO_DEFAULTS, PLAIN_RISK, make_strategy
from tests.live.running import URL, make_database
from tests.simulation.exchange_market import ExchangeMarket
from worker.brokers.exchange import ExchangeBroker
from worker.exchange.account import CcxtAccount
from worker.exchange.account_transport import AccountTransport, Carry
from worker.exchange.keys import Keys
from worker.exchange.network import Network
from worker.live.worker import LiveWorker
from worker.orders.exchange_orders import ExchangeOrders, Surroundings
from worker.orders.lanes import ThreadLanes
from worker.store.lease_keeper import LeaseKeeper
from worker.strategies.bands import Bands
from worker.strategies.bars import Bars
from worker.strategies.registry import STRATEGIES

STEP_MS = 300_000
IN_PROCESS, BY_SOCKET = "in this process", "by a socket"
LONGEST_SECONDS = 60.0


class Asked(NamedTuple):
    """A request: when its first byte left and when its answer was there, in seconds, and what it was."""

    left: float
    answered: float
    method: str
    path: str

    @property
    def is_order(self) -> bool:
        """Say whether it sends an order."""
        return self.method == "POST"


@dataclass
class Place:
    """A worker with live orders; `decided` are the moments at which its steps had decided."""

    worker: LiveWorker
    orders: ExchangeOrders
    client: CcxtAccount
    asked: list[Asked]
    leap: Callable[[int], None]
    decided: list[float] = field(default_factory=list)
    passes: int = 0

    def __post_init__(self) -> None:
        decide, reconcile = self.worker._decide, self.worker._traffic._reconcile

        def decided(open_ms: int) -> Any:
            rows = decide(open_ms)
            self.decided.append(time.perf_counter())
            return rows

        def reconciled(reading: Any) -> None:
            reconcile(reading)
            self.passes += not reading.failure

        self.worker._decide = decided  # type: ignore[method-assign]
        self.worker._traffic._reconcile = reconciled  # type: ignore[method-assign]

    def step(self) -> None:
        """Step one more bar, until nothing of it is under way; passes over the account come before it."""
        self.leap(round(1000 * self.worker.seconds_until_due()) - 1_000)
        self.agree()
        self.leap(1_000)
        if self.worker.step_due(lambda: True) != 1:
            raise RuntimeError("a worker must make 1 step at a time, made none")
        self._answer_until(lambda: not self.orders.desk.under_way)

    def agree(self) -> None:
        """Hold the books to the account, until they agree."""
        self.orders.reconciler.hurry(ACCOUNT)
        passes = self.passes
        self._answer_until(lambda: self.passes > passes and not self.orders.reconciler.differing)

    def _answer_until(self, is_done: Callable[[], bool]) -> None:
        until = time.monotonic() + LONGEST_SECONDS
        while not is_done():
            self.worker.answer_commands()
            if time.monotonic() > until:
                raise RuntimeError(f"orders must be over and books agree within {LONGEST_SECONDS:g} s, were not")


@contextmanager
def open_place(folder: Path, wire: str, symbols: int, bots_each: int) -> Iterator[Place]:
    """Start a worker of so many bots for each symbol, all of which enter at one bar and leave at the next."""
    folder.mkdir()
    make_database(folder)
    settings, clock, asked = _settings(symbols, bots_each), LeapingClock(), []
    with ExitStack() as stack:
        STRATEGIES["alternating"] = make_strategy("alternating", _alternating)
        stack.callback(STRATEGIES.pop, "alternating")
        exchange, leaps = make_exchange(symbols, clock), [clock.leap]
        if wire == BY_SOCKET:
            url, leap = stack.enter_context(_exchange_process(symbols))
            client = _client(settings, clock, url)
            client._wire.transport._network = _NotingNetwork(client._wire.transport, asked)
            leaps.append(leap)
        else:
            client = _client(settings, clock, None, _noting(InProcessAdapter(Desk(exchange), ManualClock(), 0), asked))
        client.connect(settings.portfolio.symbols)
        engine = open_writer(URL, folder)
        around = Surroundings(engine, clock, {ACCOUNT: client}, ThreadLanes, folder, lambda *_: True)
        orders = ExchangeOrders(settings, around)
        market = ExchangeMarket(exchange, symbols_of(symbols), STEP_MS, clock.now_ms() // STEP_MS * STEP_MS)
        worker = LiveWorker(
            settings,
            market,
            engine,
            clock,
            lambda: settings,
            False,
            None,
            ExchangeBroker(),
            orders,
            LeaseKeeper(engine, clock),
        )
        stack.callback(worker.close)
        worker.recover(False)
        place = Place(worker, orders, client, asked, lambda by_ms: [leap(by_ms) for leap in leaps] and None)
        place.agree()
        yield place


@contextmanager
def _exchange_process(symbols: int) -> Iterator[tuple[str, Callable[[int], None]]]:
    """Start the local exchange as a process; gives its address, and what lets its clock leap."""
    command = [sys.executable, "-m", "tests.bench.order_exchange", str(symbols)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        said, heard = process.stdin, process.stdout

        def leap(by_ms: int) -> None:
            print(by_ms, file=said, flush=True)
            heard.readline()

        try:
            yield heard.readline().strip(), leap
        finally:
            said.close()


def _settings(symbols: int, bots_each: int) -> Settings:
    account, exposures = f"accounts.{ACCOUNT}", np.linspace(0.4, 0.8, bots_each).round(3).tolist()
    overrides = (
        *NO_DEFAULTS,
        *PLAIN_RISK,
        f"strategies.alternating.grid={[[exposure] for exposure in exposures]}",
        "portfolio.timeframe=5m",
        f"portfolio.symbols={list(symbols_of(symbols))}",
        "portfolio.capital_per_bot=2000",
        "portfolio.allow_short=false",
        "allocation.policy=fixed",
        "risk.cooldown=0",
        "risk.brakes=false",
        "risk.max_orders_per_minute=1000000",
        "risk.max_orders_per_day=1000000",
        "broker.kind=ccxt",
        f"{account}.exchange=binance",
        f"{account}.limit=1000000",
        f"{account}.ramp=1.0",
        f"{account}.sandbox=false",
        f"database.url={URL}",
    )
    return load_settings(None, {}, overrides)


def _alternating(bars: Bars, exposure: float) -> Bands:
    """Want an exposure and none by turns."""
    wanted = np.where(bars.open_ms // STEP_MS % 2 == 0, exposure, 0.0)
    return Bands(wanted, wanted)


def _client(settings: Settings, clock: LeapingClock, url: str | None, carry: Carry | None = None) -> CcxtAccount:
    key = drawn_key(0, ACCOUNT)
    keys = Keys.model_validate({"key": key.api_key, "secret": key.secret})
    account = AccountSettings.model_validate({**settings.account(ACCOUNT).model_dump(), "endpoint": url})
    return CcxtAccount(ACCOUNT, account, keys, clock, carry)


class _NotingNetwork(Network):
    """A network that notes each request; a connection asks just before it sends."""

    def __init__(self, transport: AccountTransport, asked: list[Asked]) -> None:
        self._asked = asked
        self._left = 0.0

        def may_leave() -> None:
            transport.require_in_time()
            self._left = time.perf_counter()

        super().__init__(may_leave, transport._seconds_left)

    def send(self, request: PreparedRequest, *arguments: Any, **options: Any) -> Response:
        response = super().send(request, *arguments, **options)
        self._asked.append(_asked(request, self._left))
        return response


def _noting(adapter: InProcessAdapter, asked: list[Asked]) -> Carry:
    def carry(request: PreparedRequest) -> Response:
        left = time.perf_counter()
        response = adapter.send(request)
        asked.append(_asked(request, left))
        return response

    return carry


def _asked(request: PreparedRequest, left: float) -> Asked:
    return Asked(left, time.perf_counter(), request.method or "", urlsplit(request.url or "").path)
