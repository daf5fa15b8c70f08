"""The gate lets through what is in its list, and nothing that is written otherwise or that Streamlit offers beside."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from dashboard.gate.endpoints import ENDPOINTS, OIDC_ENDPOINTS, SHUT_SCRIPTS, OnlyListed
from dashboard.gate.routes import MOST_FORM_BYTES
from dashboard.navigation import PAGES
from dashboard.serving.plotly_script import PATH
from tests.conftest import ROOT
from tests.dashboard.gate.listed import REACHED, everything, served
from tests.dashboard.gate.process import environment
from tests.dashboard.gate.serving import ask, open_socket

UPLOAD = "/_stcore/upload_file/session/file"
LET_THROUGH = (
    *(("GET", page.path) for page in PAGES),
    ("HEAD", "/"),
    ("GET", "/trades?period=All&rows=Fills"),
    ("GET", "/_stcore/health"),
    ("GET", "/_stcore/host-config"),
    ("GET", "/static/js/index.DormvYxC.js"),
    ("GET", "/static/js/DataFrame.-f9-1zS0.js"),
    ("GET", "/static/media/MaterialSymbols-Rounded.nEdyypZU.woff2"),
    ("GET", "/favicon.png"),
    ("GET", PATH),
    ("HEAD", "/export/fills.csv"),
    ("GET", "/export/fills.csv?bot=a&from=2026-01-01"),
    ("GET", "/export/shown/Fq3-_token/open_positions_0.json"),
    ("HEAD", "/report.html"),
    ("GET", "/report.html?sleeve=breakout"),
    ("GET", "/login?next=%2Ftrades"),
    ("POST", "/login"),
    ("GET", "/logout"),
    ("POST", "/logout"),
    ("GET", "/healthz"),
    ("GET", "/proof?nonce=00"),
)
# What Streamlit of the version in use offers beside, and why the page does without.
SHUT = {
    "/_stcore/metrics": "counts of its sessions and caches, which nobody reads",
    "/media/{file_id:path}": "pictures, sounds and files of its own download button; the page has none",
    "/_stcore/upload_file/{session_id}/{file_id}": "it keeps in memory what it is sent; nothing is uploaded",
    "/component/{path:path}": "files of components of the first kind; the page has none",
    "/_stcore/bidi-components/{path:path}": "files of components; those of the page come over the websocket",
    "/auth/login": "only where a provider is configured",
    "/auth/logout": "only where a provider is configured",
    "/oauth2callback": "only where a provider is configured",
    "/_stcore/agent/interact": "programs that click for somebody",
    "/_stcore/agent/openapi.json": "how they would do it",
    "/_stcore/agent/mcp": "the same for others",
}
OPEN = {
    "/_stcore/health": "/_stcore/health",
    "/_stcore/host-config": "/_stcore/host-config",
    "/_stcore/stream": "/_stcore/stream",
    # The mount of its own files, which answers all other paths with the page.
    "": "/",
}
REFUSED = (
    ("PUT", UPLOAD, 404),
    ("DELETE", UPLOAD, 404),
    ("GET", "/_stcore/metrics", 404),
    ("GET", "/_stcore/script-health-check", 404),
    ("POST", "/_stcore/agent/interact", 404),
    ("POST", "/_stcore/agent/mcp", 404),
    ("GET", "/_stcore/agent/openapi.json", 404),
    ("GET", "/media/abc.png", 404),
    ("GET", "/component/x/index.html", 404),
    ("GET", "/_stcore/bidi-components/x/y.js", 404),
    ("GET", "/auth/login", 404),
    ("GET", "/oauth2callback?code=1", 404),
    ("GET", "/_stcore/stream", 404),
    ("GET", "/manifest.json", 404),
    ("GET", "/index.html", 404),
    ("GET", "/static/manifest.json", 404),
    ("GET", "/static/js/PlotlyChart.D9Z0_fxz.js", 404),
    ("GET", "/app/static/other.js", 404),
    ("GET", "/overview", 404),
    ("GET", "/bost", 404),
    ("GET", "/bots/_stcore/health", 404),
    ("OPTIONS", "/_stcore/health", 405),
    ("OPTIONS", "/", 405),
    ("POST", "/", 405),
    ("PUT", "/trades", 405),
    ("DELETE", "/export/fills.csv", 405),
    ("PATCH", "/login", 405),
    ("TRACE", "/", 405),
)
# The same path in other letters.
SPELT = (
    "/%5Fstcore/upload_file/a/b",
    "/_stcore%2Fupload_file/a/b",
    "/_stcore/%75pload_file/a/b",
    "//_stcore/upload_file/a/b",
    "/_stcore//upload_file/a/b",
    "/_stcore/upload_file/a/b/",
    "/_stcore/health/../upload_file/a/b",
    "/_stcore/health/%2e%2e/upload_file/a/b",
    "/./_stcore/upload_file/a/b",
    "/static/../_stcore/metrics",
    "/static/js/../../_stcore/metrics",
    "/static/js/%2e%2e/%2e%2e/_stcore/metrics",
    "/static/js/..%2f..%2f_stcore%2fmetrics",
    "/static/js/..",
    "/static/js/.hidden",
    "/static/js/a%00.js",
    "/static/js/%50lotlyChart.D9Z0_fxz.js",
    "/_STCORE/metrics",
    "/_stcore/Health",
    "/_stcore\\health",
    "/_stcore/health/",
    "/_stcore/health;x",
    "/_stcore/health%3Fx",
    "/_stcore/health%0a",
    "/Bots",
    "/bots/",
    "//bots",
    "/%62ots",
    "/bots%2f",
    "/export/shown/a/../../fills.csv",
    "/export/fills.csv/",
    "/LOGIN",
)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served(OnlyListed(everything(), ENDPOINTS)) as port:
        yield port


@pytest.fixture(scope="module")
def without() -> Iterator[int]:
    """An application that stands before nobody: what is refused must reach it."""
    with served(everything()) as port:
        yield port


@pytest.mark.parametrize(("method", "path"), LET_THROUGH)
def test_what_the_page_uses_is_let_through(method: str, path: str, port: int) -> None:
    answer = ask(port, path, method)
    assert answer.status == 200
    assert answer.text == ("" if method == "HEAD" else f"{REACHED} with 0")


@pytest.mark.parametrize(("method", "path", "status"), REFUSED)
def test_what_it_does_not_use_is_refused(method: str, path: str, status: int, port: int, without: int) -> None:
    answer = ask(port, path, method)
    assert (answer.status, REACHED in answer.text) == (status, False)
    assert ("allow" in answer.headers) == (status == 405)
    if method != "TRACE":
        assert ask(without, path, method).status == 200, "without the list it comes through"


@pytest.mark.parametrize("path", SPELT)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_no_other_way_to_write_a_path_leads_past_the_list(method: str, path: str, port: int, without: int) -> None:
    assert ask(port, path, method).status == 404
    assert ask(without, path, method).status == 200, "without the list it comes through"


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/stream", "/_stcore/stream/", "//_stcore/stream"])
def test_a_websocket_is_opened_at_its_place_alone(path: str, port: int, without: int) -> None:
    with pytest.raises(InvalidStatus), open_socket(port, path):
        pass
    with open_socket(without, path), open_socket(port, "/_stcore/stream"):
        pass


def test_a_provider_is_signed_in_with_where_one_is_configured_only(port: int) -> None:
    paths = ("/auth/login?provider=x", "/oauth2callback?code=1", "/auth/logout")
    assert [ask(port, path).status for path in paths] == [404] * 3
    with served(OnlyListed(everything(), ENDPOINTS + OIDC_ENDPOINTS)) as other:
        assert [ask(other, path).status for path in paths] == [200] * 3
        assert ask(other, "/auth/login", "POST").status == 405


@pytest.mark.parametrize(
    ("method", "path", "length", "status"),
    [
        ("POST", "/login", MOST_FORM_BYTES, 200),
        ("POST", "/login", MOST_FORM_BYTES + 1, 413),
        ("POST", "/logout", 0, 200),
        ("POST", "/logout", 1, 413),
        ("GET", "/", 1, 413),
        ("GET", "/login", 1, 413),
        ("GET", "/export/fills.csv", 10_000_000, 413),
    ],
)
def test_nothing_but_the_sign_in_takes_a_body(method: str, path: str, length: int, status: int, port: int) -> None:
    answer = begun(port, method, path, f"Content-Length: {length}", body=b"x" * length if status == 200 else None)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert (f"{REACHED} with {length}".encode() in answer) == (status == 200)


@pytest.mark.parametrize("said", ["Content-Length: 999999999999", "Transfer-Encoding: chunked"])
def test_a_body_that_does_not_end_is_refused_before_any_of_it_is_sent(said: str, port: int) -> None:
    assert begun(port, "POST", "/login", said).startswith(b"HTTP/1.1 413 ")


def begun(port: int, method: str, path: str, said: str, body: bytes | None = None) -> bytes:
    """Send the head of a request and of its body what is given, and give all that comes until the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        end = "" if body is None else "Connection: close\r\n"
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: here\r\n{end}{said}\r\n\r\n".encode() + (body or b""))
        answer = b""
        while part := connection.recv(4096):
            answer += part
    return answer


