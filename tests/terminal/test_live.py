"""The commands around live orders, against the local exchange: doctor --live, status, flatten --direct."""

import json
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from shared.clock import SystemClock
from shared.database import open_writer, transaction
from shared.enums import CommandKind, OrderStatus, Side
from shared.tables import Command, Heartbeat
from tests.exchange.accounts import Account
from tests.exchange.engine import Exchange
from tests.exchange.listings import Product
from tests.exchange.orders import Ticket
from tests.exchange.server import Server
from tests.research.runs import call
from tests.store.fleets import Books
from tests.terminal.conftest import URL
from worker.orders.direct_file import direct_file, read_orders
from worker.store import lease
from worker.store.accounts import note_account
from worker.store.orders import OrderRow, save_orders
from worker.store.reconciliation import CoinRow, load_coins, save_coins

SETTINGS = """
[portfolio]
allow_short = {shorts}
[market]
kind = "ccxt"
exchange_type = "{kind}"
endpoint = "{url}"
[broker]
kind = "ccxt"
[accounts.main]
type = "{kind}"
keys = "{keys}"
limit = 27000
endpoint = "{url}"
[database]
url = "{database}"
"""


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, Account]]:
    exchange = Exchange(SystemClock().now_ms)
    account = exchange.open_account("main", USDT="100000", BTC="5")
    exchange.flows.deposit(account, "USDT", Decimal(100_000), Product.SWAP)
    monkeypatch.setenv("FLOTILLA_LIVE", "main")
    with Server(exchange) as server:
        yield server, account


def write_settings(folder: Path, server: Server, account: Account, kind: str = "spot", database: str = URL) -> None:
    keys = folder / "keys.toml"
    keys.write_text(f'key = "{account.key.api_key}"\nsecret = "{account.key.secret}"\n')
    keys.chmod(0o600)
    shorts = "false" if kind == "spot" else "true"
    text = SETTINGS.format(shorts=shorts, kind=kind, url=server.url, keys=keys, database=database)
    assert tomllib.loads(text)
    (folder / "flotilla.toml").write_text(text)


def orders_of(server: Server) -> list[tuple[str, str]]:
    return [(path, query.get("side", "")) for method, path, query in server.log if method == "POST" and "order" in path]


