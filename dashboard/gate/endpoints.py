"""What the gate lets through: the endpoints the page uses, each with the reason, and nothing else Streamlit offers.

Streamlit serves more than this page needs: uploads that it keeps in memory, an interface for programs, metrics, files
of components. What is not in the list is 404, for whoever is signed in too.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.gate import oidc
from dashboard.gate.gate import HEALTH_PATH, SIGN_IN_PATH, SIGN_OUT_PATH
from dashboard.gate.messages import measured
from dashboard.gate.pages import page_response, sentence_page
from dashboard.gate.routes import MOST_FORM_BYTES
from dashboard.navigation import PAGES
from shared.own_page import PROOF_PATH

GET, POST, WEBSOCKET = "GET", "POST", "WEBSOCKET"
NOT_LISTED_CODE = 4404
# Parts of Streamlit that hold addresses of other hosts; the page draws its charts by itself.
SHUT_SCRIPTS = ("DeckGlJsonChart", "PlotlyChart")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What may be asked for: methods, a regular expression for the path as it was sent, how long a body may be."""

    methods: tuple[str, ...]
    path: str
    why: str
    most_body_bytes: int = 0


PAGE_PATHS = "|".join(re.escape(page.path) for page in PAGES)
ENDPOINTS = (
    Endpoint((GET,), PAGE_PATHS, "the pages of the navigation"),
    Endpoint((WEBSOCKET,), "/_stcore/stream", "what a page shows, and what is clicked on it"),
    Endpoint((GET,), "/_stcore/health", "asked until the server is there, before the websocket is opened"),
    Endpoint((GET,), "/_stcore/host-config", "asked with it; a page does not begin without"),
    Endpoint(
        (GET,),
        rf"/static/(css|js|media)/(?!({'|'.join(SHUT_SCRIPTS)})\.)[\w-][\w.-]*",
        "Streamlit's scripts, styles and fonts, but for those that hold addresses of other hosts",
    ),
    Endpoint((GET,), r"/favicon\.png", "the icon of the tab until the page has its own"),
    Endpoint((GET,), r"/app/static/plotly-[\w.-]+\.min\.js", "the script that draws the charts"),
    Endpoint((GET,), r"/export/\w+\.\w+", "downloads of rows of the books"),
    Endpoint((GET,), r"/export/shown/[\w-]+/[\w-]+\.\w+", "downloads of what a page shows"),
    Endpoint((GET,), r"/report\.html", "the report"),
    Endpoint((GET,), SIGN_IN_PATH, "the sign-in"),
    Endpoint((POST,), SIGN_IN_PATH, "the form of the sign-in, the one request with a body", MOST_FORM_BYTES),
    Endpoint((GET, POST), SIGN_OUT_PATH, "the sign-out"),
    Endpoint((GET,), HEALTH_PATH, "for whoever watches the page"),
    Endpoint((GET,), PROOF_PATH, "asked by the terminal, which gives links to this project's own page alone"),
)
_OIDC_WHY = "the sign-in of a provider, where one is configured"
OIDC_ENDPOINTS = tuple(Endpoint((GET,), re.escape(path), _OIDC_WHY) for path in sorted(oidc.PATHS))


class OnlyListed:
    """Hands on what is asked of an endpoint in the list; the rest is refused before anything of its body is read."""

    def __init__(self, app: ASGIApp, endpoints: Iterable[Endpoint]) -> None:
        self._app = app
        self._endpoints = [(re.compile(endpoint.path, re.ASCII), endpoint) for endpoint in endpoints]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or websocket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            refusal = self._refusal(scope)
            await (refusal or self._app)(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if any(WEBSOCKET in endpoint.methods for endpoint in self._at(scope)):
            await self._app(scope, measured(receive, send), send)
        else:
            await send({"type": "websocket.close", "code": NOT_LISTED_CODE})

    def _refusal(self, scope: Scope) -> Response | None:
        found = [endpoint for endpoint in self._at(scope) if endpoint.methods != (WEBSOCKET,)]
        if not found:
            return _refused("No such page", "There is nothing at this address.", 404)
        method = GET if scope["method"] == "HEAD" else scope["method"]
        endpoint = next((endpoint for endpoint in found if method in endpoint.methods), None)
        if endpoint is None:
            allowed = sorted({method for endpoint in found for method in endpoint.methods})
            return _refused("Refused", f"This address answers {' and '.join(allowed)} only.", 405, ", ".join(allowed))
        if _body_bytes(scope) > endpoint.most_body_bytes:
            return _refused("Refused", f"A request here has {endpoint.most_body_bytes:,} bytes at most.", 413)
        return None

    def _at(self, scope: Scope) -> list[Endpoint]:
        # A path of the list needs no percent sign: one that was sent in other letters is another path.
        path = scope["path"]
        if scope.get("raw_path") not in (None, path.encode()):
            return []
        return [endpoint for pattern, endpoint in self._endpoints if pattern.fullmatch(path)]


def _body_bytes(scope: Scope) -> float:
    """Give how long the body of a request is said to be; one that does not say it is longer than any."""
    said: dict[bytes, Any] = dict(scope["headers"])
    if b"transfer-encoding" in said:
        return float("inf")
    length = said.get(b"content-length", b"0")
    return int(length) if length.isdigit() and len(length) < 16 else float("inf")


def _refused(title: str, text: str, status: int, allow: str | None = None) -> Response:
    # The connection ends with the answer, so that the body behind it is never taken.
    headers = {"Connection": "close"} if status == 413 else {}
    return page_response(sentence_page(title, text), status, headers | ({"Allow": allow} if allow else {}))
