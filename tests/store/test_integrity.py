"""The doctor reads all of the database: damage is found, or every row reads the same as before."""

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from shared.database import open_reader, open_writer, sqlite_module, transaction, translated
from shared.errors import DatabaseError
from shared.tables import Bot, EquityPoint, Event
from tests.store.fleets import open_books
from worker.store.integrity import damage
from worker.store.steps import missing_steps

URL = "sqlite:///flotilla.db"
PAGE = 4096


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """Books of a few steps, with texts that go on in other pages, free pages among them."""
    root = tmp_path_factory.mktemp("books")
    shutil.copy(sqlite_template, root / "flotilla.db")
    engine = open_writer(URL, root)
    with transaction(engine) as connection:
        fleet = open_books(connection)
        connection.execute(text("CREATE TABLE gone (some BLOB)"))
        connection.execute(text("INSERT INTO gone VALUES (zeroblob(40000))"))
        for _ in range(12):
            fleet.save(connection, fleet.step(fills=0.3))
        row = {
            "portfolio_id": 1, "time_ms": 1, "wall_ms": 1, "severity": "INFO", "scope_kind": "PORTFOLIO", "scope": "",
            "kind": "LONG", "message": "words " * 2_000,
        }  # fmt: skip
        connection.execute(Event.__table__.insert(), row)
        connection.execute(text("DROP TABLE gone"))
    engine.dispose()
    return root / "flotilla.db"


def rows_of(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Read every row of every table."""
    connection = sqlite_module().connect(str(file))
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f'SELECT * FROM "{name}"'), key=repr) for name in tables}
    finally:
        connection.close()


def found_by_the_doctor(root: Path) -> list[str]:
    """Give what is said of a database, by opening it or by reading it."""
    try:
        engine = open_reader(URL, root)
    except DatabaseError as error:
        return [str(error)]
    try:
        with translated(engine), engine.connect() as connection:
            return damage(connection)
    except DatabaseError as error:
        return [str(error)]
    finally:
        engine.dispose()


def damaged_copy(books: Path, root: Path, at: int, rubbish: bytes) -> Path:
    root.mkdir(exist_ok=True)
    content = bytearray(books.read_bytes())
    content[at : at + len(rubbish)] = rubbish
    (root / "flotilla.db").write_bytes(content)
    return root / "flotilla.db"


def pages_of(books: Path) -> int:
    return books.stat().st_size // PAGE


@pytest.mark.parametrize("part", range(4))
def test_a_page_of_random_bytes_is_found_or_every_row_reads_as_before(part: int, books: Path, tmp_path: Path) -> None:
    before = rows_of(books)
    found = free = 0
    for page in range(part, pages_of(books), 4):
        chance = random.Random(page)
        file = damaged_copy(books, tmp_path / "damaged", page * PAGE, chance.randbytes(PAGE))
        if found_by_the_doctor(file.parent):
            found += 1
        else:
            free += 1
            assert rows_of(file) == before, f"page {page + 1}"
    assert found > 3 * free


def test_whole_books_are_without_damage(books: Path) -> None:
    assert pages_of(books) > 40
    assert found_by_the_doctor(books.parent) == []


def test_a_text_that_is_none_any_more_is_found(books: Path, tmp_path: Path) -> None:
    content = books.read_bytes()
    file = damaged_copy(books, tmp_path / "damaged", content.index(b"words words"), b"\xff\xfe\xfd")
    connection = sqlite_module().connect(str(file))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    (said,) = found_by_the_doctor(file.parent)
    assert said.startswith("table event cannot be read")


@pytest.fixture
def kept(engine: Engine) -> Engine:
    """Books of twelve steps in either database."""
    with transaction(engine) as connection:
        fleet = open_books(connection)
        for _ in range(12):
            fleet.save(connection, fleet.step(fills=0.3))
    return engine


def test_a_word_that_no_vocabulary_has_is_found(kept: Engine) -> None:
    with transaction(kept) as connection:
        assert damage(connection) == []
        connection.execute(Bot.__table__.update().where(Bot.id == 1).values(status="ASLEEP"))
        assert damage(connection) == ["table bot has 'ASLEEP' as status"]


def test_steps_without_a_point_of_equity_are_named(kept: Engine) -> None:
    points = EquityPoint.__table__.c
    steps = (points.scope_kind == "PORTFOLIO") & (points.resolution == "STEP")
    with transaction(kept) as connection:
        assert missing_steps(connection, 1) == []
        times = connection.execute(select(points.time_ms).where(steps).order_by(points.time_ms)).scalars().all()
        connection.execute(EquityPoint.__table__.delete().where(steps, points.time_ms.in_(times[3:5])))
        (said,) = missing_steps(connection, 1)
        assert said.startswith("equity has no point of the 2 steps that closed from ")
        connection.execute(EquityPoint.__table__.delete().where(steps, points.time_ms >= times[10]))
        assert len(missing_steps(connection, 1)) == 2


def test_rows_of_steps_after_the_last_are_named(kept: Engine) -> None:
    with transaction(kept) as connection:
        last = connection.execute(text("SELECT max(step) FROM fill")).scalar_one()
        connection.execute(text("UPDATE portfolio_state SET step = :step"), {"step": last - 3})
        assert f"fill has step {last}, the portfolio ends with step {last - 3}" in missing_steps(connection, 1)


def test_a_reference_that_leads_nowhere_is_found(books: Path, tmp_path: Path) -> None:
    file = damaged_copy(books, tmp_path / "damaged", 0, b"")
    connection = sqlite_module().connect(str(file))
    connection.execute("DELETE FROM bot WHERE id = 2")
    connection.commit()
    connection.close()
    assert "table fill refers to rows that are not there" in found_by_the_doctor(file.parent)
