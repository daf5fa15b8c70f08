"""What is said while pip installs, and where it fails; pip's words are those of its versions 23 to 26."""

import fcntl
import importlib.util
import os
import pwd
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import ROOT

_SPEC = importlib.util.spec_from_file_location("install", ROOT / "ops" / "install.py")
assert _SPEC is not None and _SPEC.loader is not None
install = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(install)

DOWNLOADING = """Looking in indexes: https://index.example/simple
Ignoring colorama: markers 'sys_platform == "win32"' don't match your environment
WARNING: Location 'file:///x/' is ignored: it is neither a file nor a directory.
Collecting aiohttp==3.14.5 (from -r requirements.lock (line 4))
  Downloading aiohttp-3.14.5-cp311.whl (1.9 MB)
Processing /wheels/attrs-26.1.0-py3-none-any.whl (from -r requirements.lock (line 160))
Requirement already satisfied: numpy==2.3 in .venv/lib (from -r requirements.lock (line 9))
"""
INSTALLING = "Installing collected packages: zlib-ng, websockets, attrs\n  Attempting uninstall: setuptools\n"
RETRYING = "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(...)': /simple/aiohttp/\n"
NOT_FOUND = "ERROR: No matching distribution found for aiohttp==3.14.5\n"


def test_what_is_downloaded_is_counted_against_the_lock_file_without_what_is_for_other_machines() -> None:
    assert install.progress(DOWNLOADING, 80, 0) == "downloading: 3 of 79 packages"
    assert install.progress("", 80, 0) == "downloading: 0 of 80 packages"


def test_what_is_installed_is_counted_in_the_environment() -> None:
    assert install.progress(DOWNLOADING + INSTALLING, 80, 2) == "installing: 2 of 3 packages"
    assert install.progress(DOWNLOADING + INSTALLING, 80, -1) == "installing: 0 of 3 packages"


def test_an_index_that_does_not_answer_is_said_while_it_does_not() -> None:
    silent = "downloading: 3 of 79 packages; the package index does not answer, trying again"
    assert install.progress(DOWNLOADING + RETRYING, 80, 0) == silent
    assert install.progress(DOWNLOADING + RETRYING + "Collecting yarl==1\n", 80, 0) == "downloading: 4 of 79 packages"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
            "the disk is full",
        ),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n", "a package is not the one"),
        (RETRYING + NOT_FOUND, "the package index did not answer"),
        (NOT_FOUND, "a package is not made for this machine and this Python"),
        ("ERROR: Failed building wheel for ta-lib\n", "a package is not made for this machine and this Python"),
        ("ERROR: [Errno 13] Permission denied: 'x'\n", "a file or folder belongs to somebody else"),
    ],
)
def test_a_failure_says_why_and_what_pip_said_last(said: str, sentence: str) -> None:
    failure = install.failure(DOWNLOADING + said + "a hint of pip\n")
    assert failure.startswith(sentence)
    last = said.splitlines()[-1].removeprefix("ERROR: ").rstrip(".")
    assert failure.endswith(f"its last word was: {last} (logs/install.log has the rest)")


def test_a_failure_nobody_foresaw_is_told_in_the_words_of_pip() -> None:
    assert install.failure("ERROR: the moon\n") == "its last word was: the moon (logs/install.log has the rest)"
    assert install.failure("") == "its last word was: nothing (logs/install.log has the rest)"


def test_whoever_waits_for_another_set_up_is_told_again_and_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "SAY_SECONDS", 0.4)
    with ThreadPoolExecutor() as both, (tmp_path / "lock").open("a") as held, (tmp_path / "lock").open("a") as wanted:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = both.submit(install._wait_for, wanted)
        time.sleep(1.5)
        fcntl.flock(held, fcntl.LOCK_UN)
        waiting.result()
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "Another command is setting up .venv; waiting for it, 0 s."
    assert told[-1] == "Another command is setting up .venv; waiting for it, 1 s."


def test_a_file_of_somebody_else_is_said_with_whose_it_is(tmp_path: Path) -> None:
    assert install._owner_of(tmp_path / "none" / "lock") == pwd.getpwuid(os.geteuid()).pw_name
