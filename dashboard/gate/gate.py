"""The gate: pure ASGI around everything, so that a websocket is asked as a page is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.gate import oidc as oidc_paths
from dashboard.gate import seal
from dashboard.gate.headers import secured
from dashboard.gate.oidc import Oidc
from dashboard.gate.origins import from_this_machine, host_allowed, same_origin
from dashboard.gate.pages import page_response, sentence_page
from dashboard.gate.people import People, Person, fingerprint
from dashboard.gate.record import SIGNED_IN, SigninRecord
from dashboard.gate.sessions import COOKIE, IDLE_SECONDS, Session, Sessions
from dashboard.gate.streams import Streams
from shared.clock import Clock
from shared.links import SIGN_IN_PATH
from shared.own_page import PROOF_PATH

USER_HEADER, ROLE_HEADER, SEAL_HEADER = b"x-flotilla-user", b"x-flotilla-role", seal.HEADER.encode()
OURS = (USER_HEADER, ROLE_HEADER, SEAL_HEADER)
SIGN_OUT_PATH, HEALTH_PATH = "/logout", "/healthz"
OPEN_PATHS = frozenset({SIGN_IN_PATH, HEALTH_PATH, PROOF_PATH})
# Websocket close codes 4000 to 4999 are an application's own.
SIGN_IN_CODE, FOREIGN_CODE, CROWDED_CODE = 4401, 4403, 4429


@dataclass(frozen=True)
class Door:
    """What the gate and the sign-in pages know of who may come in."""

    people: People
    sessions: Sessions
    clock: Clock
    allowed_hosts: tuple[str, ...] = ()
    oidc: Oidc | None = None
    open_paths: frozenset[str] = field(default=OPEN_PATHS)

    def session(self, connection: HTTPConnection) -> Session | None:
        """Give the session a request carries, ours or an OIDC provider's."""
        session = self.sessions.read(connection.cookies.get(COOKIE, ""))
        return session or self._provided(connection)

    def opens_by_link(self) -> bool:
        """Tell whether who is at this machine signs in by a link, for nobody has a name yet."""
        return self.oidc is None and not self.people.guarded()

    def _provided(self, connection: HTTPConnection) -> Session | None:
        email = self.oidc.email(connection.cookies) if self.oidc is not None else None
        account = self.people.find(email) if email else None
        if self.oidc is None or account is None or account.password is not None:
            return None
        now_s = self.clock.now_ms() // 1000
        person = Person(account.name, account.role)
        session = Session(person, self.oidc.key(connection.cookies), fingerprint(account), now_s, 0)
        return session if self.sessions.alive(session) else None


