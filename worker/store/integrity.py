"""Whether a database can be read, all of it: pages, indexes, references, every row of every table."""

from collections.abc import Iterator

from sqlalchemy import Connection, Table, Text, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlmodel import SQLModel

import shared.tables  # noqa: F401 - all tables
from shared.printable import one_line

MOST_FOUND = 20
ROWS_AT_ONCE = 1_000


def damage(connection: Connection) -> list[str]:
    """Say what is damaged, a sentence each, at most some twenty; reads the whole database.

    Of SQLite also pages that no row needs are looked at. A server checks its own pages where it was set up to
    (`data_checksums`); there, and of SQLite beyond it, every row is read.
    """
    return list(_first(_found(connection)))


def _first(found: Iterator[str]) -> Iterator[str]:
    for _, sentence in zip(range(MOST_FOUND), found, strict=False):
        yield sentence


def _found(connection: Connection) -> Iterator[str]:
    if connection.dialect.name == "sqlite":
        yield from _pages(connection)
        yield from _references(connection)
    for table in SQLModel.metadata.sorted_tables:
        yield from _rows(connection, table)


def _pages(connection: Connection) -> Iterator[str]:
    try:
        answers = connection.exec_driver_sql(f"PRAGMA integrity_check({MOST_FOUND})").scalars().all()
    except DBAPIError as error:
        answers = [f"the database cannot be checked: {error.orig}"]
    yield from (line for answer in answers if answer != "ok" for line in str(answer).splitlines())


def _references(connection: Connection) -> Iterator[str]:
    try:
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    except DBAPIError as error:
        yield f"references cannot be checked: {error.orig}"
        return
    for table in dict.fromkeys(row[0] for row in broken):
        yield f"table {table} refers to rows that are not there"


def _rows(connection: Connection, table: Table) -> Iterator[str]:
    """Read the text of every row: what is none any more, or no word of its vocabulary, passes every other check."""
    columns = [column for column in table.columns if isinstance(column.type, Text)] or list(table.columns)[:1]
    words = {
        at: {member.name for member in column.info["enum"]} | {None}
        for at, column in enumerate(columns)
        if "enum" in column.info
    }
    strange: dict[str, str] = {}
    try:
        with connection.execute(select(*columns), execution_options={"yield_per": ROWS_AT_ONCE}) as rows:
            for row in rows:
                for at, known in words.items():
                    if row[at] not in known:
                        strange.setdefault(columns[at].name, str(row[at]))
    except (SQLAlchemyError, ValueError) as error:
        yield f"table {table.name} cannot be read: {one_line(getattr(error, 'orig', error))}"
    yield from (f"table {table.name} has {one_line(word)!r} as {name}" for name, word in strange.items())
