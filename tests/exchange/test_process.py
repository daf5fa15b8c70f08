"""The exchange as a process, and what a person may do to it while it runs."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.exchange import record
from tests.exchange.__main__ import ControlledServer, make_exchange
from tests.exchange.control import Control
from tests.exchange.test_faults import Redirect
from tests.exchange.venue import make_client

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server() -> Iterator[ControlledServer]:
    exchange, _, _ = make_exchange(7)
    with ControlledServer(exchange) as running:
        yield running


def act(server: ControlledServer, **said: Any) -> tuple[int, Any]:
    reply = requests.post(f"{server.url}/__control", json=said, timeout=10)
    return reply.status_code, reply.json()


def state(server: ControlledServer, account: str = "classic") -> Any:
    return requests.get(f"{server.url}/__control", timeout=10).json()["accounts"][account]


def test_a_person_can_do_each_thing_there_is(server: ControlledServer) -> None:
    things: list[dict[str, Any]] = [
        {"do": "order", "account": "classic", "symbol": "BTCUSDT", "side": "buy", "quantity": "0.01", "price": 50000},
        {"do": "deposit", "account": "classic", "coin": "USDT", "amount": 50},
        {"do": "withdraw", "account": "classic", "coin": "USDT", "amount": 20},
        {"do": "vanish", "account": "unified", "coin": "USDT", "share": 0.5},
        {"do": "jump", "symbol": "ETHUSDT", "factor": 0.9},
        {"do": "liquidity", "symbol": "SOLUSDT", "amount": 0.5},
        {"do": "lag", "ms": 0},
        {"do": "status", "symbol": "SOLUSDT", "status": "BREAK"},
        {"do": "delist", "symbol": "SOLUSDT"},
        {"do": "ban", "seconds": 0},
        {"do": "skew", "ms": 0},
        {"do": "key", "account": "classic", "may_trade": True},
        {"do": "fault", "action": "delay", "path": "*/nothing"},
        {"do": "clear"},
    ]
    done = {said["do"]: act(server, **said) for said in things}
    assert {name: status for name, (status, _) in done.items() if status != 200} == {}
    assert act(server, do="cancel", id=done["order"][1]["order"])[0] == 200
    assert set(done) | {"cancel"} == set(Control.ACTIONS)
    classic = state(server)
    assert [row["status"] for row in classic["orders"]] == ["CANCELED"]
    assert classic["balances"]["spot USDT"] == {"free": "100030", "locked": "0"}
    assert state(server, "unified")["balances"]["unified USDT"]["free"] == "50000"
    record.check(server.exchange)


@pytest.mark.parametrize(
    "said", [{}, {"do": "explode"}, {"do": "jump", "symbol": "NOTHING", "factor": 2}, {"do": "lag"}]
)
def test_what_cannot_be_done_is_said_with_what_can(server: ControlledServer, said: dict[str, Any]) -> None:
    status, answer = act(server, **said)
    assert status == 400 and answer["error"] and "jump" in answer["actions"]


def test_a_web_page_cannot_act(server: ControlledServer) -> None:
    reply = requests.post(f"{server.url}/__control", json={"do": "clear"}, headers={"Origin": "http://x"}, timeout=10)
    assert reply.status_code == 403


@pytest.mark.slow
def test_the_process_says_how_to_use_it_serves_and_ends_by_ctrl_c() -> None:
    command = [sys.executable, "-m", "tests.exchange", "--port", "0", "--seed", "3"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(8)] if process.stdout else []
        (url,) = re.findall(r"http://127\.0\.0\.1:\d+$", lines[0].strip())
        _, classic, _ = make_exchange(3)
        assert classic.key.api_key in "".join(lines) and classic.key.secret in "".join(lines)
        client = make_client("binance", classic)
        client.session.mount("https://", Redirect(url))
        client.load_markets()
        assert client.create_order("BTC/USDT", "market", "buy", "0.01")["status"] == "closed"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
