"""`flotilla export`: the books as CSV or JSON, streamed."""

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from shared.enums import Resolution, ScopeKind, Side, Trigger
from shared.errors import ConfigurationError
from shared.tables.export_filters import Filters
from shared.tables.exports import KINDS, check_names, csv_chunks, json_chunks
from shared.units import format_time, parse_time_ms
from worker.terminal.options import ConfigOption
from worker.terminal.place import find_place, open_books

app = typer.Typer()

KINDS_TEXT = ", ".join(KINDS)
TextOption = Annotated[str | None, typer.Option()]


@app.command()
def export(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {KINDS_TEXT}.")],
    form: Annotated[str, typer.Option("--format", help="csv or json.")] = "csv",
    out: Annotated[Path | None, typer.Option("--out", help="A file; standard output where not given.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="From this ISO time on, UTC.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Before this ISO time, UTC.")] = None,
    sleeve: TextOption = None,
    bot: TextOption = None,
    symbol: TextOption = None,
    side: Annotated[str | None, typer.Option(help="buy or sell.")] = None,
    exit_reason: Annotated[
        str | None, typer.Option(help="Of round trips and fills: signal, stop, trailing_stop …")
    ] = None,
    scope_kind: Annotated[str | None, typer.Option(help="Of equity and the like: portfolio, sleeve or bot.")] = None,
    resolution: Annotated[str, typer.Option(help="Of equity: step, hour or day.")] = "hour",
    config: ConfigOption = None,
) -> None:
    """Write fills, orders, round trips and the rest with the columns of docs/database.md."""
    if kind not in KINDS:
        raise ConfigurationError(f"kind must be one of {KINDS_TEXT}, was {kind!r}")
    if form not in ("csv", "json"):
        raise ConfigurationError(f"format must be csv or json, was {form!r}")
    filters = Filters(
        start_ms=None if since is None else parse_time_ms(since),
        end_ms=None if until is None else parse_time_ms(until),
        sleeve=sleeve,
        bot=bot,
        symbol=symbol,
        side=_name("side", side, Side),
        exit_reason=_name("exit-reason", exit_reason, Trigger),
        scope_kind=_name("scope-kind", scope_kind, ScopeKind),
        resolution=Resolution[_name("resolution", resolution, Resolution) or Resolution.HOUR.name],
    )
    if filters.start_ms is not None and filters.end_ms is not None and filters.start_ms >= filters.end_ms:
        raise ConfigurationError(
            f"--from must be before --to {format_time(filters.end_ms)}, was {format_time(filters.start_ms)}"
        )
    with open_books(find_place(config)) as (connection, portfolio_id):
        check_names(connection, portfolio_id, filters)
        chunks = csv_chunks if form == "csv" else json_chunks
        _write(chunks(connection, kind, portfolio_id, filters), out)


def _name(option: str, text: str | None, enum: type[Enum]) -> str | None:
    if text is None or text.upper() in enum.__members__:
        return text and text.upper()
    known = ", ".join(enum.__members__).lower()
    raise ConfigurationError(f"{option} must be one of {known}, was {text!r}")


def _write(chunks: Iterator[str], out: Path | None) -> None:
    if out is None:
        for chunk in chunks:
            sys.stdout.write(chunk)
        return
    try:
        with out.open("w", encoding="utf-8", newline="") as stream:
            for chunk in chunks:
                stream.write(chunk)
    except OSError as error:
        raise ConfigurationError(f"file {out} must be one that can be written: {error.strerror or error}") from error
