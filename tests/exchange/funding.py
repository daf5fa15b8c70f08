"""When contracts settle funding, and at which rate."""

from decimal import Decimal

FUNDING_EVERY_MS = 8 * 3_600_000
# Real settlements come a few milliseconds late.
FUNDING_LATE_MS = 7


def funding_rate(time_ms: int) -> Decimal:
    """Give the rate of the settlement at a time."""
    return Decimal(time_ms // FUNDING_EVERY_MS % 7 - 2) / 10_000


def next_funding_ms(time_ms: int) -> int:
    """Give when contracts settle next after a time."""
    return (time_ms - FUNDING_LATE_MS) // FUNDING_EVERY_MS * FUNDING_EVERY_MS + FUNDING_EVERY_MS + FUNDING_LATE_MS
