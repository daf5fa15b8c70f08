"""Options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

from shared.settings import FILE_NAME
from shared.settings_file import existing

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help=f"Settings file; {FILE_NAME} of the current folder where there is one.")
]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="Named values for the settings: calm or legacy.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting by its dotted name, like risk.stop=0.05; repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def settings_file(config: Path | None) -> Path | None:
    """Give the settings file asked for, else that of the current folder, else none."""
    if config is not None:
        return config
    return existing(Path(FILE_NAME))
