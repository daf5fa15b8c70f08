"""Downloads of what a page works out: GET /export/shown/{token}/{key}.{csv|json}, written when asked for.

A link stays the same while what it gives is drawn anew every few seconds, so no click comes too late. Streamlit's own
download button names what was drawn last, and a click between two refreshes would give nothing.
"""

from collections.abc import Callable
from secrets import token_urlsafe
from typing import NamedTuple
from weakref import WeakValueDictionary

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.serving.sending import MEDIA_TYPES, file_headers, sentence

PATH = "/export/shown"
Write = Callable[[str], bytes]


class _File(NamedTuple):
    name: str
    write: Write


class Shown:
    """What one page of one browser has on show, by key; gone when nobody holds it any more."""

    def __init__(self, page: str) -> None:
        self.page = page
        self._token = token_urlsafe(16)
        self._files: dict[str, _File] = {}
        self._before: dict[str, _File] = {}
        _OPEN[self._token] = self

    def begin(self) -> None:
        """Begin to draw the page anew; what it showed before stays until it has been drawn once more."""
        self._before, self._files = self._files, {}

    def keep(self, key: str, name: str, write: Write) -> str:
        """Take what `key` shows from now on; give its address without the dot and the format."""
        self._files[key] = _File(name, write)
        return f"{PATH}/{self._token}/{key}"

    def file(self, key: str) -> _File | None:
        """Give what is under a key."""
        return self._files.get(key) or self._before.get(key)


_OPEN: WeakValueDictionary[str, Shown] = WeakValueDictionary()


def shown_route() -> Route:
    """Give the route, for `st.App`."""
    return Route(f"{PATH}/{{token}}/{{key}}.{{form}}", _send, methods=["GET"])


async def _send(request: Request) -> Response:
    token, key, form = (request.path_params[name] for name in ("token", "key", "form"))
    shown = _OPEN.get(token)
    file = shown.file(key) if shown is not None else None
    if file is None or form not in MEDIA_TYPES:
        return sentence("This is no longer on show: open its page again and download it there.", 404)
    body = await run_in_threadpool(file.write, form)
    return Response(body, media_type=MEDIA_TYPES[form], headers=file_headers(f"{file.name}.{form}"))
