"""The books again, from fills, funding and money put in alone: plain Python, and nothing of the dashboard."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

DAY_MS = 86_400_000
PROTECTIVE = ("STOP", "TRAILING_STOP", "LADDER")
DUST = 1e-8
# Those of the bars that were stepped: strategies were warmed up with the ones before.
STEPPED_CANDLES = """SELECT * FROM candle WHERE open_ms >= (SELECT min(from_ms) FROM
  (SELECT from_ms FROM decision UNION ALL SELECT from_ms FROM open_decision) AS stretches) ORDER BY open_ms"""


@dataclass
class Trip:
    """A position from flat to flat."""

    bot: str
    sleeve: str
    symbol: str
    side: str
    opened_ms: int
    closed_ms: int = 0
    profit: float = 0.0
    fees: float = 0.0
    exit_reason: str = ""
    fills: int = 0
    # the largest size held
    quantity: float = 0.0
    # sizes and what was paid and got for them
    entered: float = 0.0
    entered_quote: float = 0.0
    left: float = 0.0
    left_quote: float = 0.0
    last_price: float = 0.0

    @property
    def entry_price(self) -> float:
        return self.entered_quote / self.entered

    @property
    def exit_price(self) -> float:
        return self.left_quote / self.left


@dataclass
class Account:
    """One bot's money and position."""

    name: str
    sleeve: str
    symbol: str
    cash: float = 0.0
    money_in: float = 0.0
    quantity: float = 0.0
    fees: float = 0.0
    funding: float = 0.0
    saved: float = 0.0
    realised: float = 0.0
    lots: deque = field(default_factory=deque)
    trips: list[Trip] = field(default_factory=list)
    running: Trip | None = None

    def fill(self, row: dict[str, Any]) -> None:
        """Take a leg: an opening one makes a lot, a closing one eats the oldest."""
        quantity, price, fee = row["quantity"], row["price"], row["fee"]
        self.cash -= quantity * price + fee
        self.fees += fee
        self.saved += row["saved"]
        if row["leg"] == "OPEN":
            if self.running is None:
                side = "BUY" if quantity > 0 else "SELL"
                self.running = Trip(self.name, self.sleeve, self.symbol, side, row["time_ms"])
            self.lots.append([quantity, price, fee])
            self.running.entered += abs(quantity)
            self.running.entered_quote += abs(quantity) * price
        else:
            self._close(-quantity, price, fee)
        self.quantity += quantity
        if self.running is None:
            return
        self.running.fees += fee
        self.running.fills += 1
        self.running.quantity = max(self.running.quantity, abs(self.quantity))
        if abs(self.quantity) < DUST:
            self.running.closed_ms, self.running.exit_reason = row["time_ms"], row["trigger"]
            self.trips.append(self.running)
            self.running, self.quantity = None, 0.0

    def _close(self, quantity: float, price: float, fee: float) -> None:
        profit, left = -fee, quantity
        while abs(left) > DUST and self.lots:
            lot = self.lots[0]
            part = min(abs(left), abs(lot[0])) * (1 if lot[0] > 0 else -1)
            share = part / lot[0]
            profit += part * (price - lot[1]) - lot[2] * share
            lot[2] -= lot[2] * share
            lot[0] -= part
            left -= part
            if abs(lot[0]) < DUST:
                self.lots.popleft()
        self.realised += profit
        assert self.running is not None, f"{self.name} closes what it never opened"
        self.running.profit += profit
        self.running.left += abs(quantity)
        self.running.left_quote += abs(quantity) * price
        self.running.last_price = price

    def open_profit(self, close: float) -> float:
        """What the open lots would make at a price, less the fees they carry."""
        return sum(quantity * (close - price) - fee for quantity, price, fee in self.lots)

    def equity(self, close: float) -> float:
        """Cash and position at a price."""
        return self.cash + self.quantity * close


@dataclass
class Books:
    """All accounts, the portfolio's own cash, and the last close of each symbol."""

    accounts: dict[str, Account]
    cash: float
    closes: dict[str, float]
    fills: list[dict[str, Any]]

    @property
    def trips(self) -> list[Trip]:
        return [trip for account in self.accounts.values() for trip in account.trips]

    def total(self, name: str) -> float:
        """Sum a field of the accounts."""
        return sum(getattr(account, name) for account in self.accounts.values())

    @property
    def equity(self) -> float:
        return self.cash + sum(account.equity(self.closes[account.symbol]) for account in self.accounts.values())

    @property
    def money_in(self) -> float:
        return self.cash + self.total("money_in")

    @property
    def open_profit(self) -> float:
        return sum(account.open_profit(self.closes[account.symbol]) for account in self.accounts.values())


def rows(connection: Connection, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    """Read rows as dicts."""
    return [dict(row) for row in connection.exec_driver_sql(sql, parameters).mappings()]


def recompute(connection: Connection, until_ms: int | None = None) -> Books:
    """Go through the books again, to the end or to the marks at a midnight."""
    end_ms = 2**62 if until_ms is None else until_ms
    bots = rows(connection, "SELECT bot.*, sleeve.name AS sleeve FROM bot JOIN sleeve ON sleeve.id = sleeve_id")
    accounts = {bot["id"]: Account(bot["name"], bot["sleeve"], bot["symbol"]) for bot in bots}
    cash = 0.0
    for move in rows(connection, "SELECT * FROM transfer WHERE time_ms <= ?", end_ms):
        if move["bot_id"] is None:
            cash += move["amount"]
            continue
        accounts[move["bot_id"]].cash += move["amount"]
        accounts[move["bot_id"]].money_in += move["amount"]
    for paid in rows(connection, "SELECT * FROM funding WHERE time_ms <= ?", end_ms):
        accounts[paid["bot_id"]].cash += paid["amount"]
        accounts[paid["bot_id"]].funding += paid["amount"]
    fills = rows(connection, "SELECT fill.*, bot.name AS bot FROM fill JOIN bot ON bot.id = bot_id ORDER BY fill.id")
    # What fills at a midnight's open came after its marks, what was stopped out at that close came before.
    taken = [
        fill
        for fill in fills
        if fill["time_ms"] < end_ms or (fill["time_ms"] == end_ms and fill["trigger"] in PROTECTIVE)
    ]
    for fill in taken:
        accounts[fill["bot_id"]].fill(fill)
    closes = {
        bar["symbol"]: bar["close"]
        for bar in rows(
            connection, "SELECT symbol, close FROM candle WHERE open_ms + timeframe_ms <= ? ORDER BY open_ms", end_ms
        )
    }
    return Books({account.name: account for account in accounts.values()}, cash, closes, taken)
