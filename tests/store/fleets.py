"""Fleets for the tests of the store: registered, with records as a step would leave them."""

import random
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from shared.enums import Reason, ScopeKind
from shared.units import HOUR_MS
from worker.step.records import Bot, Market
from worker.step.scopes import Portfolio, Sleeve
from worker.store.decisions import save_decisions
from worker.store.equity import EquityMark, save_equity
from worker.store.fleet import BotIdentity, PortfolioIdentity, RegisteredFleet, register_fleet
from worker.store.orders import FillRow, save_fills
from worker.store.states import save_states

IDENTITY = PortfolioIdentity("flotilla", "USDT", HOUR_MS, "simulated market, seed 7", "paper")
START_MS = 1_767_225_600_000
PREFIXES = {"mean_reversion": "mr", "breakout": "bo", "trend_following": "tf"}


def wanted_bots(symbols: int = 3, sets: int = 3) -> list[BotIdentity]:
    """Three strategies over symbols and parameter sets."""
    bots = []
    for strategy, prefix in PREFIXES.items():
        for at in range(symbols):
            for number in range(1, sets + 1):
                name = f"{prefix}_c{at}_usdt_1h_p{number}"
                bots.append(BotIdentity(name, strategy, strategy, f"C{at}/USDT", "1h", (10.0 * number, 2.0), "paper"))
    return bots


@dataclass
class Books:
    """A registered fleet and the records of its steps."""

    fleet: RegisteredFleet
    portfolio: Portfolio = field(default_factory=Portfolio)
    sleeves: list[Sleeve] = field(default_factory=list)
    bots: list[Bot] = field(default_factory=list)
    market_keys: list[tuple[str, str]] = field(default_factory=list)
    markets: list[Market] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def __post_init__(self) -> None:
        self.sleeves = [Sleeve() for _ in self.fleet.sleeves]
        self.bots = [Bot(cash=1000.0, equity=1000.0) for _ in self.fleet.bots]
        self.market_keys = list(dict.fromkeys((bot.account, bot.symbol) for bot in self.fleet.bots))
        self.markets = [Market() for _ in self.market_keys]

    def step(self, fills: float = 0.02, changes: float = 0.15) -> int:
        """Move on by an hour; `changes` is the share of bots whose reason becomes another. Gives the close."""
        self.portfolio.step += 1
        self.portfolio.time_ms = START_MS + self.portfolio.step * HOUR_MS
        for bot in self.bots:
            bot.ordered = int(self.chance.random() < fills)
            if self.chance.random() < changes:
                bot.reason = self.chance.choice(list(Reason)).value
            bot.equity += self.chance.gauss(0.0, 1.0)
            bot.reason_value, bot.reason_limit = self.chance.random(), 0.5
        return self.portfolio.time_ms + HOUR_MS

    def marks(self) -> list[EquityMark]:
        """What each scope is worth."""
        fleet = self.fleet
        marks = [EquityMark(ScopeKind.PORTFOLIO, fleet.portfolio_id, 1.0, 0.0, 0.0, 0.0, 0.0, 0.1)]
        marks += [EquityMark(ScopeKind.SLEEVE, sleeve.id, 2.0, 0.0, 0.0, 0.0, 0.0, 0.1) for sleeve in fleet.sleeves]
        for registered, bot in zip(fleet.bots, self.bots, strict=True):
            marks.append(EquityMark(ScopeKind.BOT, registered.id, bot.equity, bot.cash, 0.0, 0.0, 1000.0, 0.1))
        return marks

    def fills(self, time_ms: int) -> list[FillRow]:
        """A fill for each bot that ordered."""
        return [
            make_fill(registered, time_ms, self.portfolio.step)
            for registered, bot in zip(self.fleet.bots, self.bots, strict=True)
            if bot.ordered
        ]

    def save(self, connection: Connection, close_ms: int) -> None:
        """Write a step as the worker does."""
        fleet, step = self.fleet, self.portfolio.step
        save_fills(connection, fleet.portfolio_id, self.fills(close_ms))
        save_decisions(
            connection, fleet.portfolio_id, [bot.id for bot in fleet.bots], self.bots, step, self.portfolio.time_ms
        )
        save_equity(connection, step, close_ms, self.marks())
        save_states(connection, fleet, self.portfolio, self.sleeves, self.bots, self.market_keys, self.markets)


def make_fill(bot: Any, time_ms: int, step: int = 1, quantity: float = 0.1, **changes: Any) -> FillRow:
    """A plain fill of a registered bot."""
    values = {
        "bot_id": bot.id,
        "sleeve_id": bot.sleeve_id,
        "symbol": bot.symbol,
        "time_ms": time_ms,
        "step": step,
        "leg": 1,
        "trigger": 0,
        "units": round(quantity * 1e8),
        "quantity": quantity,
        "price": 100.0,
        "fee": 0.01,
        "fee_currency": "USDT",
        "crossed_units": 0,
        "crossed": 0.0,
        "saved": 0.0,
        "best_price": 100.0,
        "worst_price": 100.0,
    }
    return FillRow(**(values | changes))


def open_books(connection: Connection, symbols: int = 3, sets: int = 3) -> Books:
    """Register a fleet and give its books."""
    return Books(register_fleet(connection, IDENTITY, wanted_bots(symbols, sets), START_MS))
