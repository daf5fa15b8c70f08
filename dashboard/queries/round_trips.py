"""What round trips earned and how sure one can be: read the facts once, then group them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from pandas import Categorical, DataFrame, Series
from sqlalchemy import Connection, case, select

from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members
from dashboard.queries.frames import frame
from dashboard.queries.trips import trips_where
from dashboard.queries.window import windowed
from shared.enums import Side, Trigger
from shared.metrics import round_trips as metrics
from shared.tables import RoundTrip
from shared.units import DAY_MS, HOUR_MS

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# 1970-01-01 was a Thursday.
_EPOCH_WEEKDAY = 3
# The newest so many are read: a person's screen, not an archive.
MOST_TRIPS = 250_000
_TAIL_FRACTION = 0.005
_FACTS = ("closed_ms", "duration_ms", "bot_id", "profit", "fees", "return_fraction", "best_fraction", "worst_fraction")


_KINDS: dict[str, list[Any]] = {"side": list(Side), "exit_reason": list(Trigger)}


class Dimension(StrEnum):
    """What win rates are grouped by; hour and weekday are those of the close, UTC."""

    SLEEVE = "sleeve"
    BOT = "bot"
    SYMBOL = "symbol"
    SIDE = "side"
    HOUR = "hour"
    WEEKDAY = "weekday"
    EXIT_REASON = "exit_reason"


@dataclass(frozen=True, slots=True)
class TripFigures:
    """What a set of round trips amounts to; quote but for counts, rates and the duration. NaN where it cannot be known.

    `trials` is what the interval of the win rate counts (`independent`). gross_profit is before fees: profit =
    gross_profit − fees.
    """

    count: int
    wins: int
    symbol_days: int
    trials: int
    win_rate: float
    win_rate_low: float
    win_rate_high: float
    profit: float
    gross_profit: float
    fees: float
    gains: float
    losses: float
    profit_factor: float
    expectancy: float
    best: float
    worst: float
    mean_duration_ms: float


def load_trip_facts(
    connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING, limit: int = MOST_TRIPS
) -> DataFrame:
    """Load what the figures of round trips need, one row each, the newest first, at most `limit`.

    Columns: closed_ms, duration_ms, bot, sleeve, symbol, side (BUY for a long), exit_reason (these five categorical),
    profit, fees, return_fraction, best_fraction, worst_fraction.
    """
    own, filters = RoundTrip.__table__.c, windowed(connection, portfolio_id, filters)
    members = load_members(connection, portfolio_id)
    kinds_coded = [_code(own[name], kinds).label(name) for name, kinds in _KINDS.items()]
    statement = select(*(own[name] for name in _FACTS), *kinds_coded).where(trips_where(portfolio_id, members, filters))
    facts = frame(connection, statement.order_by(own.closed_ms.desc(), own.id.desc()).limit(limit))
    at = members["bot_id"].to_numpy().searchsorted(facts.pop("bot_id").to_numpy())
    for place, name in enumerate(("bot", "sleeve", "symbol"), start=2):
        names, codes = np.unique(members[name].to_numpy(dtype=object), return_inverse=True)
        facts.insert(place, name, Categorical.from_codes(codes[at] if len(at) else np.empty(0, np.int64), names))
    for place, (name, kinds) in enumerate(_KINDS.items(), start=5):
        facts.insert(place, name, Categorical.from_codes(facts.pop(name), [kind.name for kind in kinds]))
    return facts


def _code(column: Any, kinds: list[Any]) -> Any:
    """Turn names into numbers within the database: a hundred thousand words take longer to carry."""
    return case({kind.name: place for place, kind in enumerate(kinds)}, value=column, else_=-1)


def trip_figures(facts: DataFrame) -> TripFigures:
    """Give the figures of all the facts."""
    profits, fees = facts["profit"].to_numpy(), float(facts["fees"].sum())
    count, wins, days = len(profits), metrics.wins(profits), len(np.unique(_symbol_days(facts)))
    trials = metrics.independent(count, days, len(np.unique(facts["bot"].cat.codes)))
    low, high = metrics.effective_interval(wins, count, trials)
    profit = float(np.sum(profits))
    return TripFigures(
        count=count,
        wins=wins,
        symbol_days=days,
        trials=trials,
        win_rate=metrics.win_rate(profits),
        win_rate_low=low,
        win_rate_high=high,
        profit=profit,
        gross_profit=profit + fees,
        fees=fees,
        gains=float(np.sum(np.maximum(profits, 0.0))),
        losses=-float(np.sum(np.minimum(profits, 0.0))),
        profit_factor=metrics.profit_factor(profits),
        expectancy=metrics.expectancy(profits),
        best=float(np.max(profits)) if count else np.nan,
        worst=float(np.min(profits)) if count else np.nan,
        mean_duration_ms=float(facts["duration_ms"].mean()) if count else np.nan,
    )


def win_rates(facts: DataFrame, by: Dimension) -> DataFrame:
    """Give how often each group won, those with round trips only, in the order of names, hours or weekdays.

    Columns: group, label (text), count, wins, symbol_days, trials (what the interval counts: the round trips of a
    single bot, which follow one another; else symbol-days), win_rate, low, high (Wilson, 95%), profit, fees,
    profit_factor, expectancy.
    """
    codes, names = _groups(facts, by)
    size = len(names)
    profits, fees = facts["profit"].to_numpy(), facts["fees"].to_numpy()
    count = np.bincount(codes, minlength=size)
    wins = np.bincount(codes, profits > 0.0, minlength=size).astype(np.int64)
    days = np.bincount(_distinct_groups(codes, _symbol_days(facts)), minlength=size)
    gains = np.bincount(codes, np.maximum(profits, 0.0), minlength=size)
    losses = np.bincount(codes, np.maximum(-profits, 0.0), minlength=size)
    profit = np.bincount(codes, profits, minlength=size)
    bots = np.bincount(_distinct_groups(codes, facts["bot"].cat.codes.to_numpy(np.int64)), minlength=size)
    trials = np.where(bots == 1, count, days)
    triples = zip(wins.tolist(), count.tolist(), trials.tolist(), strict=True)
    bounds = np.array([metrics.effective_interval(*triple) for triple in triples], np.float64).reshape(-1, 2)
    table = DataFrame(
        {
            "group": names,
            "label": Series([_label(name, by) for name in names], dtype="str"),
            "count": count,
            "wins": wins,
            "symbol_days": days,
            "trials": trials,
            "win_rate": _ratio(wins, count),
            "low": bounds[:, 0],
            "high": bounds[:, 1],
            "profit": profit,
            "fees": np.bincount(codes, fees, minlength=size),
            "profit_factor": _ratio(gains, losses),
            "expectancy": _ratio(profit, count),
        }
    )
    return table[table["count"] > 0].reset_index(drop=True)


def distribution(facts: DataFrame, bins: int = 60, column: str = "return_fraction") -> DataFrame:
    """Count round trips by their return; 0 is always an edge, and the outer bins hold the tails beyond 99%.

    Columns: low, high (of a bin; in the unit of the column), count, wins.
    """
    values = facts[column].to_numpy(np.float64)
    if not len(values):
        return DataFrame({"low": [], "high": [], "count": [], "wins": []}).astype({"count": "int64", "wins": "int64"})
    reach = max(abs(np.quantile(values, _TAIL_FRACTION)), abs(np.quantile(values, 1.0 - _TAIL_FRACTION)), 1e-12)
    edges = np.linspace(-reach, reach, 2 * (bins // 2) + 1)
    # An even trade is no win: it belongs left of 0.
    at = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(edges) - 2)
    won = np.bincount(at, values > 0.0, minlength=len(edges) - 1).astype(np.int64)
    counts = np.bincount(at, minlength=len(edges) - 1)
    return DataFrame({"low": edges[:-1], "high": edges[1:], "count": counts, "wins": won})


def _groups(facts: DataFrame, by: Dimension) -> tuple[np.ndarray, np.ndarray]:
    closed_ms = facts["closed_ms"].to_numpy(np.int64)
    if by is Dimension.HOUR:
        return closed_ms // HOUR_MS % 24, np.arange(24)
    if by is Dimension.WEEKDAY:
        return (closed_ms // DAY_MS + _EPOCH_WEEKDAY) % 7, np.arange(7)
    column = facts[by.value].cat
    return column.codes.to_numpy(np.int64), column.categories.to_numpy(dtype=object)


def _label(name: object, by: Dimension) -> str:
    if by is Dimension.HOUR:
        return f"{name:02d}:00"
    if by is Dimension.WEEKDAY:
        return WEEKDAYS[int(str(name))]
    if by is Dimension.SIDE:
        return {"BUY": "long", "SELL": "short"}.get(str(name), str(name))
    return str(name)


def _symbol_days(facts: DataFrame) -> np.ndarray:
    return metrics.symbol_days(facts["symbol"].cat.codes.to_numpy(np.int64), facts["closed_ms"].to_numpy(np.int64))


def _distinct_groups(codes: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Give the group of each distinct pair of group and symbol-day."""
    if not len(codes):
        return np.empty(0, np.int64)
    order = np.lexsort((days, codes))
    sorted_codes, sorted_days = codes[order], days[order]
    first = np.r_[True, (np.diff(sorted_codes) != 0) | (np.diff(sorted_days) != 0)]
    return sorted_codes[first]


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
