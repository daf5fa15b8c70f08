"""The script that draws all charts, out of the plotly package: fetched early, and kept by browsers.

Behind what the package brings it sets how every chart is drawn (`figures.theme.CONFIG`), on pages and in the report.
"""

import gzip
import hashlib
import json
from functools import cache
from importlib.resources import files

import plotly
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.figures.theme import CONFIG

_SET_UP = f"\nPlotly.setPlotConfig({json.dumps(CONFIG, sort_keys=True)});\n".encode()
# A new release of plotly or another way to draw is another address, so that what a browser keeps, with what it
# compiled, is never asked for.
PATH = f"/app/static/plotly-{plotly.__version__}-{hashlib.sha256(_SET_UP).hexdigest()[:8]}.min.js"
_KEPT_FOR_EVER = "private, max-age=31536000, immutable"
# Chromium then compiles the whole script beside the page, where it would do so function by function within it.
_COMPILE_AT_ONCE = b"//# allFunctionsCalledOnLoad\n"
_AHEAD = (b"link", f"<{PATH}>; rel=preload; as=script".encode())
# Whoever wants to stop everything waits for no charts, and there are none; nor where people sign in, and on what is a
# file or a part of Streamlit.
_WITHOUT_CHARTS = ("/control", "/login", "/logout", "/report", "/export", "/_stcore", "/static", "/media", "/app")


def plotly_route() -> Route:
    """Give the route, for `st.App`; it stands before Streamlit's own static files."""
    return Route(PATH, _script, methods=["GET"])


class FetchedAhead:
    """Tells browsers to fetch the script along with a page: they would first hear of it from the page's own program."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or websocket."""

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                message = {**message, "headers": [*message["headers"], _AHEAD]}
            await send(message)

        is_page = scope["type"] == "http" and not scope["path"].startswith(_WITHOUT_CHARTS)
        await self._app(scope, receive, tell if is_page else send)


def _is_page(message: Message) -> bool:
    # What a browser kept of a page it asks for again, and is told that it may: without it an old address would stay.
    if message["status"] == 304:
        return True
    kinds = [value for name, value in message.get("headers", ()) if name.lower() == b"content-type"]
    return message["status"] == 200 and any(kind.startswith(b"text/html") for kind in kinds)


async def _script(request: Request) -> Response:
    packed = "gzip" in request.headers.get("accept-encoding", "")
    body = await run_in_threadpool(packed_script if packed else _served)
    headers = {"Cache-Control": _KEPT_FOR_EVER, "Vary": "Accept-Encoding"}
    headers["Content-Encoding"] = "gzip" if packed else "identity"
    return Response(body, media_type="text/javascript", headers=headers)


def script() -> bytes:
    """Read the script, and have it draw as the page and the report do."""
    return files("plotly").joinpath("package_data", "plotly.min.js").read_bytes() + _SET_UP


@cache
def packed_script() -> bytes:
    """Give the script compressed, as it is served."""
    return gzip.compress(_served(), compresslevel=6)


def _served() -> bytes:
    return _COMPILE_AT_ONCE + script()
