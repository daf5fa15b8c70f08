"""Where a worker keeps its lock and its crash count."""

from pathlib import Path

import pytest

from worker.process.host import process_files


def test_two_checkouts_that_share_an_sqlite_file_share_its_lock(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared.db"
    first = process_files(tmp_path / "one", url, "flotilla")
    assert first == process_files(tmp_path / "two", url, "flotilla")
    assert first.lock.parent == tmp_path


def test_a_relative_sqlite_file_is_the_checkouts_own(tmp_path: Path) -> None:
    url = "sqlite:///state/flotilla.db"
    assert process_files(tmp_path, url, "flotilla").lock.parent == tmp_path / "state"
    assert process_files(tmp_path / "one", url, "flotilla") != process_files(tmp_path / "two", url, "flotilla")


@pytest.mark.parametrize("url", ["postgresql://host/books"])
def test_books_without_a_file_are_locked_in_the_project(tmp_path: Path, url: str) -> None:
    files = process_files(tmp_path, url, "flotilla")
    assert files.lock.parent == tmp_path / "run"
    assert files.crashes.parent == tmp_path / "state"


def test_other_books_and_other_portfolios_have_other_locks(tmp_path: Path) -> None:
    urls = ["sqlite:///a.db", "sqlite:///b.db", "postgresql://host/a", "postgresql://host/b"]
    locks = {process_files(tmp_path, url, name).lock for url in urls for name in ("flotilla", "other")}
    assert len(locks) == 8
