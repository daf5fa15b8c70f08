"""`python -m dashboard.report`: the report of the project in the current folder, without a page."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from dashboard.place import find_place
from dashboard.report.books import ReportBooks
from shared.clock import SystemClock
from shared.errors import ConfigurationError, FlotillaError
from shared.printable import one_line
from shared.tables.export_filters import Filters
from shared.unexpected import telling
from shared.units import parse_time_ms

Names = Annotated[list[str] | None, typer.Option(help="As often as wanted.")]
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def report(
    out: Annotated[Path | None, typer.Option(help="The file; named after portfolio and days where not given.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="From this UTC day on.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Before this UTC day.")] = None,
    sleeve: Names = None,
    bot: Names = None,
    symbol: Names = None,
    side: Annotated[list[str] | None, typer.Option(help="Of round trips: buy or sell.")] = None,
    exit_reason: Annotated[list[str] | None, typer.Option(help="Of round trips: signal, stop, trailing_stop …")] = None,
) -> None:
    """Write one file of HTML about a period and a selection; it opens without a network."""
    asked = Filters(
        start_ms=None if since is None else parse_time_ms(since),
        end_ms=None if until is None else parse_time_ms(until),
        sleeve=tuple(sleeve or ()) or None,
        bot=tuple(bot or ()) or None,
        symbol=tuple(symbol or ()) or None,
        side=tuple(name.upper() for name in side or ()) or None,
        exit_reason=tuple(name.upper() for name in exit_reason or ()) or None,
    )
    books = ReportBooks(find_place(), SystemClock())
    try:
        made = books.make(asked)
    finally:
        books.close()
    file = out or Path(books.file_name(asked))
    _write(file, made)
    sys.stdout.write(f"{one_line(file)}\n")


def main() -> None:
    """Run the command; a failure is one sentence and its exit code."""
    with telling():
        try:
            app(prog_name="python -m dashboard.report")
        except FlotillaError as error:
            sys.stderr.write(f"{one_line(error)}\n")
            sys.exit(error.exit_code)


def _write(file: Path, made: list[bytes]) -> None:
    """Write the file whole or not at all."""
    try:
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as stream:
            half = Path(stream.name)
            try:
                for part in made:
                    stream.write(part)
            except OSError:
                half.unlink(missing_ok=True)
                raise
        os.replace(half, file)
    except OSError as error:
        raise ConfigurationError(f"file {file} must be one that can be written: {error.strerror or error}") from error


if __name__ == "__main__":
    main()
