"""What must hold after every step, checked from independent books kept here out of fills, rates and flows alone.

`open_books` starts them, `write_bar` takes in what one bar did, and each `check_…` compares them with the fleet and
raises AssertionError with the numbers that clash. Nothing here calls the kernel.
"""

import math
from collections import deque
from dataclasses import dataclass, field

from shared.enums import Cause, Level, Reason, Trigger
from worker.step.journal import Fill
from worker.step.records import Fleet

PROTECTIVE = (Trigger.STOP, Trigger.TRAILING_STOP, Trigger.LADDER)
NOISE = 1e-9


@dataclass(slots=True)
class Account:
    """One bot's books: money and quantity, FIFO lots of (quantity, price), and profit realised before costs."""

    cash: float
    money_in: float
    units: int = 0
    quantity: float = 0.0
    fees: float = 0.0
    funding: float = 0.0
    realised: float = 0.0
    lots: deque[list[float]] = field(default_factory=deque)
    exit_level: float = 0.0
    opened_ms: int = -1


@dataclass(slots=True)
class Growth:
    """Equity without flows, as an index: what a drawdown is measured on."""

    settled: float
    index: float = 1.0
    peak: float = 1.0

    def take(self, marked: float, settled: float) -> None:
        """Take in the equity marked in a step and the equity after its flows."""
        if self.settled > 0.0:
            self.index *= marked / self.settled
        self.peak = max(self.peak, self.index)
        self.settled = settled

    @property
    def drawdown(self) -> float:
        """Drawdown as a fraction of the peak."""
        return 1.0 - self.index / self.peak


@dataclass(slots=True)
class Books:
    """Everything the checkers know."""

    accounts: list[Account]
    portfolio_cash: float
    markets: list[int]
    growth: list[Growth]
    sleeve_growth: list[Growth]
    turnover: float
    put_in: float
    # The side of each position a person asked to close, and of each that was closed so and is locked.
    closing: dict[int, int] = field(default_factory=dict)
    locked: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Before:
    """What was so before a bar: orders at the exchange by market, positions, levels, and the portfolio's cash."""

    sent: list[list[int]]
    quantities: list[float]
    levels: list[int]
    cash: float


def open_books(fleet: Fleet) -> Books:
    """Start the books of a fleet that holds no positions."""
    accounts = [Account(bot.cash, bot.cash) for bot in fleet.bots]
    put_in = math.fsum(bot.cash for bot in fleet.bots) + fleet.portfolio.cash
    return Books(
        accounts,
        fleet.portfolio.cash,
        [0] * len(fleet.markets),
        [Growth(bot.equity) for bot in fleet.bots],
        [Growth(sleeve.equity) for sleeve in fleet.sleeves],
        put_in,
        put_in,
    )


def look_before(fleet: Fleet, opens: list[float]) -> Before:
    """Note what is so before a bar; `opens` are its opens, 0 where the bar is missing."""
    sent: list[list[int]] = [[] for _ in fleet.markets]
    for m, market in enumerate(fleet.markets):
        if opens[m] > 0.0 and fleet.rules.netting == 1:
            sent[m].append(market.order_units)
    for bot in fleet.bots:
        if opens[bot.market] > 0.0 and fleet.rules.netting == 0:
            sent[bot.market].append(bot.order_units)
    levels = [_level(fleet, bot) for bot in fleet.bots]
    return Before(sent, [bot.quantity for bot in fleet.bots], levels, fleet.portfolio.cash)


def _level(fleet: Fleet, bot: object) -> int:
    causes = [cause.name.lower() for cause in Cause]
    scopes = (fleet.portfolio, fleet.sleeves[bot.sleeve], bot)
    return max(getattr(scope, f"level_{cause}") for scope in scopes for cause in causes)


def write_bar(books: Books, before: Before, fleet: Fleet, fills: list[Fill]) -> None:
    """Write one bar into the books."""
    for m, orders in enumerate(before.sent):
        books.markets[m] += sum(orders)
    for fill in fills:
        _write_fill(books.accounts[fill.bot], fill)
        books.turnover += abs(fill.quantity * fill.price)
        if fill.trigger in PROTECTIVE:
            books.markets[fill.market] += fill.units
    for bot, account in zip(fleet.bots, books.accounts, strict=True):
        market = fleet.markets[bot.market]
        account.funding += account.quantity * market.close * market.funding_rate
        account.cash -= account.quantity * market.close * market.funding_rate
        if fleet.portfolio.rebalanced == 1:
            account.cash += bot.flow
            account.money_in += bot.flow
            books.portfolio_cash -= bot.flow
    _write_growth(books, fleet)


