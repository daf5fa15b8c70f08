"""Engines for SQLite (the default) or PostgreSQL, and transactions whose failures are one sentence.

One process writes everything but `command`: `open_writer`. The page and the command line read through `open_reader`,
which cannot write, and insert commands through `open_commands`. Migrations are in `shared.migrations`.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.bounds import URL_WORDS, BadUrl, check_database_url
from shared.errors import DatabaseError, DiskFull, UnusableDatabase
from shared.migrations import HEAD, current_revision, known_revisions
from shared.private_files import make_file, make_folders
from shared.secret_url import (
    ENCODED,
    SecretUrl,
    revealed,
    secrets_of,
    shown_url,
    without_names,
    without_secrets,
)
from shared.sqlite_place import NO_ROOM, follow_file, has_room, require_file, require_place

# Before this release two writing connections can corrupt a database in WAL mode (sqlite.org/wal.html#walresetbug).
OLDEST_SQLITE = (3, 51, 3)
BUSY_SECONDS = 5.0
# SQLite waits up to 100 ms between two attempts: too long to get in between two steps of a replay at full speed.
EAGER_SECONDS = 0.001
PAGE_BYTES = 4096
# A log longer than this is to begin anew, and is cut to this length when it does.
LONG_LOG_BYTES = 64 * 2**20
# The writer waits so long for it, at most.
ANEW_MS = 500
_BUSY = f"busy_timeout={BUSY_SECONDS * 1000:.0f}"
_WRITER_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    _BUSY,
    "foreign_keys=ON",
    f"journal_size_limit={LONG_LOG_BYTES}",
    "wal_autocheckpoint=4000",
    "cache_size=-65536",
)
# Over a line that is broken an answer would be waited for until the system gives up, a quarter of an hour later.
_LINE: dict[str, Any] = {
    "connect_timeout": int(BUSY_SECONDS),
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_DISK_FULL_STATE = "53100"
_READER_OPTIONS = r"-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\ read"


def open_writer(url: SecretUrl | str, root: Path = Path()) -> Engine:
    """Open the database for the one process that writes everything; the folder of an SQLite file is made.

    Transactions are BEGIN IMMEDIATE. A relative SQLite path starts at `root`. Raises DatabaseError where it cannot be
    reached or written, or is of a newer version than this program; it is left as it was. It may still be empty or of an
    older version: `shared.migrations.upgrade` brings it up to date.
    """
    place = _parse(url)
    if place.get_backend_name() == "sqlite":
        path = sqlite_path(url, root)
        _make_folder(path)
        require_file(path, to_write=True)
        _make_file(path)
        engine = _sqlite_engine(path, _WRITER_PRAGMAS, "BEGIN IMMEDIATE", "rwc")
        engine.update_execution_options(name_of_file=_named_path(url, root))
    else:
        engine = _postgresql_engine(place)
    _refuse_newer(engine)
    if engine.dialect.name == "sqlite":
        with _outside_transaction(engine) as connection:
            # A log that grew while readers held it open is not shortened by itself.
            _move_log(connection, "TRUNCATE")
    return engine


def require_place_to_write(url: SecretUrl | str, root: Path = Path()) -> None:
    """Raise UnusableDatabase where `open_writer` would find something else in an SQLite file's place; makes nothing."""
    if _parse(url).get_backend_name() == "sqlite":
        require_place(sqlite_path(url, root))


def checkpoint(engine: Engine) -> None:
    """Move what SQLite's log holds into the database, as far as no reader needs it; nothing to do elsewhere.

    A log that has grown long begins anew, which takes a moment in which nobody reads what is in it. Where many read by
    turns none comes by itself, but while this waits: who begins then reads the database alone. Whoever reads for longer
    than `ANEW_MS` keeps the log as it is until the next time.
    """
    if engine.dialect.name != "sqlite":
        return
    with _outside_transaction(engine) as connection:
        if _move_log(connection, "PASSIVE") * PAGE_BYTES > LONG_LOG_BYTES:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={ANEW_MS}")
            try:
                _move_log(connection, "RESTART")
            finally:
                connection.exec_driver_sql(f"PRAGMA {_BUSY}")


