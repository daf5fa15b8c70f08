"""`flotilla doctor`: whether the books sum."""

from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

from shared.errors import LedgerError
from worker.store.doctor import Finding, examine
from worker.terminal.options import ConfigOption, JsonOption
from worker.terminal.output import print_json, result_console
from worker.terminal.place import find_place, open_books

app = typer.Typer()


@app.command()
def doctor(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Hold every identity of the books against the tables; exits 70 where one fails."""
    with open_books(find_place(config)) as (connection, portfolio_id):
        findings = examine(connection, portfolio_id)
    if json:
        print_json([{**asdict(finding), "holds": finding.holds} for finding in findings])
    else:
        _print(findings)
    failed = [finding for finding in findings if not finding.holds]
    if failed:
        worst = failed[0]
        raise LedgerError(
            f"{worst.identity}: {worst.of} must be off by nothing, was off by {worst.gap:.9g} ({len(failed)} fail)"
        )


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
            console.print(Text(f"{finding.identity}: {finding.of} is off by {finding.gap:.9g}", style="red"))
