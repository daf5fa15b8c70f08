"""What the database does for each query: no table that grows with history is gone through from end to end."""

import re
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import queries

GROWS = ("fill", "round_trip", "equity_point", "decision", "candle", "allocation_point", "order", "transfer", "event")
# These are about everything there ever was: one pass over the round trips, fills or stretches that the filters take.
GOES_THROUGH = {
    "win rate": {"round_trip"},
    "facts": {"round_trip"},
    "bots": {"round_trip"},
    "bot": {"round_trip"},
}


class Plans:
    """Asks the database how it would answer each statement that is sent."""

    def __init__(self, engine: Engine) -> None:
        self.scans: list[tuple[str, str]] = []
        event.listen(engine, "before_cursor_execute", self._explain)

    def _explain(self, _: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "WITH")):
            return
        other = cursor.connection.cursor()
        for *_, detail in other.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall():
            found = re.match(r"SCAN (\w+)(.*)", detail)
            # A walk along an index in the order asked for ends at the limit.
            if found and found[1] in GROWS and "USING" not in found[2]:
                self.scans.append((found[1], statement))
        other.close()


@pytest.mark.parametrize("name", list(queries()))
def test_no_query_goes_through_the_history(name: str) -> None:
    engine = seeding.seeded().reader()
    plans = Plans(engine)
    with engine.connect() as connection:
        queries()[name](connection)
    engine.dispose()
    scanned = {table for table, _ in plans.scans}
    assert scanned <= GOES_THROUGH.get(name, set()), plans.scans


def test_a_query_that_goes_through_the_history_is_seen(connection: Connection) -> None:
    engine = seeding.seeded().reader()
    plans = Plans(engine)
    with engine.connect() as reading:
        reading.exec_driver_sql("SELECT sum(fee) FROM fill").all()
        reading.exec_driver_sql('SELECT id FROM "order" WHERE price > 3').all()
    engine.dispose()
    assert {table for table, _ in plans.scans} == {"fill", "order"}
