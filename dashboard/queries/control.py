"""What people asked, and the configurations that ran."""

import json
from itertools import pairwise
from typing import Any

from pandas import DataFrame, Series
from sqlalchemy import Connection, Select, select, text

from dashboard.queries.frames import first_row, frame
from shared.enums import CommandKind
from shared.tables import Command, SettingsVersion
from shared.tables.commands import COMMAND_IS_PENDING

_COMMAND = (
    *("kind", "scope_kind", "scope", "reason", "who", "amount", "cause", "status"),
    *("asked_ms", "taken_ms", "answered_ms", "answer"),
)


def load_commands(connection: Connection, portfolio_id: int, limit: int = 200, only_pending: bool = False) -> DataFrame:
    """Load what people asked, newest first: the audit trail. To explain changes nothing and is none of it.

    Columns: command_id, kind, scope_kind, scope (empty for the portfolio), reason, who, amount (quote), cause, status,
    asked_ms, taken_ms, answered_ms (wall; NaN while it is not), answer.
    """
    own = Command.__table__.c
    statement = _commands().where(own.portfolio_id == portfolio_id, own.kind != CommandKind.EXPLAIN.name)
    if only_pending:
        statement = statement.where(text(COMMAND_IS_PENDING))
    return frame(connection, statement.order_by(own.asked_ms.desc(), own.id.desc()).limit(limit))


def load_command(connection: Connection, command_id: int) -> dict[str, Any] | None:
    """Load one command by its id, keys as the columns of `load_commands`; None where there is none."""
    return first_row(connection, _commands().where(Command.__table__.c.id == command_id))


def _commands() -> Select:
    own = Command.__table__.c
    return select(own.id.label("command_id"), *(own[name] for name in _COMMAND))


def load_settings_versions(connection: Connection, portfolio_id: int, limit: int = 100) -> DataFrame:
    """Load the configurations that ran, the one that ran last first.

    Columns: settings_version_id, digest, first_ms, last_ms (wall times of its first and latest start), changes (a line
    `risk.stop: 0.08 → 0.05` for each setting that differs from the version that first ran before it), settings (JSON).
    """
    own = SettingsVersion.__table__.c
    names = ("digest", "first_ms", "last_ms", "settings")
    statement = select(own.id.label("settings_version_id"), *(own[name] for name in names))
    versions = frame(connection, statement.where(own.portfolio_id == portfolio_id).order_by(own.id.desc()).limit(limit))
    flat = [_flat(json.loads(settings)) for settings in versions["settings"]]
    changes = ["\n".join(_changes(before, after)) for after, before in pairwise(flat)]
    versions.insert(4, "changes", Series([*changes, ""][: len(versions)], dtype="str"))
    return versions.sort_values(["last_ms", "settings_version_id"], ascending=False, ignore_index=True)


def settings_table(settings: dict[str, Any]) -> DataFrame:
    """Write nested settings as rows. Columns: setting (dotted), value (text, JSON)."""
    flat = _flat(settings)
    return DataFrame({"setting": list(flat), "value": list(flat.values())}, dtype="str")


def _flat(settings: dict[str, Any], above: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in settings.items():
        dotted = f"{above}{name}"
        if isinstance(value, dict) and value:
            flat.update(_flat(value, f"{dotted}."))
        else:
            flat[dotted] = json.dumps(value, ensure_ascii=False)
    return flat


def _changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    names = list(dict.fromkeys((*before, *after)))
    nothing = "—"
    return [
        f"{name}: {before.get(name, nothing)} → {after.get(name, nothing)}"
        for name in names
        if before.get(name) != after.get(name)
    ]
