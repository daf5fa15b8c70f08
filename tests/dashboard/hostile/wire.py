"""What somebody hostile sends: bytes as they are, by hand, so that no library makes them well-formed."""

import re
import socket
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect

# Long enough for a page that is slow: an answer that comes late is no refusal.
SECONDS = 60.0
# In place of a status: the connection was closed without an answer, or none came in time.
CLOSED, LATE = 0, -1
STREAM = "/_stcore/stream"
MOST_BYTES = 1 << 20


class Answer(NamedTuple):
    """What came back."""

    status: int
    head: str
    body: bytes

    def header(self, name: str) -> str:
        """Give the first of the headers of a name."""
        for line in self.head.splitlines()[1:]:
            key, _, value = line.partition(":")
            if key.strip().lower() == name:
                return value.strip()
        return ""

    def cookie(self, name: str) -> str:
        """Give a cookie that was set, as it is sent back; empty where it was not."""
        set_cookie = re.search(rf"^set-cookie:\s*({name}=[^;\r\n]*)", self.head, re.IGNORECASE | re.MULTILINE)
        return set_cookie[1] if set_cookie else ""


@dataclass
class Page:
    """A page that listens, and the name, password and cookie of a viewer of it, where one is known."""

    host: str
    port: int
    name: str = ""
    password: str = ""
    viewer: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"

    def dial(self) -> socket.socket:
        """Open a connection and say nothing."""
        return socket.create_connection((self.host, self.port), SECONDS)

    def raw(self, data: bytes) -> Answer:
        """Send bytes and read one answer."""
        try:
            with self.dial() as line:
                line.sendall(data)
                return read_answer(line)
        except TimeoutError:
            return Answer(LATE, "", b"")
        except OSError:
            return Answer(CLOSED, "", b"")

    def ask(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
        """Send a request; `_` in the name of a header is `-`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"host": f"{self.host}:{self.port}", "connection": "close", **self.headers, **given}
        if body or method in ("POST", "PUT", "PATCH"):
            sent.setdefault("content-length", str(len(body)))
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        return self.raw(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("utf-8", "surrogateescape") + body)

    def sign_in(self, **headers: str) -> Answer:
        """Sign the viewer in."""
        form = urlencode({"name": self.name, "password": self.password}).encode()
        return self.ask("/login", "POST", form, **headers)

    def websocket(self, path: str = STREAM, message: bytes | None = None, **headers: str) -> int:
        """Open a websocket; give 101 where it was let in (and kept, where a message was sent), else the refusal."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        origin, host = given.pop("origin", self.origin), given.pop("host", f"{self.host}:{self.port}")
        options = {"additional_headers": {**self.headers, **given}, "proxy": None, "open_timeout": SECONDS}
        try:
            place = f"ws://{host}{path}"
            with connect(place, address=(self.host, self.port), origin=origin, max_size=None, **options) as stream:
                if message is not None:
                    stream.send(message)
                    stream.recv(timeout=SECONDS)
                return 101
        except InvalidStatus as refusal:
            return refusal.response.status_code
        except (OSError, WebSocketException, TimeoutError):
            return 0


def read_answer(line: socket.socket) -> Answer:
    """Read until the other end closes or says no more; raises TimeoutError where it says nothing."""
    data = b""
    while len(data) < MOST_BYTES:
        try:
            part = line.recv(1 << 16)
        except TimeoutError:
            if not data:
                raise
            break
        except OSError:
            break
        if not part:
            break
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    words = text.split()
    return Answer(int(words[1]) if len(words) > 1 and words[1].isdigit() else CLOSED, text, body)
