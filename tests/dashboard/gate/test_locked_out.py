"""A running page under people who want to shut it: whoever may come in comes in meanwhile, and its memory stays."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from dashboard.gate.record import MOST_KEYS
from dashboard.serving.connections import MOST_HALF, raise_open_files
from shared.passwords import OPERATOR, VIEWER, Account, save_account
from tests.dashboard.gate.process import Dashboard, running
from tests.dashboard.gate.serving import ANNA, BO, HASHES, Answer, ask
from tests.process.running import wait_for

pytestmark = pytest.mark.slow

HALF_SENT = 1_100
MIB = 1024 * 1024


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Dashboard]:
    accounts = tmp_path / "project-outside" / "passwords.json"
    save_account(accounts, Account("anna", OPERATOR, HASHES[ANNA]))
    save_account(accounts, Account("bo", VIEWER, HASHES[BO]))
    with running(tmp_path / "project") as dashboard:
        yield dashboard


def sign_in(dashboard: Dashboard, address: str, password: str = ANNA, name: str = "anna") -> Answer:
    return ask(dashboard.port, "/login", "POST", {"name": name, "password": password}, x_forwarded_for=address)


def connect(dashboard: Dashboard, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", dashboard.port), timeout=10)
    connection.sendall(sent)
    return connection


def is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 15_000,
        b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90\r\n\r\nname=",
    ],
    ids=["silent", "head", "long head", "body"],
)
def test_half_sent_requests_do_not_shut_the_page(dashboard: Dashboard, sent: bytes) -> None:
    raise_open_files()
    assert sign_in(dashboard, "192.0.2.1").status == 303
    before = dashboard.resident_bytes()
    with ExitStack() as stack:
        lines = [stack.enter_context(connect(dashboard, sent)) for _ in range(HALF_SENT)]
        began = time.monotonic()
        assert ask(dashboard.port, "/healthz").status == 503, "there are no books, and it says so"
        assert sign_in(dashboard, "192.0.2.1").status == 303
        assert ask(dashboard.port, "/login").status == 200
        took = time.monotonic() - began
        during = dashboard.resident_bytes()
        wait_for(lambda: sum(map(is_open, lines)) <= MOST_HALF, 5.0)
        wait_for(lambda: not any(map(is_open, lines)), 30.0)
    after = dashboard.resident_bytes()
    print(f"answered in {took:.2f} s; memory {before / MIB:.1f}, {during / MIB:.1f}, {after / MIB:.1f} MiB")
    assert max(during, after) - before < 60 * MIB
    assert took < 10.0
    assert dashboard.log.count("\n") < 20, dashboard.log


def test_guessers_from_forty_addresses_keep_nobody_waiting(dashboard: Dashboard) -> None:
    """Two hundred tries, all at once: more hashes than 30 s of a core."""
    assert sign_in(dashboard, "192.0.2.1").status == 303
    before = dashboard.resident_bytes()
    with ThreadPoolExecutor(200) as guessers:
        tries = [guessers.submit(sign_in, dashboard, f"198.51.100.{at % 40}", "wrong " * 3) for at in range(200)]
        time.sleep(0.5)
        for address in ("192.0.2.1", "192.0.2.2"):
            began = time.monotonic()
            assert sign_in(dashboard, address).status == 303, address
            print(f"{address} signed in after {time.monotonic() - began:.2f} s")
        waiting = sum(not guess.done() for guess in tries)
        statuses = [guess.result().status for guess in tries]
    assert waiting > 20, "the guesses must still have been waiting"
    assert set(statuses) <= {401, 503} and statuses.count(503) > 20
    assert dashboard.resident_bytes() - before < 120 * MIB, "two hashes at a time, of 32 MiB"


def test_forged_headers_erase_nothing_and_fill_nothing(dashboard: Dashboard) -> None:
    assert sign_in(dashboard, "192.0.2.1").status == 303
    with ThreadPoolExecutor(8) as forgers:
        forged = ["x" * 9_000, "\x1b]0;", "1.2.3.4.5", "::ffff:999.1.1.1"]
        tries = [
            forgers.submit(sign_in, dashboard, f"{forged[at % 4]}{at}", "x" * 1_025, f"name{at}") for at in range(600)
        ]
        assert {guess.result().status for guess in tries} == {401}
    log = dashboard.log
    dashboard.process.terminate()
    dashboard.process.wait(10)
    logs = dashboard.folder / "logs"
    lines = [json.loads(line) for line in (logs / "signin.log").read_text().splitlines()]
    assert len(lines) <= 2 * MOST_KEYS + 1
    assert sum(line.get("count", 1) for line in lines) == 600
    assert len(log) < 20_000 and "x" * 200 not in log
    assert sorted(path.name for path in logs.iterdir()) == ["acts.log", "signin.log"]
    assert [json.loads(line)["what"] for line in (logs / "acts.log").read_text().splitlines()] == ["signed in"]
