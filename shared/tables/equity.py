"""Equity over time, and its roll-ups to hours and days."""

from collections.abc import Sequence

from sqlalchemy import Select, select, union_all
from sqlmodel import SQLModel

from shared.enums import Resolution, ScopeKind
from shared.tables.columns import Number, Whole, key, named


class _Point(SQLModel):
    # time of the last mark within; of a STEP that is time_ms itself
    last_ms: Whole
    equity: Number
    cash: Number
    # notional held: gross of a portfolio or sleeve, signed of a bot
    exposure: Number
    # profit of what is open, after the entry fees it still carries
    open_profit: Number
    # deposits less withdrawals so far; equity less this is profit
    money_in: Number
    # the deepest within
    drawdown_fraction: Number
    low_equity: Number
    high_equity: Number


class EquityPoint(_Point, table=True):
    """A scope's equity at a step's close, or rolled up over the marks in `(time_ms, time_ms + 1 hour or day]`.

    Clustered by scope, so that a chart reads neighbouring rows.
    """

    __tablename__ = "equity_point"
    __table_args__ = {"sqlite_with_rowid": False}

    scope_kind: str = named(ScopeKind, primary_key=True)
    scope_id: int = key()
    resolution: str = named(Resolution, primary_key=True)
    time_ms: int = key()


class EquityRecent(_Point, table=True):
    """The newest roll-ups, on their way into `equity_point`.

    A step that wrote a thousand scopes into a table clustered by scope would rewrite a page for each. They wait here,
    and each step moves those of one slot.
    """

    __tablename__ = "equity_recent"
    __table_args__ = {"sqlite_with_rowid": False}

    slot: int = key()
    resolution: str = named(Resolution, primary_key=True)
    time_ms: int = key()
    scope_kind: str = named(ScopeKind, primary_key=True)
    scope_id: int = key()


# Scopes share slots by `scope_id % SLOTS`; another number would leave rows behind in slots that nobody moves.
SLOTS = 32


def equity_points(
    scope_kind: ScopeKind,
    resolution: Resolution,
    scope_ids: Sequence[int] | Select | None = None,
    start_ms: int | None = None,
    end_ms: int | None = None,
) -> Select:
    """Select the points of scopes at one resolution with `time_ms` in `[start_ms, end_ms)`, oldest first.

    Columns are those of `equity_point`. Whoever wants roll-ups must read them by this, for the newest are not in
    `equity_point` yet.
    """
    parts = []
    for table in (EquityPoint.__table__, EquityRecent.__table__):
        columns = table.c
        part = select(*(columns[name] for name in EquityPoint.model_fields))
        part = part.where(columns.scope_kind == scope_kind.name, columns.resolution == resolution.name)
        if scope_ids is not None:
            part = part.where(columns.scope_id.in_(scope_ids))
        if table is EquityRecent.__table__ and isinstance(scope_ids, Sequence):
            part = part.where(columns.slot.in_({scope_id % SLOTS for scope_id in scope_ids}))
        if start_ms is not None:
            part = part.where(columns.time_ms >= start_ms)
        if end_ms is not None:
            part = part.where(columns.time_ms < end_ms)
        parts.append(part)
    points = union_all(*parts).subquery("points")
    return select(points).order_by(points.c.scope_id, points.c.time_ms)