def test_doctor_says_what_may_trade_and_what_is_not_verified_and_sends_nothing(
    folder: Path, exchange: tuple[Server, Account], capsys: pytest.CaptureFixture[str]
) -> None:
    write_settings(folder, *exchange)
    assert call(["doctor", "--live"]) == 0
    printed = capsys.readouterr().out
    assert "account main: may trade on binance spot" in printed
    assert "100,000.00 USDT there, limit 27,000.00; clock" in printed
    assert "not verified on binance spot" in printed
    assert "own ledger" in printed
    assert "not bound to addresses" in printed
    assert call(["doctor", "--live", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(account["name"], account["books_agree"]) for account in found["accounts"]] == [("main", None)]
    assert orders_of(exchange[0]) == []


def test_doctor_refuses_as_a_start_does(
    folder: Path, exchange: tuple[Server, Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_settings(folder, *exchange)
    monkeypatch.delenv("FLOTILLA_LIVE")
    assert call(["doctor", "--live"]) == 78
    monkeypatch.setenv("FLOTILLA_LIVE", "main")
    exchange[1].key.may_withdraw = True
    assert call(["doctor", "--live"]) == 78
    (folder / "flotilla.toml").write_text("")
    assert call(["doctor", "--live"]) == 78


def test_doctor_holds_the_books_to_the_account_and_changes_neither(
    folder: Path, books: Books, exchange: tuple[Server, Account], capsys: pytest.CaptureFixture[str]
) -> None:
    write_settings(folder, *exchange)
    engine, portfolio_id = open_writer(URL), books.fleet.portfolio_id
    with transaction(engine) as connection:
        # The bots of these books are on another account, which the settings do not have.
        connection.exec_driver_sql("UPDATE sleeve SET account = 'main'")
        connection.exec_driver_sql("UPDATE bot SET symbol = 'BTC/USDT'")
        connection.exec_driver_sql("UPDATE market_state SET account = 'main', symbol = 'BTC/USDT'")
        rows = [CoinRow("main", coin, held, "0", held, held) for coin, held in (("BTC", "5"), ("USDT", "100000"))]
        save_coins(connection, portfolio_id, rows)
    assert call(["doctor", "--live"]) == 0
    assert "the books agree with it" in capsys.readouterr().out
    server, account = exchange
    server.exchange.flows.vanish(account, "BTC", Decimal("0.2"), Product.SPOT)
    capsys.readouterr()
    assert call(["doctor", "--live"]) == 70
    printed, said = capsys.readouterr()
    assert "the books differ from it" in printed
    assert "account main differs from the books: BTC: 5 expected, 4" in said
    with transaction(engine) as connection:
        assert load_coins(connection, portfolio_id, "main")["BTC"].found == "5"
    engine.dispose()
    server.faults.add("status", "*/myTrades", code=503, times=9)
    assert call(["doctor", "--live"]) == 69
    assert "account main could not be reconciled" in capsys.readouterr().err
    assert orders_of(server) == []


def test_status_says_how_accounts_and_orders_stand(
    folder: Path, books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    engine, now_ms = open_writer(URL), SystemClock().now_ms()
    unknown = OrderRow("wabcd1", "main", "C0/USDT", Side.BUY, 3, 3e-8, 0, 1, now_ms, OrderStatus.UNKNOWN, sent_ms=1)
    fresh = OrderRow("wabcd2", "main", "C0/USDT", Side.SELL, 3, 3e-8, 0, 1, now_ms, OrderStatus.INTENT)
    portfolio_id = books.fleet.portfolio_id
    with transaction(engine) as connection:
        note_account(connection, portfolio_id, "main", orders_sent=12, silent_until_ms=now_ms + 90_000)
        save_orders(connection, portfolio_id, [unknown, fresh])
    engine.dispose()
    assert call(["status"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert (
        "account main: its first 10 orders wait for a person's word, not reconciled yet, told to wait until" in printed
    )
    assert "order wabcd1 on main: buy 0.00000003 C0/USDT (signal), unknown for" in printed
    assert (
        "looked up 0 times so far, the next is due, until its fate is proved; alarm since 1970-01-01 00:01 UTC"
        in printed
    )
    assert "order wabcd2 on main: sell" in printed
    assert "no order leaves" not in printed
    (folder / "KILL").touch()
    assert call(["status"]) == 0
    assert f"no order leaves: there is a file {folder / 'KILL'}" in "".join(capsys.readouterr().out.split("\n"))
    assert call(["status", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [order["status"] for order in told["orders"]] == ["UNKNOWN", "INTENT"]
    assert told["accounts"][0]["orders_sent"] == 12


def test_flatten_direct_is_for_real_orders(folder: Path) -> None:
    assert call(["flatten", "--direct", "--reason", "because"]) == 78
    assert call(["flatten", "--direct", "--reason", "because", "--scope", "bot:x"]) == 78


def _open_short(server: Server, account: Account) -> None:
    server.exchange.place(account, Ticket(Product.SWAP, "BTCUSDT", False, Decimal("0.5"), None, client_id="web_1"))


@pytest.mark.slow
def test_without_a_database_perpetuals_are_closed_and_a_file_keeps_workers_from_opening_again(
    folder: Path, exchange: tuple[Server, Account], capsys: pytest.CaptureFixture[str]
) -> None:
    server, account = exchange
    write_settings(folder, server, account, "swap")
    _open_short(server, account)
    (folder / "KILL").touch()
    assert call(["flatten", "--direct", "--reason", "because"]) == 0
    said = capsys.readouterr()
    assert "nothing is open any more" in said.out
    assert "a file KILL" in said.err
    assert account.position("BTCUSDT").quantity == 0
    assert [(order.side, order.quantity, order.filled) for order in read_orders(direct_file(folder, "flotilla"))] == [
        (Side.BUY, Decimal("0.5"), Decimal("0.5"))
    ]
    (folder / "KILL").unlink()
    assert call(["flatten", "--direct", "--reason", "because"]) == 0
    assert (folder / "KILL").exists()


@pytest.mark.slow
def test_without_a_database_coins_are_left_alone(
    folder: Path, exchange: tuple[Server, Account], capsys: pytest.CaptureFixture[str]
) -> None:
    write_settings(folder, *exchange)
    assert call(["flatten", "--direct", "--reason", "because"]) == 0
    assert "coins of spot accounts are left alone" in capsys.readouterr().err
    assert orders_of(exchange[0]) == []


@pytest.mark.slow
def test_with_a_database_the_lease_is_taken_and_flatten_is_asked(
    folder: Path, books: Books, exchange: tuple[Server, Account]
) -> None:
    write_settings(folder, *exchange, "swap")
    _open_short(*exchange)
    assert call(["flatten", "--direct", "--reason", "because"]) == 0
    assert exchange[1].position("BTCUSDT").quantity == 0
    engine = open_writer(URL)
    with transaction(engine) as connection:
        row = connection.execute(select(Heartbeat.lease_token, Heartbeat.lease_pid)).one()
        asked = connection.execute(select(Command.kind, Command.status, Command.reason)).all()
        mine = lease.acquire(connection, books.fleet.portfolio_id, lease.this_process(), 1)
    engine.dispose()
    assert tuple(row) == (2, None)
    assert mine == 3
    assert [tuple(command) for command in asked] == [(CommandKind.FLATTEN.name, "ASKED", "because")]
    assert not (folder / "KILL").exists()


def test_what_cannot_be_closed_is_told_with_an_exit_code(
    folder: Path, exchange: tuple[Server, Account], capsys: pytest.CaptureFixture[str]
) -> None:
    write_settings(folder, *exchange, "swap")
    (folder / "keys.toml").unlink()
    assert call(["flatten", "--direct", "--reason", "because"]) == 69
    assert "account main was left as it is: keys of account main" in capsys.readouterr().err
