"""Timeframes, the bar grid and symbols. Times are `int` ms since the epoch, UTC."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from shared.errors import ConfigurationError

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
YEAR_MS = 365 * DAY_MS

_UNIT_MS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}


def timeframe_ms(timeframe: str) -> int:
    """Give the length of a timeframe such as `5m`, `1h` or `1d` in milliseconds; it must divide a day."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", timeframe)
    length_ms = int(match[1]) * _UNIT_MS[match[2]] if match else 0
    if not length_ms or DAY_MS % length_ms:
        raise ConfigurationError(f"timeframe must divide a day, like 5m, 1h or 1d, was {timeframe!r}")
    return length_ms


def timeframe_name(length_ms: int) -> str:
    """Write a timeframe as files and settings do: `5m`."""
    for unit in ("w", "d", "h", "m", "s"):
        if length_ms and length_ms % _UNIT_MS[unit] == 0:
            return f"{length_ms // _UNIT_MS[unit]}{unit}"
    return f"{length_ms}ms"


def bar_open_ms(time_ms: int, timeframe_ms: int) -> int:
    """Give the open time of the bar that contains `time_ms`."""
    return time_ms - time_ms % timeframe_ms


def file_symbol(symbol: str) -> str:
    """Turn `BTC/USDT` into the `BTC_USDT` of file names."""
    return symbol.translate(str.maketrans("/:-", "___"))


def to_datetime(time_ms: int) -> datetime:
    """Turn milliseconds into an aware UTC datetime."""
    return datetime.fromtimestamp(time_ms / 1000, UTC)


def to_ms(when: datetime) -> int:
    """Turn an aware datetime into milliseconds; a naive one is refused."""
    if when.tzinfo is None:
        raise ConfigurationError(f"time must carry a time zone, was {when.isoformat()}")
    return round(when.timestamp() * 1000)


def parse_time_ms(text: str) -> int:
    """Read an ISO date or time, UTC where it names no zone."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"time must be ISO like 2025-01-31 or 2025-01-31T12:00Z, was {text!r}") from error
    return to_ms(when if when.tzinfo else when.replace(tzinfo=UTC))


def format_time(time_ms: int, zone: str = "UTC") -> str:
    """Write a time for people, with the short name of its zone at that time: `2025-01-31 12:00 UTC`, `… 13:00 CET`.

    A zone without a name of its own is written by its distance from UTC: `… 09:00 UTC-03`.
    """
    when = to_datetime(time_ms).astimezone(ZoneInfo(zone))
    name = when.tzname() or zone
    return f"{when:%Y-%m-%d %H:%M} {name if name[:1].isalpha() else f'UTC{name}'}"


def format_duration(duration_ms: float) -> str:
    """Write how long something took, to two figures or so: `3.2 s`, `41 min`, `6.5 h`, `3.1 days`; never below 0."""
    length_ms = max(duration_ms, 0.0)
    if length_ms < 2 * MINUTE_MS:
        return f"{length_ms / SECOND_MS:.1f} s"
    if length_ms < 2 * HOUR_MS:
        return f"{length_ms / MINUTE_MS:.0f} min"
    return f"{length_ms / HOUR_MS:.1f} h" if length_ms < 2 * DAY_MS else f"{length_ms / DAY_MS:.1f} days"
