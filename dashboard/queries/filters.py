"""What of the books to look at: the filters of the pages, and the conditions they become."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Filters:
    """Times in `[start_ms, end_ms)` and names exactly; an empty tuple or None takes all.

    `sides` are names of `Side` (BUY is a long round trip), `exit_reasons` of `Trigger`. A filter that a query has no
    column for takes none of its rows away.
    """

    start_ms: int | None = None
    end_ms: int | None = None
    bots: tuple[str, ...] = ()
    sleeves: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    exit_reasons: tuple[str, ...] = ()


EVERYTHING = Filters()
