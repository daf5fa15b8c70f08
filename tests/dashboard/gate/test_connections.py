"""Connections that send half a request, or nothing, or read nothing, go; those that ask and are answered stay."""

import http.client
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from dashboard.serving import connections
from dashboard.serving.connections import (
    ENOUGH_FILES,
    SECONDS,
    Awaited,
    BoundedProtocol,
    Connections,
    State,
    raise_open_files,
)
from tests.dashboard.gate.serving import open_socket

SHORT = 0.4
# Much more than a system keeps for who has not read it yet.
LARGE = 40_000_000
GET = b"GET /%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


class Line:
    """A connection as the bounds see it."""

    def __init__(self, place: str | None = None) -> None:
        self.place = place
        self.is_open = True

    def give_up(self) -> None:
        self.is_open = False


def opened(known: Connections, count: int, place: str | None = None) -> list[Line]:
    lines = [Line(place) for _ in range(count)]
    for line in lines:
        known.open(line)
    return lines


def still_open(lines: list[Line]) -> list[bool]:
    return [line.is_open for line in lines]


def test_of_half_sent_requests_the_oldest_goes_first() -> None:
    known = Connections(most_half=3)
    asking = opened(known, 1)
    known.move(asking[0], State.HALF, State.BUSY)
    lines = opened(known, 5)
    assert still_open(lines) == [False, False, True, True, True]
    assert still_open(asking) == [True] and len(known) == 4


def test_one_place_displaces_its_own_and_nobody_elses() -> None:
    known = Connections(most_of_place=2)
    others = opened(known, 2, "192.0.2.1")
    lines = opened(known, 4, "192.0.2.2")
    assert still_open(others) == [True, True]
    assert still_open(lines) == [False, False, True, True]
    for line in lines[2:]:
        known.move(line, State.HALF, State.BUSY)
    assert still_open(opened(known, 1, "192.0.2.2")) == [False], "what is being answered is not displaced"
    known.close(lines[2])
    assert still_open(opened(known, 1, "192.0.2.2")) == [True]


def test_where_no_more_may_be_open_who_waits_longest_goes() -> None:
    known = Connections(most_open=4)
    busy, idle, half = opened(known, 2), opened(known, 1), opened(known, 1)
    for line in busy:
        known.move(line, State.HALF, State.BUSY)
    known.move(idle[0], State.HALF, State.IDLE)
    assert still_open(opened(known, 1)) == [True] and still_open(half) == [False], "half-sent ones before idle ones"
    newest = opened(known, 1)[0]
    assert still_open([*busy, *idle, newest]) == [True, True, True, True]
    assert len(known) == 4


def test_what_is_closed_is_counted_no_more() -> None:
    known = Connections()
    lines = opened(known, 10, "192.0.2.1")
    for line in (*lines, *lines):
        known.close(line)
    assert len(known) == 0 and not known._of_place


async def _hello(request: Request) -> Response:
    return PlainTextResponse("hello")


async def _large(_request: Request) -> Response:
    return Response(b"x" * LARGE)


