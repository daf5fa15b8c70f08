"""Where the dashboard works: the project's folder and the settings in force there."""

from pathlib import Path
from typing import NamedTuple

from shared.settings import FILE_NAME, Settings, load_settings
from shared.settings_file import existing


class Place(NamedTuple):
    """A project's folder and its settings."""

    root: Path
    settings: Settings


def find_place(root: Path | None = None) -> Place:
    """Give a folder, the current one where none is named, with its settings; raises ConfigurationError."""
    root = (root or Path.cwd()).resolve()
    return Place(root, load_settings(existing(root / FILE_NAME)))