def open_reader(url: SecretUrl | str, root: Path = Path()) -> Engine:
    """Open the database for reading only; each transaction sees one moment of it.

    Raises DatabaseError where it is not there yet, cannot be reached, or is not of the version of this program.
    """
    place = _parse(url)
    if place.get_backend_name() == "sqlite":
        path = _existing(sqlite_path(url, root))
        pragmas = ("query_only=ON", _BUSY, "cache_size=-65536")
        engine = _sqlite_engine(path, pragmas, "BEGIN", "ro")
        follow_file(engine, path)
    else:
        engine = _postgresql_engine(place, _READER_OPTIONS)
    _require_head(engine)
    return engine


def open_commands(url: SecretUrl | str, root: Path = Path()) -> Engine:
    """Open the database for the page and the command line to insert into `command`; errors as of `open_reader`."""
    place = _parse(url)
    if place.get_backend_name() == "sqlite":
        path = _existing(sqlite_path(url, root))
        pragmas = tuple(pragma for pragma in _WRITER_PRAGMAS[1:] if not pragma.startswith("busy_timeout"))
        engine = _sqlite_engine(path, (*pragmas, "busy_timeout=0"), "BEGIN IMMEDIATE", "rw", eager=True)
        follow_file(engine, path)
    else:
        engine = _postgresql_engine(place, pool_size=1)
    _require_head(engine)
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Commit what is done within whole, or nothing of it; a database that fails raises DatabaseError."""
    with translated(engine), engine.begin() as connection:
        yield connection


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn failures of the database itself (away, locked, full, read-only) into DatabaseError with one sentence.

    Mistakes of ours, such as a row that breaks a constraint, stay what they are.
    """
    try:
        yield
    except (OperationalError, PoolTimeoutError) as error:
        kind = DiskFull if _is_full(error, engine) else DatabaseError
        raise kind(f"database {describe(engine)} {_complaint(error, engine)}") from error
    except DBAPIError as error:
        if isinstance(error, ProgrammingError) and error.statement is None:
            # What the driver says of an option may be a part of a password.
            raise UnusableDatabase(
                f"database {describe(engine)} must have an address that the driver can read, was not: "
                f"every option must be one it knows, and {ENCODED} of a password percent-encoded"
            ) from error
        if "not a database" in str(error.orig):
            raise UnusableDatabase(f"database {describe(engine)} {_complaint(error, engine)}") from error
        if error.connection_invalidated or "malformed" in str(error.orig):
            raise DatabaseError(f"database {describe(engine)} {_complaint(error, engine)}") from error
        raise


def describe(engine: Engine) -> str:
    """Name the database for people: the path of the file, or the address without user and secrets."""
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    return shown_url(engine.url.render_as_string(hide_password=False))


def sqlite_path(url: SecretUrl | str, root: Path = Path()) -> Path:
    """Give the file an SQLite url names, links followed; a relative one starts at `root`."""
    named = _named_path(url, root)
    try:
        return named.resolve()
    except (OSError, RuntimeError) as error:
        raise UnusableDatabase(f"database {named} must be a file, could not be found: {error}") from error


def sqlite_module() -> ModuleType:
    """Give the driver with an SQLite that two processes may write: the interpreter's own, else pysqlite3."""
    if sqlite3.sqlite_version_info >= OLDEST_SQLITE:
        return sqlite3
    wanted = ".".join(map(str, OLDEST_SQLITE))
    try:
        from pysqlite3 import dbapi2
    except ImportError as error:
        raise UnusableDatabase(
            f"SQLite must be {wanted} or newer, was {sqlite3.sqlite_version}; install pysqlite3 or a newer Python, "
            "or set database.url to a PostgreSQL server"
        ) from error
    if dbapi2.sqlite_version_info < OLDEST_SQLITE:
        raise UnusableDatabase(
            f"SQLite must be {wanted} or newer, was {dbapi2.sqlite_version} of pysqlite3; upgrade it"
        )
    return dbapi2


@contextmanager
def _outside_transaction(engine: Engine) -> Iterator[Connection]:
    with translated(engine), engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        yield connection


def _move_log(connection: Connection, mode: str) -> int:
    """Give the pages that are in the log then."""
    _busy, pages, _moved = connection.exec_driver_sql(f"PRAGMA wal_checkpoint({mode})").one()
    return int(pages)


def _parse(url: SecretUrl | str) -> URL:
    try:
        return make_url(check_database_url(revealed(url)))
    except (ArgumentError, ValueError) as error:
        words = error if isinstance(error, BadUrl) else URL_WORDS
    # Outside: the words of others may repeat the password, and a traceback would repeat them.
    raise UnusableDatabase(f"database.url {words}")


