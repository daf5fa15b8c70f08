"""Files and folders that are made for their user alone, whatever the umask of who starts a program.

What is there already keeps its mode: a person may want others to read it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OF_OTHERS = 0o077
PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


@contextmanager
def private_files() -> Iterator[None]:
    """Make files and folders for their user alone; for all threads of the process."""
    before = os.umask(OF_OTHERS)
    os.umask(before | OF_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def make_folders(folder: Path) -> None:
    """Make a folder and what is missing on the way to it; raises OSError where that cannot be."""
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    except FileNotFoundError:
        if folder.parent == folder:
            raise
        make_folders(folder.parent)
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def make_file(path: Path) -> None:
    """Make an empty file where there is none: what a library writes into it later has its mode."""
    # One that is there is not opened: closing it would take from SQLite its locks on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE))
