"""What people ask for, its answer, and the latch before each order."""

import threading
import time

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import SQLAlchemyError

from shared.database import open_commands, open_reader, transaction
from shared.enums import CommandKind, CommandStatus, Level, ScopeKind, Severity
from shared.errors import DatabaseError
from shared.tables import Command, Event
from shared.tables.commands import ask
from tests.store.fleets import Books, open_books
from worker.store.commands import answer, pending, take
from worker.store.events import EventRow, save_events
from worker.store.latch import read_latch


@pytest.fixture
def books(engine: Engine) -> Books:
    with transaction(engine) as connection:
        books = open_books(connection)
        books.save(connection, books.step())
    return books


def asked(engine: Engine, kind: CommandKind, scope_kind: ScopeKind = ScopeKind.PORTFOLIO, scope: str = "", **more):
    with transaction(engine) as connection:
        return ask(connection, 1, kind, scope_kind, scope, "because", "ada", 5, **more)


def latch_of(engine: Engine):
    with transaction(engine) as connection:
        return read_latch(connection, 1)


def test_what_people_write_is_kept_as_one_line_without_control_characters(engine: Engine, books: Books) -> None:
    with transaction(engine) as connection:
        ask(connection, 1, CommandKind.PAUSE, ScopeKind.PORTFOLIO, "", "a\0b\nc\x1b[2J", "an\x07na", 5)
        row = connection.execute(select(Command.reason, Command.who)).one()
    assert tuple(row) == (r"a\x00b\nc\x1b[2J", r"an\x07na")


def test_what_was_refused_when_it_was_asked_is_answered_and_never_taken(engine: Engine, books: Books) -> None:
    asked(engine, CommandKind.HALT, refused="ada may not\n")
    assert latch_of(engine).of_bot(1, 1) == Level.RUNNING, "it counts for nothing"
    with transaction(engine) as connection:
        assert pending(connection, 1) == []
        take(connection, 1, 9)
        row = connection.execute(select(Command.status, Command.answer, Command.answered_ms, Command.taken_ms)).one()
    assert tuple(row) == ("REFUSED", r"ada may not\n", 5, None)


def test_an_event_that_quotes_an_exchange_is_kept_without_control_characters(engine: Engine, books: Books) -> None:
    with transaction(engine) as connection:
        save_events(connection, 1, [EventRow(1, 2, Severity.ERROR, "ODD", "said \0\r\n\x1b[2J")])
        assert connection.execute(select(Event.message)).scalar() == r"said \x00\r\n\x1b[2J"


def test_a_command_goes_from_asked_to_taken_to_done(engine: Engine, books: Books) -> None:
    command_id = asked(engine, CommandKind.DEPOSIT, amount=250.0)
    with transaction(engine) as connection:
        (command,) = pending(connection, 1)
        assert (command.id, command.kind, command.amount, command.who) == (
            command_id,
            CommandKind.DEPOSIT,
            250.0,
            "ada",
        )
        take(connection, command_id, 6)
        (command,) = pending(connection, 1)
        assert (command.status, command.taken_ms) == (CommandStatus.TAKEN, 6)
        answer(connection, command_id, CommandStatus.DONE, "250 USDT came in", 7)
        assert pending(connection, 1) == []
        row = connection.execute(select(Command.__table__)).one()
    assert (row.status, row.answer, row.answered_ms, row.reason) == ("DONE", "250 USDT came in", 7, "because")


def test_levels_come_first_and_keep_their_order(engine: Engine, books: Books) -> None:
    kinds = [CommandKind.DEPOSIT, CommandKind.RELEASE, CommandKind.WITHDRAW, CommandKind.HALT, CommandKind.PAUSE]
    ids = [asked(engine, kind) for kind in kinds]
    with transaction(engine) as connection:
        assert [command.id for command in pending(connection, 1)] == [ids[1], ids[3], ids[4], ids[0], ids[2]]


