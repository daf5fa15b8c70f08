"""What a setting may be: numbers within bounds, names, files and addresses that other systems take as they are.

Each type refuses in the words that follow the setting's name: `must be …`. docs/settings.md states every bound.
"""

import re
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from shared.errors import ConfigurationError
from shared.secret_url import ENCODED, SecretUrl, is_ambiguous
from shared.units import parse_time_ms, timeframe_ms

LONGEST_TEXT = 1_024
LONGEST_FORMAT = 64
# A file system takes 255 bytes; the names of the lock and the crash count are longer than that of the database.
LONGEST_NAME_BYTES = 150
EARLIEST, LATEST = "1970-01-01", "2100-01-01"

URL_WORDS = "must be like sqlite:///state/flotilla.db or postgresql://user@host/name"
_URL = re.compile(r"(sqlite|postgresql)(\+[a-z0-9_]+)?://(.*)", re.DOTALL)
# A file that is repeated; anything else could be a password in a wrong place.
_PLAIN_FILE = re.compile(r"[\w./~-]+")
# What stands in names of markets and candles, for all to see.
_OPEN_ADDRESS = re.compile(r"[^@?#\s]+")


def _no_truth_value(value: Any) -> Any:
    # bool is an int, and `leverage = true` would be a leverage of 1.
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _like(pattern: str, words: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"must be {words}")
        return text

    return AfterValidator(check)


Number = Annotated[float, BeforeValidator(_no_truth_value)]
Whole = Annotated[int, BeforeValidator(_no_truth_value)]
# Below this a product of several would leave what a float64 holds to the last digit.
Positive = Annotated[Number, Field(ge=1e-6, le=1_000.0)]
NonNegative = Annotated[Number, Field(ge=0.0, le=1_000.0)]
Fraction = Annotated[Number, Field(ge=0.0, lt=1.0)]
Share = Annotated[Number, Field(ge=1e-6, le=1.0)]
Weight = Annotated[Number, Field(ge=0.0, le=1.0)]
RawWeight = Annotated[Number, Field(ge=0.0, le=1e9)]
Cost = Annotated[Number, Field(ge=0.0, le=0.1)]

Name = Annotated[str, _like("[a-z][a-z0-9_]{0,63}", "a name of at most 64 small letters, digits and _, a letter first")]
BotName = Annotated[str, _like(r"[^\WA-Z]{1,128}", "a name of at most 128 small letters, digits and _")]
Quote = Annotated[str, _like("[A-Z0-9]{1,10}", "at most 10 capital letters and digits, like USDT")]
ExchangeName = Annotated[str, _like("[A-Za-z0-9_]{1,64}", "a name of ccxt of letters, digits and _, like binance")]
Address = Annotated[str, _like("[A-Za-z0-9.:%_-]{1,253}", "an address or the name of a host, like 127.0.0.1")]
HostName = Annotated[str, _like("[A-Za-z0-9._-]{1,253}", "the name of a host without port, like fleet.example.com")]


def _timeframe(text: str) -> str:
    try:
        timeframe_ms(text)
    except ConfigurationError as error:
        raise ValueError("must divide a day, like 5m, 1h or 1d") from error
    return text


def _start(text: str) -> str:
    expected = f"must be an ISO time like 2026-01-31 from {EARLIEST} to {LATEST}"
    try:
        time_ms = parse_time_ms(text)
    except ConfigurationError as error:
        raise ValueError(expected) from error
    if not parse_time_ms(EARLIEST) <= time_ms <= parse_time_ms(LATEST):
        raise ValueError(expected)
    return text


def _date_format(text: str) -> str:
    moment = datetime(2024, 1, 31)  # noqa: DTZ001 - a format has no zone
    try:
        is_whole = datetime.strptime(moment.strftime(text), text) == moment  # noqa: DTZ007
    except ValueError:
        is_whole = False
    if not is_whole or len(text) > LONGEST_FORMAT:
        raise ValueError("must have day, month and year, like %d/%m/%Y %H:%M")
    return text


def _written_path(value: Any) -> Any:
    """An empty text would be the folder itself."""
    if isinstance(value, str | Path):
        check_path(str(value))
    return value


def _key_place(text: str) -> str:
    if text != "environment":
        check_path(text)
    return text


def check_path(text: str) -> None:
    """Refuse a path that no file system takes, or whose `~` is nobody's home; raises ValueError."""
    if not text.strip() or not text.isprintable() or len(text) > LONGEST_TEXT:
        raise ValueError(f"must be a path of 1 to {LONGEST_TEXT} printable characters")
    if any(len(part.encode()) > LONGEST_NAME_BYTES for part in Path(text).parts):
        raise ValueError(f"must be a path whose names have at most {LONGEST_NAME_BYTES} bytes each")
    try:
        Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError("must begin with ~ only where that is somebody's home") from error


def check_endpoint(text: str) -> str:
    """Give an address to ask instead of the exchange; raises ValueError with words that repeat nothing of it."""
    if text and not _OPEN_ADDRESS.fullmatch(text):
        raise ValueError("must be an address without user, password, query and blanks, like http://127.0.0.1:8080")
    try:
        parts = urlsplit(text)
        local = parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
        whole = local and parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        whole = False
    if not whole or not text.isprintable() or len(text) > LONGEST_TEXT:
        raise ValueError("must be on this machine, like http://127.0.0.1:8080")
    return text


class BadUrl(ValueError):
    """What is wrong with a database's url, in words of ours."""


def check_database_url(url: str) -> str:
    """Give a database's url; raises BadUrl with words that repeat nothing of it, for a password may be in it."""
    found = _URL.fullmatch(url)
    if found is None or not url.isprintable() or len(url) > LONGEST_TEXT:
        raise BadUrl(URL_WORDS)
    kind, _, place = found.groups()
    if kind == "sqlite":
        _check_sqlite(place)
    if is_ambiguous(url):
        raise BadUrl(f"must have {ENCODED} of a password percent-encoded (@ as %40), was not; it is not repeated here")
    return url


def _secret_url(url: SecretUrl) -> SecretUrl:
    check_database_url(url.reveal())
    return url


def _check_sqlite(place: str) -> None:
    path = place.removeprefix("/")
    if place and path == place:
        spelling = f"sqlite:///{place}" if _PLAIN_FILE.fullmatch(place) else "sqlite:///state/flotilla.db"
        # What stands between two slashes and the third is a host, which a file has none of.
        raise BadUrl(f"must have three slashes before the file: {spelling}")
    if path in ("", ":memory:") or path.startswith("file:") or path.endswith("/") or Path(path).name in ("", ".."):
        raise BadUrl("must name a file like sqlite:///state/flotilla.db")
    if "?" in path:
        raise BadUrl("must name a file and nothing behind it, like sqlite:///state/flotilla.db")
    try:
        check_path(path)
    except ValueError as error:
        raise BadUrl(str(error)) from error


Timeframe = Annotated[str, AfterValidator(_timeframe)]
Start = Annotated[str, AfterValidator(_start)]
DateFormat = Annotated[str, AfterValidator(_date_format)]
FilePath = Annotated[Path, BeforeValidator(_written_path)]
KeyPlace = Annotated[str, AfterValidator(_key_place)]
Endpoint = Annotated[str, AfterValidator(check_endpoint)]
DatabaseUrl = Annotated[SecretUrl, AfterValidator(_secret_url)]