def _write_growth(books: Books, fleet: Fleet) -> None:
    flows = [bot.flow if fleet.portfolio.rebalanced == 1 else 0.0 for bot in fleet.bots]
    for bot, growth, flow in zip(fleet.bots, books.growth, flows, strict=True):
        growth.take(bot.equity - flow, bot.equity)
    for s, (sleeve, growth) in enumerate(zip(fleet.sleeves, books.sleeve_growth, strict=True)):
        flow = math.fsum(flow for bot, flow in zip(fleet.bots, flows, strict=True) if bot.sleeve == s)
        growth.take(sleeve.equity - flow, sleeve.equity)


def _write_fill(account: Account, fill: Fill) -> None:
    account.cash -= fill.quantity * fill.price + fill.fee
    account.units += fill.units
    account.quantity = account.units / 1e8
    account.fees += fill.fee
    left = fill.quantity
    while left != 0.0 and account.lots and account.lots[0][0] * left < 0.0:
        lot = account.lots[0]
        closed = math.copysign(min(abs(lot[0]), abs(left)), lot[0])
        account.realised += closed * (fill.price - lot[1])
        lot[0] -= closed
        left += closed
        if lot[0] == 0.0:
            account.lots.popleft()
    if left != 0.0:
        account.lots.append([left, fill.price])


def check_money(books: Books, fleet: Fleet) -> None:
    """Each bot's cash and quantity follow from its fills, fees, funding and transfers alone."""
    for b, (bot, account) in enumerate(zip(fleet.bots, books.accounts, strict=True)):
        _equal(f"cash of bot {b}", bot.cash, account.cash, books.turnover)
        assert bot.units == account.units, f"bot {b} must hold {account.units} units, was {bot.units}"
        assert bot.quantity == bot.units / 1e8, f"bot {b} must hold {bot.units / 1e8!r}, was {bot.quantity!r}"
        _equal(f"fees of bot {b}", bot.fees_paid, account.fees, books.turnover)
        _equal(f"funding of bot {b}", bot.funding_paid, account.funding, books.turnover)
        _equal(f"money put into bot {b}", bot.money_in, account.money_in, books.turnover)


def check_transfers(before: Before, fleet: Fleet) -> None:
    """The transfers of a rebalance, the portfolio's own cash among them, sum to exactly 0."""
    flows = [bot.flow for bot in fleet.bots] if fleet.portfolio.rebalanced == 1 else []
    total = math.fsum([*flows, fleet.portfolio.cash - before.cash])
    assert total == 0.0, f"transfers must sum to 0, was {total!r}"


def check_accounts(books: Books, fleet: Fleet) -> None:
    """The bots' quantities on a market sum to what its orders and protective exits made."""
    for m, units in enumerate(books.markets):
        held = sum(bot.units for bot in fleet.bots if bot.market == m)
        assert held == units, f"bots must hold {units} units on market {m}, was {held}"


def check_equity(fleet: Fleet) -> None:
    """Equity is cash and positions at the close, for a bot, its sleeve and the portfolio."""
    portfolio = fleet.portfolio
    scale = abs(portfolio.equity) + math.fsum(abs(bot.equity) for bot in fleet.bots) + 1.0
    for b, bot in enumerate(fleet.bots):
        marked = bot.cash + bot.quantity * fleet.markets[bot.market].close
        _equal(f"equity of bot {b}", bot.equity, marked, scale)
    for s, sleeve in enumerate(fleet.sleeves):
        bots = math.fsum(bot.equity for bot in fleet.bots if bot.sleeve == s)
        _equal(f"equity of sleeve {s}", sleeve.equity, bots, scale)
    total = math.fsum(bot.equity for bot in fleet.bots) + portfolio.cash
    _equal("equity of the portfolio", portfolio.equity, total, scale)


