"""What protects a position and how far its price went, bar by bar, as `docs/kernel.md` says."""

import math
from dataclasses import dataclass
from typing import Any

from tests.dashboard.queries.recomputed import PROTECTIVE, Account, Trip
from tests.dashboard.views.totals.ledger import NAN, Ledger


@dataclass(frozen=True)
class Levels:
    """What protects an open position, and how far its price went."""

    entry: float
    stop: float
    trailing: float
    level: float
    best: float
    worst: float


def levels(ledger: Ledger, account: Account) -> Levels:
    """Follow an open position bar by bar, as `docs/kernel.md` says; each level uses only what was known before."""
    trip = account.running
    assert trip is not None
    fills = [row for row in ledger.books.fills if row["bot"] == account.name and row["time_ms"] >= trip.opened_ms]
    entries = [row for row in fills if row["leg"] == "OPEN"]
    sign = 1.0 if account.quantity > 0.0 else -1.0
    stop_fraction = ledger.risks[entries[0]["settings_version_id"]]["stop"]
    best = worst = entries[0]["price"]
    kept = -math.inf
    for bar in [bar for bar in ledger.bars[account.symbol] if bar["open_ms"] >= trip.opened_ms]:
        entry = _average([row for row in entries if row["time_ms"] <= bar["open_ms"]])
        kept = max([kept, *_wanted(ledger, entry, best, sign, stop_fraction)])
        ends = (bar["high"], bar["low"]) if sign > 0.0 else (bar["low"], bar["high"])
        best, worst = sign * max(sign * best, sign * ends[0]), sign * min(sign * worst, sign * ends[1])
    entry = _average(entries)
    wanted = _wanted(ledger, entry, best, sign, stop_fraction)
    kept = max([kept, *wanted])
    stop = entry * (1.0 - sign * stop_fraction) if stop_fraction else NAN
    trailing = sign * wanted[-1] if _is_armed(ledger, entry, best, sign) else NAN
    return Levels(entry, stop, trailing, sign * kept if wanted else NAN, best, worst)


def _wanted(ledger: Ledger, entry: float, best: float, sign: float, stop_fraction: float) -> list[float]:
    found = [sign * entry * (1.0 - sign * stop_fraction)] if stop_fraction else []
    if _is_armed(ledger, entry, best, sign):
        peak = sign * (best / entry - 1.0)
        found.append(sign * entry * (1.0 + sign * peak * (1.0 - ledger.risk["trail_giveback"])))
    return found


def _is_armed(ledger: Ledger, entry: float, best: float, sign: float) -> bool:
    activate = ledger.risk["trail_activate"]
    return activate > 0.0 and sign * (best / entry - 1.0) >= activate


def _average(entries: list[dict[str, Any]]) -> float:
    return sum(row["quantity"] * row["price"] for row in entries) / sum(row["quantity"] for row in entries)


def excursions(ledger: Ledger, trip: Trip) -> tuple[float, float]:
    """Give how far the price went for and against a closed round trip, by the bars it was held through."""
    sign = 1.0 if trip.side == "BUY" else -1.0
    end_ms = trip.closed_ms - (1 if trip.exit_reason in PROTECTIVE else 0)
    bars = [
        bar
        for bar in ledger.bars[trip.symbol]
        if bar["open_ms"] >= trip.opened_ms and bar["open_ms"] + bar["timeframe_ms"] <= end_ms
    ]
    first = next(
        row["price"] for row in ledger.books.fills if row["bot"] == trip.bot and row["time_ms"] == trip.opened_ms
        and row["leg"] == "OPEN"
    )  # fmt: skip
    prices = [first, trip.last_price, *(bar[end] for bar in bars for end in ("high", "low"))]
    reached = [sign * (price / trip.entry_price - 1.0) for price in prices]
    return max(reached), min(reached)
