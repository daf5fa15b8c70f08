"""`flotilla candles check`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.errors import CandleError
from shared.printable import one_line
from worker.market.check import FileReport, check_candles
from worker.market.impossible import show_time
from worker.terminal.options import JsonOption
from worker.terminal.output import UNKNOWN, print_json, result_console

app = typer.Typer(no_args_is_help=True)


@app.callback()
def candles() -> None:
    """Say what is in a folder of candles, and what is wrong with it."""


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of files like BTC_USDT-5m.parquet.")],
    json: JsonOption = False,
) -> None:
    """Report rows, period, gaps, duplicates and impossible bars of each file.

    Exits 78 where the fleet would refuse one of them. Gaps are no reason to: a missing bar is marked at the last close
    and not traded on.
    """
    reports = check_candles(folder)
    if json:
        print_json([{**asdict(report), "usable": report.usable} for report in reports])
    else:
        _print(result_console(), reports)
    refused = [report for report in reports if not report.usable and report.kind != "unknown"]
    if refused:
        first = refused[0]
        raise CandleError(f"{first.file} must hold only bars that can be true: {_flaw(first)}{_more(refused)}")


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
        if not report.usable:
            console.print(Text(one_line(f"{report.file}: {_flaw(report)}"), style="red"), soft_wrap=True)


def _flaw(report: FileReport) -> str:
    # What could not be read at all is said with the name of its file, which stands before it already.
    return report.error.removeprefix(f"{report.file} ") or f"row {report.first_flaw_row}: {report.first_flaw}"


def _more(refused: list[FileReport]) -> str:
    more = len(refused) - 1
    return f" (and {more} more file{'s' if more > 1 else ''})" if more else ""
