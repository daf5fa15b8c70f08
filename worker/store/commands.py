"""What people asked for, as the worker takes and answers it; `shared.tables.commands.ask` is the other end."""

from dataclasses import dataclass

from sqlalchemy import Connection, select, text, update

from shared.enums import Cause, CommandKind, CommandStatus, ScopeKind
from shared.tables import Command
from shared.tables.commands import COMMAND_IS_PENDING, ask
from worker.store.rows import load_rows, record_columns

__all__ = ["LEVEL_COMMANDS", "CommandRow", "answer", "ask", "pending", "take"]

LEVEL_COMMANDS = frozenset({CommandKind.PAUSE, CommandKind.FLATTEN, CommandKind.HALT, CommandKind.RELEASE})


@dataclass(slots=True)
class CommandRow:
    """A command; `scope` is the name of the sleeve or bot, empty for the portfolio; times are wall time."""

    id: int
    kind: CommandKind
    scope_kind: ScopeKind
    scope: str
    reason: str
    who: str
    amount: float | None
    detail: str | None
    cause: Cause | None
    asked_ms: int
    taken_ms: int | None
    status: CommandStatus


def pending(connection: Connection, portfolio_id: int) -> list[CommandRow]:
    """Give the commands without an answer, levels first, each in the order asked.

    Those taken before a crash are among them. Levels keep their order: a halt asked after a release must come after it.
    """
    statement = select(*record_columns(Command, CommandRow)).where(
        Command.portfolio_id == portfolio_id, text(COMMAND_IS_PENDING)
    )
    commands = load_rows(connection, statement, Command, CommandRow)
    return sorted(commands, key=lambda command: (command.kind not in LEVEL_COMMANDS, command.id))


def take(connection: Connection, command_id: int, now_ms: int) -> None:
    """Write that the worker is at a command."""
    connection.execute(
        update(Command)
        .where(Command.id == command_id, Command.status == CommandStatus.ASKED.name)
        .values(status=CommandStatus.TAKEN.name, taken_ms=now_ms)
    )


def answer(connection: Connection, command_id: int, status: CommandStatus, sentence: str, now_ms: int) -> None:
    """Write what came of a command: DONE or REFUSED, and the sentence the person is shown."""
    connection.execute(
        update(Command).where(Command.id == command_id).values(status=status.name, answer=sentence, answered_ms=now_ms)
    )
