"""`flotilla run`: the worker itself, as supervisor starts it."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from shared.settings import FILE_NAME, Settings, settings_reader
from shared.settings_file import folder_of
from worker.process.service import serve
from worker.terminal.options import ConfigOption

app = typer.Typer()


@app.command()
def run(
    config: ConfigOption = None,
    until_end: Annotated[
        bool, typer.Option("--until-end", help="End when a replay has ended, instead of waiting for commands.")
    ] = False,
) -> None:
    """Step the fleet at each bar close until told to stop."""
    place = config or Path(FILE_NAME)
    root = folder_of(place)

    load = settings_reader(place, asked_for=config is not None)

    with ExitStack() as meanwhile:

        def make(settings: Settings) -> Any:
            # Imported here, where a failure is counted as a crash: supervisor would start the process again at once.
            from worker.build import make_worker
            from worker.terminal.compiling import compiling_logged

            meanwhile.close()
            meanwhile.enter_context(compiling_logged())
            return make_worker(settings, root, load)

        exit_code = serve(load, make, root, until_end=until_end)
    raise typer.Exit(exit_code)
