"""`flotilla doctor --live`: whether live orders may leave, found out as a start does, without sending one."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from rich.text import Text

from shared.clock import SystemClock
from shared.errors import ConfigurationError, DatabaseError
from worker.build import make_accounts
from worker.exchange.protocol import AccountClient
from worker.orders.admission import not_verified, set_up, symbols_by_account
from worker.store.accounts import KnownAccount, known_accounts
from worker.terminal.output import print_json, result_console
from worker.terminal.place import Place, open_books


@dataclass(frozen=True, slots=True)
class Found:
    """An account that may trade: how far the exchange's clock is ahead, its quote there, and the limit."""

    name: str
    exchange: str
    skew_ms: int
    quote: float
    limit: float
    not_verified: tuple[str, ...]


def examine_live(place: Place, as_json: bool) -> None:
    """Check all that a start checks, and print what was found. Raises what a start raises."""
    settings, clock = place.settings, SystemClock()
    if settings.broker.kind != "ccxt":
        raise ConfigurationError(f"broker.kind must be ccxt for live orders, was {settings.broker.kind}")
    known = _known(place)
    clients, warnings = make_accounts(settings, known, clock, os.environ)
    for name, client in clients.items():
        symbols = {*symbols_by_account(settings).get(name, ()), *known.get(name, KnownAccount()).symbols}
        set_up(client, settings, sorted(symbol for symbol in symbols if client.rules(symbol).is_trading))
    found = [_found(place, client) for client in clients.values()]
    if as_json:
        print_json({"accounts": [asdict(account) for account in found], "warnings": warnings})
        return
    console = result_console()
    for account in found:
        console.print(Text(f"account {account.name}: may trade on {account.exchange}", style="green"))
        console.print(Text(f"  {_money(place, account)}; clock {_clock(account.skew_ms)}"))
        if account.not_verified:
            told = ", ".join(account.not_verified)
            console.print(Text(f"  not verified on {account.exchange}: {told} (docs/live.md)", style="yellow"))
    for warning in warnings:
        console.print(Text(warning, style="yellow"))


def _known(place: Place) -> Mapping[str, KnownAccount]:
    """Give what the books have; nothing where no worker has opened them yet."""
    try:
        with open_books(place) as (connection, _):
            return known_accounts(connection, place.settings.portfolio.name)
    except DatabaseError:
        return {}


def _found(place: Place, client: AccountClient) -> Found:
    account, quote = place.settings.account(client.name), place.settings.portfolio.quote
    where = account.endpoint or ("testnet" if account.sandbox else "real money")
    return Found(
        client.name,
        f"{account.exchange} {account.type} ({where})",
        client.skew_ms(),
        float(client.balances().get(quote, 0)),
        account.limit or 0.0,
        not_verified(place.settings, client.name),
    )


def _money(place: Place, account: Found) -> str:
    money = place.settings.portfolio.money
    return f"{money.amount(account.quote)} {place.settings.portfolio.quote} there, limit {money.amount(account.limit)}"


def _clock(skew_ms: int) -> str:
    return f"{abs(skew_ms)} ms {'behind' if skew_ms >= 0 else 'ahead of'} the exchange's"
