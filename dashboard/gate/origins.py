"""Where a request comes from: the host it was sent to, and the page that made the browser send it.

A page elsewhere can make a browser call this one. By name, when its own name is made to point here (DNS rebinding), or
across origins; both are refused. An address written out cannot be made to point elsewhere.
"""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

LOCAL_NAMES = frozenset({"localhost"})
FORWARDING = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
SAFE_METHODS = frozenset({"GET", "HEAD"})


def host_allowed(host: str | None, names: Iterable[str]) -> bool:
    """Tell whether a `Host` header names an address, localhost or one of the names."""
    try:
        parts = urlsplit(f"//{host or ''}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not name or parts.username is not None or parts.path or parts.query or parts.fragment:
        return False
    name = name.rstrip(".")
    return is_address(name) or name in LOCAL_NAMES or name in {allowed.lower().rstrip(".") for allowed in names}


def same_origin(headers: Headers, method: str) -> bool:
    """Tell whether a request is this page's own: by its `Origin`, and by what the browser says of its site.

    A link from elsewhere may be followed, which is a navigation by GET; nothing else may come from elsewhere. Programs
    send neither header. `method` is WEBSOCKET for one.
    """
    origin = headers.get("origin")
    if origin is not None and _host_of(origin) != headers.get("host"):
        return False
    followed = method in SAFE_METHODS and headers.get("sec-fetch-mode") == "navigate"
    return followed or headers.get("sec-fetch-site", "none") in ("none", "same-origin")


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def is_loopback(address: str) -> bool:
    """Tell whether an address is this machine's own alone."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def is_address(name: str) -> bool:
    """Tell whether a host is an address and no name."""
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def from_this_machine(scope: Scope, headers: Headers) -> bool:
    """Tell whether a connection begins and ends on this machine, and no proxy stands between."""
    ends = (scope.get("client"), scope.get("server"))
    return all(end is not None and is_loopback(str(end[0])) for end in ends) and not any(
        name in headers for name in FORWARDING
    )
