"""Bring a database up to date: a copy first, then every missing migration in one transaction."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine

from shared.clock import Clock, SystemClock
from shared.database import describe, open_writer, sqlite_module, translated
from shared.errors import DatabaseError
from shared.migrations import HEAD, current_revision, make_config
from shared.private_files import make_file, make_folders
from shared.secret_url import SecretUrl
from shared.units import to_datetime

BACKUPS = "backups"


@dataclass(frozen=True)
class Upgrade:
    """What an upgrade did; `before` is none for a new database, `backup` none where there was nothing to keep."""

    before: str | None
    after: str
    backup: Path | None
    sentence: str


def upgrade(
    url: SecretUrl | str,
    root: Path = Path(),
    clock: Clock | None = None,
    check: Callable[[Connection], None] | None = None,
) -> Upgrade:
    """Bring the database of `url` to the version of this program; a new one gets its tables.

    SQLite is copied to `backups/` beside the file first, if there is anything to migrate. PostgreSQL is not: the
    sentence says so. `check` is asked before, and refuses by what it raises: a worker of the older version that goes on
    would leave gaps in what the newer one keeps. Raises DatabaseError, with the database as it was, where it is newer,
    cannot be written, or a migration fails.
    """
    engine = open_writer(url, root)
    try:
        with translated(engine), engine.connect() as connection:
            before = current_revision(connection)
        if before == HEAD:
            return Upgrade(before, HEAD, None, f"database {describe(engine)} is up to date (version {HEAD})")
        if before is not None and check is not None:
            with translated(engine), engine.connect() as connection:
                check(connection)
        backup = None if before is None else _backup(engine, before, clock or SystemClock())
        _migrate(engine)
        return Upgrade(before, HEAD, backup, _sentence(engine, before, backup))
    finally:
        engine.dispose()


@contextmanager
def without_foreign_keys(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction in which SQLite may replace tables that others refer to; broken references are refused."""
    with engine.connect() as connection:
        is_sqlite = engine.dialect.name == "sqlite"
        if is_sqlite:
            # Ignored within a transaction, and SQLAlchemy has begun one.
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() if is_sqlite else []
            if broken:
                raise DatabaseError(f"every reference must lead to a row, was broken in table {broken[0][0]!r}")
            connection.commit()
        finally:
            if connection.in_transaction():
                connection.rollback()
            # The pool must not hand out a connection that checks no references.
            connection.invalidate()


def _migrate(engine: Engine) -> None:
    # It tells of its own plugins while it is imported; what was done is in the sentence of the upgrade.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from alembic import command
    from alembic.util.exc import CommandError

    try:
        with translated(engine), without_foreign_keys(engine) as connection:
            command.upgrade(make_config(connection), "head")
    except CommandError as error:
        raise DatabaseError(f"database {describe(engine)} could not be migrated and is as it was: {error}") from error


def _backup(engine: Engine, revision: str, clock: Clock) -> Path | None:
    if engine.dialect.name != "sqlite":
        return None
    source = Path(str(engine.url.database))
    moment = to_datetime(clock.now_ms()).strftime("%Y%m%dT%H%M%S%fZ")
    target = source.parent / BACKUPS / f"{source.stem}-{revision}-{moment}{source.suffix}"
    module = sqlite_module()
    try:
        make_folders(target.parent)
        make_file(target)
        original, copy = module.connect(str(source)), module.connect(str(target))
        try:
            original.backup(copy)
        finally:
            copy.close()
            original.close()
    except (OSError, module.Error) as error:
        raise DatabaseError(f"a backup to {target} must succeed before migrating, did not: {error}") from error
    return target


def _sentence(engine: Engine, before: str | None, backup: Path | None) -> str:
    if before is None:
        return f"database {describe(engine)} was made (version {HEAD})"
    kept = f"a copy from before is {backup}" if backup else "no copy was made: that is the server's own backup's work"
    return f"database {describe(engine)} was migrated from version {before} to {HEAD}; {kept}"
