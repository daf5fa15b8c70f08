"""What the worker committed last, kept beside an SQLite database: what a copy that is put in its place does not have.

It is a trace, not a part of the books: where it cannot be written nothing else is lost.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from shared.database import sqlite_path, transaction
from shared.database_file import read_mark
from shared.errors import DatabaseError
from shared.regular_file import read_regular
from shared.secret_url import SecretUrl
from shared.sqlite_place import identity
from shared.tables import Portfolio, PortfolioState
from shared.units import format_time
from worker.store.integrity import damage

# A line of one length is replaced by one write.
LINE_BYTES = 256


@dataclass(frozen=True, slots=True)
class Last:
    """The last commit: its mark, its step, the open of that step's bar, when the portfolio began, and to which file.

    Of the file nothing is known (0) where an older version kept the trace.
    """

    mark: int
    step: int
    time_ms: int
    created_ms: int
    device: int = 0
    inode: int = 0

    def __str__(self) -> str:
        return f"step {self.step}" + (f" ({format_time(self.time_ms)})" if self.step else "")


class Trace:
    """The file that says what was committed last to a portfolio's books; a server's books have none."""

    def __init__(self, database: Path | None, portfolio: str) -> None:
        self._database = database
        self.path = database.with_name(f"{database.name}.{portfolio}.last.json") if database is not None else None
        self._portfolio = portfolio

    @classmethod
    def of_engine(cls, engine: Engine, portfolio: str) -> "Trace":
        """Give the trace beside the database of an engine."""
        return cls(Path(str(engine.url.database)) if engine.dialect.name == "sqlite" else None, portfolio)

    def read(self) -> Last | None:
        """Give what was committed last; none where nothing is known of it."""
        if self.path is None:
            return None
        try:
            return Last(**{name: int(value) for name, value in json.loads(read_regular(self.path)).items()})
        except (OSError, ValueError, TypeError, AttributeError):
            return None

    def write(self, last: Last) -> None:
        """Keep what was committed last, and to which file."""
        if self.path is None:
            return
        line = json.dumps({**asdict(last), **self._file()}).ljust(LINE_BYTES - 1) + "\n"
        with suppress(OSError):
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.pwrite(file, line.encode(), 0)
            finally:
                os.close(file)

    def is_of(self, last: Last) -> bool:
        """Say whether the database is the file that was committed to, whatever is written in it."""
        return self._file() == {"device": last.device, "inode": last.inode}

    def _file(self) -> dict[str, int]:
        there = identity(self._database) if self._database is not None else None
        return there._asdict() if there is not None else {}

    def loss(self, connection: Connection) -> str:
        """Say which steps the books lack of those that were committed; empty where none or nothing is known."""
        last, kept = self.read(), last_of(connection, self._portfolio)
        if last is None or kept is None or kept.created_ms != last.created_ms or kept.step >= last.step:
            return ""
        return (
            f"the books end with {kept} while {last} had been committed: steps {kept.step + 1} to {last.step} are not "
            "in them, nor what people asked for after that step"
        )


def last_of(connection: Connection, portfolio: str) -> Last | None:
    """Read what a portfolio's books end with; none where they do not have it."""
    own, state = Portfolio.__table__.c, PortfolioState.__table__.c
    statement = (
        select(own.created_ms, state.step, state.time_ms)
        .select_from(Portfolio.__table__.outerjoin(PortfolioState.__table__, state.portfolio_id == own.id))
        .where(own.name == portfolio)
    )
    row = connection.execute(statement).first()
    if row is None:
        return None
    mark = read_mark(connection) if connection.dialect.name == "sqlite" else 0
    return Last(mark, row.step or 0, row.time_ms or 0, row.created_ms)


def require_books(url: SecretUrl, root: Path, portfolio: str) -> None:
    """Raise DatabaseError where a database that held books is gone or empty: others must not be begun in its place."""
    if not url.is_sqlite:
        return
    path = sqlite_path(url, root)
    trace = Trace(path, portfolio)
    last = trace.read()
    try:
        is_there = path.stat().st_size > 0
    except FileNotFoundError:
        is_there = False
    except OSError:
        # Opening it says why.
        return
    if not is_there and last is not None and last.step:
        raise DatabaseError(f"database {path} must hold the books, which ended with {last}; {_is_gone(trace)}")


def require_same_books(engine: Engine, portfolio: str) -> str:
    """Look at a database that is not as this portfolio's worker left it; say what is missing, empty where nothing is.

    Raises DatabaseError where it is not whole, or does not hold the books of the fleet that was.
    """
    trace = Trace.of_engine(engine, portfolio)
    last = trace.read()
    if last is None or not last.step:
        return ""
    with transaction(engine) as connection:
        kept = last_of(connection, portfolio)
        if kept is None or kept.created_ms != last.created_ms:
            raise DatabaseError(
                f"database {engine.url.database} must hold the books of this fleet, which ended with {last}; it holds "
                f"others: {_is_gone(trace)}"
            )
        # A crash may have come between the commit and its trace; a log that was left beside a copy has its mark, too.
        if kept.mark in (last.mark, last.mark + 1) and trace.is_of(last):
            return ""
        if found := damage(connection):
            raise DatabaseError(
                f"database {engine.url.database}, which was replaced, must be whole, was not: {found[0]}; "
                "bring back a copy that is"
            )
        return trace.loss(connection)


def _is_gone(trace: Trace) -> str:
    return f"bring them back, or remove {trace.path} to begin new ones"
