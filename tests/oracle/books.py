"""What a run keeps: bots with their positions, sleeves, the portfolio, orders on their way, fills."""

from array import array
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.enums import Leg, Level, Trigger
from tests.oracle.quantities import Measure, sign, total
from tests.oracle.world import BotWorld, World

Rungs = tuple[tuple[float, float], ...]


@dataclass(slots=True)
class Position:
    """What is known of an open position, from flat to flat; `target_units` is its size at the confirmed `exposure`."""

    direction: int
    entry: float
    best: float
    opened_units: int
    target_units: int
    exposure: float
    stop: float
    rungs: Rungs
    rungs_fired: int = 0
    level: float | None = None
    level_trigger: Trigger = Trigger.STOP

    @property
    def fraction_open(self) -> float:
        """Give what the ladder has left of the position as first opened."""
        left = 1.0
        for _, fraction in self.rungs[: self.rungs_fired]:
            left -= fraction
        return left


@dataclass(slots=True)
class Scope:
    """What brakes and allocation keep of a bot, a sleeve or the portfolio; `settled` is the equity after flows."""

    equity: float
    settled: float
    high_water: float
    mean: float = 0.0
    variance: float = 0.0
    drawdown_tripped: bool = False


@dataclass(slots=True)
class Bot:
    """A bot's money, position and mind."""

    world: BotWorld
    measure: Measure
    scope: Scope
    cash: float
    allocation: float
    units: int = 0
    position: Position | None = None
    confirmed: float = 0.0
    streak_sign: int = 0
    streak_bars: int = 0
    is_unconfirmed: bool = False
    locked_sign: int = 0
    last_fill_ms: int | None = None
    is_closing: bool = False
    is_ruined: bool = False
    score: float = 0.0
    rebalanced_equity: float = 0.0

    @property
    def direction(self) -> int:
        """Give 1 for long, −1 for short, 0 for flat: dust is flat."""
        return 0 if self.position is None else self.position.direction


@dataclass(slots=True)
class Share:
    """One bot's part in an order, `crossed` of its units in house; the rest is what a position it opens is to know."""

    bot: int
    units: int
    target_units: int
    trigger: Trigger
    exposure: float
    stop: float
    rungs: Rungs
    crossed: int = 0


class Fill(NamedTuple):
    """One leg of one bot; `units` are signed, `crossed_units` of them traded in house."""

    time_ms: int
    bot: int
    leg: Leg
    trigger: Trigger
    units: int
    price: float
    fee: float
    crossed_units: int


@dataclass(slots=True)
class Fleet:
    """All books. `orders` are the shares decided at the last close, by market."""

    bots: list[Bot]
    sleeves: list[Scope]
    sleeve_bots: list[list[Bot]]
    portfolio: Scope
    day: int
    day_start: float
    is_daily_tripped: bool = False
    orders: dict[int, list[Share]] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    order_count: int = 0

    def level(self, bot: Bot) -> Level:
        """Give the highest level over the bot, its sleeve and the portfolio."""
        if bot.is_ruined or self.portfolio.drawdown_tripped:
            return Level.FLATTEN
        tripped = self.is_daily_tripped or self.sleeves[bot.world.sleeve].drawdown_tripped
        return Level.NO_ENTRIES if tripped or bot.scope.drawdown_tripped else Level.RUNNING


@dataclass(slots=True)
class Run:
    """What came of it: all fills, and per bot a value for every bar's close."""

    fills: list[Fill]
    reasons: list[array]
    units: list[list[int]]
    cash: list[array]
    equity: list[array]
    portfolio_equity: array
    orders: int

    def note(self, place: int, reason: int, units: int, cash: float, equity: float) -> None:
        """Note one bot at one bar's close."""
        self.reasons[place].append(reason)
        self.units[place].append(units)
        self.cash[place].append(cash)
        self.equity[place].append(equity)


def empty_run(bots: int) -> Run:
    """Give a run without a bar."""

    def columns(kind: str) -> list[array]:
        return [array(kind) for _ in range(bots)]

    return Run([], columns("b"), [[] for _ in range(bots)], columns("d"), columns("d"), array("d"), 0)


def open_fleet(world: World) -> Fleet:
    """Give a fresh fleet, every bot with its capital."""
    day = world.open_ms[0] // (24 * 3_600_000)
    bots = [_fresh_bot(world, bot) for bot in world.bots]
    sleeve_bots = [[bot for bot in bots if bot.world.sleeve == s] for s in range(len(world.sleeve_weights))]
    sleeves = [_fresh_scope(total(bot.cash for bot in members)) for members in sleeve_bots]
    money = total(bot.cash for bot in bots)
    return Fleet(bots, sleeves, sleeve_bots, _fresh_scope(money), day, money)


def _fresh_bot(world: World, bot: BotWorld) -> Bot:
    scope = _fresh_scope(bot.capital)
    measure = world.markets[bot.market].measure
    return Bot(bot, measure, scope, bot.capital, bot.capital, rebalanced_equity=bot.capital)


def _fresh_scope(money: float) -> Scope:
    return Scope(equity=money, settled=money, high_water=money)


def book(fleet: Fleet, fill: Fill, share: Share | None = None) -> None:
    """Change a bot's money and position by a fill; one that opens is told by its share what was decided."""
    bot = fleet.bots[fill.bot]
    quantity = bot.measure.base(fill.units)
    bot.cash -= quantity * fill.price + fill.fee
    _move_position(bot, fill, share)
    bot.units += fill.units
    bot.last_fill_ms = fill.time_ms
    if abs(bot.units) < bot.measure.min_units:
        # A position that a person closed is locked as one that was stopped out.
        bot.locked_sign = bot.direction if bot.is_closing else bot.locked_sign
        bot.position, bot.is_closing = None, False
    fleet.fills.append(fill)


def _move_position(bot: Bot, fill: Fill, share: Share | None) -> None:
    position = bot.position
    if position is None and share is not None:
        units = bot.units + fill.units
        bot.position = _opened(share, fill.price, abs(units))
    elif position is not None and sign(fill.units) == position.direction:
        held, added = bot.measure.base(abs(bot.units)), bot.measure.base(abs(fill.units))
        position.entry = (held * position.entry + added * fill.price) / (held + added)


def _opened(share: Share, price: float, units: int) -> Position:
    return Position(
        direction=sign(share.units),
        entry=price,
        best=price,
        opened_units=units,
        target_units=share.target_units,
        exposure=share.exposure,
        stop=share.stop,
        rungs=share.rungs,
    )
