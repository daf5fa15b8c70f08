"""Every place where a process may die on a stretch of its way, enumerated; and what the way ends in, death or not."""

import copy
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from shared.enums import CommandKind
from shared.errors import LeaseError
from tests.exchange import record
from tests.exchange.desk import Desk
from tests.exchange.in_process import InProcessAdapter
from tests.exchange.prices import Wave
from tests.live.plain_strategies import NO_DEFAULTS, PLAIN_RISK
from tests.simulation.checks import broken
from tests.simulation.death import DeathAt, Killed, never
from tests.simulation.exchange_market import ExchangeMarket
from tests.simulation.world import START_MS, STEP_MS, VENUES, Process, World, settings_of

LEVELS = {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0}
# A fall that reaches every stop.
FALL = 0.97
FALLS_MS = START_MS + 3 * STEP_MS + STEP_MS // 2
SWAP = VENUES["binance swap"]
STEADY = (
    *NO_DEFAULTS,
    *PLAIN_RISK,
    "risk.stop=0.01",
    "strategies.steady.grid=[[1.0], [0.5]]",
    "allocation.policy=fixed",
    "broker.reconcile_seconds=600",
)
# A step and what comes of its orders are over by then; an order that was lost is wanted again at a later bar.
OVER_MS = 30_000
LATER_BARS = 4
LONGEST_TAKE_OVER = 20


@dataclass(frozen=True)
class Stretch:
    """A part of a worker's way: begun after so many bars, over soon after the next close.

    `asks` is what a person asked just before, `asks_after` what is asked once the worker has died; with `sleeper`
    another machine's worker sleeps with an order in hand. With a `style` prices creep up while orders rest.
    """

    name: str
    bars: int
    asks: CommandKind | None = None
    sleeper: bool = False
    starts: bool = False
    asks_after: CommandKind | None = None
    style: tuple[str, ...] = ()


# What rests is followed once, and taken at market well within the stretch.
MAKER = ("broker.order=maker", "broker.maker_patience=16", "broker.requotes=1")
CREEP_MS = 6_000
STRETCHES = (
    Stretch("entries", 0),
    Stretch("exits", 3),
    Stretch("exits, then a flatten", 3, asks_after=CommandKind.FLATTEN),
    Stretch("flatten", 2, CommandKind.FLATTEN),
    Stretch("start", 2, starts=True),
    Stretch("take-over", 0, sleeper=True, starts=True),
    Stretch("entries that rest", 0, style=MAKER),
)


@dataclass(frozen=True)
class End:
    """What a way ended in: units by bot, what the exchange holds, and bought and sold there in all, by symbol."""

    units: dict[str, int]
    held: dict[str, Fraction]
    traded: dict[tuple[str, str], Fraction]


class Matrix:
    """One stretch: a world that stands before it, copies of which go on in every way."""

    def __init__(self, root: Path, stretch: Stretch) -> None:
        self._root = root
        self.stretch = stretch
        self.before = _steady_world(root / "before", stretch.style)
        self._begin()

    def ways(self) -> int:
        """Go the way undisturbed, and count the places where it may end."""
        world = self._copy("undisturbed")
        count = DeathAt(0)
        _go(world, self.stretch, count)
        self.end, self.broken = _end(world), broken(world)
        return count.seen

    def after_death(self, number: int) -> tuple[End, list[str]]:
        """Die at a place, start again, and give the end and what does not hold."""
        world, death = self._copy(f"death{number}"), DeathAt(number)
        _go(world, self.stretch, death)
        assert death.seen == number, f"death {number} must come, the way had {death.seen} places"
        return _end(world), broken(world)

    def _begin(self) -> None:
        world = self.before
        if self.stretch.bars:
            process = world.start()
            walk(world, process, START_MS + self.stretch.bars * STEP_MS + OVER_MS)
            world.end(process)
        if self.stretch.asks:
            # The books are known by the first start.
            world.ask(self.stretch.asks)
        if self.stretch.sleeper:
            self._fall_asleep(world)

    def _fall_asleep(self, world: World) -> None:
        """Leave the books as a worker has them that froze with its first order on the way: it never wakes up."""
        process = world.start(machine="two")
        process.places.reach_with(_at_first("send POST"))
        try:
            walk(world, process, START_MS + STEP_MS + OVER_MS)
        except Killed:
            world.end(process)

    def _copy(self, name: str) -> World:
        """Give the same world in another folder: books, exchange and time."""
        before, root = self.before, self._root / name
        shutil.copytree(before.root, root, ignore=shutil.ignore_patterns("*-shm"))
        world = replace(before, root=root)
        world.clock = copy.copy(before.clock)
        world.exchange = copy.deepcopy(before.exchange)
        world.exchange.clock = lambda: START_MS + world.clock.monotonic_ms()
        world.account = world.exchange.accounts[before.account.name]
        world.desk = Desk(world.exchange, with_sockets=False)
        world.adapter = InProcessAdapter(world.desk, world.clock, is_total=True)
        world.market = ExchangeMarket(world.exchange, world.venue.listed, STEP_MS, START_MS)
        world.sent, world.processes, world.leased_ms = list(before.sent), before.processes, dict(before.leased_ms)
        return world