def test_the_latch_is_the_highest_of_bot_sleeve_and_portfolio(engine: Engine, books: Books) -> None:
    bot, other = books.fleet.bots[0], books.fleet.bots[-1]
    assert latch_of(engine).of_bot(bot.id, bot.sleeve_id) is Level.RUNNING
    books.bots[0].level_drawdown = Level.NO_ENTRIES.value
    books.sleeves[-1].level_person = Level.FLATTEN.value
    with transaction(engine) as connection:
        books.save(connection, books.step())
    latch = latch_of(engine)
    assert latch.of_bot(bot.id, bot.sleeve_id) is Level.NO_ENTRIES
    assert latch.of_bot(other.id, other.sleeve_id) is Level.FLATTEN
    books.portfolio.level_crashes = Level.HALTED.value
    with transaction(engine) as connection:
        books.save(connection, books.step())
    assert latch_of(engine).of_bot(bot.id, bot.sleeve_id) is Level.HALTED


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        (CommandKind.PAUSE, Level.NO_ENTRIES),
        (CommandKind.FLATTEN, Level.FLATTEN),
        (CommandKind.HALT, Level.HALTED),
        (CommandKind.RELEASE, Level.RUNNING),
    ],
)
def test_what_is_asked_for_counts_before_it_is_taken(engine: Engine, books: Books, kind, level) -> None:
    bot, same_sleeve, other = books.fleet.bots[0], books.fleet.bots[1], books.fleet.bots[-1]
    command_id = asked(engine, kind, ScopeKind.BOT, bot.name)
    latch = latch_of(engine)
    assert latch.of_bot(bot.id, bot.sleeve_id) is level
    assert latch.of_bot(same_sleeve.id, same_sleeve.sleeve_id) is Level.RUNNING
    asked(engine, kind, ScopeKind.SLEEVE, bot.sleeve)
    latch = latch_of(engine)
    assert latch.of_bot(same_sleeve.id, same_sleeve.sleeve_id) is level
    assert latch.of_bot(other.id, other.sleeve_id) is Level.RUNNING
    asked(engine, kind)
    assert latch_of(engine).portfolio is level
    with transaction(engine) as connection:
        answer(connection, command_id, CommandStatus.DONE, "done", 9)
    assert latch_of(engine).bots == {}


def test_a_command_for_nobody_changes_no_level(engine: Engine, books: Books) -> None:
    asked(engine, CommandKind.HALT, ScopeKind.BOT, "'; DROP TABLE bot; --")
    latch = latch_of(engine)
    assert (latch.portfolio, latch.sleeves, latch.bots) == (Level.RUNNING, {}, {})


def test_pending_commands_are_found_without_reading_the_trail(sqlite_engine: Engine) -> None:
    with transaction(sqlite_engine) as connection:
        plan = connection.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT id FROM command WHERE command.portfolio_id = 1 "
                "AND command.status IN ('ASKED', 'TAKEN')"
            )
        ).all()
    assert "ix_command_pending" in str(plan)


def test_people_ask_while_the_worker_steps(engine: Engine, books: Books, url: str) -> None:
    stop = threading.Event()
    failed: list[Exception] = []

    def step() -> None:
        try:
            while not stop.is_set():
                with transaction(engine) as connection:
                    books.save(connection, books.step())
        except (DatabaseError, SQLAlchemyError) as error:
            failed.append(error)

    worker = threading.Thread(target=step)
    worker.start()
    page, reader = open_commands(url), open_reader(url)
    try:
        slowest = 0.0
        for _ in range(30):
            before = time.perf_counter()
            asked(page, CommandKind.PAUSE)
            slowest = max(slowest, time.perf_counter() - before)
        with transaction(reader) as connection:
            assert len(pending(connection, 1)) == 30
    finally:
        stop.set()
        worker.join()
        page.dispose()
        reader.dispose()
    assert not failed and slowest < 2.0
