"""A gate before a small application that says what reached it, served on a free port; and a browser's requests."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from dashboard.gate.acts import FILE as ACTS_FILE
from dashboard.gate.gate import HEALTH_PATH, Door, Gate
from dashboard.gate.oidc import Oidc
from dashboard.gate.people import People
from dashboard.gate.proof import proof_route
from dashboard.gate.record import FILE, SigninRecord
from dashboard.gate.routes import SignIn
from dashboard.gate.sessions import Sessions
from dashboard.gate.streams import Streams
from dashboard.gate.throttle import Throttle
from dashboard.serving.connections import bounded_protocol
from shared.clock import ManualClock
from shared.cookie_secret import load_secret, secret_path
from shared.links import make_link
from shared.passwords import Account, hash_password, save_account

NOW_MS = 1_767_225_600_000
ANNA, BO = "correct horse battery", "staple staple staple"
# A hash takes a quarter of a second, so each is made once.
HASHES = {ANNA: hash_password(ANNA), BO: hash_password(BO)}


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str
    set_cookies: list[str] = field(default_factory=list)

    @property
    def cookie(self) -> str:
        """Give the cookie that was set, as it is sent back."""
        return self.headers.get("set-cookie", "").partition(";")[0]


@dataclass
class Served:
    """A page behind the gate, and all that stands behind it."""

    port: int
    folder: Path
    clock: ManualClock
    people: People
    signins: SigninRecord
    streams: Streams

    def ask(self, path: str, method: str = "GET", body: dict[str, str] | None = None, **headers: str) -> Answer:
        """Send a request; `_` in the name of a header is `-`, and `raw` is a body as it is."""
        return ask(self.port, path, method, body, **headers)

    def sign_in(self, name: str = "anna", password: str = ANNA, **headers: str) -> Answer:
        return self.ask("/login", "POST", {"name": name, "password": password}, **headers)

    def cookie(self, name: str = "anna", password: str = ANNA) -> str:
        answer = self.sign_in(name, password)
        assert answer.status == 303, answer.text
        return answer.cookie

    def link(self) -> str:
        """Give the path of a new link, as `flotilla dashboard link` does."""
        return make_link(self.folder, "", self.clock.now_ms())

    def local_cookie(self) -> str:
        """Come in by a link, as long as no password is set."""
        answer = self.ask(self.link())
        assert answer.status == 303, answer.text
        return answer.cookie

    def record(self) -> str:
        return (self.folder / FILE).read_text()

    def acts(self) -> list[dict]:
        """Give the lines of the record of acts."""
        return [json.loads(line) for line in (self.folder / ACTS_FILE).read_text().splitlines()]

    def settle(self) -> None:
        """Let the time of what is counted be over."""
        self.signins.settle(at_once=True)

    def allow(self, name: str, role: str, password: str | None) -> None:
        save_account(self.people.path, Account(name, role, HASHES[password] if password else None))


def ask(port: int, path: str, method: str = "GET", body: dict[str, str] | None = None, **headers: str) -> Answer:
    """Send a request to a port of this machine."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    text = urlencode(body) if body is not None else None
    if text is not None:
        sent.setdefault("content-type", "application/x-www-form-urlencoded")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, text, sent)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        cookies = answer.headers.get_all("set-cookie") or []
        return Answer(answer.status, found, answer.read().decode("utf-8", "replace"), cookies)
    finally:
        connection.close()


def open_socket(
    port: int,
    path: str = "/stream",
    origin: str | None = None,
    host: str | None = None,
    subprotocols: list[str] | None = None,
    **headers: str,
) -> connect:
    """Open a websocket, as a context; raises InvalidStatus where it is refused. `host` is the name it goes by."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return connect(
        f"ws://{host or f'127.0.0.1:{port}'}{path}",
        address=("127.0.0.1", port),
        origin=origin,
        additional_headers=sent,
        subprotocols=subprotocols,
        proxy=None,
        open_timeout=10,
    )


def refused_socket(port: int, **headers: str) -> int:
    """Give the status a websocket is refused with."""
    try:
        with open_socket(port, **headers):
            raise AssertionError("the websocket was let in")
    except InvalidStatus as refusal:
        return refusal.response.status_code


def closed_with(stream: ClientConnection) -> int | None:
    """Give the code with which the other end closed a websocket."""
    try:
        stream.recv(timeout=10)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else None
    raise AssertionError("the websocket was not closed")


async def _echo(request: Request) -> Response:
    return JSONResponse({"headers": [[name, value] for name, value in request.headers.items()]})


async def _static(_request: Request) -> Response:
    return Response("secret", headers={"Access-Control-Allow-Origin": "*", "Server": "somebody"})


async def _stream(stream: WebSocket) -> None:
    await stream.accept()
    try:
        while True:
            await stream.receive_text()
            await stream.send_json(dict(stream.headers))
    except WebSocketDisconnect:
        pass


@contextmanager
def serve(folder: Path, oidc: Oidc | None = None, allowed_hosts: tuple[str, ...] = ()) -> Iterator[Served]:
    """Serve until the test is over."""
    clock = ManualClock(NOW_MS)
    people = People(folder / "outside" / "passwords.json")
    door = Door(people, Sessions(people, clock), clock, allowed_hosts, oidc)
    record = SigninRecord(folder, clock)
    sign_in = SignIn(door, Throttle(clock), record, folder)
    routes = [
        *sign_in.routes(),
        proof_route(load_secret(secret_path(people.path))),
        Route(HEALTH_PATH, _echo),
        Route("/app/static/plotly.min.js", _static),
        WebSocketRoute("/stream", _stream),
        Route("/{path:path}", _echo, methods=["GET", "POST"]),
    ]
    app = Gate(Starlette(routes=routes), door)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=bounded_protocol(1_000),  # type: ignore[arg-type]
        log_config=None,
        ws="websockets-sansio",
        timeout_graceful_shutdown=1,
        lifespan="off",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield Served(listening.getsockname()[1], folder, clock, people, record, app.streams)
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
        record.close()
