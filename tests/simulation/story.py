"""What happens in a simulated run, drawn from its seed: faults, weather, deaths, restarts, naps, commands."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from shared.enums import Cause, CommandKind
from shared.errors import FlotillaError, LeaseError, MarketError
from tests.exchange.accounts import Fees
from tests.exchange.fault_script import FaultScript
from tests.exchange.listings import Product
from tests.exchange.weather import HOUR_MS, MINUTE_MS, Weather
from tests.simulation.death import Killed
from tests.simulation.world import START_MS, Process, World

DAY_MS = 24 * HOUR_MS
# Weather lasts no longer than that; then all is to be settled: so long after every account was read once more.
WEATHER_ENDS_MS, SETTLE_MS = 100 * MINUTE_MS, 20 * MINUTE_MS
WAKES_AFTER_MS = 2_000
# The worker's loop looks that often.
POLL_MS = 200
# Hours between two, on average.
EVERY_HOURS = {"death": 3.0, "restart": 8.0, "nap": 12.0, "command": 2.0, "release": 3.0}
# A death comes within so many writes and requests.
NEAR_PLACES = 60
TAKE_OVERS = 8
MOST_FAILURES = 800
ASKED = (
    *(CommandKind.PAUSE, CommandKind.FLATTEN, CommandKind.FLATTEN, CommandKind.HALT, CommandKind.CLOSE),
    *(CommandKind.CLOSE, CommandKind.DEPOSIT, CommandKind.WITHDRAW),
)
RELEASED = (None, Cause.DRAWDOWN, Cause.RECONCILIATION, Cause.RUNAWAY, Cause.BANKRUPT, Cause.CRASHES)
# A nap is short, so that intentions are still fresh, or long: seconds.
NAPS = (5.0, 20.0, 60.0, 300.0, 900.0)
# A fee in coins is no less than the books' unit.
FEES = {Product.SPOT: Decimal("0.001"), Product.SWAP: Decimal("0.0002")}


@dataclass
class Story:
    """A run of some days. `told` is what happened, in words, the same for the same seed."""

    world: World
    days: float
    level: str = "rough"
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        world = self.world
        self._chance = random.Random(f"story {world.seed}")
        self._end_ms = START_MS + round(self.days * DAY_MS)
        self._process: Process | None = None
        self._taker: Process | None = None
        self._places_left = 0
        self._naps = False
        self._quiet = self.level == "none"
        coins = {product: fees.coin for product, fees in world.account.fees.items()}
        world.account.fees = {product: Fees(fee, fee, coins[product]) for product, fee in FEES.items()}
        self._machine = "one"
        self._failures = 0
        if not self._quiet:
            world.desk.faults.script = FaultScript(world.seed, self.level)
            self.weather = Weather(world.exchange, world.desk.faults, world.account, world.seed)
            self.weather.plan(START_MS + HOUR_MS, self._end_ms - WEATHER_ENDS_MS)
        self._due = self._draw()

    def run(self) -> None:
        """Let it happen, then let all settle."""
        while self.world.exchange.clock() < self._end_ms:
            self._live(self._happen)
        self._calm()
        until_ms = self.world.exchange.clock() + round(1000 * self.world.settings.broker.reconcile_seconds) + SETTLE_MS
        while self.world.exchange.clock() < until_ms:
            self._live(self._settle)
        if self._process is not None:
            self.world.end(self._process)

    def _draw(self) -> list[tuple[int, str]]:
        if self._quiet:
            return []
        drawn = []
        for kind, hours in EVERY_HOURS.items():
            time_ms = float(START_MS + HOUR_MS / 2)
            while (time_ms := time_ms + self._chance.expovariate(1 / hours) * HOUR_MS) < self._end_ms:
                drawn.append((int(time_ms), kind))
        return sorted(drawn, reverse=True)

    def _live(self, do: Callable[[Process], None]) -> None:
        """Go on with the process there is, or start one; what ends it is followed by the next."""
        try:
            if self._process is None:
                self._process = self.world.start(self._reached, self._machine)
                self._tell("started")
            do(self._process)
        except Killed as killed:
            self._gone(f"died before {killed}", self._chance.uniform(0, 90))
        except LeaseError:
            self._gone("was fenced", 0 if self._process else 10)
        except MarketError as error:
            self._gone(f"did not start: {str(error)[:60]}", 10)
            self._failures += 1
            # The longest outage is a third of that.
            if self._failures > MOST_FAILURES:
                raise
        else:
            self._failures = 0

    def _gone(self, how: str, seconds: float) -> None:
        self._tell(how)
        if self._process is not None:
            self._process.places.is_dead = True
            self.world.end(self._process)
        self._process, self._taker = self._taker, None
        self._machine = self._process.machine if self._process else self._machine
        self._places_left = 0
        if self._process is None:
            self.world.clock.sleep(seconds)

    def _happen(self, process: Process) -> None:
        now_ms = self.world.exchange.clock()
        while self._due and self._due[-1][0] <= now_ms:
            getattr(self, f"_{self._due.pop()[1]}")()
            if self._process is None:
                return
        if process.worker.step_due(lambda: False):
            process.worker.beat()
        self._tend(process, WAKES_AFTER_MS + round(1000 * process.worker.seconds_until_due()))

    def _settle(self, process: Process) -> None:
        self._tend(process, MINUTE_MS)

    def _tend(self, process: Process, idle_ms: int) -> None:
        process.worker.answer_commands()
        waits = [idle_ms, process.orders.reconciler.due_in_ms()]
        if (due_ms := process.orders.desk.due_in_ms()) is not None:
            waits.append(due_ms)
        if self._due:
            waits.append(self._due[-1][0] - self.world.exchange.clock())
        self.world.clock.advance_ms(max(POLL_MS, min(waits)))

    def _reached(self, place: str) -> None:
        """Be at a place of the process that runs: it may end here, or fall asleep."""
        if self._places_left:
            self._places_left -= 1
            if self._places_left == 0:
                raise Killed(place)
        if self._naps and place == "send POST":
            self._naps = False
            self._sleep()

    def _sleep(self) -> None:
        """Let the process sleep while one on another machine takes over, and goes on for some bars."""
        self._tell("falls asleep with an order in hand")
        taker = self._take_over("two" if self._machine == "one" else "one")
        if taker is None:
            return
        self._tell("taken over")
        until_ms = self.world.exchange.clock() + round(1000 * self._chance.choice(NAPS))
        while self.world.exchange.clock() < until_ms:
            taker.worker.step_due(lambda: False)
            self._tend(taker, WAKES_AFTER_MS + round(1000 * taker.worker.seconds_until_due()))
        self._taker = taker
        self._tell("wakes up")

    def _take_over(self, machine: str) -> Process | None:
        """Start on another machine, as often as it takes until the lease has run out there."""
        for _ in range(TAKE_OVERS):
            try:
                return self.world.start(self._reached, machine)
            except FlotillaError as error:
                self._tell(f"not taken over: {str(error)[:60]}")
                self.world.clock.sleep(10)
        return None

    def _death(self) -> None:
        self._places_left = self._chance.randint(1, NEAR_PLACES)

    def _restart(self) -> None:
        if self._process is not None:
            self.world.end(self._process)
            self._tell("stopped")
            self._process = None

    def _nap(self) -> None:
        self._naps = True

    def _command(self) -> None:
        kind = self._chance.choice(ASKED)
        scope = "" if kind in (CommandKind.DEPOSIT, CommandKind.WITHDRAW) else self._scope(kind)
        amount = round(self._chance.uniform(10, 3_000), 2)
        has_amount = kind in (CommandKind.DEPOSIT, CommandKind.WITHDRAW)
        self.world.ask(kind, scope, amount if has_amount else None)
        self._tell(f"asked {kind} {scope}")

    def _release(self) -> None:
        """Let everything that is held go on, as far as persons may."""
        for cause in RELEASED:
            for scope in ["", *self._scopes("sleeve"), *self._scopes("bot")]:
                self.world.ask(CommandKind.RELEASE, scope, cause=cause)

    def _scope(self, kind: CommandKind) -> str:
        bots = self._scopes("bot")
        if kind is CommandKind.CLOSE:
            return self._chance.choice(bots)
        return self._chance.choice(["", *self._scopes("sleeve"), self._chance.choice(bots)])

    def _scopes(self, kind: str) -> list[str]:
        return [f"{kind}:{name}" for (name,) in self.world.rows(f"SELECT name FROM {kind} ORDER BY id")]

    def _calm(self) -> None:
        """End all trouble."""
        faults, exchange = self.world.desk.faults, self.world.exchange
        faults.script = None
        faults.clear()
        exchange.query_lag_ms, exchange.banned_until_ms = 0, 0
        exchange.liquidity.clear()
        for listing in exchange.listings:
            listing.status = "TRADING"
        self._due.clear()
        self._naps, self._places_left = False, 0
        self._tell("calm")

    def _tell(self, what: str) -> None:
        process = self._process.places.number if self._process else "none"
        self.told.append(f"{(self.world.exchange.clock() - START_MS) / HOUR_MS:.4f} h, process {process}: {what}")
