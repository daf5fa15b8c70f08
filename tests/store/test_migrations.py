"""Migrations: from empty to the tables, from an older version with a copy first, and never half."""

from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import SQLModel

import shared.migrations
from shared.clock import ManualClock
from shared.database import open_writer, sqlite_module, transaction
from shared.enums import Level, Reason, Trigger
from shared.errors import DatabaseError, LeaseError
from shared.migrations import HEAD, current_revision, known_revisions, make_config, migration_options
from shared.migrations.upgrade import upgrade
from shared.tables import Fill, Portfolio
from tests.store.fleets import START_MS, Books, make_fill, open_books
from worker.step.records import Bot
from worker.store import lease
from worker.store.decisions import save_decisions
from worker.store.orders import save_fills
from worker.store.states import load_states


def test_the_migrations_make_exactly_the_tables_of_the_models(engine: Engine) -> None:
    options = migration_options()
    with transaction(engine) as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, options["target_metadata"]) == []


def test_a_column_without_a_migration_would_be_noticed(sqlite_engine: Engine) -> None:
    with transaction(sqlite_engine) as connection:
        connection.exec_driver_sql("ALTER TABLE bot ADD COLUMN mood TEXT")
        context = MigrationContext.configure(connection, opts=migration_options())
        assert compare_metadata(context, SQLModel.metadata)


def test_the_revisions_in_the_file_names_are_alembics(sqlite_engine: Engine) -> None:
    from alembic.script import ScriptDirectory

    with transaction(sqlite_engine) as connection:
        script = ScriptDirectory.from_config(make_config(connection))
        assert current_revision(connection) == HEAD
    assert script.get_current_head() == HEAD
    assert tuple(revision.revision for revision in reversed(list(script.walk_revisions()))) == known_revisions()


def test_a_new_database_needs_no_backup(url: str) -> None:
    done = upgrade(url)
    assert (done.before, done.after, done.backup) == (None, HEAD, None)
    assert upgrade(url).before == HEAD


