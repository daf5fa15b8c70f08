"""`flotilla doctor`: whether the books are whole, and sum."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from shared.errors import LedgerError
from worker.store.doctor import Finding, examine, examine_file
from worker.store.trace import Trace
from worker.terminal.options import ConfigOption, JsonOption
from worker.terminal.output import print_json, result_console
from worker.terminal.place import find_place, open_books

app = typer.Typer()


@app.command()
def doctor(
    config: ConfigOption = None,
    json: JsonOption = False,
    live: Annotated[
        bool, typer.Option("--live", help="Whether live orders may leave: settings, keys, accounts. Sends no order.")
    ] = False,
) -> None:
    """Read all of the database and hold every identity against the tables; exits 70 where one fails."""
    place = find_place(config)
    if live:
        from worker.terminal.live_doctor import examine_live

        examine_live(place, json)
        return
    with open_books(place) as (connection, portfolio_id):
        trace = Trace.of_engine(connection.engine, place.settings.portfolio.name)
        findings = examine_file(connection, trace.loss(connection))
        # What cannot be read cannot be summed.
        if not any(finding.words for finding in findings if finding.identity == findings[0].identity):
            findings += examine(connection, portfolio_id)
    if json:
        print_json([{**asdict(finding), "holds": finding.holds} for finding in findings])
    else:
        _print(findings)
    failed = [finding for finding in findings if not finding.holds]
    if failed:
        raise LedgerError(f"{_said(failed[0])} ({len(failed)} fail)")


def _said(finding: Finding) -> str:
    if finding.words:
        return f"{finding.identity}: must be so, was not: {finding.words}"
    return f"{finding.identity}: {finding.of} must be off by nothing, was off by {finding.gap:.9g}"


def _print(findings: list[Finding]) -> None:
    console = result_console()
    table = Table()
    table.add_column("identity")
    for title in ("checked", "fail", "largest gap"):
        table.add_column(title, justify="right")
    for identity in dict.fromkeys(finding.identity for finding in findings):
        own = [finding for finding in findings if finding.identity == identity]
        failed = [finding for finding in own if not finding.holds]
        gap = max(abs(finding.gap) for finding in own)
        table.add_row(identity, str(len(own)), str(len(failed)), f"{gap:.3g}", style="red" if failed else "")
    console.print(table)
    for finding in findings:
        if not finding.holds:
            console.print(Text(_said(finding), style="red"))
