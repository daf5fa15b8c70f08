"""The installation id, kept in the state folder: by it own orders are known where there is no database."""

import os
from pathlib import Path

from shared.installation import CHARACTERS
from shared.private_files import make_folders
from shared.regular_file import read_regular


def write_installation(folder: Path, portfolio: str, installation: str) -> None:
    """Keep the id by which a portfolio's orders are known on an exchange; raises OSError where that cannot be."""
    make_folders(folder)
    file = _installation_file(folder, portfolio)
    if _read(file) == installation:
        return
    fresh = file.with_name(f"{file.name}.new")
    with fresh.open("w") as stream:
        stream.write(installation)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)


def read_installation(folder: Path, portfolio: str) -> str | None:
    """Give the id; none where no worker has kept one."""
    found = _read(_installation_file(folder, portfolio))
    return found if len(found) == CHARACTERS else None


def _installation_file(folder: Path, portfolio: str) -> Path:
    return folder / f"{portfolio}.installation"


def _read(file: Path) -> str:
    try:
        return read_regular(file).strip()
    except (OSError, UnicodeDecodeError):
        return ""
