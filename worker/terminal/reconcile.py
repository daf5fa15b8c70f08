"""The command that says what a difference between the books and an account is, or closes it on the exchange."""

from pathlib import Path
from typing import Annotated

import typer

from shared.database import open_commands, transaction
from shared.enums import CommandKind
from shared.errors import CommandRefused
from worker.orders.holdings import difference
from worker.orders.live_order import base_of
from worker.store.reconciliation import load_coins
from worker.terminal.controls import AccountOption, ReasonOption, request
from worker.terminal.options import ConfigOption, JsonOption
from worker.terminal.place import find_place, portfolio_of, require_no_lost_books

app = typer.Typer()


@app.command("reconcile")
def _reconcile(
    way: Annotated[str, typer.Argument(help="adopt, deposit, withdraw, unattributed or close.")],
    symbol: Annotated[str, typer.Option("--symbol", help="The symbol or coin that differs, like BTC/USDT.")],
    reason: ReasonOption,
    bot: Annotated[str | None, typer.Option("--bot", help="Of adopt: who gets it.")] = None,
    account: AccountOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Of close: send the order.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Say what a difference between the books and an account is, or close it; its symbols then take entries again."""
    if way == "close" and not yes:
        _require_yes(symbol, account, config)
    scope = f"bot:{bot}" if bot else "portfolio"
    detail = " ".join(word for word in (symbol, way, account) if word)
    request(CommandKind.RECONCILE, scope, reason, config, json, detail=detail)


def _require_yes(symbol: str, account: str | None, config: Path | None) -> None:
    """Refuse to send an order at market before a person was told of what."""
    place = find_place(config)
    require_no_lost_books(place)
    engine = open_commands(place.settings.database.url, place.root)
    try:
        with transaction(engine) as connection:
            portfolio_id = portfolio_of(connection, place.settings)
            accounts = [account] if account else list(place.settings.accounts)
            coins = [row for name in accounts for row in load_coins(connection, portfolio_id, name).values()]
    finally:
        engine.dispose()
    said = "; ".join(
        f"account {row.account} holds {row.found} {row.coin}, the books expect {row.expected}"
        for row in coins
        if row.coin in (symbol, base_of(symbol)) and difference(row)
    )
    raise CommandRefused(
        f"close sends an order at market for what differs of {symbol}: {said or 'nothing is known to differ'}; with "
        "--yes it is sent"
    )
