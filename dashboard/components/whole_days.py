"""Which UTC days the figures of a period are of: where marks of days are read, those that begin in it."""

from dashboard.queries.filters import Filters
from shared.units import DAY_MS, to_datetime


def whole_days(filters: Filters) -> str:
    """Say it in words: `since the books began`, or `since 2026-01-05, whole UTC days`."""
    first_ms, end_ms = filters.start_ms, filters.end_ms
    if first_ms is None and end_ms is None:
        return "since the books began"
    # Days begin at midnight: the first at or after the start, the last before the end.
    first = "" if first_ms is None else _day(first_ms + -first_ms % DAY_MS)
    last = "" if end_ms is None else _day(end_ms - 1)
    span = f"{first} to {last}" if first and last else f"since {first}" if first else f"until {last}"
    return f"{span}, whole UTC days"


def _day(time_ms: int) -> str:
    return to_datetime(time_ms).date().isoformat()
