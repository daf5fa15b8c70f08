"""The script that draws all charts, out of the plotly package, kept by browsers.

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

from dashboard.figures.theme import CONFIG

_SET_UP = f"\nPlotly.setPlotConfig({json.dumps(CONFIG, sort_keys=True)});\n".encode()
# A new release of plotly or another way to draw is another address, so that what a browser keeps, with what it
# compiled, is never asked for.
PATH = f"/app/static/plotly-{plotly.__version__}-{hashlib.sha256(_SET_UP).hexdigest()[:8]}.min.js"
_KEPT_FOR_EVER = "private, max-age=31536000, immutable"
# Chromium then compiles the whole script beside the page, where it would do so function by function within it.
_COMPILE_AT_ONCE = b"//# allFunctionsCalledOnLoad\n"


def plotly_route() -> Route:
    """Give the route, for `st.App`; it stands before Streamlit's own static files."""
    return Route(PATH, _script, methods=["GET"])


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
