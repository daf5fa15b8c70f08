"""Folders of which nobody but their user can have put there what is in them.

A folder is as private as the weakest one on the way to it: who may write there may put another in place of the next.
What belongs to root is trusted, for root can do everything anyway; in a folder like /tmp, where people may remove their
own things only, each thing is judged by whose it is.
"""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from shared.errors import ConfigurationError

ROOT_USER = 0
OF_OTHERS = 0o022
MOST_LINKS = 40

Stat = Callable[[Path], os.stat_result]


def make_private_folder(folder: Path, lstat: Stat = os.lstat) -> None:
    """Make a folder, with what is missing on the way to it, for its user alone.

    Raises ConfigurationError where others could write in it or on the way to it, links followed, and OSError where it
    cannot be made. Nothing is made beyond the place that is not private.
    """
    way = list(reversed(folder.absolute().parts))
    place, links = Path(way.pop()), 0
    _require_folder(place, lstat(place))
    while way:
        name = way.pop()
        if name == "..":
            place = place.parent
            continue
        found = _found_or_made(place / name, lstat)
        if not stat.S_ISLNK(found.st_mode):
            place /= name
            _require_folder(place, found)
            continue
        links += 1
        if links > MOST_LINKS:
            raise ConfigurationError(f"folder {folder} must lead somewhere, went through over {MOST_LINKS} links")
        _require_owner(place / name, found, ROOT_USER, os.geteuid())
        target = Path(os.readlink(place / name))
        place = Path(target.anchor) if target.is_absolute() else place
        way += reversed(target.parts[1:] if target.is_absolute() else target.parts)
    _require_own(place, lstat(place))


def require_private_files(folder: Path, lstat: Stat = os.lstat) -> None:
    """Raise ConfigurationError where a folder holds anything, at any depth, but its user's own files and folders."""
    for entry in sorted(folder.iterdir()):
        found = lstat(entry)
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            raise ConfigurationError(f"{entry} must be a file or a folder, was a link or something else")
        _require_own(entry, found)
        if stat.S_ISDIR(found.st_mode):
            require_private_files(entry, lstat)


def _found_or_made(place: Path, lstat: Stat) -> os.stat_result:
    try:
        return lstat(place)
    except FileNotFoundError:
        # Somebody may be quicker; whoever it was is looked at.
        with suppress(FileExistsError):
            place.mkdir(mode=0o700)
        return lstat(place)


def _require_folder(place: Path, found: os.stat_result) -> None:
    if not stat.S_ISDIR(found.st_mode):
        raise ConfigurationError(f"{place} must be a folder, was none")
    _require_owner(place, found, ROOT_USER, os.geteuid())
    if not found.st_mode & stat.S_ISVTX:
        _require_mode(place, found)


def _require_own(place: Path, found: os.stat_result) -> None:
    _require_owner(place, found, os.geteuid())
    _require_mode(place, found)


def _require_owner(place: Path, found: os.stat_result, *users: int) -> None:
    if found.st_uid not in users:
        expected = " or ".join(str(user) for user in dict.fromkeys(users))
        raise ConfigurationError(f"{place} must belong to user {expected}, belonged to {found.st_uid}")


def _require_mode(place: Path, found: os.stat_result) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if mode & OF_OTHERS:
        raise ConfigurationError(f"{place} must be writable by its owner alone (chmod go-w), its mode was {mode:o}")
