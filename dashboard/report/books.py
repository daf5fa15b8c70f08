"""The books a report is made from: opened when first asked for, one transaction per report."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from sqlalchemy import Connection, Engine

from dashboard.place import Place
from dashboard.queries.fleet import load_members, load_portfolios
from dashboard.report.document import write_report
from dashboard.report.facts import load_facts
from dashboard.report.selection import select, whole_days
from shared.clock import Clock
from shared.database import open_reader, translated
from shared.errors import DatabaseError
from shared.tables.export_filters import Filters
from shared.tables.exports import check_names
from shared.units import to_datetime


class ReportBooks:
    """Makes the reports of one portfolio."""

    def __init__(self, place: Place, clock: Clock) -> None:
        self._place = place
        self._clock = clock
        self._engine: Engine | None = None
        self._opening = Lock()

    def close(self) -> None:
        """Let go of the database."""
        if self._engine is not None:
            self._engine.dispose()

    def check(self, asked: Filters) -> None:
        """Raise what `make` would raise, without making anything."""
        filters = whole_days(asked)
        with self._connected() as (connection, portfolio_id):
            check_names(connection, portfolio_id, asked)
            select(load_members(connection, portfolio_id), filters)

    def make(self, asked: Filters) -> list[bytes]:
        """Make a report, in pieces that follow one another.

        Raises ConfigurationError where a name or the period makes no sense, DatabaseError where there are no books.
        """
        filters = whole_days(asked)
        with self._connected() as (connection, portfolio_id):
            check_names(connection, portfolio_id, asked)
            facts = load_facts(connection, portfolio_id, filters)
        # The database is free again before anything is drawn.
        return write_report(facts, self._place.settings.portfolio.name, self._clock.now_ms())

    def file_name(self, asked: Filters) -> str:
        """Name the file of a report after the portfolio and its days."""
        filters = whole_days(asked)
        days = [_day(time_ms) for time_ms in (filters.start_ms, filters.end_ms) if time_ms is not None]
        return f"{'-'.join([self._place.settings.portfolio.name, 'report', *days])}.html"

    @contextmanager
    def _connected(self) -> Iterator[tuple[Connection, int]]:
        engine, name = self._opened(), self._place.settings.portfolio.name
        with translated(engine), engine.connect() as connection:
            known = load_portfolios(connection)
            own = known.loc[known["name"] == name, "portfolio_id"]
            if not len(own):
                raise DatabaseError(f"the books must hold portfolio {name!r}, which the worker makes; they do not")
            yield connection, int(own.iloc[0])

    def _opened(self) -> Engine:
        with self._opening:
            if self._engine is None:
                self._engine = open_reader(self._place.settings.database.url, self._place.root)
            return self._engine


def _day(time_ms: int) -> str:
    return to_datetime(time_ms).strftime("%Y%m%d")
