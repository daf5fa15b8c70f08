"""An exchange, an account and an unmodified client of ccxt on one virtual clock, ready to trade."""

from dataclasses import dataclass
from typing import Any

import ccxt

from shared.clock import ManualClock
from tests.exchange.accounts import Account
from tests.exchange.desk import Desk
from tests.exchange.engine import Exchange
from tests.exchange.in_process import InProcessAdapter, keep_time

# 2025-01-05 04:00:02 UTC
NOW_MS = 1_736_049_602_000
MARKETS = {"binance": ["spot", "linear"], "gate": ["spot"], "bybit": ["spot", "linear"]}


@dataclass
class Venue:
    """What `make_venue` makes. The exchange's clock is the part of `clock` that only moves on."""

    clock: ManualClock
    exchange: Exchange
    desk: Desk
    account: Account
    client: ccxt.Exchange
    adapter: InProcessAdapter


def make_client(name: str, account: Account, **settings: Any) -> ccxt.Exchange:
    """Make a client of ccxt for an exchange that gives numbers as text, with an account's key."""
    options = {"fetchMarkets": {"types": MARKETS[name]}, "fetchCurrencies": False, "recvWindow": 5000}
    keys = {"apiKey": account.key.api_key, "secret": account.key.secret}
    return getattr(ccxt, name)({**keys, "number": str, "options": options, **settings})


def make_venue(name: str = "binance", spot: str = "100000", swap: str = "100000", **settings: Any) -> Venue:
    """Open an exchange with quote in the account's wallets: together where it is unified, as Bybit's is."""
    clock = ManualClock(NOW_MS)
    exchange = Exchange(lambda: NOW_MS + clock.monotonic_ms())
    account = exchange.open_account("tester", unified=name == "bybit", USDT=spot)
    if name == "binance":
        exchange.fund_contracts(account, "USDT", swap)
    desk = Desk(exchange, with_sockets=False)
    adapter, client = InProcessAdapter(desk, clock), make_client(name, account, **settings)
    keep_time(client, clock)
    client.session.mount("https://", adapter)
    client.load_markets()
    return Venue(clock, exchange, desk, account, client, adapter)