def test_migrating_twice_at_once_makes_the_tables_once(sqlite_url: str) -> None:
    import threading

    failed: list[Exception] = []

    def run() -> None:
        try:
            upgrade(sqlite_url)
        except (DatabaseError, SQLAlchemyError) as error:
            failed.append(error)

    open_writer(sqlite_url).dispose()
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@pytest.fixture
def next_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program one revision newer than the database; gives the file of that revision to be filled."""
    home = tmp_path / "migrations"
    (home / "versions").mkdir(parents=True)
    for name in (
        "env.py",
        "script.py.mako",
        *(f"versions/{path.name}" for path in shared.migrations.VERSIONS.glob("0*")),
    ):
        (home / name).write_text((shared.migrations.VERSIONS.parent / name).read_text())
    monkeypatch.setattr(shared.migrations, "VERSIONS", home / "versions")
    monkeypatch.setattr(shared.migrations, "__file__", str(home / "__init__.py"))
    monkeypatch.setattr("shared.migrations.upgrade.HEAD", "9000")
    return home / "versions" / "9000_next.py"


def write_revision(file: Path, *lines: str) -> None:
    body = "\n    ".join(lines)
    file.write_text(
        f"import sqlalchemy as sa\nfrom alembic import op\nrevision = '9000'\ndown_revision = '{HEAD}'\n"
        f"def upgrade():\n    {body}\n"
    )


def test_reasons_that_were_decided_before_there_were_totals_are_in_them(engine: Engine, url: str) -> None:
    from alembic import command

    totals = "SELECT bot_id, reason, steps, ordered FROM reason_total ORDER BY 1, 2"
    with transaction(engine) as connection:
        bot = open_books(connection).fleet.bots[0].id
        for step, (reason, ordered) in enumerate([(Reason.HOLD, 0), (Reason.HOLD, 0), (Reason.TRADE, 1)] * 2, start=1):
            save_decisions(connection, 1, [bot], [Bot(reason=reason.value, ordered=ordered)], step, START_MS + step)
        kept = connection.execute(text(totals)).all()
        command.downgrade(make_config(connection), "0001")
    with transaction(engine) as connection:
        assert not inspect(connection).has_table("reason_total")
    upgrade(url)
    with transaction(engine) as connection:
        assert connection.execute(text(totals)).all() == kept == [(bot, "HOLD", 4, 0), (bot, "TRADE", 1, 1)]


def test_a_database_that_another_worker_writes_to_is_not_migrated(engine: Engine, url: str, tmp_path: Path) -> None:
    from alembic import command

    now_ms = START_MS
    with transaction(engine) as connection:
        open_books(connection)
        lease.acquire(connection, 1, replace(lease.this_process(), host="elsewhere", pid=7), now_ms)
        command.downgrade(make_config(connection), "0001")

    def check(connection: Connection) -> None:
        lease.require_unheld(connection, lease.this_process(), now_ms)

    with pytest.raises(LeaseError, match=r"process 7 on elsewhere.*the database was not migrated: stop that worker"):
        upgrade(url, check=check)
    with transaction(engine) as connection:
        assert current_revision(connection) == "0001"
    now_ms += lease.OLDER_LEASE_MS + 1
    assert upgrade(url, check=check).after == HEAD, "its lease has run out"
    now_ms = START_MS
    assert upgrade(url, check=check).before == HEAD, "there is nothing to migrate"


REBUILD = (
    "with op.batch_alter_table('bot', recreate='always') as batch:",
    "    batch.add_column(sa.Column('mood', sa.Text(), nullable=True))",
)


def test_an_older_database_is_copied_and_then_migrated_with_all_its_rows(
    engine: Engine, url: str, next_revision: Path
) -> None:
    with transaction(engine) as connection:
        books = open_books(connection)
        save_fills(connection, 1, [make_fill(books.fleet.bots[0], START_MS)])
    engine.dispose()
    recreate = REBUILD if engine.dialect.name == "sqlite" else ("op.add_column('bot', sa.Column('mood', sa.Text()))",)
    write_revision(next_revision, *recreate)
    done = upgrade(url, clock=ManualClock(START_MS))
    assert (done.before, done.after) == (HEAD, "9000")
    with transaction(engine) as connection:
        assert connection.execute(select(Fill.price)).scalars().all() == [100.0]
        assert connection.execute(text("SELECT count(*) FROM bot WHERE mood IS NULL")).scalar() == 27
    if engine.dialect.name != "sqlite":
        assert done.backup is None and "no copy was made" in done.sentence
        return
    assert done.backup is not None and done.backup.parent.name == "backups" and str(done.backup) in done.sentence
    copy = sqlite_module().connect(str(done.backup))
    assert copy.execute("SELECT version_num FROM alembic_version").fetchone() == (HEAD,)
    assert copy.execute("SELECT count(*) FROM fill").fetchone() == (1,)
    copy.close()


def test_a_migration_that_fails_leaves_the_database_as_it_was(engine: Engine, url: str, next_revision: Path) -> None:
    with transaction(engine) as connection:
        open_books(connection)
    write_revision(next_revision, "op.add_column('bot', sa.Column('mood', sa.Text()))", "raise RuntimeError('no')")
    with pytest.raises(RuntimeError, match="no"):
        upgrade(url)
    with transaction(engine) as connection:
        assert current_revision(connection) == HEAD
        assert "mood" not in [column["name"] for column in inspect(connection).get_columns("bot")]
        assert connection.execute(select(Portfolio.name)).scalars().all() == ["flotilla"]


def test_a_migration_that_breaks_references_is_refused(
    sqlite_engine: Engine, sqlite_url: str, next_revision: Path
) -> None:
    with transaction(sqlite_engine) as connection:
        open_books(connection)
    write_revision(next_revision, "op.execute('DELETE FROM sleeve')")
    with pytest.raises(DatabaseError, match="every reference must lead to a row, was broken in table 'bot'"):
        upgrade(sqlite_url)
    with transaction(sqlite_engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM sleeve")).scalar() == 3


def test_no_backup_no_migration(sqlite_engine: Engine, sqlite_url: str, next_revision: Path) -> None:
    (Path(str(sqlite_engine.url.database)).parent / "backups").write_text("a file in the way")
    write_revision(next_revision, "op.execute('DROP TABLE bot')")
    with pytest.raises(DatabaseError, match="a backup to .* must succeed before migrating"):
        upgrade(sqlite_url)
    with transaction(sqlite_engine) as connection:
        assert current_revision(connection) == HEAD


def test_books_from_before_orders_were_under_way_have_none(engine: Engine, url: str) -> None:
    from alembic import command

    with transaction(engine) as connection:
        books = open_books(connection)
        raised = {"level_runaway": Level.NO_ENTRIES.value, "level_first_orders": Level.NO_ENTRIES.value}
        under_way = {"exit_units": -7, "exit_trigger": Trigger.LADDER.value, "exit_price": 99.5}
        books.bots[0] = replace(books.bots[0], **raised, **under_way, unresolved=1, reserved=500.0)
        books.markets[0].differs = 1
        books.save(connection, START_MS)
        command.downgrade(make_config(connection), "0007")
    upgrade(url)
    with transaction(engine) as connection:
        again = Books(books.fleet)
        records = (again.portfolio, again.sleeves, again.bots, again.market_keys, again.markets)
        load_states(connection, again.fleet, *records)
    assert again.bots[0].cash == 1000.0
    assert {name: getattr(again.bots[0], name) for name in (*raised, *under_way)} == dict.fromkeys(
        (*raised, *under_way), 0
    )
    assert (again.bots[0].unresolved, again.bots[0].reserved, again.markets[0].differs) == (0, 0.0, 0)
