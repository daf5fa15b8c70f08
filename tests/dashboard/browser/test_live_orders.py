"""A live fleet as a person sees it: reconciled on an exchange, and what the page says when that exchange goes away."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shared.clock import SystemClock
from tests.conftest import ROOT
from tests.dashboard.browser.conftest import OpenBrowser
from tests.dashboard.browser.fleet import free_port, running_page
from tests.dashboard.browser.pages import open_page
from tests.exchange.engine import Exchange
from tests.exchange.server import Server

pytestmark = pytest.mark.slow
PATIENCE_MS = 60_000
SETTINGS = """
[portfolio]
allow_short = false
[market]
kind = "ccxt"
endpoint = "{url}"
[broker]
kind = "ccxt"
reconcile_seconds = 5
[accounts.main]
keys = "{keys}"
limit = 27000
endpoint = "{url}"
"""


@pytest.fixture
def exchange() -> Iterator[tuple[Server, str]]:
    own = Exchange(SystemClock().now_ms)
    key = own.open_account("classic", USDT="100000").key
    with Server(own) as server:
        yield server, f'key = "{key.api_key}"\nsecret = "{key.secret}"\n'


@pytest.fixture
def worker(exchange: tuple[Server, str], tmp_path: Path) -> Iterator[Path]:
    server, text = exchange
    keys = tmp_path / "keys.toml"
    keys.touch(mode=0o600)
    keys.write_text(text)
    (tmp_path / "flotilla.toml").write_text(SETTINGS.format(url=server.url, keys=keys))
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "FLOTILLA_LIVE": "main"}
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker", "run"], cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
    yield tmp_path
    process.terminate()
    process.wait(40)


def _sees(page: Page, words: str) -> None:
    expect(page.get_by_text(words).first).to_be_visible(timeout=PATIENCE_MS)


def test_a_live_fleet_says_how_its_account_stands_and_that_the_exchange_is_gone(
    exchange: tuple[Server, str], worker: Path, tab: OpenBrowser
) -> None:
    page = tab()
    with running_page(worker, free_port()) as url:
        page.goto(url)
        _sees(page, "Live on a local exchange")
        _sees(page, "difference 0")
        expect(page.get_by_text("is not reconciled")).to_have_count(0)
        exchange[0].faults.add("reset", "*", times=100_000)
        _sees(page, "Account main is not reconciled")
        _sees(page, "The last pass failed")
        open_page(page, url, "control")
        _sees(page, "Account main is not reconciled")
