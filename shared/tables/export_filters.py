"""Which rows of an export to take: the filters of page and command line, and the conditions they become."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from shared.enums import Resolution, ScopeKind

Wanted = str | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows to take: times in `[start_ms, end_ms)`, names exactly, one or any of several; what is None takes all.

    A filter that a kind has no column for takes none of its rows away. `scope_kind` is for kinds with scopes: with
    names beside it, it takes these kinds and these names. `resolution` is for equity only.
    """

    start_ms: int | None = None
    end_ms: int | None = None
    sleeve: Wanted = None
    bot: Wanted = None
    symbol: Wanted = None
    side: Wanted = None
    exit_reason: Wanted = None
    scope_kind: Wanted = None
    resolution: Resolution = Resolution.HOUR


EVERYTHING = Filters()


def several(wanted: Wanted) -> tuple[str, ...]:
    """Give what a filter names, one or several."""
    return (wanted,) if isinstance(wanted, str) else wanted or ()


def is_any(column: Any, wanted: Wanted) -> Any:
    """Hold a column against what a filter names."""
    return column.in_(wanted) if isinstance(wanted, tuple) else column == wanted


def within(
    filters: Filters,
    time: Any = None,
    sleeve: Any = None,
    bot: Any = None,
    symbol: Any = None,
    side: Any = None,
    exit_reason: Any = None,
) -> ColumnElement[bool]:
    """Give the condition of the filters a kind has columns for."""
    wanted = [
        (sleeve, filters.sleeve),
        (bot, filters.bot),
        (symbol, filters.symbol),
        (side, filters.side),
        (exit_reason, filters.exit_reason),
    ]
    terms = [is_any(column, value) for column, value in wanted if column is not None and value is not None]
    if time is not None and filters.start_ms is not None:
        terms.append(time >= filters.start_ms)
    if time is not None and filters.end_ms is not None:
        terms.append(time < filters.end_ms)
    return and_(True, *terms)


def scopes_wanted(filters: Filters) -> dict[ScopeKind, Wanted]:
    """Give the kinds of scopes to take, each with the names it is bounded to: None takes all of the kind."""
    named = {ScopeKind.PORTFOLIO: None, ScopeKind.SLEEVE: filters.sleeve, ScopeKind.BOT: filters.bot}
    kinds = several(filters.scope_kind)
    if not _bounds_scopes(filters):
        return named
    return {kind: name for kind, name in named.items() if name is not None or kind.name in kinds}


def within_scopes(filters: Filters, scope_kind: Any, scope: Any) -> ColumnElement[bool]:
    """Give the condition of the scopes that the filters name, for an export with a column of their kind and name."""
    if not _bounds_scopes(filters):
        return and_(True)
    terms = []
    for kind, name in scopes_wanted(filters).items():
        is_kind = scope_kind == kind.name
        terms.append(is_kind if name is None else and_(is_kind, is_any(scope, name)))
    return or_(False, *terms)


def _bounds_scopes(filters: Filters) -> bool:
    return any(wanted is not None for wanted in (filters.scope_kind, filters.sleeve, filters.bot))
