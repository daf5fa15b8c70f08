"""What the pages should show, worked out from fills, funding, transfers, closes and settings alone.

Every figure is written out here as `docs/metrics.md` says it, once more and apart from the program.
"""

import json
import math
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from sqlalchemy import Connection

from tests.dashboard.queries.recomputed import (
    DAY_MS,
    PROTECTIVE,
    STEPPED_CANDLES,
    Account,
    Books,
    Trip,
    recompute,
    rows,
)
from tests.dashboard.views.totals.replayed import Curve, Replay, growth_between, replay

HOUR_MS = 3_600_000
YEAR_MS = 365 * DAY_MS
Z = 1.959963984540054
NAN = float("nan")


@dataclass
class Ledger:
    """The books of now and of the newest mark, every mark, and the bars and settings that levels follow from."""

    books: Books
    marked: Books
    replay: Replay
    bars: dict[str, list[dict[str, Any]]]
    risk: dict[str, Any]
    risks: dict[int, dict[str, Any]]
    step_ms: int
    steps: int
    now_ms: int
    orders: list[dict[str, Any]]
    transfers: list[dict[str, Any]]
    names: dict[int, str]
    events: list[dict[str, Any]]
    rebalances: list[int]
    allocations: list[dict[str, Any]]

    @property
    def midnight_ms(self) -> int:
        return self.now_ms // DAY_MS * DAY_MS

    @property
    def accounts(self) -> list[Account]:
        return list(self.books.accounts.values())

    def close(self, account: Account) -> float:
        return self.books.closes[account.symbol]

    def notional(self, account: Account) -> float:
        return account.quantity * self.close(account)

    def then(self, account: Account) -> Account:
        """Give an account as of the newest mark."""
        return self.marked.accounts[account.name]

    def equity(self, account: Account) -> float:
        return self.then(account).equity(self.close(account))

    def profit(self, account: Account) -> float:
        return self.equity(account) - self.then(account).money_in

    def fills_since(self, time_ms: int) -> list[dict[str, Any]]:
        """Give what the marks after one of a time hold."""
        return [fill for fill in self.marked.fills if marked_ms(fill) >= time_ms]

    def held(self) -> list[Account]:
        return [account for account in self.accounts if account.running is not None]

    def curve(self, kind: str, name: str = "") -> Curve:
        if kind == "PORTFOLIO":
            return self.replay.portfolio
        return self.replay.sleeve(name) if kind == "SLEEVE" else self.replay.bots[name]

    def today_fraction(self) -> float:
        """Give the return since midnight, flows left out."""
        curve = self.replay.portfolio
        grown, at = curve.growth, curve.at(self.midnight_ms)
        return grown[-1] / grown[at] * growth_between(curve.marks[-1], curve.now) - 1.0

    def trips_of(self, names: set[str]) -> list[Trip]:
        return [trip for trip in self.books.trips if trip.bot in names]


def read(connection: Connection) -> Ledger:
    """Work out the ledger of books."""
    books = recompute(connection)
    versions = rows(connection, "SELECT id, settings FROM settings_version ORDER BY last_ms, id")
    risks = {row["id"]: json.loads(row["settings"])["risk"] for row in versions}
    bars: dict[str, list[dict[str, Any]]] = {}
    for bar in rows(connection, STEPPED_CANDLES):
        bars.setdefault(bar["symbol"], []).append(bar)
    opens = sorted({bar["open_ms"] for own in bars.values() for bar in own})
    step_ms = min(bar["timeframe_ms"] for bar in next(iter(bars.values())))
    return Ledger(
        books,
        recompute(connection, opens[-1] + step_ms),
        replay(connection),
        bars,
        risks[versions[-1]["id"]],
        risks,
        step_ms,
        (opens[-1] - opens[0]) // step_ms + 1,
        opens[-1] + step_ms,
        rows(connection, 'SELECT * FROM "order"'),
        rows(connection, "SELECT * FROM transfer ORDER BY time_ms DESC, id DESC"),
        {row["id"]: row["name"] for row in rows(connection, "SELECT id, name FROM bot")},
        rows(connection, "SELECT * FROM event WHERE kind IN ('DRAWDOWN_WARNED', 'DRAWDOWN_TRIPPED') ORDER BY id"),
        [row["time_ms"] for row in rows(connection, "SELECT DISTINCT time_ms FROM allocation_point")],
        rows(connection, "SELECT bot_id, allocation, weight FROM bot_state ORDER BY bot_id"),
    )


