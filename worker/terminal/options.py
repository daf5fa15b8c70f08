"""Options that several commands take."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import ConfigurationError
from shared.settings import FILE_NAME
from shared.settings_file import existing
from worker.terminal.output import json_text

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help=f"Settings file; {FILE_NAME} of the current folder where there is one.")
]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="Named values for the settings: calm or legacy.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting by its dotted name, like risk.stop=0.05; repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

SymbolsOption = Annotated[
    list[str] | None, typer.Option("--symbols", help="Like BTC/USDT,ETH/USDT; those of portfolio.symbols without it.")
]
OffGridOption = Annotated[
    str | None, typer.Option("--off-grid", help="Rows beside the grid: refuse (by default), snap or skip.")
]
SkipBadRowsOption = Annotated[bool, typer.Option("--skip-bad-rows", help="Leave out rows that cannot be true.")]
DateFormatOption = Annotated[
    str | None, typer.Option("--date-format", metavar="FORMAT", help="Of dates in text, like %d/%m/%Y.")
]


def named_symbols(symbols: Sequence[str] | None) -> list[str]:
    """Give the symbols of `--symbols`, none where it was not given."""
    named = [name.strip() for text in symbols or () for name in text.replace(" ", ",").split(",") if name.strip()]
    if symbols and not named:
        raise ConfigurationError(f"--symbols must be like BTC/USDT,ETH/USDT, was {symbols[0]!r}")
    return named


def file_overrides(off_grid: str | None, skip_bad_rows: bool, date_format: str | None) -> list[str]:
    """Give the options of how files are read as settings."""
    given = {"off_grid": off_grid, "skip_bad_rows": skip_bad_rows or None, "date_format": date_format}
    return [f"market.{name}={json_text(value)}" for name, value in given.items() if value is not None]


def settings_file(config: Path | None) -> Path | None:
    """Give the settings file asked for, else that of the current folder, else none."""
    if config is not None:
        return config
    return existing(Path(FILE_NAME))
