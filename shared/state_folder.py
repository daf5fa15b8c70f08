"""The state folder: where a fleet's files stand that must be there without its database."""

from pathlib import Path

from shared.database import sqlite_path
from shared.secret_url import SecretUrl, revealed, shown_url

# While a file of this name is there no order leaves.
KILL_FILE = "KILL"


def state_folder(root: Path, database_url: SecretUrl | str) -> Path:
    """Name the folder: that of an SQLite file, so that it goes where the books go, else `state/` of the project."""
    if shown_url(revealed(database_url)).startswith("sqlite"):
        return sqlite_path(database_url, root).parent
    return root / "state"