def test_every_route_is_in_the_list_or_shut_with_a_reason(registered: tuple[list, list]) -> None:
    """Of the Streamlit in use and of ours: a release that brings another one fails here."""
    streamlit, ours = registered
    assert {route for route, _ in streamlit} == SHUT.keys() | OPEN.keys()
    listed = OnlyListed(everything(), ENDPOINTS)
    for path in SHUT:
        assert not matching(listed, path.replace("{", "").replace("}", "").replace(":path", "")), path
    for path in OPEN.values():
        assert matching(listed, path), path
    for path, methods in ours:
        sample = path.replace("{kind}.{form}", "fills.csv").replace("{token}/{key}.{form}", "token/key_0.csv")
        assert set(methods) - {"HEAD"} <= set(matching(listed, sample)), path
    assert len(ours) >= 8


def test_what_is_listed_is_served_by_somebody(registered: tuple[list, list]) -> None:
    """A place that nobody serves any more goes out of the list."""
    streamlit, ours = registered
    served_paths = [*(OPEN[route] for route, _ in streamlit if route in OPEN), *(path for path, _ in ours)]
    samples = [
        *(path.replace("{kind}.{form}", "a.csv").replace("{token}/{key}.{form}", "a/b.csv") for path in served_paths),
        *("/static/js/a.js", "/favicon.png"),
    ]
    for endpoint in ENDPOINTS:
        one = OnlyListed(everything(), [endpoint])
        assert any(matching(one, sample) for sample in samples), endpoint.path


