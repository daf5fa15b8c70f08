"""A folder with books in it, as a command finds them: three sleeves of a bot each, before the first step."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from shared.database import open_writer, transaction
from shared.migrations.upgrade import upgrade
from shared.settings import Settings
from tests.store.fleets import Books, open_books
from worker.store import lease
from worker.store.events import save_settings_version

URL = "sqlite:///flotilla.db"


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("database")
    upgrade(URL, folder)
    return folder / "flotilla.db"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a folder whose settings name its own database."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("FLOTILLA_") and "__" in name]:
        monkeypatch.delenv(name)
    (tmp_path / "flotilla.toml").write_text(f'[database]\nurl = "{URL}"\n')
    return tmp_path


@pytest.fixture
def engine(made_database: Path, folder: Path) -> Iterator[Engine]:
    shutil.copyfile(made_database, folder / "flotilla.db")
    engine = open_writer(URL, folder)
    yield engine
    engine.dispose()


def begin(connection: Connection, now_ms: int, settings: Settings | None = None) -> tuple[Books, int]:
    """Open books as a worker does at its first start; give them and the token of its lease."""
    books = open_books(connection, symbols=1, sets=1)
    portfolio_id = books.fleet.portfolio_id
    token = lease.acquire(connection, portfolio_id, lease.this_process(), now_ms)
    settings = settings or Settings()
    save_settings_version(connection, portfolio_id, settings.digest(), settings.model_dump_json(), now_ms)
    books.save(connection, now_ms)
    return books, token


@pytest.fixture
def books(engine: Engine) -> Books:
    with transaction(engine) as connection:
        return begin(connection, 1)[0]