@dataclass(frozen=True)
class Rate:
    """How often round trips won, and how sure that is."""

    count: int
    wins: int
    symbol_days: int
    trials: int
    rate: float
    low: float
    high: float


def marked_ms(fill: dict[str, Any]) -> int:
    """Give a time within the bar whose mark is the first to hold a fill."""
    return int(fill["time_ms"]) - (fill["trigger"] in PROTECTIVE)


def win_rate(trips: list[Trip]) -> Rate:
    """Count wins; the interval counts symbol-days, or the round trips where they are all of one bot."""
    wins = sum(trip.profit > 0.0 for trip in trips)
    days = len({(trip.symbol, trip.closed_ms // DAY_MS) for trip in trips})
    rate = wins / len(trips) if trips else NAN
    trials = len(trips) if len({trip.bot for trip in trips}) == 1 else days
    return Rate(len(trips), wins, days, trials, rate, *wilson(rate, trials))


def wilson(rate: float, trials: int) -> tuple[float, float]:
    """Give Wilson's 95 % interval."""
    if not trials:
        return NAN, NAN
    middle = (rate + Z * Z / (2 * trials)) / (1 + Z * Z / trials)
    reach = Z / (1 + Z * Z / trials) * math.sqrt(rate * (1 - rate) / trials + Z * Z / (4 * trials * trials))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


@dataclass(frozen=True)
class Returns:
    """The figures of daily returns."""

    total: float
    annual: float
    volatility: float
    sharpe: float
    sortino: float
    calmar: float
    depth: float
    depth_ms: float
    value_at_risk: float
    days: int


def returns(curve: Curve) -> Returns:
    """Give the figures of a curve."""
    daily = curve.daily_returns()
    grown = [curve.growth[at] for at in curve.days()]
    times = [curve.marks[at].time_ms for at in curve.days()]
    passed_ms = times[-1] - times[0]
    annual = (grown[-1] / grown[0]) ** (YEAR_MS / passed_ms) - 1.0 if passed_ms >= DAY_MS else NAN
    downside = math.sqrt(mean(min(value, 0.0) ** 2 for value in daily))
    depth = max(curve.drawdowns)
    deviation = stdev(daily) if len(daily) > 1 else NAN
    return Returns(
        grown[-1] / grown[0] - 1.0,
        annual,
        deviation * math.sqrt(365),
        mean(daily) / deviation * math.sqrt(365) if deviation > 1e-12 else NAN,
        mean(daily) / downside * math.sqrt(365) if downside > 1e-12 and len(daily) > 1 else NAN,
        annual / depth if depth > 1e-12 else NAN,
        depth,
        _lasted_ms(curve),
        -quantile(daily, 0.01),
        len(daily),
    )


def quantile(values: list[float], share: float) -> float:
    """Give a quantile, interpolated between neighbours."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def _lasted_ms(curve: Curve) -> float:
    """Give how long the deepest drawdown lasted: from its peak until a mark is as high again, or to the last."""
    depths, grown = curve.drawdowns, curve.growth
    deepest = depths.index(max(depths))
    if depths[deepest] <= 0.0:
        return 0.0
    top = max(grown[:deepest])
    peak = max(at for at in range(deepest) if grown[at] == top)
    back = [at for at in range(deepest, len(grown)) if grown[at] >= top]
    return float(curve.marks[back[0] if back else -1].time_ms - curve.marks[peak].time_ms)
