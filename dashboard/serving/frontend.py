"""Streamlit's frontend out of memory: the document every page begins with, and its scripts, styles and fonts.

Streamlit opens a file in a thread for each of the hundred that a browser asks for, uncompressed, and names the parts a
page is made of only when the page has been worked out. Here the document names them, with the script that draws charts,
so that all are fetched while the page is being worked out.
"""

import gzip
import re
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.navigation import PAGES
from dashboard.serving.plotly_script import PATH as PLOTLY_PATH

KEPT_FOR_EVER = "private, max-age=31536000, immutable"
# The names Streamlit's frontend has for the elements that pages draw.
ELEMENTS = (
    "BidiComponent",
    "Button",
    "ButtonGroup",
    "Checkbox",
    "Html",
    "LinkButton",
    "Metric",
    "Multiselect",
    "PageLink",
    "Selectbox",
)
# Whoever wants to stop everything waits for no charts, and there are none.
_WITHOUT_CHARTS = ("/control",)
_MEDIA_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
_PACKED = (".js", ".css", ".svg")
_IMPORTED = re.compile(r'(?:from|import)\s*"\./([\w.-]+\.js)"')
_END_OF_HEAD = "</head>"
_STATIC = "/static/"


class Frontend:
    """Answers what a browser asks of the frontend; Streamlit, which keeps these paths to itself, gets the rest."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._pages = {page.path for page in PAGES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or websocket."""
        await (self._answer(scope) or self._app)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response | None:
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        path = scope["path"]
        if path in self._pages:
            return HTMLResponse(document(path not in _WITHOUT_CHARTS), headers={"Cache-Control": "no-cache"})
        if path.startswith(_STATIC):
            return _file(path.removeprefix(_STATIC), "gzip" in Headers(scope=scope).get("accept-encoding", ""))
        return None


def element_scripts() -> list[str]:
    """Give the names of the scripts of the elements that pages draw, and of what these import, each once.

    Raises RuntimeError where Streamlit has no script of an element's name.
    """
    folder = _folder() / "static" / "js"
    found: dict[str, None] = {}
    for element in ELEMENTS:
        scripts = [path.name for path in folder.glob(f"{element}.*.js")]
        if len(scripts) != 1:
            raise RuntimeError(f"Streamlit must have one script of element {element}, has {scripts or 'none'}")
        _follow(scripts[0], folder, found)
    return list(found)


def _follow(name: str, folder: Path, found: dict[str, None]) -> None:
    if name not in found:
        found[name] = None
        for imported in _IMPORTED.findall((folder / name).read_text()):
            _follow(imported, folder, found)


def _folder() -> Path:
    import streamlit

    return Path(streamlit.__file__).parent / "static"


@cache
def document(has_charts: bool) -> str:
    """Give the document a page begins with."""
    text = (_folder() / "index.html").read_text()
    ahead = [
        f'<link rel="modulepreload" fetchpriority="low" crossorigin href="./static/js/{name}">'
        for name in element_scripts()
    ]
    ahead = [link for link in ahead if link.split("href")[1] not in text]
    if has_charts:
        ahead.insert(0, f'<link rel="preload" as="script" href="{PLOTLY_PATH}">')
    if text.count(_END_OF_HEAD) != 1:
        raise RuntimeError(f"Streamlit's document must have one {_END_OF_HEAD}, has {text.count(_END_OF_HEAD)}")
    return text.replace(_END_OF_HEAD, "\n".join([*ahead, _END_OF_HEAD]))


def _file(name: str, packs: bool) -> Response | None:
    is_packed = packs and name.endswith(_PACKED)
    found = _content(name, is_packed)
    if found is None:
        return None
    headers = {"Cache-Control": KEPT_FOR_EVER, "Vary": "Accept-Encoding"}
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    return Response(found, media_type=_MEDIA_TYPES.get(Path(name).suffix, "application/octet-stream"), headers=headers)


@cache
def _content(name: str, is_packed: bool) -> bytes | None:
    path = _files().get(name)
    if path is None:
        return None
    return gzip.compress(path.read_bytes(), compresslevel=6) if is_packed else path.read_bytes()


@cache
def _files() -> dict[str, Path]:
    folders = [_folder() / "static" / kind for kind in ("js", "css", "media")]
    return {f"{folder.name}/{path.name}": path for folder in folders for path in folder.iterdir()}


def read_ahead() -> None:
    """Read and compress what the document names, before the first visitor asks for it."""
    for name in re.findall(r'"\./static/([\w./-]+)"', document(has_charts=True)):
        _content(name, name.endswith(_PACKED))
