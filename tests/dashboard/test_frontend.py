"""Streamlit's frontend out of memory: the document names what pages are made of, and files are those on the disk."""

import asyncio
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import streamlit
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from dashboard.navigation import PAGES
from dashboard.serving import frontend
from dashboard.serving.frontend import Frontend, document, element_scripts
from dashboard.serving.plotly_script import PATH
from tests.conftest import ROOT
from tests.dashboard.views import books

STATIC = Path(streamlit.__file__).parent / "static"


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await PlainTextResponse(f"inner: {scope['path']}")(scope, receive, send)


def ask(path: str, method: str = "GET", encoding: str = "identity") -> httpx.Response:
    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(Frontend(inner))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.request(method, path, headers={"accept-encoding": encoding})

    return asyncio.run(answer())


def names(text: str) -> list[str]:
    return re.findall(r'(?:href|src)="\./static/js/([^"]+)"', text)


@pytest.fixture
def unkept() -> Iterator[None]:
    document.cache_clear()
    yield
    document.cache_clear()


def test_the_document_names_each_script_once_and_they_are_there() -> None:
    named = names(document(has_charts=True))
    assert len(named) == len(set(named))
    assert set(element_scripts()) <= set(named)
    assert all((STATIC / "static" / "js" / name).is_file() for name in named)


def test_what_a_script_imports_is_named_with_it() -> None:
    scripts = element_scripts()
    for name in scripts:
        text = (STATIC / "static" / "js" / name).read_text()
        assert set(re.findall(r'from\s*"\./([^"]+)"', text)) <= set(scripts), name


def test_an_element_that_streamlit_has_no_longer_is_named(monkeypatch: pytest.MonkeyPatch, unkept: None) -> None:
    monkeypatch.setattr(frontend, "ELEMENTS", ("Html", "NoSuchElement"))
    with pytest.raises(RuntimeError, match="one script of element NoSuchElement, has none"):
        document(has_charts=True)


def test_every_page_begins_with_the_document_and_the_kill_switch_waits_for_no_charts() -> None:
    for page in PAGES:
        answer = ask(page.path)
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-type"].startswith("text/html")
        assert (PATH in answer.text) == (page.path != "/control"), page.path


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_files_are_those_on_the_disk(encoding: str) -> None:
    for path in sorted((STATIC / "static").glob("*/*"))[::23]:
        answer = ask(f"/static/{path.parent.name}/{path.name}", encoding=encoding)
        assert answer.content == path.read_bytes()
        assert "immutable" in answer.headers["cache-control"]
        is_packed = encoding == "gzip" and path.suffix in (".js", ".css", ".svg")
        assert answer.headers.get("content-encoding", "identity") == ("gzip" if is_packed else "identity")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/"),
        ("POST", "/control"),
        ("GET", "/nowhere"),
        ("GET", "/static/js/no-such.js"),
        ("GET", "/static/js/%2e%2e/index.html"),
        ("GET", "/static/index.html"),
        ("GET", "/_stcore/health"),
    ],
)
def test_everything_else_is_streamlits(method: str, path: str) -> None:
    answer = ask(path, method)
    assert answer.headers["content-type"].startswith("text/plain")


def test_packed_is_smaller_than_what_it_holds() -> None:
    name = next(name for name in element_scripts() if name.startswith("protobuf"))
    packed = frontend._content(f"js/{name}", True)
    assert packed is not None
    assert len(packed) < len(gzip.decompress(packed)) / 2


# What a first view would import is imported before: libraries of which a page uses more later are named here.
LEFT = """
import json, sys, time
from dashboard.serving import serve
from dashboard.serving.warm import warm
from shared.settings import load_settings
from streamlit.testing.v1 import AppTest
WARM
before = set(sys.modules)
left = {}
for page in PAGES:
    app = AppTest.from_file(str(serve.SCRIPT), default_timeout=60)
    app.switch_page(f"views/{page}.py").run()
    left[page] = sorted(set(sys.modules) - before)
    before |= set(sys.modules)
print(json.dumps(left))
"""


def imported_late(folder: Path, warmed: str) -> dict[str, list[str]]:
    pages = repr([page.name for page in PAGES])
    asked = LEFT.replace("PAGES", pages).replace("WARM", warmed)
    command = [sys.executable, "-c", asked]
    done = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_a_first_view_imports_nothing(tmp_path: Path) -> None:
    folder = books.make("seeded", tmp_path / "seeded")
    late = imported_late(folder, "warm(load_settings(environment={}))")
    assert not any(late.values()), late


@pytest.mark.slow
def test_what_a_first_view_imports_would_be_noticed(tmp_path: Path) -> None:
    folder = books.make("seeded", tmp_path / "seeded")
    assert "streamlit.emojis" in imported_late(folder, "")["overview"]
