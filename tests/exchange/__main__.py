"""`python -m tests.exchange`: the local exchange as a process, until Ctrl-C, for demos and long runs."""

import argparse
import signal
import threading
from decimal import Decimal

from aiohttp import web

from shared.clock import SystemClock
from tests.exchange.accounts import Account
from tests.exchange.control import Control
from tests.exchange.engine import Exchange
from tests.exchange.fault_script import LEVELS, FaultScript
from tests.exchange.server import Server

CAPITAL = Decimal(100_000)
DEFAULT_PORT = 8765


class ControlledServer(Server):
    """A server that a person may act on at /__control."""

    def extend(self, app: web.Application) -> None:
        """Add the person's path."""
        app.router.add_route("*", "/__control", Control(self.desk).handle)


def make_exchange(seed: int) -> tuple[Exchange, Account, Account]:
    """Open an exchange with an account for Binance and Gate, spot and swap, and a unified one for Bybit."""
    exchange = Exchange(SystemClock().now_ms, seed=seed)
    classic = exchange.open_account("classic", USDT=str(CAPITAL))
    exchange.fund_contracts(classic, "USDT", str(CAPITAL))
    return exchange, classic, exchange.open_account("unified", unified=True, USDT=str(CAPITAL))


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.exchange", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"0 takes a free one (default {DEFAULT_PORT})")
    parser.add_argument("--seed", type=int, default=0, help="what keys and faults are drawn from (default 0)")
    parser.add_argument("--faults", choices=list(LEVELS), default="none", help="how many requests go wrong")
    given = parser.parse_args(arguments)
    exchange, classic, unified = make_exchange(given.seed)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with ControlledServer(exchange, given.port) as server:
        server.faults.script = FaultScript(given.seed, given.faults)
        print(_greeting(server.url, classic, unified), flush=True)
        stopped.wait()
    return 0


def _greeting(url: str, classic: Account, unified: Account) -> str:
    lines = [f"local exchange at {url}"]
    for exchanges, account in (("binance, gate", classic), ("bybit", unified)):
        lines += [f"{exchanges}: account {account.name}, {CAPITAL:,} USDT", f"  key    {account.key.api_key}"]
        lines += [f"  secret {account.key.secret}"]
    lines += [f'act on it: POST {url}/__control {{"do": "jump", "symbol": "BTCUSDT", "factor": 0.9}}; GET tells all']
    return "\n".join([*lines, "Ctrl-C ends it"])


if __name__ == "__main__":
    raise SystemExit(main())
