"""`flotilla status`: equity, level, brakes with their distance, positions, age of the last step."""

import json as json_module
from dataclasses import asdict
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.clock import SystemClock
from shared.enums import BarStatus, CommandKind
from shared.errors import DatabaseError
from shared.liveness import liveness
from shared.market_time import catching_up, pace
from shared.money import price_text, quantity_text
from shared.printable import one_line
from shared.state_folder import KILL_FILE, state_folder
from shared.tables.under_way import AccountNow
from shared.under_way import (
    budget_words,
    difference_words,
    first_orders_words,
    look_words,
    order_words,
    ramp_words,
    reconciled_words,
    silence_words,
)
from shared.units import format_duration, format_time
from shared.words import many, words
from worker.risk.brakes import loss_fraction
from worker.store.commands import CommandRow, pending
from worker.store.overview import Overview, PositionLine, load_overview
from worker.terminal.options import ConfigOption, JsonOption
from worker.terminal.output import UNKNOWN, percent, print_json, result_console
from worker.terminal.place import find_place, open_books

app = typer.Typer()

# What counts before it is taken.
STOPS = (CommandKind.PAUSE, CommandKind.FLATTEN, CommandKind.HALT)


@app.command()
def status(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show how the fleet stands."""
    place = find_place(config)
    with open_books(place) as (connection, portfolio_id):
        overview = load_overview(connection, portfolio_id)
        waiting = [command for command in pending(connection, portfolio_id) if command.kind in STOPS]
    if overview is None:
        raise DatabaseError("the worker must have opened its books, had not: start it with `make run`")
    now_ms = SystemClock().now_ms()
    if json:
        print_json(_as_json(overview, now_ms))
    else:
        console = result_console()
        _print(console, overview, waiting, now_ms)
        if overview.accounts and (kill := state_folder(place.root, place.settings.database.url) / KILL_FILE).exists():
            console.print(Text(one_line(f"no order leaves: there is a file {kill}"), style="bold red"))


def brakes(overview: Overview) -> list[dict[str, Any]]:
    """Give each brake of the portfolio: how far it is, its limit, and what is left to it, as fractions."""
    risk = json_module.loads(overview.settings).get("risk", {})
    rows = []
    for name, reference, key in (
        ("drawdown", overview.high_water, "portfolio_drawdown"),
        ("daily loss", overview.day_start_equity, "daily_loss"),
    ):
        value = max(0.0, loss_fraction(overview.equity, reference))
        limit = risk.get(key)
        if limit is not None:
            rows.append({"brake": name, "value": value, "limit": limit, "left": limit - value})
    return rows if risk.get("brakes", True) else []


def stale_prices(overview: Overview) -> list[str]:
    """Say of each symbol that is held and has no bar by now what its positions are valued at."""
    stale = {line.symbol: line for line in overview.positions if line.bar_status == BarStatus.MISSING.name}
    return [
        f"{symbol} has no bar: valued at its last price {price_text(line.close)}"
        + (f" of {format_time(line.price_ms)}" if line.price_ms else "")
        for symbol, line in stale.items()
    ]


def live_lines(overview: Overview, now_ms: int) -> list[tuple[str, bool]]:
    """Say how accounts and orders on their way stand, each with whether it is alarming."""
    broker = json_module.loads(overview.settings).get("broker", {})
    lines = []
    for account in overview.accounts:
        lines.append((_account_line(account, broker.get("first_orders", 0), now_ms), account.differs == 1))
        lines += [(f"  {difference_words(difference)}", True) for difference in account.differences]
    alarm_ms = round(1000 * broker.get("alarm", 0))
    for order in overview.orders:
        looked = f"; {look_words(order, alarm_ms, now_ms)}" if order.is_unknown else ""
        lines.append((order_words(order, now_ms) + looked, order.is_unknown))
    if overview.orders_under_way > len(overview.orders):
        lines.append((f"{overview.orders_under_way - len(overview.orders):,} more orders are on their way", False))
    return lines


def _account_line(account: AccountNow, first_orders: int, now_ms: int) -> str:
    sent = first_orders_words(account, first_orders) or f"{many(account.orders_sent, 'order')} sent"
    said = (
        f"account {account.account}: {sent}",
        ramp_words(account),
        reconciled_words(account, now_ms),
        budget_words(account),
        silence_words(account, now_ms),
        "" if account.differs else account.message,
    )
    return ", ".join(filter(None, said))


def _as_json(overview: Overview, now_ms: int) -> dict[str, Any]:
    worker = liveness(overview, now_ms)
    values = asdict(overview)
    values["settings"] = json_module.loads(overview.settings)
    said = {"worker": worker.sentence, "worker_is_well": worker.is_well}
    return {**values, "brakes": brakes(overview), "now_ms": now_ms, **said}


def _print(console: Console, overview: Overview, waiting: list[CommandRow], now_ms: int) -> None:
    worker = liveness(overview, now_ms)
    labels = (overview.market, pace(json_module.loads(overview.settings), overview.step_ms), overview.broker)
    console.print(Text(f"{overview.name}: {', '.join(filter(None, labels))}", style="bold"))
    console.print(Text(worker.sentence, style="green" if worker.is_well else "bold red"))
    console.print(_progress(overview, now_ms))
    profit, counted = overview.equity - overview.money_in, overview.counted
    console.print(
        f"equity {counted.amount(overview.equity)} {overview.quote}, profit {counted.gain(profit)} "
        f"on {counted.amount(overview.money_in)} put in; exposure {counted.amount(overview.gross_exposure)}, "
        f"saved by netting {counted.amount(overview.saved_quote)}"
    )
    runs = worker.is_well and not waiting
    style = "bold red" if overview.level != "RUNNING" else "green" if runs else ""
    console.print(Text(f"level: {words(overview.level)}", style=style))
    for asked in waiting:
        where = f"{asked.scope_kind.lower()} {asked.scope}".rstrip()
        said = f"  {where}: {asked.kind.lower()} asked by {asked.who}, not done yet; no order leaves that it forbids"
        console.print(Text(one_line(said), style="red"))
    for held in overview.held:
        console.print(
            Text(
                f"  {held.scope} {held.name}".rstrip() + f": {words(held.level)}, set by {words(held.cause)}",
                style="red",
            )
        )
    for brake in brakes(overview):
        console.print(
            f"{brake['brake']} {percent(brake['value'])} of {percent(brake['limit'])}: {percent(brake['left'])} left"
        )
    if not brakes(overview):
        console.print(Text("the brakes are switched off", style="bold red"))
    for said, is_alarming in live_lines(overview, now_ms):
        console.print(Text(one_line(said), style="bold red" if is_alarming else ""))
    console.print(_sleeve_table(overview))
    console.print(_position_table(overview) if overview.positions else "no open positions")
    for said in stale_prices(overview):
        console.print(Text(said, style="red"))
    for event in overview.events:
        said = one_line(event.message)
        console.print(f"{format_time(event.time_ms)}  {event.severity.lower()}  {said}", markup=False)


def _progress(overview: Overview, now_ms: int) -> str:
    if overview.step:
        stepped = f"step {overview.step:,}, market time {format_time(overview.market_ms)}"
        past = catching_up(overview) if liveness(overview, now_ms).is_well else ""
        return "\n".join(filter(None, (stepped, past)))
    if overview.first_close_ms is None or overview.first_close_ms < now_ms:
        return "no step yet"
    left = format_duration(overview.first_close_ms - now_ms)
    return f"no step yet: the first bar closes at {format_time(overview.first_close_ms)}, in {left}"


def _sleeve_table(overview: Overview) -> Table:
    table = Table()
    table.add_column("sleeve")
    table.add_column("level")
    for title in ("equity", "share", "drawdown", "bots", "positions"):
        table.add_column(title, justify="right")
    for sleeve in overview.sleeves:
        table.add_row(
            sleeve.name,
            words(sleeve.level),
            overview.counted.amount(sleeve.equity),
            percent(sleeve.weight, 1),
            percent(sleeve.drawdown),
            str(sleeve.bots),
            str(sleeve.positions),
        )
    return table


def _position_table(overview: Overview) -> Table:
    table = Table()
    for title in ("bot", "side"):
        table.add_column(title, overflow="fold")
    for title in ("quantity", "entry", "last", f"open profit {overview.quote}", "exit level", "distance"):
        table.add_column(title, justify="right")
    for line in overview.positions:
        table.add_row(
            line.bot,
            "long" if line.quantity > 0.0 else "short",
            quantity_text(abs(line.quantity)),
            price_text(line.entry_price),
            price_text(line.close),
            overview.counted.gain(line.open_profit),
            price_text(line.exit_level) if line.exit_level > 0.0 else UNKNOWN,
            _distance(line),
        )
    return table


def _distance(line: PositionLine) -> str:
    return percent(abs(line.exit_level / line.close - 1.0)) if line.exit_level > 0.0 and line.close > 0.0 else UNKNOWN
