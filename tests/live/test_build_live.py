"""Live orders put together from the settings, against the local exchange: all but a bar's close."""

import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from shared.clock import SystemClock
from shared.database import open_reader
from shared.errors import ConfigurationError
from shared.settings import Settings, load_settings
from tests.conftest import ROOT
from tests.exchange.accounts import Account
from tests.exchange.engine import Exchange
from tests.exchange.listings import Product
from tests.exchange.server import Server
from tests.live.fake_market import FakeMarket
from tests.live.running import Place, small_settings, step
from tests.live.test_parity import two_symbols
from worker.build import make_accounts, make_worker
from worker.live.reload import change
from worker.store.accounts import KnownAccount, known_accounts
from worker.store.state_folder import read_installation

WORD = {"FLOTILLA_LIVE": "main"}


@pytest.fixture
def exchange() -> Iterator[tuple[Server, Account]]:
    exchange = Exchange(SystemClock().now_ms)
    account = exchange.open_account("main", USDT="100000")
    exchange.flows.deposit(account, "USDT", Decimal(100_000), Product.SWAP)
    with Server(exchange) as server:
        yield server, account


def _settings(folder: Path, server: Server, account: Account, *overrides: str) -> Settings:
    keys = folder / "keys.toml"
    keys.write_text(f'key = "{account.key.api_key}"\nsecret = "{account.key.secret}"\n')
    keys.chmod(0o600)
    live = (
        "broker.kind=ccxt",
        "market.kind=ccxt",
        "market.exchange_type=swap",
        "accounts.main.type=swap",
        f"market.endpoint={server.url}",
        f"accounts.main.endpoint={server.url}",
        f"accounts.main.keys={keys}",
        "accounts.main.limit=27000",
        "database.url=sqlite:///state/live.db",
    )
    return load_settings(None, {}, (*live, *overrides))


def test_a_worker_takes_books_account_and_lease_up_and_gives_them_back(
    tmp_path: Path, exchange: tuple[Server, Account]
) -> None:
    settings = _settings(tmp_path, *exchange, "risk.leverage=3")
    for _ in range(2):
        worker = make_worker(settings, tmp_path, lambda: settings, environment=WORD)
        try:
            worker.recover(False)
            worker.beat()
            engine = open_reader(settings.database.url, tmp_path)
            with engine.connect() as connection:
                row = connection.exec_driver_sql("SELECT account, orders_sent, weight_limit FROM account_state").one()
                label, id_ = connection.exec_driver_sql("SELECT broker_label, installation FROM portfolio").one()
                assert known_accounts(connection, "flotilla")["main"].symbols == settings.portfolio.symbols
            engine.dispose()
        finally:
            worker.close()
        assert tuple(row) == ("main", 0, 2400.0)
        assert label == f"live orders on main (binance swap, {exchange[0].url})"
        assert read_installation(tmp_path / "state", "flotilla") == id_
    assert set(exchange[1].leverage.values()) == {3}
    posted = {path for method, path, _ in exchange[0].log if method == "POST"}
    assert not [path for path in posted if path.endswith("/order")]


def test_without_the_word_no_books_are_made_and_nobody_is_asked(
    tmp_path: Path, exchange: tuple[Server, Account]
) -> None:
    settings = _settings(tmp_path, *exchange)
    with pytest.raises(ConfigurationError, match="FLOTILLA_LIVE"):
        make_worker(settings, tmp_path, lambda: settings, environment={})
    assert not (tmp_path / "state").exists()
    assert exchange[0].log == []


def test_a_silence_of_before_is_kept_by_the_next_start(tmp_path: Path, exchange: tuple[Server, Account]) -> None:
    settings, clock = _settings(tmp_path, *exchange), SystemClock()
    until_ms = clock.now_ms() + 700
    clients, _ = make_accounts(settings, {"main": KnownAccount(silent_until_ms=until_ms)}, clock, WORD)
    assert clock.now_ms() >= until_ms
    assert exchange[0].log
    clients["main"].close()


def test_what_was_bought_on_paper_does_not_go_live(tmp_path: Path, exchange: tuple[Server, Account]) -> None:
    paper = Place(tmp_path / "paper", small_settings("accounts.main.limit=1000000"), FakeMarket(two_symbols()))
    with paper.open() as worker:
        step(worker, 40)
    engine = open_reader(paper.settings.database.url, tmp_path / "paper")
    with engine.connect() as connection:
        known = known_accounts(connection, "flotilla")
    engine.dispose()
    assert known["main"].holds_paper
    with pytest.raises(ConfigurationError, match="bots of account main must hold nothing that was bought on paper"):
        make_accounts(_settings(tmp_path, *exchange), {"main": KnownAccount(holds_paper=True)}, SystemClock(), WORD)
    assert exchange[0].log == []


def test_paper_loads_nothing_of_exchanges() -> None:
    code = "import sys, worker.build; sys.exit('ccxt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_reload_makes_no_orders_real() -> None:
    before = load_settings(None, {})
    after = load_settings(None, {}, ["broker.kind=ccxt", "broker.slippage=0.01", "risk.stop=0.05"])
    changed = change(before, after)
    assert changed.settings.broker == before.broker
    assert changed.settings.risk.stop == 0.05
    assert changed.refused == ["broker.kind needs a restart and broker was left as it was"]
