"""A real process that is killed between its writes and requests, over real sockets: its orders are there once."""

import os
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from shared.clock import SystemClock
from tests.conftest import ROOT
from tests.exchange import record
from tests.exchange.engine import Exchange
from tests.exchange.server import Server
from tests.live.running import make_database
from tests.simulation.victim import BAR_MS, BARS
from tests.simulation.world import ACCOUNT, MONEY

LEVELS = {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0}


def live(root: Path, server: Server, first_ms: int, number: int) -> subprocess.CompletedProcess[str]:
    """Run the worker's process; with a number it dies at that place."""
    key = server.exchange.accounts[ACCOUNT].key
    secret = {f"FLOTILLA_KEY_{ACCOUNT.upper()}": key.api_key, f"FLOTILLA_SECRET_{ACCOUNT.upper()}": key.secret}
    arguments = [str(root), server.url, str(first_ms), str(number)]
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation.victim", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **secret},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def bought(root: Path, place: int) -> tuple[dict[str, Decimal], int]:
    """Die at a place (0: nowhere), start again, and give what was bought and how many places there were."""
    root.mkdir()
    make_database(root)
    clock = SystemClock()
    exchange = Exchange(clock.now_ms)
    for symbol, level in LEVELS.items():
        exchange.price_override[symbol] = lambda _, level=level: level
    account = exchange.open_account(ACCOUNT, USDT=MONEY)
    first_ms = clock.now_ms() // BAR_MS * BAR_MS - BARS * BAR_MS
    with Server(exchange) as server:
        if place:
            assert live(root, server, first_ms, place).returncode == -9
        done = live(root, server, first_ms, 0)
        assert done.returncode == 0, done.stderr[-2000:]
    own = [rows for name, rows in record.orders_by_client_id(exchange, account).items() if name]
    assert all(len(rows) == 1 for rows in own)
    with sqlite3.connect(root / "flotilla.db") as books:
        statuses = {status for (status,) in books.execute('SELECT DISTINCT status FROM "order"')}
    assert statuses <= {"FILLED", "ABSENT", "CANCELLED"}
    sums = {symbol: Decimal(0) for symbol in LEVELS}
    for trade in record.trades(exchange, account):
        sums[trade.symbol] += trade.quantity
    return sums, int(done.stdout)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_process_that_is_killed_buys_once(tmp_path: Path) -> None:
    expected, places = bought(tmp_path / "undisturbed", 0)
    assert min(expected.values()) > 0 and places > 25
    for place in range(places // 4, places, places // 4):
        assert bought(tmp_path / f"killed{place}", place)[0] == expected, f"killed at {place} of {places}"
