"""Requests that make no sense are refused, and none of them is an error of the page."""

import asyncio
import random
import socket
from collections import Counter
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.types import Message, Scope

from dashboard.gate.gate import Door, Gate
from dashboard.gate.oidc import Oidc
from dashboard.gate.people import People
from dashboard.gate.record import SigninRecord
from dashboard.gate.routes import SignIn
from dashboard.gate.sessions import Sessions
from dashboard.gate.throttle import Throttle
from shared.clock import ManualClock
from shared.passwords import OPERATOR, Account, save_account
from tests.dashboard.gate.serving import NOW_MS, Served

HEADERS = (b"host", b"origin", b"cookie", b"sec-fetch-site", b"x-forwarded-for", b"accept", b"content-type")
VALUES = [
    *(b"http://[", b"[", b"]", b"http://[::1", b"http://h:99999", b"h:99999999999", b"h:x", b"//", b"\xff\xfe", b"%zz"),
    *(b"", b"null", b"a" * 9_000, b"127.0.0.1:8501@x", "http://\u2100.example".encode(), b"http://\xe2\x84\x80"),
    *(b"flotilla_session", b"flotilla_session=", b"flotilla_session=a.b.c", b"flotilla_session=\xff"),
    *(b'flotilla_session="\\377"', b"_streamlit_user=2|1:0", b"_streamlit_user=a; _streamlit_user_1=b"),
]
PATHS = ("/", "/login", "//[", "", "*", "http://[", "/a\ufffd\n", "/" + "a" * 9_000)
QUERIES = (b"", b"next=%ff\xff", b"next=//evil.example")
REFUSALS = {303, 400, 401, 403, 404, 405, 413, 421}


def gate(folder: Path, oidc: Oidc | None) -> Gate:
    clock = ManualClock(NOW_MS)
    people = People(folder / "outside" / "passwords.json")
    save_account(people.path, Account("anna", OPERATOR, None))
    door, signins = Door(people, Sessions(people, clock), clock, (), oidc), SigninRecord(folder, clock)
    return Gate(Starlette(routes=SignIn(door, Throttle(clock), signins, folder).routes()), door, signins)


async def answer(app: Gate, scope: Scope) -> Message:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"} if scope["type"] == "websocket" else {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]


def scopes(numbers: random.Random) -> list[Scope]:
    """Make every malformed header with every path, as page and as websocket."""
    values = VALUES + [numbers.randbytes(numbers.randint(1, 60)) for _ in range(20)]
    found = []
    for name in HEADERS:
        for value in values:
            own = {b"host": b"127.0.0.1", b"accept": b"text/html", name: value}
            for path in PATHS:
                kind, method = numbers.choice(("http", "websocket")), numbers.choice(("GET", "POST", "PUT", "ODD"))
                place = {
                    "path": path,
                    "query_string": numbers.choice(QUERIES),
                    "root_path": "",
                    "headers": [*own.items()],
                }
                ends = {
                    "client": ("192.0.2.1", 1),
                    "server": ("127.0.0.1", 80),
                    "scheme": "http",
                    "http_version": "1.1",
                }
                found.append({"type": kind, "method": method, **place, **ends})
    return found


@pytest.mark.parametrize("oidc", [None, Oidc(("default",), "s" * 40)], ids=["passwords", "provider"])
def test_no_header_path_or_query_is_an_error(tmp_path: Path, oidc: Oidc | None) -> None:
    app, told = gate(tmp_path, oidc), Counter[object]()

    async def run() -> None:
        for scope in scopes(random.Random(7)):
            found = await answer(app, scope)
            told[found.get("status") or found["type"]] += 1
            if scope["path"] != "/login":
                assert found.get("status", 403) in REFUSALS, (scope, found)

    asyncio.run(run())
    assert told.keys() <= REFUSALS | {200, "websocket.close"}, told
    assert told[403] > 100 and told[421] > 50 and told[401] > 100, "all kinds must have come up"


def test_a_malformed_origin_is_a_foreign_one(page: Served) -> None:
    cookie = page.cookie()
    assert page.ask("/", "POST", {}, cookie=cookie).status == 200
    for origin in ("http://[", "[", "http://[::1", "null", "http://\u00e9", ""):
        assert page.ask("/", "POST", {}, cookie=cookie, origin=origin).status == 403, origin


HARDLY_HTTP = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /%zz%ff%00 HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://[\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: [\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n",
    b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nname=%zz%",
    b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: odd\r\n\r\n",
    b"GET / HTTP/9\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
]


def test_what_is_hardly_http_is_refused_and_the_next_is_served(page: Served) -> None:
    for lines in HARDLY_HTTP:
        with socket.create_connection(("127.0.0.1", page.port), timeout=10) as connection:
            connection.sendall(lines)
            connection.shutdown(socket.SHUT_WR)
            said = b""
            while part := connection.recv(65_536):
                said += part
        assert not said or said.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501")), (lines[:60], said[:100])
    assert page.ask("/healthz").status == 200
