"""What a restart needs comes back as it was, field by field."""

import dataclasses
import math

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from shared.database import transaction
from shared.enums import Level, Reason, Trigger
from tests.store.fleets import Books, open_books
from worker.step.scopes import Portfolio
from worker.store.states import SCRATCH, STATE_RECORDS, load_states, save_states


@pytest.mark.parametrize("model", STATE_RECORDS, ids=lambda model: model.__name__)
def test_the_fields_of_a_record_are_the_columns_of_its_state(model) -> None:
    fields = {field.name for field in dataclasses.fields(STATE_RECORDS[model])}
    table = model.__table__
    columns = {column.name for column in table.c} - {column.name for column in table.primary_key}
    assert SCRATCH[model] <= fields, "a scratch field that the record no longer has"
    assert columns == fields - SCRATCH[model]


def fill_with_numbers(record, seed: int, skipped: frozenset[str]) -> None:
    """Give each kept field a value of its own that its column can hold."""
    for at, field in enumerate(dataclasses.fields(record)):
        if field.name in skipped:
            continue
        named = field.name.startswith("level") or field.name in ("order_trigger", "exit_trigger", "reason", "status")
        is_whole = isinstance(getattr(record, field.name), int)
        value = (seed + at) % 4 if named else seed * 1000 + at
        setattr(record, field.name, value if is_whole else value + 0.1)


def load(connection, books: Books) -> tuple[Books, object]:
    again = Books(books.fleet)
    fresh = load_states(
        connection, again.fleet, again.portfolio, again.sleeves, again.bots, again.market_keys, again.markets
    )
    return again, fresh


def save(connection, books: Books) -> None:
    save_states(connection, books.fleet, books.portfolio, books.sleeves, books.bots, books.market_keys, books.markets)


def test_every_kept_field_survives_a_restart(engine: Engine) -> None:
    with transaction(engine) as connection:
        books = open_books(connection)
        for seed, (model, records) in enumerate(
            zip(STATE_RECORDS, ([books.portfolio], books.sleeves, books.bots, books.markets), strict=True), start=1
        ):
            for at, record in enumerate(records):
                fill_with_numbers(record, seed * 100 + at, SCRATCH[model])
        save(connection, books)
    with transaction(engine) as connection:
        again, fresh = load(connection, books)
    assert again.portfolio == books.portfolio
    assert again.sleeves == books.sleeves
    assert again.bots == books.bots
    assert again.markets == books.markets
    assert (fresh.portfolio, fresh.sleeves, fresh.bots) == (False, (), ())
    assert type(again.bots[0].reason) is int and type(again.portfolio.level) is int


def test_what_is_not_a_number_comes_back_as_such(engine: Engine) -> None:
    with transaction(engine) as connection:
        books = open_books(connection)
        save(connection, books)
        again, _ = load(connection, books)
    assert math.isnan(again.bots[0].low) and math.isnan(again.bots[0].reason_limit)
    assert again.bots[0].last_fill_ms == -(2**62)


def test_money_that_is_not_a_number_is_refused(engine: Engine) -> None:
    with transaction(engine) as connection:
        books = open_books(connection)
    books.bots[5].cash = math.nan
    with pytest.raises(DBAPIError, match="(?i)not.null"), transaction(engine) as connection:
        save(connection, books)


def test_records_without_a_row_are_named_and_left_alone(engine: Engine) -> None:
    with transaction(engine) as connection:
        books = open_books(connection)
        _, fresh = load(connection, books)
        assert fresh.portfolio and fresh.sleeves == (0, 1, 2) and len(fresh.bots) == 27
        save(connection, books)
        connection.execute(text("DELETE FROM bot_state WHERE bot_id = 4"))
        again, fresh = load(connection, books)
    assert (fresh.portfolio, fresh.sleeves, fresh.bots) == (False, (), (3,))
    assert again.bots[3].cash == 1000.0


def test_scratch_comes_from_the_settings(engine: Engine) -> None:
    with transaction(engine) as connection:
        books = open_books(connection)
        books.bots[0].fixed_weight = 7.0
        save(connection, books)
        again, _ = load(connection, books)
    assert again.bots[0].fixed_weight == 1.0


def test_levels_and_reasons_are_stored_by_name(engine: Engine) -> None:
    with transaction(engine) as connection:
        books = open_books(connection)
        books.portfolio.level_drawdown = Level.FLATTEN.value
        books.bots[0].reason = Reason.COOLDOWN.value
        books.bots[0].order_trigger = Trigger.STOP.value
        save(connection, books)
        row = connection.execute(text("SELECT reason, order_trigger FROM bot_state ORDER BY bot_id")).first()
        assert tuple(row) == ("COOLDOWN", "STOP")
        assert connection.execute(text("SELECT level_drawdown FROM portfolio_state")).scalar() == "FLATTEN"


def test_a_member_that_does_not_exist_is_refused(engine: Engine) -> None:
    with transaction(engine) as connection:
        books = open_books(connection)
    books.portfolio = Portfolio(level=9)
    with pytest.raises(KeyError), transaction(engine) as connection:
        save(connection, books)