async def _body(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _stream(stream: WebSocket) -> None:
    await stream.accept()
    async for text in stream.iter_text():
        await stream.send_text(text)


@contextmanager
def serving(known: Connections) -> Iterator[int]:
    routes = [
        Route("/", _hello),
        Route("/large", _large),
        Route("/body", _body, methods=["POST"]),
        WebSocketRoute("/stream", _stream),
    ]
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Starlette(routes=routes),
        http=partial(BoundedProtocol, known=known),  # type: ignore[arg-type]
        ws="websockets-sansio",
        log_config=None,
        lifespan="off",
        forwarded_allow_ips="",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


@pytest.fixture(scope="module")
def known() -> Connections:
    return Connections()


@pytest.fixture(scope="module")
def bounded(known: Connections) -> Iterator[int]:
    with serving(known) as port:
        yield port


@pytest.fixture
def port(bounded: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Serve within limits of moments."""
    for awaited in Awaited:
        monkeypatch.setitem(SECONDS, awaited, SHORT)
    return bounded


def is_cut_off(connection: socket.socket, seconds: float = 10.0) -> bool:
    connection.settimeout(seconds)
    try:
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True
    return True


def whole(port: int) -> str:
    """Ask and give the answer; on a busy machine even this may take longer than the shortest limit."""
    for _ in range(5):
        with suppress(ConnectionError, http.client.RemoteDisconnected):
            return asked(port)
    raise AssertionError("nobody was answered")


def asked(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    said = connection.getresponse().read().decode()
    connection.close()
    return said


@pytest.mark.parametrize("sent", [b"", b"G", HALF, GET % b"" + HALF, b"POST /body HTTP/1.1\r\nContent-Length: 9\r\n"])
def test_a_head_that_is_not_sent_whole_is_cut_off(port: int, sent: bytes, known: Connections) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(sent)
        assert is_cut_off(connection)
    assert whole(port) == "hello"
    wait_until(lambda: len(known) == 0)


@pytest.mark.parametrize("begun", [HALF, b"POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n"])
def test_what_trickles_in_lengthens_nothing(port: int, begun: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(begun)
        connection.settimeout(SHORT / 10)
        give_up = time.monotonic() + 20 * SHORT
        while not is_cut_off(connection, SHORT / 10):
            assert time.monotonic() < give_up
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(b"x")


@pytest.mark.slow
def test_who_asks_again_and_again_stays(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(4):
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"hello"
        own = connection.sock
        # Longer than a head may take: between two requests the limit is that of idle ones.
        time.sleep(1.5 * SHORT)
        assert connection.sock is own
    connection.request("POST", "/body", b"x" * 100_000)
    assert connection.getresponse().read() == b"100000"
    connection.close()


def test_requests_sent_at_once_are_all_answered(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(GET % b"" * 20)
        connection.settimeout(10)
        said = b""
        while said.count(b"hello") < 20:
            part = connection.recv(65_536)
            assert part
            said += part


def test_a_websocket_outlives_the_limits_of_requests_and_is_counted_by_its_session(
    port: int, known: Connections
) -> None:
    with open_socket(port) as stream:
        time.sleep(2 * SHORT)
        stream.send("still here")
        assert stream.recv(timeout=10) == "still here"
        wait_until(lambda: len(known) == 0)


@pytest.mark.parametrize(
    "more", [b"Content-Length: 5", b"Transfer-Encoding: chunked", b"X: " + b"x" * 9_000, b"Sec-WebSocket-Key: again"]
)
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_an_upgrade_that_is_no_handshake_is_refused_and_closed(port: int, method: bytes, more: bytes) -> None:
    asked = b" /stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(method + asked + key + more + b"\r\n\r\n")
        said = b""
        while part := connection.recv(65_536):
            said += part
    assert said.startswith(b"HTTP/1.1 40")


def test_who_does_not_read_what_they_asked_for_is_cut_off(port: int, known: Connections) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(GET % b"large")
        wait_until(lambda: len(known) == 1)
        wait_until(lambda: len(known) == 0)
    assert whole(port) == "hello"


@pytest.mark.slow
def test_who_reads_slowly_gets_all_of_it(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(GET % b"large")
        connection.settimeout(10)
        got, began = 0, time.monotonic()
        while got < LARGE:
            part = connection.recv(LARGE // 40)
            assert part, f"cut off after {got} bytes"
            got += len(part)
            time.sleep(SHORT / 10)
        assert time.monotonic() - began > 3 * SHORT, "it must take longer than who does not read may"


def test_half_sent_requests_displace_one_another_and_not_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Connections(most_half=5)
    with serving(known) as port, ExitStack() as stack:
        lines = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(20)]
        for line in lines:
            line.sendall(b"G")
        assert whole(port) == "hello"
        assert all(is_cut_off(line) for line in lines[:15])
        assert not any(is_cut_off(line, 0.01) for line in lines[16:])


def test_one_address_has_so_many_and_this_machine_any_number(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Connections(most_of_place=3)) as port, ExitStack() as stack:
        lines = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(10)]
        assert whole(port) == "hello"
        assert not any(is_cut_off(line, 0.01) for line in lines)
        monkeypatch.setattr(connections, "is_loopback", lambda _: False)
        lines = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(10)]
        assert all(is_cut_off(line) for line in lines[:7])
        assert whole(port) == "hello"


def test_a_process_may_open_as_many_files_as_it_wants_to() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        found = raise_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (found, before[1])
        assert found == (ENOUGH_FILES if before[1] < 0 else min(ENOUGH_FILES, before[1]))
        assert raise_open_files() == found
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def wait_until(holds) -> None:
    give_up = time.monotonic() + 10.0
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)
