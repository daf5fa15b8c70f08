"""What a report is about: whole UTC days, and the portfolio, a sleeve, a bot or several bots."""

from dataclasses import dataclass
from typing import Any

from pandas import DataFrame

from dashboard.components.words import words
from dashboard.queries.equity import PORTFOLIO, Scope
from dashboard.queries.filters import Filters
from dashboard.queries.fleet import select_members
from shared.enums import ScopeKind, Side
from shared.errors import ConfigurationError
from shared.tables.export_filters import Filters as Asked
from shared.tables.export_filters import several
from shared.units import DAY_MS, format_time, parse_time_ms

# More names than this are counted in a title.
MOST_NAMES = 4
LAST_MS = parse_time_ms("2100-01-01")
SIDES = {Side.BUY.name: "long", Side.SELL.name: "short"}


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for; `scope` is None for several bots that are neither the portfolio nor one sleeve."""

    filters: Filters
    scope: Scope | None
    members: DataFrame

    @property
    def bots(self) -> int:
        """Say how many bots it takes."""
        return len(self.members)

    @property
    def symbols(self) -> list[str]:
        """Give the symbols its bots trade, in the order of the books."""
        return list(dict.fromkeys(self.members["symbol"]))

    @property
    def grouped_by(self) -> str:
        """Say by what costs are told apart: the coarsest there are several of."""
        return next((name for name in ("sleeve", "symbol") if self.members[name].nunique() > 1), "bot")


def whole_days(asked: Asked) -> Filters:
    """Turn the filters of an address into those of queries, with times rounded outwards to UTC midnights.

    Raises ConfigurationError where the period is empty or of no calendar, and for a filter that a report has not.
    """
    if asked.scope_kind:
        raise ConfigurationError("scope_kind is for downloads: a report is of bots, sleeves and symbols")
    for name, time_ms in (("from", asked.start_ms), ("to", asked.end_ms)):
        if time_ms is not None and not 0 <= time_ms <= LAST_MS:
            raise ConfigurationError(f"{name} must be between 1970 and {format_time(LAST_MS)}, was {time_ms} ms")
    start_ms = None if asked.start_ms is None else asked.start_ms - asked.start_ms % DAY_MS
    end_ms = None if asked.end_ms is None else -(-asked.end_ms // DAY_MS) * DAY_MS
    if asked.start_ms is not None and asked.end_ms is not None and asked.start_ms >= asked.end_ms:
        raise ConfigurationError(
            f"from must be before to {format_time(asked.end_ms)}, was {format_time(asked.start_ms)}"
        )
    names = (asked.bot, asked.sleeve, asked.symbol, asked.side, asked.exit_reason)
    bots, sleeves, symbols, sides, exits = (several(name) for name in names)
    return Filters(start_ms, end_ms, bots, sleeves, symbols, sides, exits)


def select(members: DataFrame, filters: Filters) -> Selection:
    """Give what the filters take of the bots there are; raises ConfigurationError where that is none."""
    taken = select_members(members, filters)
    if len(members) and not len(taken):
        raise ConfigurationError("bot, sleeve and symbol must name some bot together, were of no bot at all")
    return Selection(filters, _scope(members, taken), taken)


def selection_words(selection: Selection) -> str:
    """Say in words what was selected."""
    scope = selection.scope
    if scope is None:
        return f"{_counted(selection.members['bot'], 'bots')}, taken together"
    whole = {ScopeKind.PORTFOLIO: "The whole portfolio", ScopeKind.SLEEVE: f"Sleeve {scope.name}"}
    return whole.get(scope.kind, f"Bot {scope.name}")


def narrowing_words(filters: Filters) -> str:
    """Say in words which round trips are taken; empty where all are."""
    parts = [" and ".join(SIDES.get(side, words(side)) for side in filters.sides)] if filters.sides else []
    if filters.exit_reasons:
        parts.append("closed by " + " or ".join(words(reason) for reason in filters.exit_reasons))
    return ", ".join(parts)


def _scope(members: DataFrame, taken: DataFrame) -> Scope | None:
    if len(taken) == len(members):
        return PORTFOLIO
    if len(taken) == 1:
        return Scope(ScopeKind.BOT, str(taken["bot"].iloc[0]))
    sleeves = taken["sleeve"].unique()
    if len(sleeves) == 1 and len(taken) == int((members["sleeve"] == sleeves[0]).sum()):
        return Scope(ScopeKind.SLEEVE, str(sleeves[0]))
    return None


def _counted(names: Any, what: str) -> str:
    listed = list(names)
    return ", ".join(listed) if len(listed) <= MOST_NAMES else f"{len(listed)} {what}"
