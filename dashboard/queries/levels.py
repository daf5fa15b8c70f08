"""What holds which scope, and who or what set it."""

from typing import Any

import numpy as np
from pandas import DataFrame, Series
from sqlalchemy import Connection, select, text

from dashboard.queries.frames import empty, frame, records
from dashboard.queries.states import States, load_states
from shared.enums import Cause, CommandKind, CommandStatus, Level, ScopeKind
from shared.tables import Command, Event
from shared.tables.commands import COMMAND_IS_PENDING

SETS_A_LEVEL = {CommandKind.PAUSE: Level.NO_ENTRIES, CommandKind.FLATTEN: Level.FLATTEN, CommandKind.HALT: Level.HALTED}
LOOK_BACK_ROWS = 1_000
_LEVELS = {cause: f"level_{cause.name.lower()}" for cause in Cause}


def load_levels(connection: Connection, portfolio_id: int) -> DataFrame:
    """Load each cause that holds a scope above RUNNING, the portfolio first.

    Columns: scope_kind, scope (empty for the portfolio), cause, level, who (a person's name, empty for a brake),
    reason, since_ms (wall; NaN where it cannot be told any more).
    """
    states = load_states(connection, portfolio_id)
    held: list[dict[str, Any]] = [
        {"scope_kind": str(kind), "scope": name, "cause": cause.name, "level": row[column]}
        for kind, name, row in _scopes(states)
        for cause, column in _LEVELS.items()
        if row[column] != Level.RUNNING.name
    ]
    if not held:
        kinds = dict.fromkeys(("scope_kind", "scope", "cause", "level", "who", "reason"), "str")
        return empty(**kinds, since_ms="float64")
    people, brakes = _people(connection, portfolio_id), _brakes(connection, portfolio_id)
    for row in held:
        where = (row["scope_kind"], row["scope"])
        by = (
            people.get((*where, row["level"]))
            if row["cause"] == Cause.PERSON.name
            else brakes.get((*where, row["cause"]))
        )
        row["who"], row["reason"], row["since_ms"] = by or ("", "", np.nan)
    return DataFrame(held)


def load_asked_levels(connection: Connection, portfolio_id: int) -> DataFrame:
    """Load the levels that people asked for and the worker has not set yet, the highest first, then as asked.

    They count already: the gateway lets no order out that they forbid. Columns: kind, scope_kind, scope (empty for the
    portfolio), level, who, reason, asked_ms (wall), status.
    """
    own = Command.__table__.c
    statement = (
        select(own.kind, own.scope_kind, own.scope, own.who, own.reason, own.asked_ms, own.status)
        .where(own.portfolio_id == portfolio_id, text(COMMAND_IS_PENDING))
        .where(own.kind.in_([kind.name for kind in SETS_A_LEVEL]))
        .order_by(own.id)
    )
    asked = frame(connection, statement)
    levels = [SETS_A_LEVEL[CommandKind[kind]] for kind in asked["kind"]]
    asked.insert(3, "level", Series([level.name for level in levels], dtype="str"))
    return asked.iloc[np.argsort([-level for level in levels], kind="stable")].reset_index(drop=True)


