"""`flotilla candles`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.errors import CandleError
from shared.printable import one_line
from shared.settings import load_settings
from worker.market.check import FileReport, check_candles
from worker.market.files import CandleFolder
from worker.market.files.writing import Written, import_candles
from worker.market.impossible import show_time
from worker.terminal.options import (
    ConfigOption,
    DateFormatOption,
    JsonOption,
    OffGridOption,
    SetOption,
    SkipBadRowsOption,
    SymbolsOption,
    file_overrides,
    named_symbols,
    settings_file,
)
from worker.terminal.output import UNKNOWN, prepared_folder, print_json, result_console

app = typer.Typer(no_args_is_help=True)

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of files like BTC_USDT-5m.parquet.")]


@app.callback()
def candles() -> None:
    """Say what is in a folder of candles, and bring it to one form."""


@app.command()
def check(
    folder: FolderArgument,
    symbols: SymbolsOption = None,
    off_grid: OffGridOption = None,
    skip_bad_rows: SkipBadRowsOption = False,
    date_format: DateFormatOption = None,
    overrides: SetOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Report rows, period, gaps, duplicates and impossible bars of each file.

    Exits 78 where the fleet would refuse one of them. Gaps are no reason to, unless far more is missing than there is:
    a missing bar is marked at the last close and not traded on.
    """
    given = [*file_overrides(off_grid, skip_bad_rows, date_format), *(overrides or ())]
    settings = load_settings(settings_file(config), None, given)
    reports = check_candles(folder, settings.market, named_symbols(symbols) or settings.portfolio.symbols)
    if json:
        print_json([{**asdict(report), "usable": report.usable} for report in reports])
    else:
        _print(result_console(), reports)
    refused = [report for report in reports if not report.usable and report.kind != "unknown"]
    if refused:
        first = refused[0]
        raise CandleError(f"{first.file} must hold only bars that can be true: {_flaw(first)}{_more(len(refused))}")


@app.command("import")
def import_files(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder of files as others write them.")],
    into: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to, made where it is missing.")],
    symbols: SymbolsOption = None,
    off_grid: OffGridOption = None,
    skip_bad_rows: SkipBadRowsOption = False,
    date_format: DateFormatOption = None,
    overrides: SetOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Write what is in a folder as one clean Parquet file for each symbol and timeframe.

    Exits 78 where a file is refused, after the others were written. A file that is there is replaced only where all of
    its rows are in the new one.
    """
    given = [*file_overrides(off_grid, skip_bad_rows, date_format), *(overrides or ())]
    settings = load_settings(settings_file(config), None, given)
    folder = CandleFolder(source, settings.market, named_symbols(symbols) or settings.portfolio.symbols)
    written, refusals = import_candles(folder, prepared_folder(into))
    if json:
        print_json([one._asdict() for one in written])
    else:
        _print_written(result_console(), written)
    if refusals:
        raise CandleError(f"{refusals[0]}{_more(len(refusals))}")
    if not written:
        raise CandleError(f"folder {source} must hold candles or funding, holds none that is understood")


def _print(console: Console, reports: list[FileReport]) -> None:
    table = Table()
    for title in ("file", "symbol", "timeframe"):
        table.add_column(title, overflow="fold")
    for title in ("rows", "first", "last", "gaps", "missing", "duplicates", "misplaced", "impossible"):
        table.add_column(title, justify="right", overflow="fold")
    for report in reports:
        counts = (report.gaps, report.missing_bars, report.duplicates, report.misplaced, report.impossible)
        table.add_row(
            Text(one_line(report.file)),
            Text(report.symbol or UNKNOWN),
            report.timeframe or UNKNOWN,
            f"{report.rows:,}",
            *(UNKNOWN if time_ms is None else show_time(time_ms) for time_ms in (report.first_ms, report.last_ms)),
            *(f"{count:,}" for count in counts),
            style="" if report.usable else "red",
        )
    console.print(table)
    for report in reports:
        for note in report.notes:
            console.print(Text(one_line(f"{report.file}: {note}")), soft_wrap=True)
        if not report.usable:
            console.print(Text(one_line(f"{report.file}: {_flaw(report)}"), style="red"), soft_wrap=True)


def _print_written(console: Console, written: list[Written]) -> None:
    table = Table()
    for title in ("file", "symbol", "timeframe", "rows", "first", "last", "from"):
        table.add_column(title, overflow="fold", justify="right" if title == "rows" else "left")
    for one in written:
        times = (show_time(one.first_ms), show_time(one.last_ms))
        names = Text(one_line(", ".join(one.sources)))
        table.add_row(one.file, one.symbol, one.timeframe or UNKNOWN, f"{one.rows:,}", *times, names)
    console.print(table)


def _flaw(report: FileReport) -> str:
    # What could not be read at all is said with the name of its file, which stands before it already.
    return report.error.removeprefix(f"{report.file} ") or f"row {report.first_flaw_row}: {report.first_flaw}"


def _more(refused: int) -> str:
    more = refused - 1
    return f" (and {more} more file{'s' if more > 1 else ''})" if more else ""
