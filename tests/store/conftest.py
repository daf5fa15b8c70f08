"""Databases for the tests of the store: SQLite always, PostgreSQL where its programs are installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from shared.database import open_writer
from shared.migrations.upgrade import upgrade

PROGRAMS = ("/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt")


def _programs() -> Path | None:
    for folder in PROGRAMS:
        found = sorted(Path(folder).glob("*/bin/initdb"), key=lambda path: path.parts[-3])
        if found:
            return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _as_user() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    user = (
        "postgres" if subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode == 0 else "nobody"
    )
    return ["setpriv", "--reuid", user, "--regid", str(_group_of(user)), "--clear-groups"]


def _group_of(user: str) -> int:
    return int(subprocess.run(["id", "-g", user], capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A throw-away server on a socket of its own; gives the part of its url that follows the name of a database."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL's initdb and pg_ctl are not on this machine")
    user = _as_user()
    if user and shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL does not run as root, and setpriv is not on this machine")
    # A socket's path may have some 100 characters only, so not under pytest's own folders.
    with tempfile.TemporaryDirectory(prefix="flotilla-pg-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}

        def run(*command: str) -> None:
            done = subprocess.run(
                [*user, *command], capture_output=True, text=True, env=environment, cwd="/", check=False
            )
            assert done.returncode == 0, done.stderr

        cluster = str(folder / "cluster")
        run(str(programs / "initdb"), "-A", "trust", "-U", "flotilla", "-D", cluster, "-N", "-E", "UTF8")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        control = (str(programs / "pg_ctl"), "-D", cluster, "-w", "-l", str(folder / "log"))
        run(*control, "-o", options, "start")
        try:
            yield f"?host={folder}&user=flotilla"
        finally:
            run(*control, "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables, to be copied."""
    file = tmp_path_factory.mktemp("template") / "flotilla.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    """The name of a database with all tables, to be copied."""
    _command_server(postgresql_server, 'CREATE DATABASE "template"')
    upgrade(f"postgresql:///template{postgresql_server}")
    return "template"


def _command_server(rest: str, command: str) -> None:
    import psycopg

    with psycopg.connect(f"postgresql:///postgres{rest}", autocommit=True) as connection:
        connection.execute(command)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The url of a database: still empty, but for tests that ask for its engine."""
    has_tables = "engine" in request.fixturenames
    if request.param == "sqlite":
        yield _sqlite_url(request, tmp_path, has_tables)
        return
    rest = request.getfixturevalue("postgresql_server")
    origin = request.getfixturevalue("postgresql_template") if has_tables else "template1"
    name = f"t{abs(hash(str(tmp_path))):x}"
    _command_server(rest, f'CREATE DATABASE "{name}" TEMPLATE "{origin}"')
    yield f"postgresql:///{name}{rest}"
    _command_server(rest, f'DROP DATABASE "{name}" WITH (FORCE)')


def _sqlite_url(request: pytest.FixtureRequest, tmp_path: Path, has_tables: bool) -> str:
    file = tmp_path / "state" / "flotilla.db"
    if has_tables:
        file.parent.mkdir()
        shutil.copyfile(request.getfixturevalue("sqlite_template"), file)
    return f"sqlite:///{file}"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """The writer of a database with all tables."""
    engine = open_writer(url)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The url of an SQLite database: still empty, but for tests that ask for its engine."""
    return _sqlite_url(request, tmp_path, "sqlite_engine" in request.fixturenames)


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[Engine]:
    """The writer of an SQLite database with all tables."""
    engine = open_writer(sqlite_url)
    yield engine
    engine.dispose()
