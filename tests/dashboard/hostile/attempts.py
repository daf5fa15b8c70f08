"""What is tried. Each attempt gives what it got through with, as sentences; none where every door held."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlencode

from tests.dashboard.hostile.wire import LATE, STREAM, Answer, Page

Attempt = Callable[[Page], Iterator[str]]
REFUSED = (0, 303, 400, 401, 403, 404, 405, 411, 413, 414, 421, 429, 431, 503)
PATHS = (
    "/",
    "/bots",
    "/control",
    "/export/fills.csv",
    "/export/settings.json",
    "/report.html",
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/script-health-check",
    "/static/index.html",
    "/media/x",
    "/app/static/x",
    "/component/x/index.html",
    "/export/shown/x/y.csv",
    "/nothing",
)
ROLES = {"x_flotilla_user": "mallory", "x_flotilla_role": "operator", "x_flotilla_seal": "x" * 43}
COOKIE, BROWSER_COOKIE = "flotilla_session", "flotilla_browser"
UPLOAD = "/_stcore/upload_file/8f7a/9b6c"
HALF_SENT = 1_100
SECOND = b"GET / HTTP/1.1\r\n\r\n"
UPLOADS, MEGABYTE = 300, 1 << 20
GUESSERS, GUESSES, NAMES = 40, 5, 30
# Slow is what takes so much longer than one sign-in alone; machines are noisy.
SLOW_SECONDS, SLOW_TIMES = 10.0, 10


def reads_without_signing_in(page: Page) -> Iterator[str]:
    """Every address, in the clear and dressed up, with headers that say who one is and cookies of one's own making."""
    forged = ["", "x", "a.b.c", "..", "x" * 4_000, "eyJrZXkiOiJ4In0.aW0wZw.xxxx", "%00", '"; x="']
    for path in PATHS:
        for variant in (path, f"/{path}", f"/.{path}", f"/login/..{path}", f"/healthz/%2e%2e{path}", f"{path}%00"):
            yield from _open(f"GET {variant}", page.ask(variant))
        yield from _open(f"GET {path} with forged names", page.ask(path, **ROLES))
        for cookie in forged:
            yield from _open(f"GET {path} with cookie {cookie[:20]!r}", page.ask(path, cookie=f"{COOKIE}={cookie}"))


def opens_a_websocket_without_signing_in(page: Page) -> Iterator[str]:
    """The websocket, over which everything of a page comes."""
    for path in (STREAM, "/stream", "/_stcore//stream", "/_stcore/stream/"):
        if page.websocket(path, **ROLES) == 101:
            yield f"the websocket {path} was let in"


def comes_from_another_page(page: Page) -> Iterator[str]:
    """A page elsewhere makes the viewer's browser send requests, by its own name or one made to point here."""
    for origin in (
        "http://evil.example",
        "null",
        "http://[",
        "http://127.0.0.1:1",
        "\x01",
        "é",
        "http://" + "a" * 9_000,
    ):
        answer = page.ask("/logout", "POST", b"", cookie=page.viewer, origin=origin)
        if answer.status not in (0, 400, 403, 421, 431):
            yield f"POST /logout from origin {origin[:30]!r} gave {answer.status}"
        if origin.isprintable() and origin.isascii() and page.websocket(cookie=page.viewer, origin=origin) == 101:
            yield f"a websocket from origin {origin[:30]!r} was let in"
    for host in ("evil.example", "127.0.0.1.evil.example", "[", "[::1", "a@b", "", "x" * 9_000, "127.0.0.1:99999999"):
        answer = page.ask("/", cookie=page.viewer, host=host)
        if answer.status not in (0, 400, 421, 431):
            yield f"GET / as host {host[:30]!r} gave {answer.status}"
    if page.viewer and page.ask("/", cookie=page.viewer).status != 200:
        yield "the viewer was signed out by somebody else"


def guesses_a_link(page: Page) -> Iterator[str]:
    """A link that signs in, made up."""
    for token in ("", "x", "../x", "%2e%2e", "x" * 60_000, secrets.token_urlsafe(32), "%00", "\udcff"):
        answer = page.ask(f"/login?link={token}")
        if answer.header("set-cookie") or answer.status >= 500:
            yield f"the link {token[:20]!r} gave {answer.status}"


