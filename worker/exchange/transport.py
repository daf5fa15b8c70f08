"""What carries the requests of a client: to the exchange, or to an address on this machine in its place."""

import re
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from shared.bounds import check_endpoint
from shared.errors import ConfigurationError, MarketError

_SIGNED_HEADER = re.compile(r"api-?key|sign|passphrase|authorization", re.IGNORECASE)
_SIGNED_TEXT = re.compile(r"""(?:^|[?&{,"'\s])(signature|sign|api_?key)["']?\s*[=:]""", re.IGNORECASE)


class ReadOnlyAdapter(HTTPAdapter):
    """Carry public requests, to `endpoint` instead of the exchange where one is given, and refuse all that is signed.

    The client still sees its own addresses, on which the class of its errors depends.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        super().__init__(max_retries=0)
        self.endpoint: SplitResult | None = urlsplit(endpoint) if endpoint else None
        self.hosts_seen: set[str] = set()

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Send a request. Raises MarketError where it is signed."""
        refuse_signed(request)
        url = urlsplit(request.url or "")
        self.hosts_seen.add(url.hostname or "")
        if self.endpoint is not None:
            redirected(request, self.endpoint)
        return super().send(request, *args, **kwargs)


def refuse_signed(request: PreparedRequest) -> None:
    """Raise MarketError where a request is signed: paper trading sends none."""
    if is_signed(request):
        path = urlsplit(request.url or "").path
        raise MarketError(f"request must be public in paper trading, {request.method} {path} was signed")


def is_signed(request: PreparedRequest) -> bool:
    """Say whether a request carries a key or signature."""
    body = request.body.decode("utf-8", "replace") if isinstance(request.body, bytes) else str(request.body or "")
    query = urlsplit(request.url or "").query
    in_header = any(_SIGNED_HEADER.search(name) for name in request.headers)
    return in_header or any(_SIGNED_TEXT.search(text) for text in (query, body))


def redirected(request: PreparedRequest, endpoint: SplitResult) -> None:
    """Address a request to the endpoint; its host stays named in a header."""
    url = urlsplit(request.url or "")
    request.url = urlunsplit((endpoint.scheme, endpoint.netloc, url.path, url.query, ""))
    request.headers["Host"] = url.hostname or ""


def loopback(setting: str, endpoint: str | None) -> str | None:
    """Give the endpoint, once it is on this machine: settings made by hand may hold one that nobody checked."""
    try:
        return endpoint and check_endpoint(endpoint)
    except ValueError as error:
        raise ConfigurationError(f"{setting} {error}") from None
