"""What people asked for: the only table that page and command line write."""

from sqlalchemy import Connection, Index, func, insert, select, text
from sqlmodel import SQLModel

from shared.enums import Cause, CommandKind, CommandStatus, ScopeKind
from shared.printable import one_line
from shared.tables.columns import (
    MaybeNumber,
    MaybeWhole,
    MaybeWords,
    RowId,
    Whole,
    Words,
    maybe_named,
    named,
    reference,
)

# Written out where it is asked for, too: SQLite uses a partial index only where the query says the same words.
COMMAND_IS_PENDING = "status IN ('ASKED', 'TAKEN')"


class Command(SQLModel, table=True):
    """What a person asked, by whom and why; when it was taken, done or refused, with the answer: the audit trail."""

    __tablename__ = "command"
    __table_args__ = (
        Index(
            "ix_command_pending",
            "portfolio_id",
            sqlite_where=text(COMMAND_IS_PENDING),
            postgresql_where=text(COMMAND_IS_PENDING),
        ),
        Index("ix_command_portfolio_id_asked_ms", "portfolio_id", "asked_ms"),
    )

    id: RowId = None
    portfolio_id: int = reference("portfolio.id")
    kind: str = named(CommandKind)
    scope_kind: str = named(ScopeKind)
    # the name of the sleeve or bot; empty for the portfolio
    scope: Words = ""
    reason: Words
    who: Words
    # of a deposit or withdrawal, quote; of a write-off the price
    amount: MaybeNumber = None
    # of a reconciliation: the symbol or coin, and what its difference is
    detail: MaybeWords = None
    # what a release clears; none is the person's own level, or the only cause there is
    cause: str | None = maybe_named(Cause)
    # wall times
    asked_ms: Whole
    taken_ms: MaybeWhole = None
    answered_ms: MaybeWhole = None
    status: str = named(CommandStatus)
    answer: MaybeWords = None


def waiting_since_ms(connection: Connection, portfolio_id: int) -> int | None:
    """Give when the oldest command without an answer was asked, wall time; None where none waits."""
    own = Command.__table__.c
    statement = select(func.min(own.asked_ms)).where(own.portfolio_id == portfolio_id, text(COMMAND_IS_PENDING))
    return connection.execute(statement).scalar()


def ask(
    connection: Connection,
    portfolio_id: int,
    kind: CommandKind,
    scope_kind: ScopeKind,
    scope: str,
    reason: str,
    who: str,
    now_ms: int,
    amount: float | None = None,
    cause: Cause | None = None,
    refused: str | None = None,
    detail: str | None = None,
) -> int:
    """Write a command for the worker to take, and give its id.

    `scope` is the name of the sleeve or bot, empty for the portfolio; `now_ms` is wall time. With the sentence that
    refuses it, it is answered already: it stands in the audit trail and is never taken.
    """
    is_refused = refused is not None
    row = {
        "portfolio_id": portfolio_id,
        "kind": CommandKind(kind).name,
        "scope_kind": ScopeKind(scope_kind).name,
        "scope": scope,
        # PostgreSQL keeps no NUL in a text.
        "reason": one_line(reason),
        "who": one_line(who),
        "amount": amount,
        "cause": None if cause is None else Cause(cause).name,
        "detail": detail,
        "asked_ms": now_ms,
        "status": (CommandStatus.REFUSED if is_refused else CommandStatus.ASKED).name,
        "answered_ms": now_ms if is_refused else None,
        "answer": one_line(refused) if is_refused else None,
    }
    return int(connection.execute(insert(Command), row).inserted_primary_key[0])
