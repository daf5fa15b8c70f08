"""What a person should know: events, the worker's heartbeat and lease, configurations that ran, studies made."""

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import SQLModel

from shared.enums import ScopeKind, Severity
from shared.tables.columns import (
    MaybeNumber,
    MaybeWhole,
    MaybeWords,
    Number,
    RowId,
    Whole,
    Words,
    later,
    named,
    reference,
)


class Event(SQLModel, table=True):
    """Something a person should know: a brake that warned or tripped, an error, a recovery, a changed configuration."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_portfolio_id_time_ms", "portfolio_id", "time_ms"),)

    id: RowId = None
    portfolio_id: int = reference("portfolio.id")
    # market time, and the wall's
    time_ms: Whole
    wall_ms: Whole
    severity: str = named(Severity)
    scope_kind: str = named(ScopeKind)
    # the name of the sleeve or bot; empty for the portfolio
    scope: Words = ""
    # a word for filters: DRAWDOWN_TRIPPED, BAR_MISSING, RECOVERED …
    kind: Words
    message: Words
    value: MaybeNumber = None
    limit: MaybeNumber = None


class Heartbeat(SQLModel, table=True):
    """The worker's last full pass and the lease it holds; one row per portfolio."""

    __tablename__ = "heartbeat"

    portfolio_id: int = reference("portfolio.id", primary_key=True)
    # of the last step: its number, the close of its bar in market time, when and how long the pass was, how late
    step: Whole = 0
    market_ms: Whole = 0
    wall_ms: Whole = 0
    duration_ms: Number = 0.0
    lateness_ms: Number = 0.0
    # wall time by which the next pass is due; none while none is expected
    due_ms: MaybeWhole = None
    # how far the exchange's time is ahead of the machine's clock; 0 where market time is not real time
    ahead_ms: int = later()
    # closed bars not stepped yet, and how many there were when the worker began to catch up; 0 where it is up to date
    bars_left: int = later()
    bars_total: int = later()
    # the lease: who, since when, last renewed (wall time); `lease_token` grows with every holder
    lease_token: Whole = 0
    lease_host: MaybeWords = None
    lease_machine: MaybeWords = None
    lease_boot: MaybeWords = None
    lease_pid: MaybeWhole = None
    lease_started: MaybeWords = None
    lease_since_ms: MaybeWhole = None
    lease_renewed_ms: MaybeWhole = None


class SettingsVersion(SQLModel, table=True):
    """A configuration that ran, by the digest of its values."""

    __tablename__ = "settings_version"
    __table_args__ = (UniqueConstraint("portfolio_id", "digest"),)

    id: RowId = None
    portfolio_id: int = reference("portfolio.id")
    digest: Words
    # the settings as JSON
    settings: Words
    # wall times of its first and its latest start
    first_ms: Whole
    last_ms: Whole


class ResearchRun(SQLModel, table=True):
    """A backtest or study and its results."""

    __tablename__ = "research_run"

    id: RowId = None
    kind: Words
    title: Words
    # digest and JSON of the settings it ran with
    digest: Words
    settings: Words
    candles: Words
    # the period of its bars, and wall times
    from_ms: Whole
    to_ms: Whole
    started_ms: Whole
    finished_ms: Whole
    # the results as JSON
    summary: Words