def check_profit(books: Books, fleet: Fleet) -> None:
    """Realised and unrealised profit less fees and funding are equity less the money put in."""
    made = 0.0
    for bot, account in zip(fleet.bots, books.accounts, strict=True):
        close = fleet.markets[bot.market].close
        open_profit = math.fsum(quantity * (close - price) for quantity, price in account.lots)
        made += account.realised + open_profit - account.fees - account.funding
    _equal("profit", made, fleet.portfolio.equity - books.put_in, books.turnover)


def check_levels(before: Before, fleet: Fleet, fills: list[Fill]) -> None:
    """No order increases a position at NO_ENTRIES or above; at HALTED there is none, and no protective exit."""
    for b, bot in enumerate(fleet.bots):
        if _level(fleet, bot) >= Level.NO_ENTRIES:
            assert not _grows(bot), f"bot {b} at level {bot.level} holds {bot.units} and ordered {bot.order_units}"
        if _level(fleet, bot) >= Level.HALTED:
            assert bot.order_units == 0, f"bot {b} ordered {bot.order_units} at HALTED"
        if before.levels[b] >= Level.HALTED:
            exits = [fill for fill in fills if fill.bot == b and fill.trigger in PROTECTIVE]
            assert not exits, f"bot {b} exited at HALTED: {exits}"


def write_close(books: Books, fleet: Fleet, b: int) -> None:
    """Write down that a person asks for the position of a bot to be closed."""
    side = _side(fleet, b)
    if side != 0:
        books.closing[b] = side


def check_closes(books: Books, fleet: Fleet) -> None:
    """What a person asked to close never grows and is ordered closed until it is; then its side is locked."""
    for b, side in list(books.closing.items()):
        bot, held = fleet.bots[b], _side(fleet, b)
        if held == 0:
            books.locked[b] = books.closing.pop(b)
            continue
        assert held == side, f"bot {b} is to be closed on side {side} and holds side {held}"
        if _level(fleet, bot) < Level.FLATTEN:
            assert bot.reason == Reason.CLOSE, f"bot {b} is to be closed and decided {Reason(bot.reason).name}"
        assert not _grows(bot), f"bot {b} is to be closed, holds {bot.units} and ordered {bot.order_units}"
    for b, side in list(books.locked.items()):
        bot = fleet.bots[b]
        if bot.confirmed * side <= 0.0:
            del books.locked[b]
        else:
            is_entry = _grows(bot) and (bot.units + bot.order_units) * side > 0
            assert not is_entry, f"bot {b} is locked on side {side} and ordered {bot.order_units}"


def _side(fleet: Fleet, b: int) -> int:
    units = fleet.bots[b].units
    return 0 if abs(units) < fleet.markets[fleet.bots[b].market].min_units else (1 if units > 0 else -1)


def _grows(bot: object) -> bool:
    after = bot.units + bot.order_units
    return abs(after) > abs(bot.units) or after * bot.units < 0


def check_exit_levels(books: Books, fleet: Fleet) -> None:
    """The protective level of an open long never falls, of a short never rises."""
    for b, (bot, account) in enumerate(zip(fleet.bots, books.accounts, strict=True)):
        is_held = abs(bot.units) >= fleet.markets[bot.market].min_units
        is_same = account.opened_ms == bot.opened_ms and is_held
        if is_same and account.exit_level > 0.0:
            direction = math.copysign(1.0, bot.quantity)
            moved = direction * (bot.exit_level - account.exit_level)
            assert moved >= 0.0, f"level of bot {b} must not move away from {account.exit_level}, was {bot.exit_level}"
        account.exit_level, account.opened_ms = bot.exit_level, bot.opened_ms


def check_drawdowns(books: Books, fleet: Fleet) -> None:
    """Flows change no drawdown: each is that of the equity without flows. Only while the brakes are on."""
    scopes = [*zip(fleet.bots, books.growth, strict=True), *zip(fleet.sleeves, books.sleeve_growth, strict=True)]
    for n, (scope, growth) in enumerate(scopes):
        if scope.equity > 1.0 and growth.index > 0.01:
            drawdown = 1.0 - scope.equity / scope.high_water
            assert abs(drawdown - growth.drawdown) < 1e-6, (
                f"drawdown of scope {n} must be {growth.drawdown}, was {drawdown}"
            )


def _equal(what: str, was: float, expected: float, scale: float) -> None:
    assert abs(was - expected) <= NOISE * max(1.0, scale), f"{what} must be {expected!r}, was {was!r}"