class Gate:
    """Lets in who is signed in, with name and role as headers; sends everybody else to the sign-in page."""

    def __init__(self, app: ASGIApp, door: Door, signins: SigninRecord | None = None) -> None:
        self._app = app
        self._door = door
        self._record = signins
        self.streams = Streams()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or websocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        if scope["type"] == "http":
            send = _securing(self._noticing(connection, send))
        refusal = self._foreign(connection)
        if refusal is not None:
            await _refuse(scope, receive, send, refusal, FOREIGN_CODE)
            return
        await self._ask_who(connection, receive, send)

    async def _ask_who(self, connection: HTTPConnection, receive: Receive, send: Send) -> None:
        scope = connection.scope
        if self._door.opens_by_link() and not from_this_machine(scope, connection.headers):
            sentence = "No password is set, so this page is for its own machine: `flotilla dashboard password`."
            page = page_response(sentence_page("No password is set", sentence), 403)
            await _refuse(scope, receive, send, page, FOREIGN_CODE)
            return
        session = self._door.session(connection)
        if session is not None:
            await self._let_in(session, scope, receive, send)
        elif self._is_open(scope):
            await self._app(_named(scope, None), receive, send)
        else:
            await _refuse(scope, receive, send, _ask_to_sign_in(connection), SIGN_IN_CODE)

    async def _let_in(self, session: Session, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            receive = _while_alive(lambda: self._door.sessions.alive(session), receive, send)
            with self.streams.opened(session.person.name) as may_open:
                if may_open:
                    await self._app(_named(scope, session.person), receive, send)
                else:
                    await send({"type": "websocket.close", "code": CROWDED_CODE})
        else:
            cookie = self._door.sessions.renewed(session)
            if cookie is not None and scope["path"] != SIGN_OUT_PATH:
                send = _setting(session_cookie(cookie, scope["scheme"] == "https"), send)
            await self._app(_named(scope, session.person), receive, send)

    def _noticing(self, connection: HTTPConnection, send: Send) -> Send:
        """Record who comes back from a provider signed in: Streamlit answers that, and sets the cookie."""
        oidc, signins = self._door.oidc, self._record
        if oidc is None or signins is None or connection.scope["path"] != oidc_paths.RETURN_PATH:
            return send

        async def notice(message: Message) -> None:
            if message["type"] == "http.response.start":
                email = oidc.email(oidc_paths.cookies_set(message.get("headers", ())))
                if email is not None and self._door.people.find(email) is not None:
                    signins.write(SIGNED_IN, email, client_address(connection))
            await send(message)

        return notice

    def _is_open(self, scope: Scope) -> bool:
        path = scope["path"]
        if scope["type"] != "http":
            return False
        return path in self._door.open_paths or (self._door.oidc is not None and path in oidc_paths.PATHS)

    def _foreign(self, connection: HTTPConnection) -> Response | None:
        headers = connection.headers
        method = connection.scope.get("method", "WEBSOCKET")
        if not host_allowed(headers.get("host"), self._door.allowed_hosts):
            sentence = "The page does not go by this name; its names are in dashboard.allowed_hosts."
            return page_response(sentence_page("Not this name", sentence), 421)
        if not same_origin(headers, method):
            return page_response(sentence_page("Refused", "The request came from another page."), 403)
        return None


def session_cookie(value: str, secure: bool, max_age: int = IDLE_SECONDS) -> str:
    """Write the `Set-Cookie` of a session; scripts cannot read it and other sites cannot post with it."""
    words = [f"{COOKIE}={value}", f"Max-Age={max_age}", "Path=/", "HttpOnly", "SameSite=Lax"]
    return "; ".join([*words, "Secure"] if secure else words)


def client_address(connection: HTTPConnection) -> str:
    """Give the address a request comes from, for the record."""
    return connection.client.host if connection.client is not None else "unknown"


def _named(scope: Scope, person: Person | None) -> Scope:
    """Say who asks, in place of whatever the request says of itself."""
    headers = [(name, value) for name, value in scope["headers"] if _spelt(name) not in OURS]
    if person is not None:
        headers += [
            (USER_HEADER, person.name.encode()),
            (ROLE_HEADER, person.role.encode()),
            (SEAL_HEADER, seal.SEAL.encode()),
        ]
    return {**scope, "headers": headers}


def _spelt(name: bytes) -> bytes:
    # What reads `x_flotilla_role` as `x-flotilla-role` must not find one either.
    return name.lower().replace(b"_", b"-")


def _ask_to_sign_in(connection: HTTPConnection) -> Response:
    if "text/html" not in connection.headers.get("accept", "") or connection.scope.get("method") not in ("GET", "HEAD"):
        # A page that was open when its session ended asks here, and shows people what it is told.
        return JSONResponse({"error": "You are not signed in any more. Load this page again to sign in."}, 401)
    # Not by `connection.url`, which must be able to read it.
    asked, query = connection.scope["path"], connection.scope["query_string"].decode("latin-1")
    path = f"{asked}?{query}" if query else asked
    address = SIGN_IN_PATH if path == "/" else f"{SIGN_IN_PATH}?next={quote(path, safe='')}"
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})


async def _refuse(scope: Scope, receive: Receive, send: Send, response: Response, code: int) -> None:
    if scope["type"] == "websocket":
        # Before it was accepted: the server answers the handshake with 403.
        await send({"type": "websocket.close", "code": code})
    else:
        await response(scope, receive, send)


def _securing(send: Send) -> Send:
    async def secure(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": secured(message.get("headers", ()))}
        await send(message)

    return secure


def _setting(cookie: str, send: Send) -> Send:
    async def set_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"set-cookie", cookie.encode())]}
        await send(message)

    return set_cookie


def _while_alive(alive: Callable[[], bool], receive: Receive, send: Send) -> Receive:
    """Hand messages on as long as the session lives; the first one after its end closes the websocket."""

    async def receive_alive() -> Message:
        message = await receive()
        if message["type"] != "websocket.receive" or alive():
            return message
        await send({"type": "websocket.close", "code": SIGN_IN_CODE, "reason": "the session has ended"})
        return {"type": "websocket.disconnect", "code": SIGN_IN_CODE}

    return receive_alive