def walk(world: World, process: Process, until_ms: int) -> None:
    """Let a worker go on until a time of the exchange."""
    while world.exchange.clock() < until_ms:
        process.worker.step_due(lambda: False)
        process.worker.answer_commands()
        waits = [until_ms - world.exchange.clock(), process.orders.reconciler.due_in_ms()]
        waits.append(2_000 + round(1000 * process.worker.seconds_until_due()))
        if (due_ms := process.orders.desk.due_in_ms()) is not None:
            waits.append(due_ms)
        world.clock.advance_ms(max(200, min(waits)))


def _go(world: World, stretch: Stretch, reached: Callable[[str], None]) -> None:
    """Go a stretch, again from where it was cut short by a death, and some bars more."""
    over_ms = START_MS + (stretch.bars + 1) * STEP_MS + OVER_MS + (STEP_MS if stretch.sleeper else 0)
    process = None
    try:
        process = _start(world, reached if stretch.starts else never)
        process.places.reach_with(reached)
        walk(world, process, over_ms)
        process.places.reach_with(never)
    except Killed:
        if process is not None:
            world.end(process)
        if stretch.asks_after:
            world.ask(stretch.asks_after)
        process = _start(world, never)
    walk(world, process, over_ms + LATER_BARS * STEP_MS)
    world.end(process)


def _start(world: World, reached: Callable[[str], None]) -> Process:
    """Start, as often as it takes until the lease of another machine has run out."""
    for _ in range(LONGEST_TAKE_OVER):
        try:
            return world.start(reached)
        except LeaseError:
            world.clock.sleep(10)
    raise AssertionError("the lease must run out, did not")


def _at_first(wanted: str) -> Callable[[str], None]:
    def reached(place: str) -> None:
        if place == wanted:
            raise Killed(place)

    return reached


def _steady_world(root: Path, style: tuple[str, ...]) -> World:
    world = World(root, SWAP, settings_of(SWAP, *STEADY, *style), prices=Wave())
    for listed, level in LEVELS.items():
        world.exchange.price_override[listed] = lambda at, level=level: _price(level, at, bool(style))
    return world


def _price(level: float, at_ms: int, creeps: bool) -> float:
    if at_ms >= FALLS_MS:
        return FALL * level
    into_the_bar_ms = (at_ms - START_MS) % STEP_MS
    return level * (1 + 1e-5 * min(into_the_bar_ms // CREEP_MS, 2)) if creeps else level


def _end(world: World) -> End:
    units = dict(world.rows("SELECT bot.name, units FROM bot_state JOIN bot ON bot.id = bot_id ORDER BY 1"))
    positions = record.positions(world.exchange, world.account)
    held = {symbol: Fraction(quantity) for (symbol, _), quantity in positions.items()}
    traded: dict[tuple[str, str], Fraction] = {}
    for trade in record.trades(world.exchange, world.account):
        place = (trade.symbol, trade.side)
        traded[place] = traded.get(place, Fraction(0)) + Fraction(trade.quantity)
    return End(units, held, traded)