def test_every_endpoint_is_in_the_handbook_with_its_reason_and_no_other() -> None:
    text = (ROOT / "docs" / "dashboard.md").read_text().partition("## What is let through")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ") and not line.startswith("| |")]
    assert {why.rstrip(" |") for _, why in rows} == {endpoint.why for endpoint in (*ENDPOINTS, *OIDC_ENDPOINTS)}
    assert all(f"`{page.path}`" in rows[0][0] for page in PAGES)


def test_the_scripts_that_are_shut_are_those_of_the_streamlit_in_use() -> None:
    import streamlit

    names = [path.name for path in (Path(streamlit.__file__).parent / "static" / "static" / "js").iterdir()]
    for shut in SHUT_SCRIPTS:
        assert any(name.startswith(f"{shut}.") for name in names), f"{shut} goes by another name now"


def matching(listed: OnlyListed, path: str) -> list[str]:
    """Give the methods a path is let through with."""
    return [method for pattern, endpoint in listed._endpoints if pattern.fullmatch(path) for method in endpoint.methods]


ROUTES = """
import json
from pathlib import Path
import streamlit
from streamlit.web.server.starlette import starlette_app
from dashboard.place import find_place
from dashboard.serving.serve import make_app

kept = []
streamlit.App = lambda script, lifespan, routes: kept.append((script, routes)) or None
make_app(find_place())
script, ours = kept[0]
runtime = starlette_app.App(script)._create_runtime()
theirs = starlette_app.create_streamlit_routes(runtime)
said = [[[route.path, sorted(getattr(route, "methods", None) or [])] for route in routes] for routes in (theirs, ours)]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> tuple[list, list]:
    """Give path and methods of every route, Streamlit's and ours, as a process of its own makes them."""
    folder = tmp_path_factory.mktemp("routes")
    told = subprocess.run(
        [sys.executable, "-c", ROUTES],
        cwd=folder,
        env=environment(folder, 8501),
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout.splitlines()[-1])


def test_the_page_of_the_navigation_has_a_script() -> None:
    for page in PAGES:
        assert (ROOT / "dashboard" / "views" / f"{page.name}.py").is_file()
    assert len({page.path for page in PAGES}) == len(PAGES) == 10
