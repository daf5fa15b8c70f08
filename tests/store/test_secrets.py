"""The database's password: the worker connects with it, nothing says it, and rows of older versions lose it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, text

from shared.database import describe, open_commands, open_reader, open_writer, transaction
from shared.errors import DatabaseError
from shared.migrations import make_config, migration_options
from shared.migrations.upgrade import upgrade
from shared.secret_url import SecretUrl, secrets_of
from shared.settings import Settings, load_settings
from tests.store.fleets import START_MS, make_fill, open_books
from worker.store.events import save_settings_version
from worker.store.orders import save_fills

PASSWORD = "open:s@same/?&=%!"
SECRETS = ("firstpass", "secondpass", "querypass", "keypass", "endpointpass")


@pytest.fixture(scope="module")
def guarded(postgresql_server: str) -> Iterator[str]:
    """A role that a server lets in with its password only; gives what follows the name of a database, without it."""
    rest = postgresql_server.partition("&user=")[0]
    with psycopg.connect(f"postgresql:///postgres{postgresql_server}", autocommit=True) as server:
        server.execute(f"CREATE ROLE guarded SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
        rules = Path(str(server.execute("SHOW hba_file").fetchone()[0]))  # type: ignore[index]
        before = rules.read_text()
        rules.write_text(f"local all guarded scram-sha-256\n{before}")
        server.execute("SELECT pg_reload_conf()")
        try:
            yield rest
        finally:
            rules.write_text(before)
            server.execute("SELECT pg_reload_conf()")


@pytest.fixture
def guarded_url(guarded: str, tmp_path: Path) -> Iterator[str]:
    """An empty database of the guarded server; `WHO` stands where who signs in may."""
    name = f"s{abs(hash(str(tmp_path))):x}"
    admin = f"postgresql:///postgres{guarded}&user=flotilla"
    with psycopg.connect(admin, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        yield f"postgresql://WHO/{name}{guarded}"
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _in_userinfo(url: str, password: str) -> str:
    return url.replace("WHO", f"guarded:{quote(password, safe='')}@")


def _in_query(url: str, password: str) -> str:
    return url.replace("WHO", "") + f"&user=guarded&password={quote(password, safe='')}"


def _with_driver(url: SecretUrl) -> str:
    return str(url).replace("postgresql:", "postgresql+psycopg:")


@pytest.mark.postgres
@pytest.mark.parametrize("form", [_in_userinfo, _in_query])
def test_the_worker_and_its_readers_connect_with_the_password(guarded_url: str, form: Any) -> None:
    url = load_settings(None, {"FLOTILLA_DATABASE__URL": form(guarded_url, PASSWORD)}).database.url
    assert upgrade(url).sentence.startswith(f"database {_with_driver(url)} was made")
    for open_ in (open_writer, open_reader, open_commands):
        engine = open_(url)
        with transaction(engine) as connection:
            assert connection.execute(text("SELECT current_user")).scalar() == "guarded"
        assert describe(engine) == _with_driver(url)
        engine.dispose()
    assert PASSWORD not in str(url) and "s%40same" not in str(url) and "guarded" not in str(url)


@pytest.mark.postgres
@pytest.mark.parametrize("form", [_in_userinfo, _in_query])
def test_a_wrong_password_is_refused_without_being_repeated(guarded_url: str, form: Any) -> None:
    with pytest.raises(DatabaseError, match="password authentication failed for user …") as refused:
        open_writer(form(guarded_url, "wr@ng:password"))
    assert "wr@ng" not in str(refused.value) and "wr%40ng" not in str(refused.value)


@pytest.mark.postgres
def test_without_a_password_it_is_refused(guarded_url: str) -> None:
    with pytest.raises(DatabaseError, match="no password supplied"):
        open_writer(guarded_url.replace("WHO", "guarded@"))


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:sesame@host/name",
        "postgresql://me:sesame@127.0.0.1:1/name",
        "postgresql://127.0.0.1:1/name?user=sesame&password=sesame",
        "postgresql://127.0.0.1:1/name?sslpassword=sesame&passfile=/sesame",
        "postgresql://127.0.0.1:sesame/name",
        "postgresql://me:sesame@127.0.0.1:1,127.0.0.1:2/name",
        "sqlite://me:sesame@/:memory:?password=sesame",
        "postgresql://me:x@sesame@127.0.0.1:1/name",
        "postgresql://me:x@127.0.0.2/sesame@127.0.0.1:1/name",
        "postgresql://me:12?sesame@127.0.0.1:1/name",
        "postgresql://127.0.0.1:1/name?password=x&sesame",
        "postgresql://127.0.0.1:1/name?password=x&sesame=1",
        "postgresql://127.0.0.1:1/name?pasword=sesame",
        "host=127.0.0.1 password=sesame",
    ],
)
@pytest.mark.parametrize("kind", [str, SecretUrl])
def test_an_address_that_fails_is_told_without_its_secrets(url: str, kind: type) -> None:
    with pytest.raises(DatabaseError) as refused:
        open_writer(kind(url))
    assert "database" in str(refused.value)
    assert "sesame" not in str(refused.value)


def _old_values(url: str, **market: str) -> dict[str, Any]:
    values = Settings().model_dump(mode="json")
    return {**values, "database": {"url": url}, "market": {**values["market"], **market}}


OLD = (
    _old_values("postgresql://me:firstpass@host/books?sslmode=require"),
    _old_values("postgresql://host/books?user=me&password=querypass&sslmode=require&sslpassword=keypass"),
    _old_values("postgresql://me:secondpass@host/books?sslmode=require", exchange="kraken"),
    _old_values("sqlite:///state/flotilla.db", endpoint="http://me:endpointpass@127.0.0.1:8080"),
)
CLEAN = "postgresql://host/books?sslmode=require"


def _write_old_rows(connection: Connection) -> int:
    """Write what older versions kept; give the id of the version that has no secret."""
    books = open_books(connection)
    portfolio_id = books.fleet.portfolio_id
    plain = save_settings_version(connection, portfolio_id, Settings().digest(), Settings().model_dump_json(), 1)
    for at, values in enumerate(OLD, start=10):
        version = save_settings_version(connection, portfolio_id, f"old{at}", json.dumps(values), at)
        save_fills(connection, 1, [make_fill(books.fleet.bots[at], START_MS + at)])
        used = "UPDATE fill SET settings_version_id = :version WHERE time_ms = :time"
        connection.execute(text(used), {"version": version, "time": START_MS + at})
    said = "database postgresql://me:firstpass@host/books was away; secondpass did not help, password=querypass"
    connection.execute(
        text(
            "INSERT INTO event (portfolio_id, time_ms, wall_ms, severity, scope_kind, scope, kind, message) "
            "VALUES (:id, 1, 1, 'INFO', 'PORTFOLIO', '', 'NOTE', :said), (:id, 2, 2, 'INFO', 'PORTFOLIO', '', 'X', 'y')"
        ),
        {"id": portfolio_id, "said": said},
    )
    connection.execute(
        text(
            "INSERT INTO command (portfolio_id, kind, scope_kind, scope, reason, who, asked_ms, status, answer) VALUES "
            "(:id, 'HALT', 'PORTFOLIO', '', :said, 'ann', 1, 'DONE', 'try keypass')"
        ),
        {"id": portfolio_id, "said": said},
    )
    connection.execute(text("UPDATE bot SET note = 'was endpointpass' WHERE id = 1"))
    connection.execute(
        text("INSERT INTO candle VALUES ('kraken:spot:http://me:endpointpass@127.0.0.1', 'A', 1, 1, 1, 1, 1, 1, 1)")
    )
    return plain


def _all_words(connection: Connection) -> str:
    tables = ("settings_version", "event", "command", "bot", "candle", "fill", "portfolio")
    return "\n".join(str(connection.execute(text(f"SELECT * FROM {table}")).all()) for table in tables)


def test_rows_of_older_versions_lose_their_secrets(engine: Engine, url: str) -> None:
    with transaction(engine) as connection:
        plain = _write_old_rows(connection)
        assert [secret for secret in SECRETS if secret not in _all_words(connection)] == [], (
            "they are found while there"
        )
        kept = connection.execute(text("SELECT * FROM settings_version WHERE id = :id"), {"id": plain}).one()
        command.downgrade(make_config(connection), "0004")
    engine.dispose()
    upgrade(url)
    with transaction(engine) as connection:
        assert [secret for secret in SECRETS if secret in _all_words(connection)] == []
        versions = connection.execute(text("SELECT * FROM settings_version ORDER BY id")).mappings().all()
        assert [
            (json.loads(row["settings"])["database"]["url"], row["first_ms"], row["last_ms"]) for row in versions
        ] == [
            ("sqlite:///state/flotilla.db", 1, 1),
            (CLEAN, 10, 11),
            (CLEAN, 12, 12),
            ("sqlite:///state/flotilla.db", 13, 13),
        ], "the first two differed in nothing but their secrets"
        assert tuple(kept) == tuple(versions[0].values()), "what held no secret is as it was"
        now = Settings.model_validate(json.loads(versions[1]["settings"]))
        assert now.digest() == versions[1]["digest"], "a worker that starts with these settings takes this version up"
        used = connection.execute(text("SELECT settings_version_id FROM fill ORDER BY time_ms")).scalars().all()
        assert used == [versions[1]["id"], versions[1]["id"], versions[2]["id"], versions[3]["id"]]
        said = "SELECT message FROM event ORDER BY id"
        assert connection.execute(text(said)).scalars().all() == [
            "database postgresql://host/books was away; … did not help, password=…",
            "y",
        ]
        options = migration_options()
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, options["target_metadata"]) == []


def test_nothing_of_it_is_left_in_the_file(sqlite_engine: Engine, sqlite_url: str) -> None:
    file = Path(str(sqlite_engine.url.database))
    with transaction(sqlite_engine) as connection:
        _write_old_rows(connection)
        # A row that was written again leaves what it was in its page.
        connection.execute(text("UPDATE settings_version SET last_ms = last_ms + 100000"))
        connection.execute(text("UPDATE event SET message = message || ' again'"))
        command.downgrade(make_config(connection), "0004")
    sqlite_engine.dispose()
    assert [secret for secret in SECRETS if secret.encode() not in file.read_bytes()] == []
    upgrade(sqlite_url)
    files = [path for path in file.parent.iterdir() if path.is_file()]
    assert [(path.name, secret) for path in files for secret in SECRETS if secret.encode() in path.read_bytes()] == []


def test_what_a_worker_keeps_has_no_secret(engine: Engine) -> None:
    settings = load_settings(None, {}, [f"database.url={OLD[1]['database']['url']}"])
    with transaction(engine) as connection:
        portfolio_id = open_books(connection).fleet.portfolio_id
        save_settings_version(connection, portfolio_id, settings.digest(), settings.model_dump_json(), 1)
        assert [
            secret for secret in secrets_of(settings.database.url.reveal()) if secret in _all_words(connection)
        ] == []
