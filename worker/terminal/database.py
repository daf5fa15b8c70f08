"""`flotilla db upgrade`."""

import typer
from sqlalchemy import Connection

from worker.terminal.options import ConfigOption
from worker.terminal.output import print_line
from worker.terminal.place import find_place, require_no_lost_books

app = typer.Typer(no_args_is_help=True)


@app.callback()
def database() -> None:
    """Look after the database."""


@app.command()
def upgrade(config: ConfigOption = None) -> None:
    """Bring the database to this program's version, after a copy of it; the worker does so at each start."""
    from shared.clock import SystemClock
    from shared.migrations.upgrade import upgrade as migrate
    from worker.store.lease import require_unheld, this_process

    place, clock = find_place(config), SystemClock()
    require_no_lost_books(place)

    def check(connection: Connection) -> None:
        require_unheld(connection, this_process(), clock.now_ms())

    print_line(migrate(place.settings.database.url, place.root, clock, check).sentence)
