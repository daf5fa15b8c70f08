"""Migrations by alembic, with a backup first. Alembic is only imported when there is something to do.

The revisions are the files in `versions/`, named like `0001_tables.py`, in order; the number is the revision.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

VERSIONS = Path(__file__).parent / "versions"


def known_revisions() -> tuple[str, ...]:
    """Give the revisions this program knows, oldest first."""
    return tuple(sorted(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*_*.py")))


HEAD = known_revisions()[-1] if known_revisions() else ""


def current_revision(connection: Connection) -> str | None:
    """Give the revision a database is of; none where it has no tables of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)


def make_config(connection: Connection) -> "Config":
    """Make alembic's configuration in code, on a connection whose transaction it shares."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def migration_options() -> dict[str, Any]:
    """Give what every migration and comparison runs with.

    SQLite alters a table by copying it (batch); its data definitions are as transactional as PostgreSQL's.
    """
    from sqlmodel import SQLModel

    import shared.tables  # noqa: F401 - registers every table

    return {
        "target_metadata": SQLModel.metadata,
        "render_as_batch": True,
        "transactional_ddl": True,
        "transaction_per_migration": False,
        "compare_type": True,
    }
