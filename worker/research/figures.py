"""The figures of the portfolio, each sleeve and each bot of a backtest."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from shared.enums import Reason
from shared.metrics.performance import Activity, Performance, performance
from shared.metrics.round_trips import (
    expectancy,
    independent,
    profit_factor,
    symbol_days,
    wilson_interval,
    win_rate,
    wins,
)
from worker.research.books import Books
from worker.research.marks import Marks
from worker.research.replay import Replay


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of one scope: those of `docs/metrics.md`, and what slippage and funding took besides the fees."""

    scope: str
    performance: Performance
    profit_quote: float
    slippage_quote: float
    funding_quote: float

    def values(self) -> dict[str, Any]:
        """Give the figures by name, NaN where one cannot be known."""
        own = {
            "profit_quote": self.profit_quote,
            "slippage_quote": self.slippage_quote,
            "funding_quote": self.funding_quote,
        }
        return {**asdict(self.performance), **own}

    @property
    def costs_quote(self) -> float:
        """Give fees and slippage together."""
        return self.performance.fees_quote + self.slippage_quote


def scope_figures(replay: Replay, books: Books, marks: list[Marks]) -> list[Figures]:
    """Give the figures of the portfolio, then of each sleeve; `marks` are in the same order."""
    everyone = np.ones(len(replay.plan.bots), bool)
    sleeve_of = replay.fleet.bots["sleeve"]
    members = [everyone] + [sleeve_of == place for place in range(len(replay.plan.sleeves))]
    return [_figures(replay, books, scope, bots) for scope, bots in zip(marks, members, strict=True)]


def _figures(replay: Replay, books: Books, marks: Marks, bots: np.ndarray) -> Figures:
    is_own = bots[replay.fills["bot"]]
    fills = replay.fills[is_own]
    is_own_trip = bots[books.trip_bots]
    trips = [books.trips[row] for row in np.flatnonzero(is_own_trip)]
    own_positions = [books.positions[b] for b in np.flatnonzero(bots)]
    open_ms = [position.trip.opened_ms for position in own_positions if position.trip is not None]
    end_ms = int(marks.time_ms[-1])
    activity = Activity(
        bots=int(np.count_nonzero(bots)),
        profits_quote=np.array([trip.profit for trip in trips]),
        notionals_quote=fills["quantity"] * fills["price"],
        opened_ms=np.array([trip.opened_ms for trip in trips] + open_ms, np.int64),
        closed_ms=np.array([trip.closed_ms for trip in trips] + [end_ms] * len(open_ms), np.int64),
        gross_quote=marks.gross_quote,
        fees_quote=float(np.sum(fills["fee"])),
        saved_quote=float(np.sum(fills["saved"])),
        orders=replay.orders if bots.all() else len(np.unique(books.order[is_own & (books.order >= 0)])),
        fills=len(fills),
        trials=_trials(replay, books, is_own_trip),
    )
    found = performance(marks.time_ms, marks.equity_before_flows, activity, marks.flows_quote)
    # The money at the end is that after the last rebalance, as in the curves.
    found = replace(found, end_equity_quote=float(marks.equity[-1]))
    return Figures(
        marks.scope,
        found,
        profit_quote=float(marks.equity[-1] - marks.money_in[-1]),
        slippage_quote=float(np.sum(books.slippage_quote[is_own])),
        funding_quote=float(np.sum(replay.fleet.bots["funding_paid"][bots])),
    )


def _trials(replay: Replay, books: Books, taken: np.ndarray) -> int:
    """Give what the interval of the win rate of the round trips taken counts."""
    bots = books.trip_bots[taken]
    numbers = {symbol: number for number, symbol in enumerate(replay.plan.symbols)}
    symbols = np.array([numbers[bot.symbol] for bot in replay.plan.bots], np.int64)[bots]
    closed_ms = np.array([books.trips[row].closed_ms for row in np.flatnonzero(taken)], np.int64)
    return independent(len(bots), len(np.unique(symbol_days(symbols, closed_ms))), len(np.unique(bots)))


def bot_figures(replay: Replay, books: Books) -> dict[str, dict[str, Any]]:
    """Give what each bot earned and did, by name; its equity over time is not kept."""
    profits: list[list[float]] = [[] for _ in replay.plan.bots]
    for bot, trip in zip(books.trip_bots.tolist(), books.trips, strict=True):
        profits[bot].append(trip.profit)
    return {plan.name: _bot(replay, books, b, np.array(profits[b])) for b, plan in enumerate(replay.plan.bots)}


def _bot(replay: Replay, books: Books, b: int, profits: np.ndarray) -> dict[str, Any]:
    plan, bot = replay.plan.bots[b], replay.fleet.bots[b]
    is_own = replay.fills["bot"] == b
    fills = replay.fills[is_own]
    low, high = wilson_interval(wins(profits), len(profits))
    close, position = float(replay.fleet.markets["close"][bot["market"]]), books.positions[b]
    return {
        "sleeve": plan.sleeve,
        "symbol": plan.symbol,
        "parameters": list(plan.key.parameters),
        "profit_quote": float(bot["equity"] - bot["money_in"]),
        "end_equity_quote": float(bot["equity"]),
        "transfers_quote": float(replay.flows[:, b].sum()),
        "open_quantity": float(bot["quantity"]),
        "open_profit_quote": position.unrealised(close),
        "open_realised_quote": position.trip.profit if position.trip is not None else 0.0,
        "profit_factor": profit_factor(profits),
        "expectancy_quote": expectancy(profits),
        "win_rate": win_rate(profits),
        "win_rate_low": low,
        "win_rate_high": high,
        "round_trips": len(profits),
        "traded_quote": float(np.sum(np.abs(fills["quantity"] * fills["price"]))),
        "fees_quote": float(np.sum(fills["fee"])),
        "fees_saved_quote": float(np.sum(fills["saved"])),
        "slippage_quote": float(np.sum(books.slippage_quote[is_own])),
        "funding_quote": float(bot["funding_paid"]),
        "fills": len(fills),
        "time_in_market": float(replay.held[b] / max(len(replay.open_ms), 1)),
        "level": int(bot["level"]),
        "steps_by_reason": {
            reason.name: int(count) for reason, count in zip(Reason, replay.reasons[b], strict=True) if count
        },
    }
