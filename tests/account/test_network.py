"""A call has one deadline, whatever hangs; what has not left by then never leaves."""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from requests.exceptions import ConnectTimeout, ReadTimeout

from shared.accounts import AccountSettings
from shared.clock import SystemClock
from tests.account.recording import KEYS, market, request_of
from worker.exchange.account import CcxtAccount
from worker.exchange.budget import TooLate
from worker.exchange.network import Network
from worker.exchange.protocol import Fate, Refusal

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2000\r\n\r\n"
DEADLINE = 0.2


class Raw:
    """A server of bytes: `speak` is called with each connection after its request; `heard` holds what came."""

    def __init__(self, speak: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> None:
        self.heard: list[bytes] = []
        self._speak = speak
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self._tls is None:
                return self._hear(connection)
            with self._tls.wrap_socket(connection, server_side=True) as secure:
                self._hear(secure)

    def _hear(self, connection: socket.socket) -> None:
        self.heard.append(connection.recv(65_536))
        self._speak(connection)


def silent(connection: socket.socket) -> None:
    connection.recv(1)


def drip(before: bytes) -> Callable[[socket.socket], None]:
    def speak(connection: socket.socket) -> None:
        connection.sendall(before)
        while True:
            time.sleep(0.02)
            connection.sendall(b"x")

    return speak


def session(may_leave: Callable[[], None] = lambda: None, seconds: float = DEADLINE) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    made.mount("http://", Network(may_leave, lambda: seconds))
    return made


@pytest.mark.parametrize("speak", [silent, drip(b""), drip(HEAD[:30]), drip(HEAD)], ids=["silent", "1", "head", "body"])
def test_what_hangs_or_drips_ends_at_the_deadline(speak: Callable[[socket.socket], None]) -> None:
    with Raw(speak) as server:
        began = time.monotonic()
        with pytest.raises(ReadTimeout, match="no whole answer within the deadline"):
            session().get(server.url, timeout=10)
        assert DEADLINE * 0.9 < time.monotonic() - began < 5
        assert len(server.heard) == 1
        deadline = time.monotonic() + 5
        while any(thread.name == "exchange request" for thread in threading.enumerate()):
            assert time.monotonic() < deadline, "what was left behind ends"
            time.sleep(0.01)


def test_the_usual_client_waits_for_ever_on_a_drip() -> None:
    """The check can fail: a timeout for each byte never passes."""
    plain = requests.Session()
    plain.trust_env = False
    with Raw(drip(HEAD)) as server:
        began = time.monotonic()
        parts = plain.get(server.url, timeout=0.1, stream=True).iter_content(1)
        while time.monotonic() - began < 3 * 0.1:
            assert next(parts)


def test_a_request_whose_connection_comes_too_late_never_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = threading.Event()
    resolve = socket.getaddrinfo

    def slow(*arguments: object, **options: object) -> object:
        resolved.wait(5)
        return resolve(*arguments, **options)

    with Raw(silent) as server:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        with pytest.raises(ConnectTimeout):
            session(seconds=0.1).post(server.url, data="order", timeout=10)
        resolved.set()
        for thread in threading.enumerate():
            if thread.name == "exchange request":
                thread.join(5)
        assert [heard for heard in server.heard if heard] == []


def test_the_same_holds_over_tls(tmp_path: Path) -> None:
    certificate = own_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Raw(drip(HEAD), context) as server:
        made = session()
        made.mount("https://", Network(lambda: None, lambda: DEADLINE))
        with pytest.raises(ReadTimeout, match="no whole answer"):
            made.post(server.url.replace("http:", "https:"), data="order", timeout=10, verify=str(certificate))
        assert len(server.heard) == 1

        def late() -> None:
            raise TooLate("late")

        made.mount("https://", Network(late, lambda: DEADLINE))
        with pytest.raises(TooLate):
            made.post(server.url.replace("http:", "https:"), data="order", timeout=10, verify=str(certificate))
    assert [heard for heard in server.heard[1:] if heard] == []


def own_certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "local")])
    now = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "own.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *form) + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_who_may_not_leave_any_more_does_not() -> None:
    def late() -> None:
        raise TooLate("not sent: late")

    with Raw(silent) as server, pytest.raises(TooLate, match="not sent: late"):
        session(late).post(server.url, data="order", timeout=10)
    assert [heard for heard in server.heard if heard] == []


def account_at(url: str) -> CcxtAccount:
    settings = AccountSettings.model_validate({"exchange": "binance", "endpoint": url})
    account = CcxtAccount("main", settings, KEYS, SystemClock())
    client = account._wire.client
    client.set_markets([market("binance", False)])
    client.load_markets = lambda reload=False: client.markets
    client.fetch_time = SystemClock().now_ms
    account.connect(["BTC/USDT"])
    return account


def test_an_order_is_never_taken_along_by_a_redirection() -> None:
    def elsewhere(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 307 x\r\nLocation: {target.url}/other\r\nContent-Length: 0\r\n\r\n".encode())

    with Raw(silent) as target, Raw(elsewhere) as server:
        answer = account_at(server.url).send(request_of("BTC/USDT"))
        assert answer.fate is Fate.UNKNOWN and target.heard == [] and len(server.heard) == 1


def test_signatures_are_in_no_log_of_the_network_either(caplog: pytest.LogCaptureFixture) -> None:
    with Raw(lambda connection: connection.sendall(HEAD)) as server, caplog.at_level(logging.DEBUG):
        account = account_at(server.url)
        account.look_up("BTC/USDT", "wabc", None, 0)
        assert any(b"signature=" in heard for heard in server.heard)
    assert "signature" not in caplog.text


def test_a_host_that_is_not_there_placed_nothing_only_where_that_is_proved() -> None:
    answer = account_at("http://127.0.0.1:1").send(request_of("BTC/USDT"))
    assert (answer.fate, answer.refusal) == (Fate.UNKNOWN, Refusal.NONE)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    yield
    logging.getLogger("urllib3").setLevel(logging.NOTSET)