def _named_path(url: SecretUrl | str, root: Path) -> Path:
    return (root / Path(_parse(url).database or "").expanduser()).absolute()


def _make_folder(path: Path) -> None:
    try:
        make_folders(path.parent)
    except OSError as error:
        raise UnusableDatabase(f"database folder {path.parent} must be writable, was not: {error.strerror}") from error


def _make_file(path: Path) -> None:
    # SQLite would let others read it; log, index and journal get the mode of the file.
    try:
        make_file(path)
    except OSError as error:
        kind = DiskFull if error.errno in NO_ROOM else DatabaseError
        raise kind(f"database {path} must be writable, was not: {error.strerror}") from error


def _existing(path: Path) -> Path:
    require_file(path, to_write=False)
    if not path.exists():
        raise DatabaseError(f"database {path} is not there yet: waiting for the worker to make it")
    return path


def _sqlite_engine(path: Path, pragmas: tuple[str, ...], begin: str, mode: str, eager: bool = False) -> Engine:
    module = sqlite_module()
    place = f"file:{quote(str(path))}?mode={mode}"

    def connect() -> Any:
        return module.connect(place, uri=True, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)

    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        module=module,
        creator=connect,
        poolclass=QueuePool,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver would begin a transaction too late for a read and the write that rests on it to be one.
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if eager:
            _begin_eagerly(connection, begin, module.OperationalError)
        else:
            connection.exec_driver_sql(begin)

    return engine


def _begin_eagerly(connection: Connection, begin: str, refusal: type[Exception]) -> None:
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.connection.driver_connection.execute(begin).close()
            return
        except refusal as error:
            if "locked" not in str(error) or time.monotonic() >= give_up:
                raise OperationalError(begin, None, error) from error
            time.sleep(EAGER_SECONDS)


def _postgresql_engine(place: URL, options: str = "", pool_size: int = 5) -> Engine:
    # What stands in the url rules.
    arguments = {name: value for name, value in _LINE.items() if name not in place.query}
    if options:
        arguments["options"] = options
    if place.drivername == "postgresql":
        place = place.set(drivername="postgresql+psycopg")
    try:
        return create_engine(place, connect_args=arguments, pool_pre_ping=True, pool_size=pool_size)
    except (ImportError, NoSuchModuleError) as error:
        raise UnusableDatabase(
            f"PostgreSQL needs the driver psycopg: pip install 'flotilla[postgres]' ({error})"
        ) from error


def _refuse_newer(engine: Engine) -> str | None:
    with translated(engine), engine.connect() as connection:
        revision = current_revision(connection)
    if revision is not None and revision not in known_revisions():
        engine.dispose()
        raise UnusableDatabase(
            f"database {describe(engine)} must be of version {HEAD} or older, was {revision}: "
            "it belongs to a newer Flotilla and was left as it is"
        )
    return revision


def _require_head(engine: Engine) -> None:
    revision = _refuse_newer(engine)
    if revision == HEAD:
        return
    engine.dispose()
    if revision is None:
        raise DatabaseError(f"database {describe(engine)} is still empty: waiting for the worker to make its tables")
    raise DatabaseError(
        f"database {describe(engine)} must be of version {HEAD}, was {revision}: start the worker or run "
        "`flotilla db upgrade`"
    )


def _is_full(error: Exception, engine: Engine) -> bool:
    """Say whether a database failed for want of room; SQLite says so of its file, but not of the index of its log."""
    words = str(getattr(error, "orig", None) or error)
    if engine.dialect.name != "sqlite":
        return getattr(getattr(error, "orig", None), "sqlstate", None) == _DISK_FULL_STATE
    return "disk is full" in words or ("disk I/O error" in words and not has_room(Path(describe(engine)).parent))


def _complaint(error: Exception, engine: Engine) -> str:
    cause = getattr(error, "orig", None) or error
    first = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    if engine.dialect.name != "sqlite":
        secrets = secrets_of(engine.url.render_as_string(hide_password=False))
        first = without_names(without_secrets(first, *secrets))
    if _is_full(error, engine):
        return f"must have room to grow, had none: {first}"
    if "readonly database" in first or "unable to open" in first:
        return f"must be readable and its folder writable for this user, was not: {first}"
    return f"must be reachable and in order, was not: {first}"
