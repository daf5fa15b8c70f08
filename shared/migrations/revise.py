"""Write the next revision from what the tables have become: `python -m shared.migrations.revise "what changed"`."""

import sys
import tempfile
from pathlib import Path

from shared.database import open_writer
from shared.migrations import HEAD, VERSIONS, make_config, migration_options
from shared.migrations.upgrade import upgrade


def revise(message: str) -> Path:
    """Compare the tables with a fresh database made by the migrations, and write the difference as a new revision."""
    from alembic import command

    number = f"{int(HEAD or 0) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/fresh.db"
        if HEAD:
            upgrade(url)
        engine = open_writer(url)
        with engine.begin() as connection:
            config = make_config(connection)
            config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
            command.revision(config, message, autogenerate=True, rev_id=number)
        engine.dispose()
    return next(VERSIONS.glob(f"{number}_*.py"))


if __name__ == "__main__":
    migration_options()
    sys.stdout.write(f"{revise(sys.argv[1])}\n")