def sends_rubbish_as_a_password(page: Page) -> Iterator[str]:
    """Passwords and forms that cost time or memory, or break what reads them."""
    texts = ["", "x" * 1_025, "x" * 7_000, "a\0b" * 10, "\ud800", "é" * 1_000, "x" * 100_000]
    for text in texts:
        form = urlencode({"name": "anna", "password": text}, errors="surrogatepass").encode()
        answer = page.ask("/login", "POST", form)
        if answer.status not in (401, 413, 429, 503):
            yield f"a password of {len(text)} characters gave {answer.status}"
    for name in ("\x1b]0;x\x07", "x" * 5_000, "a\nb"):
        answer = page.ask("/login", "POST", urlencode({"name": name, "password": "x" * 20}).encode())
        if answer.status not in (401, 413, 429, 503):
            yield f"the name {name[:10]!r} gave {answer.status}"
    for form in (b"&" * 8_000, b"=" * 8_000, b"%" * 8_000, b"\xff" * 8_000, b"x" * MEGABYTE):
        answer = page.ask("/login", "POST", form)
        if answer.status not in (0, 401, 413, 429, 503):
            yield f"a form of {form[:1]!r} gave {answer.status}"


def keeps_others_from_signing_in(page: Page) -> Iterator[str]:
    """Many guess for one name from many addresses; its owner signs in meanwhile, from another."""
    usual = _usual_seconds(page)
    name = page.name or "anna"
    with _guessing(page, [(name, f"198.51.100.{at}") for at in range(GUESSERS) for _ in range(GUESSES)]):
        began = time.monotonic()
        answer = page.ask("/healthz")
        if answer.status not in (200, 503):
            yield f"while others guessed, /healthz gave {answer.status}"
        elif time.monotonic() - began > SLOW_SECONDS:
            yield f"while others guessed, /healthz took {time.monotonic() - began:.1f} s"
        yield from _signs_in(page, "while others guessed", usual, x_forwarded_for="203.0.113.9")
    yield from _signs_in(page, "after others guessed", usual, x_forwarded_for="203.0.113.9")


def locks_out_who_signed_in_before(page: Page) -> Iterator[str]:
    """Somebody at the owner's own address guesses made-up names and the owner's, whose browser is known."""
    here = "203.0.113.10"
    usual = _usual_seconds(page)
    browser = page.sign_in(x_forwarded_for=here).cookie(BROWSER_COOKIE)
    guessed = [*(f"name{at}" for at in range(NAMES)), *[page.name or "anna"] * 2 * GUESSES]
    with _guessing(page, [(name, here) for name in guessed]):
        pass
    yield from _signs_in(page, "after guesses from the same address", usual, x_forwarded_for=here, cookie=browser)


def sends_half_a_request(page: Page) -> Iterator[str]:
    """Connections that never say what they want, more than the page may have open files."""
    with ExitStack() as held:
        for _ in range(HALF_SENT):
            try:
                line = held.enter_context(page.dial())
                line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            except OSError:
                # Cut off, as it should be.
                continue
        began = time.monotonic()
        answer = page.ask("/healthz")
        if answer.status not in (200, 503) or time.monotonic() - began > 10.0:
            yield f"with {HALF_SENT} half-sent requests /healthz gave {answer.status}"


def sends_what_is_no_http(page: Page) -> Iterator[str]:
    """Bytes that are no request, or two at once."""
    host = f"Host: {page.host}:{page.port}\r\n".encode()
    texts = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n" + host + b"\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"X: " + b"x" * MEGABYTE + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"X: y\r\n" * 20_000 + b"\r\n",
        b"POST /login HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n",
        b"POST /login HTTP/1.1\r\n"
        + host
        + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        + SECOND,
        b"GET " + b"/" * MEGABYTE + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /?" + b"%" * 50_000 + b" HTTP/1.1\r\n" + host + b"\r\n",
    ]
    for text in texts:
        answer = page.raw(text + b"")
        if answer.status not in REFUSED:
            yield f"{text[:30]!r} gave {answer.status}"


def uploads_files(page: Page) -> Iterator[str]:
    """A viewer fills the memory with files."""
    body = b"x" * MEGABYTE
    statuses = {page.ask(UPLOAD, "PUT", body, cookie=page.viewer).status for _ in range(UPLOADS)}
    if not statuses <= {0, 404, 405, 413}:
        yield f"uploads gave {sorted(statuses)}"


