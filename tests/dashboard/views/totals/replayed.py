"""Every mark of every scope again, bar by bar, from fills, funding, transfers and closes alone.

Plain Python, and nothing of the dashboard or the worker. A mark at a bar's close holds what was filled until then, what
was stopped out at that close, and the money moved there; orders filled at the next open come after it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection

from tests.dashboard.queries.recomputed import DAY_MS, PROTECTIVE, STEPPED_CANDLES, Account, rows

BEFORE, MARK, AFTER = 0, 1, 2


@dataclass(frozen=True)
class Mark:
    """What a scope was worth at a time; `exposure` is gross, `arrived` what people had put in or taken out by then."""

    time_ms: int
    equity: float
    money_in: float
    arrived: float
    open_profit: float
    exposure: float

    def __add__(self, other: "Mark") -> "Mark":
        return Mark(
            max(self.time_ms, other.time_ms),
            self.equity + other.equity,
            self.money_in + other.money_in,
            self.arrived + other.arrived,
            self.open_profit + other.open_profit,
            self.exposure + other.exposure,
        )


class Curve:
    """The marks of one scope, the first when the books were opened; `now` is the newest."""

    def __init__(self, marks: list[Mark], now: Mark) -> None:
        self.marks = marks
        self.now = now

    @property
    def growth(self) -> list[float]:
        """What 1 put in at the opening would be at each mark, flows left out."""
        grown = [1.0]
        for before, mark in pairwise(self.marks):
            grown.append(grown[-1] * growth_between(before, mark))
        return grown

    @property
    def drawdowns(self) -> list[float]:
        """How far each mark is below the highest until then, flows left out."""
        highest, found = 0.0, []
        for grown in self.growth:
            highest = max(highest, grown)
            found.append(1.0 - grown / highest)
        return found

    @property
    def drawdown_now(self) -> float:
        """How far the books of now are below the highest mark."""
        grown = self.growth
        return max(0.0, 1.0 - grown[-1] * growth_between(self.marks[-1], self.now) / max(grown))

    def since(self, time_ms: int) -> "Curve":
        """Give the marks from the last one at or before a time, as if nothing had been before; else all."""
        return Curve(self.marks[self.at(max(time_ms, self.marks[0].time_ms)) :], self.now)

    def at(self, time_ms: int) -> int:
        """Give which mark is the last one at or before a time."""
        return max(at for at, mark in enumerate(self.marks) if mark.time_ms <= time_ms)

    def days(self) -> list[int]:
        """Give which marks are the last of their UTC day (a mark at midnight ends the day before), the first among
        them."""
        last = {-1: 0} | {(mark.time_ms - 1) // DAY_MS: at for at, mark in enumerate(self.marks) if at}
        return list(last.values())

    def daily_returns(self) -> list[float]:
        """Give the return of each day, flows left out."""
        grown = self.growth
        days = self.days()
        return [grown[at] / grown[before] - 1.0 for before, at in pairwise(days)]


def growth_between(before: Mark, mark: Mark) -> float:
    """Give what became of 1 from one mark to the next, as `docs/kernel.md` says.

    What people put in or take out counts from the mark before it; a rebalance is made at the mark that holds it.
    """
    arrived = mark.arrived - before.arrived
    moved = mark.money_in - before.money_in - arrived
    start = before.equity + arrived
    return (mark.equity - moved) / start if before.equity > 0.0 and start > 0.0 else 1.0


@dataclass
class Replay:
    """The curves of all bots by name, and of the cash that no bot holds."""

    bots: dict[str, Curve]
    cash: Curve
    sleeve_of: dict[str, str]

    def sleeve(self, name: str) -> Curve:
        """Sum the bots of a sleeve."""
        return summed([curve for bot, curve in self.bots.items() if self.sleeve_of[bot] == name])

    @property
    def portfolio(self) -> Curve:
        """Sum all bots and the cash."""
        return summed([*self.bots.values(), self.cash])


def summed(curves: list[Curve]) -> Curve:
    """Sum curves mark by mark."""

    def plus(marks: Iterable[Mark]) -> Mark:
        first, *others = marks
        return sum(others, first)

    return Curve(
        [plus(marks) for marks in zip(*(curve.marks for curve in curves), strict=True)], plus(c.now for c in curves)
    )


class _Books:
    """What stands at one moment of the replay."""

    def __init__(self, accounts: dict[int, Account]) -> None:
        self.accounts = accounts
        self.cash = 0.0
        # By the bot, None for the cash that no bot holds.
        self.arrived: dict[int | None, float] = dict.fromkeys([*accounts, None], 0.0)
        self.closes: dict[str, float] = {}

    def mark(self, time_ms: int) -> tuple[dict[str, Mark], Mark]:
        found = {}
        for bot, account in self.accounts.items():
            close = self.closes.get(account.symbol, 0.0)
            worth = (account.equity(close), account.money_in, self.arrived[bot])
            found[account.name] = Mark(time_ms, *worth, account.open_profit(close), abs(account.quantity) * close)
        return found, Mark(time_ms, self.cash, self.cash, self.arrived[None], 0.0, 0.0)

    def fill(self, row: dict[str, Any]) -> None:
        self.accounts[row["bot_id"]].fill(row)

    def fund(self, row: dict[str, Any]) -> None:
        self.accounts[row["bot_id"]].cash += row["amount"]
        self.accounts[row["bot_id"]].funding += row["amount"]

    def move(self, row: dict[str, Any]) -> None:
        if row["kind"] != "REBALANCE":
            self.arrived[row["bot_id"]] += row["amount"]
        if row["bot_id"] is None:
            self.cash += row["amount"]
            return
        self.accounts[row["bot_id"]].cash += row["amount"]
        self.accounts[row["bot_id"]].money_in += row["amount"]

    def close(self, row: dict[str, Any]) -> None:
        self.closes[row["symbol"]] = row["close"]


def replay(connection: Connection) -> Replay:
    """Go through the books bar by bar."""
    bots = rows(connection, "SELECT bot.*, sleeve.name AS sleeve FROM bot JOIN sleeve ON sleeve.id = sleeve_id")
    books = _Books({bot["id"]: Account(bot["name"], bot["sleeve"], bot["symbol"]) for bot in bots})
    happened: list[tuple[int, int, Callable[[dict[str, Any]], None] | None, dict[str, Any]]] = []
    for row in rows(connection, "SELECT * FROM transfer ORDER BY id"):
        happened.append((row["time_ms"], BEFORE, books.move, row))
    for row in rows(connection, "SELECT * FROM funding ORDER BY id"):
        happened.append((row["time_ms"], BEFORE, books.fund, row))
    for row in rows(connection, "SELECT * FROM fill ORDER BY id"):
        happened.append((row["time_ms"], BEFORE if row["trigger"] in PROTECTIVE else AFTER, books.fill, row))
    candles = rows(
        connection, f"SELECT symbol, open_ms, open_ms + timeframe_ms AS close_ms, close FROM ({STEPPED_CANDLES})"
    )
    for row in candles:
        happened.append((row["close_ms"], BEFORE, books.close, row))
    opened_ms = min(row["open_ms"] for row in candles)
    for time_ms in {opened_ms, *(row["close_ms"] for row in candles)}:
        happened.append((time_ms, MARK, None, {}))
    return _gone_through(books, sorted(happened, key=lambda event: event[:2]))


def _gone_through(books: _Books, happened: list) -> Replay:
    marks: dict[str, list[Mark]] = {account.name: [] for account in books.accounts.values()}
    cash: list[Mark] = []
    for time_ms, _, act, row in happened:
        if act is not None:
            act(row)
            continue
        own, free = books.mark(time_ms)
        cash.append(free)
        for name, mark in own.items():
            marks[name].append(mark)
    curves = {name: Curve(found, found[-1]) for name, found in marks.items()}
    return Replay(curves, Curve(cash, cash[-1]), {account.name: account.sleeve for account in books.accounts.values()})
