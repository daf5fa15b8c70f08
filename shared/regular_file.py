"""Files that are read whole: of a named pipe an end would be waited for, and a device need not have one."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotAFile(OSError):
    """Something else has the name; the words say what was expected and what was."""


def require_regular(path: Path) -> None:
    """Raise NotAFile for what is no file, links followed, and OSError where nothing can be found out."""
    _require(path.stat())


def open_regular(path: Path) -> BinaryIO:
    """Open a file to be read; errors as of `require_regular`, and OSError where it must not be read."""
    require_regular(path)
    # Another may have the name by now, and opening a named pipe would wait for who writes.
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _require(os.fstat(opened))
        return os.fdopen(opened, "rb")
    except BaseException:
        os.close(opened)
        raise


def read_regular(path: Path, encoding: str = "utf-8") -> str:
    """Read all the text of a file; errors as of `open_regular`, and UnicodeDecodeError for other text."""
    with open_regular(path) as file:
        return file.read().decode(encoding)


def _require(found: os.stat_result) -> None:
    kind = _KINDS.get(stat.S_IFMT(found.st_mode))
    if kind is not None:
        raise NotAFile(f"must be a file, was {kind}")
