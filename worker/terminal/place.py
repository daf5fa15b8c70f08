"""Where a command works: the settings of the project's folder, and its books opened for reading."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from shared.database import open_reader, translated
from shared.errors import DatabaseError
from shared.settings import FILE_NAME, Settings, load_settings
from shared.settings_file import folder_of
from worker.store.fleet import find_portfolio
from worker.store.trace import require_books
from worker.terminal.options import settings_file


class Place(NamedTuple):
    """A project's folder and the settings in force there."""

    root: Path
    file: Path | None
    settings: Settings


def find_place(config: Path | None) -> Place:
    """Give the folder of the settings file asked for, else the current one, and its settings."""
    file = settings_file(config)
    return Place(folder_of(config or Path(FILE_NAME)), file, load_settings(file))


def require_no_lost_books(place: Place) -> None:
    """Raise DatabaseError where there were books and the file is gone: "not there yet" would not be true."""
    require_books(place.settings.database.url, place.root, place.settings.portfolio.name)


@contextmanager
def open_books(place: Place) -> Iterator[tuple[Connection, int]]:
    """Open the books for reading; give the connection and the id of the portfolio of the settings."""
    require_no_lost_books(place)
    engine = open_reader(place.settings.database.url, place.root)
    try:
        with translated(engine), engine.connect() as connection:
            yield connection, portfolio_of(connection, place.settings)
    finally:
        engine.dispose()


def portfolio_of(connection: Connection, settings: Settings) -> int:
    """Give the id of the portfolio of the settings; raises DatabaseError where the books do not have it."""
    portfolio_id = find_portfolio(connection, settings.portfolio.name)
    if portfolio_id is None:
        raise DatabaseError(
            f"the books must hold portfolio {settings.portfolio.name!r}, which the worker makes at its first start; "
            "they do not"
        )
    return portfolio_id
