"""The script that draws the live charts, out of the plotly package: compressed once, and kept by browsers."""

import gzip
from functools import cache
from importlib.resources import files

import plotly
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PATH = "/app/static/plotly.min.js"


def plotly_route() -> Route:
    """Give the route, for `st.App`; it stands before Streamlit's own static files."""
    return Route(PATH, _script, methods=["GET"])


async def _script(request: Request) -> Response:
    packed = "gzip" in request.headers.get("accept-encoding", "")
    tag = f'"plotly-{plotly.__version__}{"-gzip" if packed else ""}"'
    # no-cache: kept, but asked for again, so that a new release of plotly is not mixed with an old script.
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    body = await run_in_threadpool(packed_script if packed else script)
    headers["Content-Encoding"] = "gzip" if packed else "identity"
    return Response(body, media_type="text/javascript", headers=headers)


def script() -> bytes:
    """Read the script."""
    return files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()


@cache
def packed_script() -> bytes:
    """Give the script compressed."""
    return gzip.compress(script(), compresslevel=6)
