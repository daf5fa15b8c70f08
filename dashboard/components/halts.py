"""What a halt leaves open without stops, and the way out: flatten, which needs no release before it."""

from typing import NamedTuple

import pandas as pd
import streamlit as st

from dashboard import loaders
from dashboard.components.asked import asked_levels
from dashboard.components.confirm import LEVEL_QUESTION, asking_button
from dashboard.components.words import many, percent, plain
from dashboard.gate.person import person
from dashboard.queries.equity import PORTFOLIO, Scope
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.levels import load_scopes
from dashboard.queries.overview import Overview
from dashboard.queries.positions import load_positions
from shared.enums import CommandKind, Level, ScopeKind
from shared.money import Money

# So many halted scopes are named one by one; Control has them all.
MOST_NAMED = 4
# And so many positions.
MOST_LISTED = 12


class Halt(NamedTuple):
    """A halted scope that no halt above it covers: how many positions it holds, and their notional in quote."""

    scope: Scope
    positions: int
    notional: float


def halts(scopes: pd.DataFrame, asked: pd.DataFrame | None = None) -> list[Halt]:
    """Give the halted scopes with positions in them, the portfolio alone where it is one (`load_scopes`).

    With `asked` (`load_asked_levels`), those too for which a halt was asked and not taken yet.
    """
    is_halted = scopes["own_level"] == Level.HALTED.name
    if asked is not None:
        waiting = asked[asked["level"] == Level.HALTED.name]
        names = pd.MultiIndex.from_frame(scopes[["scope_kind", "scope"]])
        is_halted |= names.isin(list(zip(waiting["scope_kind"], waiting["scope"], strict=True)))
    own = scopes[is_halted & (scopes["positions"] > 0)]
    covering: set[tuple[str, str]] = set()
    found = []
    for row in own.to_dict("records"):
        if (ScopeKind.PORTFOLIO.name, "") in covering or (ScopeKind.SLEEVE.name, row["sleeve"]) in covering:
            continue
        covering.add((row["scope_kind"], row["scope"]))
        scope = Scope(ScopeKind[row["scope_kind"]], row["scope"])
        found.append(Halt(scope, int(row["positions"]), float(row["notional"])))
    return found


def halt_over(scope: Scope, scopes: pd.DataFrame) -> Halt | None:
    """Give the halt that keeps the positions of a scope from being closed: its own, or that of a scope above it."""
    rows = scopes[(scopes["scope_kind"] == scope.kind.name) & (scopes["scope"] == scope.name)]
    above = {PORTFOLIO, scope} | {Scope(ScopeKind.SLEEVE, name) for name in rows["sleeve"] if name}
    return next((halt for halt in halts(scopes) if halt.scope in above), None)


def halt_warning(overview: Overview, said: str, page: str | None) -> None:
    """Say in red what lies open without stops, with who halted it (`said`), and offer to close it.

    `page` is the one that draws the question, None where that is this page.
    """
    scopes = loaders.live(load_scopes)
    found = halts(scopes, asked_levels())
    notional = sum(halt.notional for halt in found)
    share = f" ({percent(notional / overview.equity, 1)} of equity)" if overview.equity > 0.0 else ""
    named = [scope_name(halt.scope) for halt in found[:MOST_NAMED]]
    more = [f"{len(found) - MOST_NAMED} more"] if len(found) > MOST_NAMED else []
    positions = many(sum(halt.positions for halt in found), "position")
    left = (
        f"{positions} worth {overview.counted.amount(notional)} {plain(overview.quote)}{share} "
        f"stay open without protection in {', '.join((*named, *more))}. Flatten closes them, out of the halt."
    )
    st.error(
        f"No order leaves, **no stop either**: {left if found else 'nothing is open.'} {said}",
        title="Halted" if (scopes["own_level"] == Level.HALTED.name).any() else "Halt asked, not taken yet",
        icon=":material/dangerous:",
    )
    if found and person().is_operator:
        with st.container(horizontal=True):
            for halt in found[:MOST_NAMED]:
                flatten_button(halt, overview.counted, f"close_{halt.scope.kind}_{halt.scope.name}", page)


def flatten_button(halt: Halt, counted: Money, key: str, page: str | None = None, label: str | None = None) -> None:
    """Draw the button that asks whether to flatten what is halted, on the page that draws the question."""
    about = {"kind": CommandKind.FLATTEN, "scope": halt.scope, "notional": halt.notional, "counted": counted}
    said = label or f"Flatten {scope_name(halt.scope)}"
    asking_button(said, key, LEVEL_QUESTION, about, page, type="primary", icon=":material/vertical_align_center:")


def scope_name(scope: Scope) -> str:
    """Name a scope within a sentence."""
    return "the whole portfolio" if scope.kind is ScopeKind.PORTFOLIO else f"{scope.kind.lower()} {plain(scope.name)}"


def still_open(scope: Scope) -> None:
    """Name the positions of a scope that stands at FLATTEN or HALTED: what could not be closed, and what was left."""
    scopes = loaders.live(load_scopes)
    rows = scopes[(scopes["scope_kind"] == scope.kind.name) & (scopes["scope"] == scope.name)]
    if not rows["level"].isin((Level.FLATTEN.name, Level.HALTED.name)).any():
        return
    held = loaders.live(load_positions, _filters(scope))
    if held.empty:
        st.caption(":material/check: Nothing is open.")
        return
    counted = loaders.counted()
    named = [f"{plain(row.bot)} {counted.amount(row.notional)}" for row in held.head(MOST_LISTED).itertuples()]
    more = [f"{len(held) - MOST_LISTED} more"] if len(held) > MOST_LISTED else []
    worth = counted.amount(held["notional"].abs().sum())
    st.warning(f"Still open, {many(len(held), 'position')} worth {worth}: {', '.join((*named, *more))}.")


def _filters(scope: Scope) -> Filters:
    if scope.kind is ScopeKind.PORTFOLIO:
        return EVERYTHING
    return Filters(sleeves=(scope.name,)) if scope.kind is ScopeKind.SLEEVE else Filters(bots=(scope.name,))
