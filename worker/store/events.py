"""What a person should know: events, bars that did not arrive as they should, configurations and studies that ran."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection, insert, select, update

from shared.enums import BarStatus, ScopeKind, Severity
from shared.printable import one_line
from shared.tables import BarRecord, Event, ResearchRun, SettingsVersion
from worker.store.rows import insert_rows


@dataclass(slots=True)
class EventRow:
    """An event; `time_ms` is market time, `scope` the name of a sleeve or bot, `kind` a word for filters."""

    time_ms: int
    wall_ms: int
    severity: Severity
    kind: str
    message: str
    scope_kind: ScopeKind = ScopeKind.PORTFOLIO
    scope: str = ""
    value: float | None = None
    limit: float | None = None


@dataclass(slots=True)
class BarRow:
    """A bar that was late, missing, repaired or skipped, and why."""

    symbol: str
    open_ms: int
    step: int
    status: BarStatus | int
    reason: str
    late_ms: int = 0


@dataclass(slots=True)
class ResearchRow:
    """A backtest or study; `settings` and `summary` are JSON, the period is that of its bars."""

    kind: str
    title: str
    digest: str
    settings: str
    candles: str
    from_ms: int
    to_ms: int
    started_ms: int
    finished_ms: int
    summary: str


def save_events(connection: Connection, portfolio_id: int, rows: Sequence[EventRow]) -> None:
    """Append events, whose messages may quote an exchange: each is kept as one line without control characters."""
    kept = [replace(row, message=one_line(row.message)) for row in rows]
    insert_rows(connection, Event, kept, portfolio_id=portfolio_id)


def save_bar_records(connection: Connection, portfolio_id: int, rows: Sequence[BarRow]) -> None:
    """Append records of bars that did not arrive as they should."""
    insert_rows(connection, BarRecord, rows, portfolio_id=portfolio_id)


def save_settings_version(
    connection: Connection, portfolio_id: int, digest: str, settings_json: str, now_ms: int
) -> int:
    """Keep a configuration under its digest and give its id, the old one where it ran before; `now_ms` is wall time."""
    known = select(SettingsVersion.id).where(
        SettingsVersion.portfolio_id == portfolio_id, SettingsVersion.digest == digest
    )
    version_id = connection.execute(known).scalar()
    if version_id is not None:
        connection.execute(update(SettingsVersion).where(SettingsVersion.id == version_id).values(last_ms=now_ms))
        return int(version_id)
    row = {
        "portfolio_id": portfolio_id,
        "digest": digest,
        "settings": settings_json,
        "first_ms": now_ms,
        "last_ms": now_ms,
    }
    return int(connection.execute(insert(SettingsVersion), row).inserted_primary_key[0])


def save_research_run(connection: Connection, row: ResearchRow) -> int:
    """Append a study and give its id."""
    return int(connection.execute(insert(ResearchRun), asdict(row)).inserted_primary_key[0])
