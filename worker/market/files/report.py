"""What is said of one file: what is in it, and why it is refused."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_NUMBERS = 12


@dataclass(frozen=True)
class FileReport:
    """One file. Rows count from 1; `gaps` are stretches of `missing_bars`; `first_flaw` says why the file is refused.

    `impossible` counts rows whose values cannot be true, `misplaced` those off the grid, out of order or without a
    readable time. `error` is set where the file could not be read at all or its name says nothing; the rest is then 0.
    `skipped_rows` were left out, and `notes` say why, and what else a reader of the candles must know.
    """

    file: str
    kind: str = "unknown"
    symbol: str = ""
    timeframe: str = ""
    rows: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    gaps: int = 0
    missing_bars: int = 0
    duplicates: int = 0
    misplaced: int = 0
    impossible: int = 0
    first_flaw_row: int | None = None
    first_flaw: str = ""
    error: str = ""
    skipped_rows: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Say whether the fleet would take the file; gaps are no reason not to."""
        return not self.error and self.first_flaw_row is None

    @property
    def refusal(self) -> str:
        """Say why the file is refused, with its name; empty where it is not."""
        return "" if self.usable else self.error or f"{self.file} row {self.first_flaw_row}: {self.first_flaw}"


def counted(count: int) -> str:
    """Write how many rows."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def numbered(numbers: Sequence[int]) -> str:
    """Write which rows: `row 7`, `rows 7, 9 and 12`, `rows 1, 2, … (40 in all)`."""
    shown = [str(number) for number in numbers[:MOST_NUMBERS]]
    if len(numbers) > MOST_NUMBERS:
        return f"rows {', '.join(shown)}, … ({len(numbers):,} in all)"
    return f"row {shown[0]}" if len(shown) == 1 else f"rows {', '.join(shown[:-1])} and {shown[-1]}"
