"""What is read once is shared by all sessions: asked of the database once for each state, and spoilt by nobody."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pandas import DataFrame
from sqlalchemy import Connection

from dashboard import loaders
from dashboard.queries.filters import Filters
from shared.errors import DatabaseError
from tests.dashboard import seeding
from tests.dashboard.views.books import make

ASKED: list[tuple[Any, ...]] = []


@pytest.fixture(autouse=True)
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[seeding.Books]:
    root = make("seeded", tmp_path / "seeded")
    monkeypatch.chdir(root)
    ASKED.clear()
    loaders.forget()
    yield seeding.Books(root, seeding.seeded().settings)
    loaders.forget()


def load_slowly(connection: Connection, portfolio_id: int, *arguments: Any) -> DataFrame:
    ASKED.append(arguments)
    time.sleep(0.05)
    return DataFrame({"number": [1.0, 2.0], "name": ["a", "b"]})


def load_never(connection: Connection, portfolio_id: int) -> DataFrame:
    ASKED.append(())
    raise DatabaseError("the books must answer, did not")


@pytest.mark.parametrize("load", [loaders.live, loaders.of_books, loaders.history])
def test_many_sessions_that_ask_in_the_same_moment_ask_the_database_once(load: Any) -> None:
    together = threading.Barrier(8)

    def ask(_: int) -> DataFrame:
        together.wait(10)
        return load(load_slowly, Filters(bots=("a",)))

    with ThreadPoolExecutor(8) as pool:
        frames = list(pool.map(ask, range(8)))
    assert len(ASKED) == 1
    assert all(frame.equals(frames[0]) for frame in frames)
    load(load_slowly, Filters(bots=("b",)))
    assert len(ASKED) == 2


def test_a_run_that_waits_for_anothers_query_ends_when_its_person_goes_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, finish = threading.Event(), threading.Event()

    def load_for_long(connection: Connection, portfolio_id: int) -> DataFrame:
        begun.set()
        assert finish.wait(20)
        return DataFrame({"number": [1.0]})

    class GoneElsewhere(Exception):
        pass

    mine = threading.current_thread()

    def leave() -> None:
        if threading.current_thread() is mine:
            raise GoneElsewhere

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(loaders.history, load_for_long)
        assert begun.wait(10)
        with monkeypatch.context() as patch:
            patch.setattr(loaders, "get_run_yield_check", lambda: leave)
            with pytest.raises(GoneElsewhere):
                loaders.history(load_for_long)
        finish.set()
        assert len(first.result(10)) == 1


def test_what_one_session_does_to_its_frame_no_other_sees() -> None:
    mine, yours = loaders.live(load_slowly), loaders.live(load_slowly)
    mine.loc[0, "number"] = 99.0
    mine["name"] = "x"
    mine.insert(0, "more", 1)
    mine.pop("name")
    assert yours.equals(load_slowly(None, 0))  # type: ignore[arg-type]
    assert loaders.live(load_slowly).equals(yours)
    assert len(ASKED) == 2, "one of them is this test's own"


def test_an_error_is_not_kept() -> None:
    for count in (1, 2):
        with pytest.raises(DatabaseError, match="did not"):
            loaders.of_books(load_never)
        assert len(ASKED) == count


def test_a_step_brings_new_figures_and_history_stays(books: seeding.Books) -> None:
    for load in (loaders.live, loaders.of_books, loaders.history):
        load(load_slowly)
    assert len(ASKED) == 3
    books.write("UPDATE portfolio_state SET step = step + 1")
    loaders._looked.cache_clear()
    for load in (loaders.live, loaders.of_books, loaders.history):
        load(load_slowly)
    assert len(ASKED) == 5, "history is kept for a minute whatever the books do"
