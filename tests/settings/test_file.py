"""The settings file itself: what is read, what is refused in one sentence, and what a file that goes away means."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.place import find_place as find_place_of_page
from shared.errors import ConfigurationError
from shared.settings import FILE_NAME, load_settings, settings_reader
from worker.terminal.options import settings_file
from worker.terminal.place import find_place

LINE = "[risk]\nstop = 0.05\n"


def _link(file: Path) -> None:
    file.symlink_to(file.with_name("gone.toml"))


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (lambda file: file.mkdir(), "must be a file, was a folder"),
    "a named pipe": (os.mkfifo, "must be a file, was a named pipe"),
    "a device": (lambda file: file.symlink_to("/dev/zero"), "must be a file, was a device"),
    "a dangling link": (_link, "must exist, was not found"),
    "a loop of links": (lambda file: file.symlink_to(file), "must be readable, was not: Too many levels"),
    "Latin-1": (lambda file: file.write_bytes(b"# caf\xe9\n"), "must be UTF-8, was not: byte 0xe9 at 5"),
    "UTF-16": (lambda file: file.write_bytes(LINE.encode("utf-16")), "must be UTF-8, was not: byte 0xff at 0"),
    "a NUL": (lambda file: file.write_text("a = 1\0"), "must be TOML"),
    "half a table": (lambda file: file.write_text("[risk\nstop = 0.1"), "must be TOML"),
    "a long number": (lambda file: file.write_text(f"a = {'9' * 5000}"), "must be TOML"),
    "deep lists": (lambda file: file.write_text(f"a = {'[' * 5000}{']' * 5000}"), "must nest at most 8 deep"),
    "deep tables": (lambda file: file.write_text(f"[{'.'.join('a' * 9)}]\n"), "must nest at most 8 deep"),
    "too much": (lambda file: file.write_text("#" * 2**21), "must have at most 1048576 bytes, had more"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_is_none_is_refused_in_a_sentence_wherever_it_is_read(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, expected = BAD_FILES[kind]
    make(tmp_path / FILE_NAME)
    monkeypatch.chdir(tmp_path)
    readers: list[Callable[[], object]] = [
        lambda: load_settings(tmp_path / FILE_NAME, {}),
        lambda: load_settings(settings_file(None), {}),
        lambda: find_place(None),
        lambda: find_place_of_page(tmp_path),
        settings_reader(Path(FILE_NAME)),
    ]
    for read in readers:
        with pytest.raises(ConfigurationError, match=f"settings file .*{FILE_NAME} {expected}") as refusal:
            read()
        assert "\n" not in str(refusal.value)


def test_a_file_that_may_not_be_read_is_refused_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / FILE_NAME).touch()
    monkeypatch.setattr(os, "open", forbidden)
    with pytest.raises(ConfigurationError, match="must be readable, was not: Permission denied"):
        load_settings(tmp_path / FILE_NAME, {})


def test_a_byte_order_mark_is_no_part_of_the_settings(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    file.write_bytes(b"\xef\xbb\xbf" + LINE.replace("\n", "\r\n").encode())
    assert load_settings(file, {}).risk.stop == 0.05


def test_a_file_that_was_there_must_stay_and_one_that_never_was_may_come(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    read = settings_reader(file)
    assert read().risk.stop == 0.08
    file.write_text(LINE)
    assert read().risk.stop == 0.05
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(ConfigurationError, match="must be a file, was a named pipe"):
        read()
    file.unlink()
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="must exist, was not found"):
            read()
    file.write_text(LINE)
    assert read().risk.stop == 0.05


def test_a_file_that_was_asked_for_must_be_there_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="must exist, was not found"):
        settings_reader(tmp_path / FILE_NAME, asked_for=True)()