def looks_for_other_doors(page: Page) -> Iterator[str]:
    """A viewer asks for what no page uses."""
    doors = (
        "/_stcore/metrics",
        "/_stcore/script-health-check",
        "/_stcore/upload_file/x/y",
        "/_stcore/bidi-components/x/y",
        "/component/x/index.html",
        "/media/../../etc/passwd",
        "/static/../../../../etc/passwd",
        "/.streamlit/secrets.toml",
        "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/app/static/../app.py",
        "/flotilla.toml",
        "/state/flotilla.db",
        "/export/shown/x/y.csv",
        "/export/passwords.csv",
        "/export/fills.exe",
        "/_stcore/agent",
        "/docs",
        "/openapi.json",
    )
    for path in doors:
        answer = page.ask(path, cookie=page.viewer)
        if answer.status not in (0, 400, 404, 405, 503):
            yield f"GET {path} gave {answer.status}"
        elif b"root:" in answer.body or b"cookie_secret" in answer.body:
            yield f"GET {path} gave a file"
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "POST"):
        answer = page.ask("/", method, cookie=page.viewer, origin=page.origin)
        if answer.status not in (0, 400, 403, 404, 405, 501):
            yield f"{method} / gave {answer.status}"


def sends_large_messages(page: Page) -> Iterator[str]:
    """A viewer sends the page more than any click does."""
    if page.websocket(message=b"\x5a" + b"x" * (40 * MEGABYTE), cookie=page.viewer) == 101:
        yield "a message of 40 MB was taken"


def asks_for_rubbish(page: Page) -> Iterator[str]:
    """A viewer writes into the address bar and the filters of downloads what makes no sense."""
    queries = (
        "bot=" + "x" * 5_000,
        "from=1e300",
        "from=NaN",
        "to=%00",
        "bot=%27%20OR%201=1--",
        "resolution=x",
        "from=-1&to=-2",
        "&".join(f"bot=b{at}" for at in range(500)),
        "side=%1b[31m",
    )
    for query in queries:
        for place in ("/export/fills.csv", "/export/equity.json", "/report.html"):
            answer = page.ask(f"{place}?{query}", cookie=page.viewer)
            if answer.status not in (0, 400, 404, 413, 414, 431, 503):
                yield f"GET {place}?{query[:30]} gave {answer.status}"
            if b"\x1b" in answer.body or "Traceback" in answer.body.decode("utf-8", "replace"):
                yield f"GET {place}?{query[:30]} gave what came as it came"


ANYBODY: tuple[Attempt, ...] = (
    reads_without_signing_in,
    opens_a_websocket_without_signing_in,
    guesses_a_link,
    sends_rubbish_as_a_password,
    keeps_others_from_signing_in,
    locks_out_who_signed_in_before,
    sends_half_a_request,
    sends_what_is_no_http,
)
VIEWER: tuple[Attempt, ...] = (
    comes_from_another_page,
    uploads_files,
    looks_for_other_doors,
    sends_large_messages,
    asks_for_rubbish,
)


def _open(what: str, answer: Answer) -> Iterator[str]:
    if answer.status not in REFUSED or (answer.status == 303 and "/login" not in answer.header("location")):
        yield f"{what} gave {answer.status}"


@contextmanager
def _guessing(page: Page, guesses: list[tuple[str, str]]) -> Iterator[None]:
    """Guess, for names from addresses, all at once."""

    def guess(name: str, address: str) -> None:
        form = urlencode({"name": name, "password": "not this one, surely"}).encode()
        page.ask("/login", "POST", form, x_forwarded_for=address)

    guessers = [threading.Thread(target=guess, args=one) for one in guesses]
    for one in guessers:
        one.start()
    try:
        yield
    finally:
        for one in guessers:
            one.join()


def _usual_seconds(page: Page) -> float:
    began = time.monotonic()
    if page.password:
        page.sign_in(x_forwarded_for="203.0.113.8")
    return time.monotonic() - began


def _signs_in(page: Page, when: str, usual_seconds: float, **headers: str) -> Iterator[str]:
    """Sign the owner in: a refusal is told, and what takes far longer than usual, each as what it is."""
    if not page.password:
        return
    began = time.monotonic()
    status = page.sign_in(**headers).status
    took = time.monotonic() - began
    if status == LATE:
        yield f"{when}, {page.name}'s sign-in had no answer in {took:.1f} s"
    elif status != 303:
        yield f"{when}, {page.name}'s sign-in was refused with {status} after {took:.1f} s"
    elif took > SLOW_SECONDS + SLOW_TIMES * usual_seconds:
        yield f"{when}, {page.name}'s sign-in took {took:.1f} s, usually {usual_seconds:.1f} s"


def raise_open_files() -> None:
    """Let this process have as many connections as it tries."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * HALF_SENT
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def is_alive(page: Page) -> bool:
    """Tell whether the page still answers."""
    try:
        return page.ask("/healthz").status in (200, 503)
    except TimeoutError:
        return False
