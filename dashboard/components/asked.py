"""Levels that people asked for and the worker has not set yet: they count already, so a page says them as well."""

from typing import Any

import pandas as pd

from dashboard import loaders
from dashboard.components.words import plain, when, words
from dashboard.queries.equity import Scope
from dashboard.queries.levels import load_asked_levels
from shared.enums import CommandStatus, ScopeKind

COUNTS = "It counts already: no order leaves that it forbids."


def asked_levels() -> pd.DataFrame:
    """Give what was asked and waits, the highest level first (`load_asked_levels`)."""
    return loaders.live(load_asked_levels)


def asked_over(scope: Scope, sleeve: str = "") -> pd.DataFrame:
    """Give of it what rules a scope: asked for itself, for the sleeve it is in, or for the portfolio."""
    asked = asked_levels()
    # As it nearly always is: every session asks at every refresh.
    if asked.empty:
        return asked
    of_sleeve = (asked["scope_kind"] == ScopeKind.SLEEVE.name) & (asked["scope"] == sleeve)
    of_scope = (asked["scope_kind"] == scope.kind.name) & (asked["scope"] == scope.name)
    return asked[of_scope | of_sleeve | (asked["scope_kind"] == ScopeKind.PORTFOLIO.name)]


def asked_in_short(row: dict[str, Any]) -> str:
    """Say what was asked by whom: `halt of sleeve breakout asked by ann, not taken yet`. It is not plain yet."""
    where = f" of {row['scope_kind'].lower()} {row['scope']}" if row["scope"] else ""
    return f"{words(row['kind'])}{where} asked by {row['who']}, {_stage(row)}"


def asked_in_full(row: dict[str, Any]) -> str:
    """Say in a sentence without its full stop, in markdown, who asked for what, why and when."""
    where = f" for {row['scope_kind'].lower()} {plain(row['scope'])}" if row["scope"] else ""
    asked = f"{words(row['kind']).capitalize()} asked by {plain(row['who'])}{where}: {plain(row['reason'])}"
    return f"{asked}, {_stage(row)}, since {when(row['asked_ms'])} by the wall clock"


def _stage(row: dict[str, Any]) -> str:
    return "not done yet" if row["status"] == CommandStatus.TAKEN.name else "not taken yet"
