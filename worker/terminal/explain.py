"""`flotilla explain`: what every row of the gate says of a bot as it stands."""

import json as json_module
from typing import Annotated, Any

import typer
from rich.table import Table

from shared.enums import CommandKind, ScopeKind
from shared.money import price_text
from worker.terminal.controls import Scope, answer_of, ask_worker
from worker.terminal.options import ConfigOption, JsonOption
from worker.terminal.output import UNKNOWN, print_json, result_console

app = typer.Typer()


@app.command()
def explain(
    bot: Annotated[str, typer.Argument(metavar="BOT", help="The name of a bot, like mr_btc_usdt_1h_p1.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Say which rows would stop or cut what a bot wants, with the measured value and the limit of each."""
    outcome = ask_worker(CommandKind.EXPLAIN, Scope(ScopeKind.BOT, bot), "explain", config)
    verdicts = json_module.loads(answer_of(CommandKind.EXPLAIN, outcome))
    if json:
        print_json(verdicts)
    else:
        _print(bot, verdicts)


def _print(bot: str, verdicts: dict[str, Any]) -> None:
    console = result_console()
    console.print(f"{bot} after step {verdicts['step']:,}: confirmed exposure {verdicts['confirmed']:g}")
    table = Table()
    table.add_column("row")
    table.add_column("stops")
    table.add_column("value", justify="right")
    table.add_column("limit", justify="right")
    for row in verdicts["rows"]:
        style = "bold" if row["stops"] else "dim"
        table.add_row(
            row["reason"], "yes" if row["stops"] else "", _word(row["value"]), _word(row["limit"]), style=style
        )
    console.print(table)


def _word(value: float | None) -> str:
    return UNKNOWN if value is None else price_text(value, 6)
