"""Six bars and a comment: tables of bars, and a run of the plain Python step over them.

A table is a list of `bar(open, high, low, close, band)`, one line each with the event in its comment. `mirrored` turns
it into the table of the other direction, around a price of 100. Every rule is off unless a test switches it on, the
bots start with 1,000 each, and the first bar opens at 00:00 UTC.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import pytest

from shared.enums import BarStatus, Policy, Reason, Trigger
from shared.quantities import Unit
from shared.settings import Settings
from shared.units import parse_time_ms
from worker.fleet.markets import set_limits
from worker.fleet.plan import make_rules
from worker.market.protocol import Limits
from worker.step.fleet import make_fleet
from worker.step.journal import Fill, Notice
from worker.step.records import Bot, Fleet, Market, Rung
from worker.step.rules import Rules
from worker.step.scopes import Portfolio, Sleeve
from worker.step.step import close_bar, open_bar

NAN = float("nan")
INF = float("inf")
MIDDLE = 100.0
CAPITAL = 1000.0
START_MS = parse_time_ms("2026-01-01")

LONG = (1.0, 1.0)
SHORT = (-1.0, -1.0)
FLAT = (0.0, 0.0)
ANY = (-1.0, 1.0)
NO_LONGS = (-1.0, 0.0)
NO_SHORTS = (0.0, 1.0)
WARMING = (NAN, NAN)

both_sides = pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar and what the strategy says at its close; refuses what cannot be."""

    open: float
    high: float
    low: float
    close: float
    band: tuple[float, float] = FLAT
    stop: float = 0.0
    target: float = 0.0
    atr: float = 0.02
    closed: int = 1
    status: int = BarStatus.FRESH.value
    funding: float = 0.0
    # low, high and close of the time in which an order may rest; those of the bar where there are none
    rests: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        low, high = self.band
        if not 0.0 < self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high:
            raise ValueError(f"bar must hold its open and close between low and high above 0, was {self}")
        if not (-1.0 <= low <= high <= 1.0 or (low != low and high != high)):
            raise ValueError(f"band must be -1 <= low <= high <= 1 or NaN, was {self.band}")
        if self.stop < 0.0 or self.target < 0.0 or self.atr < 0.0:
            raise ValueError(f"stop, target and ATR must not be negative, were {self}")


@dataclass(frozen=True, slots=True)
class Missing:
    """A bar that did not come: the run carries the last close in all four prices."""

    band: tuple[float, float] = FLAT
    atr: float = 0.02


def bar(open: float, high: float, low: float, close: float, band: tuple[float, float] = FLAT, **more: float) -> Bar:
    """Build one line of a table."""
    return Bar(float(open), float(high), float(low), float(close), band, **more)


def still(band: tuple[float, float] = FLAT, price: float = MIDDLE, **more: float) -> Bar:
    """Build a bar in which the price does not move."""
    return bar(price, price, price, price, band, **more)


def mirrored(table: Sequence[Bar | Missing], side: int) -> list[Bar | Missing]:
    """Give a table written for a long, or for side -1 its mirror image around 100 for a short."""
    return list(table) if side == 1 else [_mirror(row) for row in table]


def _mirror(row: Bar | Missing) -> Bar | Missing:
    band = (0.0 - row.band[1], 0.0 - row.band[0])
    if isinstance(row, Missing):
        return replace(row, band=band)
    prices = zip(("open", "high", "low", "close"), (row.open, row.low, row.high, row.close), strict=True)
    rests = row.rests and (2.0 * MIDDLE - row.rests[1], 2.0 * MIDDLE - row.rests[0], 2.0 * MIDDLE - row.rests[2])
    return replace(row, band=band, rests=rests, **{name: 2.0 * MIDDLE - price for name, price in prices})


@dataclass(slots=True)
class Setting(Rules):
    """The rules, and the fee that the markets of a fleet made under them take."""

    fee_rate: float = 0.0


def rules(**changes: float) -> Setting:
    """Give the rules with everything off but what is named."""
    off = {
        "slippage": 0.0,
        "stop": 0.0,
        "trail_activate": 0.0,
        "brakes": 0,
        "policy": Policy.EQUAL.value,
        "rebalance_every": 10**9,
        "confirm_bars": 1,
        "volatility_sizing": 0,
        "edge_to_cost": 0.0,
        "cooldown_ms": 0,
        "min_notional": 0.0,
    }
    return Setting(**(asdict(make_rules(Settings())) | off | changes))


@dataclass(slots=True)
class Step:
    """What one step left: copies of the bots, sleeves and portfolio, and the fills and notices it made."""

    bots: list[Bot]
    sleeves: list[Sleeve]
    portfolio: Portfolio
    markets: list[Market]
    fills: list[Fill]
    notices: list[Notice]

    @property
    def bot(self) -> Bot:
        """The only bot."""
        (bot,) = self.bots
        return bot

    @property
    def reason(self) -> Reason:
        """The only bot's reason."""
        return Reason(self.bot.reason)


@dataclass(slots=True)
class Run:
    """A fleet and what each step left."""

    fleet: Fleet
    steps: list[Step] = field(default_factory=list)

    @property
    def fills(self) -> list[Fill]:
        """All fills in order."""
        return [fill for step in self.steps for fill in step.fills]

    @property
    def notices(self) -> list[Notice]:
        """All notices in order."""
        return [notice for step in self.steps for notice in step.notices]

    @property
    def reasons(self) -> list[Reason]:
        """The only bot's reasons in order."""
        return [step.reason for step in self.steps]

    @property
    def legs(self) -> list[tuple[int, float, float]]:
        """Each fill as (bar it came in, signed quantity, price), rounded to 1e-9."""
        rows = [(number, fill) for number, step in enumerate(self.steps) for fill in step.fills]
        return [(number, round(fill.quantity, 9), round(fill.price, 9)) for number, fill in rows]

    @property
    def triggers(self) -> list[Trigger]:
        """What caused each fill."""
        return [Trigger(fill.trigger) for fill in self.fills]


