"""Addresses that may hold a password: kept whole to connect with, and shown only without what nobody else may know.

What is shown is what is known to be harmless; whatever cannot be told apart from a secret is left out.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, unquote_plus

from pydantic_core import core_schema

HIDDEN = "…"
# Options of libpq that say where the server is and how the line behaves. All others are left out, new ones too.
SHOWN_OPTIONS = frozenset(
    (
        *("host", "hostaddr", "port", "dbname", "service", "target_session_attrs", "load_balance_hosts"),
        *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
        *("tcp_user_timeout", "application_name", "client_encoding"),
        *("sslmode", "sslnegotiation", "channel_binding", "gssencmode"),
    )
)
# What ends a part of an address, so that a password that holds it as it is would be taken apart.
ENCODED = "@ / ? and &"
_NAMES_WHO = ("user",)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[\w.%-]*)(?::\d*)?"
_HOSTS = re.compile(rf"{_HOST}(?:,{_HOST})*")
_NAME = re.compile(r"[\w.$+~-]*")
_VALUE = re.compile(r"[\w./:,*~ \[\]-]*")
_PATH = re.compile(r"[\w./~-]*")
_IN_TEXT = re.compile(r"\b(?:postgres|sqlite|mysql|mariadb|https?)[\w+]{0,32}://\S+")
_WORD_IN_TEXT = re.compile(r"""\b((?:ssl)?password|passfile)(\s*[=:]\s*)('[^']*'|"[^"]*"|[^\s&]+)""", re.IGNORECASE)
_WHO_IN_TEXT = re.compile(r"\b(user|role) \"[^\"]*\"")


# The secrets of all addresses of this process. One of few letters would be found in words that hold none.
SHORTEST_SOUGHT = 4
_held: set[str] = set()


class SecretUrl:
    """An address of which text, representation and dumps show nothing secret; `reveal` gives it to who connects."""

    __slots__ = ("_written",)

    def __init__(self, written: str) -> None:
        self._written = written
        _held.update(secret for secret in secrets_of(written) if len(secret) >= SHORTEST_SOUGHT)

    def reveal(self) -> str:
        """Give it as it was written, with all it holds: to connect with, never to show or to keep."""
        return self._written

    @property
    def is_sqlite(self) -> bool:
        """Tell whether it names a file of SQLite."""
        return self._written.startswith("sqlite")

    def __str__(self) -> str:
        return shown_url(self._written)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretUrl) and self._written == other._written

    def __hash__(self) -> int:
        return hash(self._written)

    def __copy__(self) -> "SecretUrl":
        return self

    def __deepcopy__(self, _memo: Any) -> "SecretUrl":
        return self

    def __reduce_ex__(self, _protocol: Any) -> Any:
        raise TypeError(f"{self!r} is never written down")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        text = core_schema.no_info_after_validator_function(cls, core_schema.str_schema())
        return core_schema.no_info_before_validator_function(
            _written, text, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )


def _written(value: Any) -> Any:
    return value.reveal() if isinstance(value, SecretUrl) else value


def revealed(url: SecretUrl | str) -> str:
    """Give an address as it was written, whichever way it is held."""
    return url.reveal() if isinstance(url, SecretUrl) else url


def shown_url(url: str) -> str:
    """Write an address without user, password and all options that might hold a secret.

    >>> shown_url("postgresql://me:sesame@host/books?sslmode=require&password=sesame")
    'postgresql://host/books?sslmode=require'
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url if _PATH.fullmatch(url) else HIDDEN
    if not _SCHEME.fullmatch(scheme):
        return HIDDEN
    shown = _shown_file(rest) if scheme.startswith("sqlite") else _shown_server(rest)
    return f"{scheme}://{HIDDEN if shown is None else shown}"


def is_ambiguous(url: str) -> bool:
    """Tell whether a password seems to hold what must be percent-encoded: a part of it would be taken for a host."""
    scheme, _, rest = url.partition("://")
    address, _, query = rest.partition("?")
    is_parted = address.count("@") > 1 or any("@" in name for name, _ in _options(query))
    return is_parted and not scheme.startswith("sqlite")


def _shown_file(rest: str) -> str | None:
    authority, slash, path = rest.partition("?")[0].partition("/")
    host = authority.rpartition("@")[2]
    return f"{host}{slash}{path}" if _NAME.fullmatch(host) else None


def _shown_server(rest: str) -> str | None:
    address, _, query = rest.partition("?")
    if "@" in query and ":" in address:
        # A password with a question mark in it looks like this, too.
        return None
    hosts, slash, name = address.rpartition("@")[2].partition("/")
    if not _HOSTS.fullmatch(hosts):
        return None
    options = [f"{key}={quote(value, safe='/:,*~[]')}" for key, value in _options(query) if _is_shown(key, value)]
    name = name if _NAME.fullmatch(name) else HIDDEN
    return f"{hosts}{slash}{name}{'?' if options else ''}{'&'.join(options)}"


def _options(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def _is_shown(key: str, value: str) -> bool:
    return key in SHOWN_OPTIONS and _VALUE.fullmatch(value) is not None and "://" not in value


def secrets_of(url: str) -> tuple[str, ...]:
    """Give the secrets of an address as they might stand in a sentence about it, the longest first."""
    address, _, query = url.partition("://")[2].partition("?")
    found = [address.rpartition("@")[0].partition(":")[2]]
    for part in query.split("&"):
        key, _, value = part.partition("=")
        decoded = unquote_plus(value)
        if key not in _NAMES_WHO and not _is_shown(key, decoded):
            found += [value, decoded]
    spelt = {form for secret in found for form in (secret, unquote(secret), quote(secret, safe="")) if form}
    return tuple(sorted(spelt, key=lambda form: (-len(form), form)))


def without_secrets(text: str, *secrets: str) -> str:
    """Leave secrets out of a sentence: those given, and whatever looks like an address or a password.

    >>> without_secrets("no way to postgresql://me:sesame@host/books, password=sesame")
    'no way to postgresql://host/books, password=…'
    """
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    text = _IN_TEXT.sub(_shown_in_text, text)
    return _WORD_IN_TEXT.sub(rf"\1\2{HIDDEN}", text)


def without_held_secrets(text: str) -> str:
    """Leave out of a text what `without_secrets` does, and the secrets of every address this process has held."""
    return without_secrets(text, *sorted(_held, key=len, reverse=True))


def without_names(text: str) -> str:
    """Leave out of what a server says which user it refused."""
    return _WHO_IN_TEXT.sub(rf"\1 {HIDDEN}", text)


def _shown_in_text(found: re.Match[str]) -> str:
    url = found.group()
    address = url.rstrip("'\",.;:)]}")
    return _shown_page(address) + url[len(address) :]


def _shown_page(url: str) -> str:
    """Leave an address without user as it is where it is of a page: a link in a sentence holds none."""
    if not url.startswith("http"):
        return shown_url(url)
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