def load_scopes(connection: Connection, portfolio_id: int) -> DataFrame:
    """Load every scope with the level that rules it and what it holds, the portfolio first, then sleeves, then bots.

    Columns: scope_kind, scope, sleeve (of a bot), level (the highest over causes and the scopes above), own_level,
    positions, notional (gross, quote), unprotected (notional of positions at HALTED, whose stops do not work).
    """
    states = load_states(connection, portfolio_id)
    if states is None:
        kinds = dict.fromkeys(("scope_kind", "scope", "sleeve", "level", "own_level"), "str")
        return empty(**kinds, positions="int64", notional="float64", unprotected="float64")
    bots = states.bots
    bots["gross"] = bots["notional"].abs()
    bots["unprotected"] = bots["gross"].where(bots["level"] == Level.HALTED.name, 0.0)
    held = _held(bots)
    rows = []
    levels: dict[str, str] = {}
    for kind, name, row in _scopes(states):
        own = max(Level[row[column]] for column in _LEVELS.values())
        levels[f"{kind}:{name}"] = own.name
        sleeve = row.get("sleeve", "") if kind == ScopeKind.BOT else ""
        above = [levels.get(ScopeKind.PORTFOLIO + ":"), levels.get(f"{ScopeKind.SLEEVE}:{sleeve}"), own.name]
        level = max(Level[level] for level in above if level)
        positions, notional, unprotected = held.get((str(kind), name), (0, 0.0, 0.0))
        rows.append(
            {
                "scope_kind": str(kind),
                "scope": name,
                "sleeve": sleeve,
                "level": level.name,
                "own_level": own.name,
                "positions": int(positions),
                "notional": float(notional),
                "unprotected": float(unprotected),
            }
        )
    return DataFrame(rows)


def _held(bots: DataFrame) -> dict[tuple[str, str], tuple[float, ...]]:
    """Give positions, notional and unprotected notional of each scope that has bots."""
    names = ["is_open", "gross", "unprotected"]
    held = {(ScopeKind.PORTFOLIO.name, ""): tuple(bots[names].sum())}
    for kind, column in ((ScopeKind.SLEEVE, "sleeve"), (ScopeKind.BOT, "bot")):
        sums = bots.groupby(column)[names].sum()
        held |= {(kind.name, str(name)): tuple(row) for name, row in zip(sums.index, sums.to_numpy(), strict=True)}
    return held


def _scopes(states: States | None) -> list[tuple[str, str, dict[str, Any]]]:
    if states is None:
        return []
    return [
        (ScopeKind.PORTFOLIO, "", states.portfolio),
        *((ScopeKind.SLEEVE, row["sleeve"], row) for row in records(states.sleeves, "sleeve", *_LEVELS.values())),
        *((ScopeKind.BOT, row["bot"], row) for row in records(states.bots, "bot", "sleeve", *_LEVELS.values())),
    ]


def _people(connection: Connection, portfolio_id: int) -> dict[tuple[str, str, str], tuple[str, str, float]]:
    own = Command.__table__.c
    statement = (
        select(own.scope_kind, own.scope, own.kind, own.who, own.reason, own.answered_ms)
        .where(own.portfolio_id == portfolio_id, own.status == CommandStatus.DONE.name)
        .where(own.kind.in_([kind.name for kind in SETS_A_LEVEL]))
        .order_by(own.asked_ms.desc(), own.id.desc())
        .limit(LOOK_BACK_ROWS)
    )
    latest: dict[tuple[str, str, str], tuple[str, str, float]] = {}
    for row in frame(connection, statement).to_dict("records"):
        key = (row["scope_kind"], row["scope"], SETS_A_LEVEL[CommandKind[row["kind"]]].name)
        latest.setdefault(key, (row["who"], row["reason"], float(row["answered_ms"])))
    return latest


def _brakes(connection: Connection, portfolio_id: int) -> dict[tuple[str, str, str], tuple[str, str, float]]:
    own = Event.__table__.c
    causes = {f"{cause.name}_TRIPPED": cause.name for cause in Cause} | {"BOT_FAILED": Cause.CRASHES.name}
    statement = (
        select(own.scope_kind, own.scope, own.kind, own.message, own.wall_ms)
        .where(own.portfolio_id == portfolio_id, own.kind.in_(list(causes)))
        .order_by(own.time_ms.desc(), own.id.desc())
        .limit(LOOK_BACK_ROWS)
    )
    latest: dict[tuple[str, str, str], tuple[str, str, float]] = {}
    for row in frame(connection, statement).to_dict("records"):
        key = (row["scope_kind"], row["scope"], causes[row["kind"]])
        latest.setdefault(key, ("", row["message"], float(row["wall_ms"])))
    return latest