def units(quantity: float) -> int:
    """Count a quantity in units of 1e-8, as every market here does."""
    return Unit().count(quantity)


def counted(changes: Mapping[str, float]) -> dict[str, float]:
    """Give changes of a bot in which quantities are counted: what is held is kept in both forms."""
    held = {"quantity": changes["quantity"]} if "quantity" in changes else {}
    counts = {
        name.replace("quantity", "units"): units(value) for name, value in changes.items() if name.endswith("quantity")
    }
    return {name: value for name, value in changes.items() if not name.endswith("quantity")} | held | counts


def a_bot(**changes: float) -> Bot:
    """Give a bot with 1,000 of money; what it holds, opened and wants is told in coins, as `…quantity`."""
    money = changes.pop("money", CAPITAL)
    fresh = {"cash": money, "money_in": money, "equity": money, "settled_equity": money, "high_water": money}
    return Bot(**(fresh | {"allocation": money} | counted(changes)))


def a_market(**limits: float) -> Market:
    """Give a market with its fee, and limits told in coins: `quantity_step`, `min_quantity`, `min_notional` (0)."""
    fee_rate = limits.pop("fee_rate", 0.0)
    market = Market(fee_rate=fee_rate, maker_fee_rate=fee_rate)
    set_limits(market, Limits(**({"min_notional": 0.0} | limits)), Settings())
    return market


def ordered(record: Bot | Market) -> float:
    """Give what a bot or a market has ordered, in coins."""
    return Unit().coins(record.order_units)


def a_fleet(
    rules_: Rules,
    bots: Sequence[Bot],
    markets: int = 1,
    ladder: Sequence[tuple[float, float]] = (),
    market: Mapping[str, float] | None = None,
) -> Fleet:
    """Give a fleet whose bots, by index, name their sleeve, market and signal."""
    sleeves = []
    for s in range(1 + max(bot.sleeve for bot in bots)):
        money = sum(bot.cash for bot in bots if bot.sleeve == s)
        sleeves.append(Sleeve(equity=money, settled_equity=money, high_water=money))
    money = sum(bot.cash for bot in bots)
    portfolio = Portfolio(equity=money, settled_equity=money, high_water=money, day_start_equity=money)
    fee = {"fee_rate": getattr(rules_, "fee_rate", 0.0)}
    rows = [a_market(**(fee | dict(market or {}))) for _ in range(markets)]
    signals = 1 + max(bot.signal for bot in bots)
    rungs = [Rung(profit, fraction) for profit, fraction in ladder]
    return make_fleet(rules_, portfolio, sleeves, list(bots), rows, signals, rungs)


Between = Mapping[int, Callable[[Fleet], None]]


def play(
    table: Sequence[Bar | Missing],
    rules_: Rules | None = None,
    bot: Bot | None = None,
    between: Between | None = None,
    ladder: Sequence[tuple[float, float]] = (),
    market: Mapping[str, float] | None = None,
) -> Run:
    """Run one bot over a table; `between` calls a function with the fleet before the bar of that number."""
    fleet = a_fleet(rules_ or rules(), [replace(bot) if bot else a_bot()], 1, ladder, market)
    return play_fleet(fleet, [[row] for row in table], between)


def play_fleet(fleet: Fleet, rows: Sequence[Sequence[Bar | Missing]], between: Between | None = None) -> Run:
    """Run a fleet over rows of one bar per signal; the bars of signals on one market must have the same prices."""
    run = Run(fleet)
    first_ms = START_MS + fleet.portfolio.step * fleet.rules.step_ms
    for number, row in enumerate(rows):
        if between and number in between:
            between[number](fleet)
        _load_row(fleet, row)
        fleet.journal.fills = fleet.journal.notices = 0
        open_ms = first_ms + number * fleet.rules.step_ms
        open_bar(fleet, open_ms)
        close_bar(fleet, open_ms)
        run.steps.append(copied(fleet))
    return run


def copied(fleet: Fleet) -> Step:
    return Step(
        [replace(bot) for bot in fleet.bots],
        [replace(sleeve) for sleeve in fleet.sleeves],
        replace(fleet.portfolio),
        [replace(market) for market in fleet.markets],
        [replace(fill) for fill in fleet.fills[: fleet.journal.fills]],
        [replace(notice) for notice in fleet.notices[: fleet.journal.notices]],
    )


def _load_row(fleet: Fleet, row: Sequence[Bar | Missing]) -> None:
    market_of = {bot.signal: bot.market for bot in fleet.bots}
    for k, (signal, line) in enumerate(zip(fleet.signals, row, strict=True)):
        market = fleet.markets[market_of.get(k, k)]
        signal.low, signal.high = line.band
        signal.atr_fraction = line.atr
        if isinstance(line, Missing):
            market.status = BarStatus.MISSING.value
            market.open = market.high = market.low = market.close
            market.funding_rate = 0.0
            continue
        signal.stop, signal.target, signal.closed = line.stop, line.target, line.closed
        market.open, market.high, market.low, market.close = line.open, line.high, line.low, line.close
        market.status, market.funding_rate = line.status, line.funding
        rests = line.rests or (line.low, line.high, line.close)
        market.patience_low, market.patience_high, market.patience_close = rests
