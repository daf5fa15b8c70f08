"""Where the books are: the spelling of the url, `~`, and that lock and database stand in one folder."""

from pathlib import Path

import pytest

from shared.database import sqlite_path
from shared.errors import ConfigurationError
from shared.settings import load_settings
from worker.process.host import process_files


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite://state/x.db", "must have three slashes before the file: sqlite:///state/x.db"),
        ("sqlite://", "must name a file"),
        ("sqlite:///", "must name a file"),
        ("sqlite:////", "must name a file"),
        ("sqlite:///state/", "must name a file"),
        ("sqlite:///state/..", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///file:x", "must name a file"),
        ("sqlite:///x.db?mode=ro", "must name a file and nothing behind it"),
        ("sqlite:///~nobody-of-this-name/x.db", "must begin with ~ only where"),
        (f"sqlite:///{'x' * 200}.db", "must be a path whose names have at most 150 bytes"),
        ("state/x.db", "must be like sqlite:///state/flotilla.db or postgresql://"),
        ("", "must be like sqlite:///state/flotilla.db or postgresql://"),
        ("mysql://me:sesame@host/name", "must be like sqlite:///state/flotilla.db or postgresql://"),
    ],
)
def test_another_spelling_is_refused_with_the_right_one(url: str, expected: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^setting database.url {expected}") as refusal:
        load_settings(None, {}, [f'database.url="{url}"'])
    assert "sesame" not in str(refusal.value)


@pytest.mark.parametrize("written", ['database="postgresql://me:sesame@h/x"', 'database.url=["x://me:sesame@h/x"]'])
def test_a_url_in_the_wrong_place_is_not_repeated(written: str) -> None:
    with pytest.raises(ConfigurationError, match="^setting database") as refusal:
        load_settings(None, {}, [written])
    assert "sesame" not in str(refusal.value)


@pytest.mark.parametrize("url", ["sqlite:///~/books/x.db", "sqlite:///state/x.db", "sqlite+pysqlite:///state/x.db"])
def test_the_lock_stands_beside_the_database(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    url = load_settings(None, {}, [f"database.url={url}"]).database.url
    file = sqlite_path(url, tmp_path)
    assert file == (tmp_path / "home/books/x.db" if "~" in url else tmp_path / "state/x.db")
    assert process_files(tmp_path, url, "flotilla").lock == file.with_name("x.db.flotilla.lock")
    assert process_files(tmp_path, url, "flotilla").crashes == file.with_name("x.db.flotilla.crashes.json")
