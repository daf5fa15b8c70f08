"""Where the books are: the spelling of the url, `~`, and that lock and database stand in one folder."""

from pathlib import Path

import pytest

from shared.database import open_writer, sqlite_path
from shared.errors import ConfigurationError, UnusableDatabase
from shared.secret_url import SecretUrl
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
        ("sqlite://state/x.db?password=sesame", "must have three slashes before the file: sqlite:///state/flotilla.db"),
        ("sqlite://me:sesame@/state/x.db", "must have three slashes before the file: sqlite:///state/flotilla.db"),
        ("sqlite:///x.db?password=sesame", "must name a file and nothing behind it"),
        ("postgresql://me:x@sesame@host/name", "must have @ / \\? and & of a password percent-encoded"),
        ("postgresql://me:x?sesame@host/name", "must have @ / \\? and & of a password percent-encoded"),
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
    held = load_settings(None, {}, [f"database.url={url}"]).database.url
    file = sqlite_path(held, tmp_path)
    assert file == (tmp_path / "home/books/x.db" if "~" in url else tmp_path / "state/x.db")
    for form in (held, url):
        files = process_files(tmp_path, form, "flotilla")
        assert files.lock == file.with_name("x.db.flotilla.lock")
        assert files.crashes == file.with_name("x.db.flotilla.crashes.json")


@pytest.mark.parametrize("url", ["sqlite://state/x.db", "sqlite:///x.db?mode=ro", "postgresql://me:x@y@host/name"])
def test_what_settings_refuse_opening_refuses_in_the_same_words(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load_settings(None, {}, [f'database.url="{url}"'])
    with pytest.raises(UnusableDatabase) as opened:
        open_writer(SecretUrl(url), tmp_path)
    assert f"setting {opened.value}" == str(refusal.value)
    assert opened.value.__cause__ is None and opened.value.__context__ is None, "a traceback would repeat it"
    assert not list(tmp_path.iterdir())
