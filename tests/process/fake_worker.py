"""A worker that writes what happens to it into `journal` instead of trading; run as a process of its own.

The file `orders` beside the journal says how it behaves, a word and a number per line.
"""

import contextlib
import math
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

from shared.errors import ConfigurationError, DatabaseChanged, DatabaseError, DiskFull, LeaseError, MarketError
from shared.settings import Settings, load_settings
from worker.process.service import serve

FAILURES = {
    "configuration": ConfigurationError("risk.stop must be below 1, was 3"),
    "lease": LeaseError("another worker holds the lease"),
    "database": DatabaseError("the database is away"),
    "full": DiskFull("the database must have room to grow, had none"),
    "changed": DatabaseChanged("the database was moved"),
    "market": MarketError("the exchange is away"),
    "unexpected": ZeroDivisionError("float division by zero"),
}


# What hangs for longer is to be cut off; it never looks up.
SHORT_SECONDS = 10.0


class FakeWorker:
    """Steps `steps` bars, each taking `step_seconds`, `bar_seconds` apart.

    A call fails as `…_fails` says; as long as there is a file `only_while`, where that is given. A start takes
    `start_seconds`, within one call of a library.
    """

    def __init__(self, root: Path) -> None:
        self._journal = root / "journal"
        self._orders = dict(line.split() for line in (root / "orders").read_text().splitlines())
        self._left = int(self._orders.get("steps", "0"))
        self._due_at = 0.0
        self._bar_ms = int(self._orders["wall_bar_ms"]) if "wall_bar_ms" in self._orders else None
        self.wall_bar_ms = int(self._orders.get("alarm_bar_ms", self._bar_ms or 0)) or None
        self._booked = self._closed_bars()

    def recover(self, crash_brake: bool) -> None:
        self._write(f"recovered brake={crash_brake}")
        hang_in_a_library(float(self._orders.get("start_seconds", "0")))
        self._fail("recovery")

    def step_due(self, interrupted: Callable[[], bool]) -> int:
        if self._bar_ms is not None:
            return self._book_closed_bars(self._bar_ms)
        made = 0
        while self.seconds_until_due() <= 0.0:
            self._write("step begins")
            self._fail("step")
            time.sleep(float(self._orders.get("step_seconds", "0")))
            hang_in_a_library(float(self._orders.get("step_hangs", "0")))
            self._write("step ends")
            self._left -= 1
            made += 1
            self._due_at = time.monotonic() + float(self._orders.get("bar_seconds", "0"))
            if interrupted():
                break
        return made

    def answer_commands(self) -> int:
        self._write("answers")
        self._fail("answer")
        return 0

    def seconds_until_due(self) -> float:
        if self._bar_ms is not None:
            return (self._booked + 1) * self._bar_ms / 1000 - time.time()
        return self._due_at - time.monotonic() if self._left else math.inf

    def reload(self) -> list[str]:
        self._write("reloads")
        self._fail("reload")
        return ["risk.stop is 0.05 now", "portfolio.timeframe was refused: it changes at a restart only"]

    def record(self, sentence: str) -> None:
        self._write(f"records {sentence}")

    def beat(self) -> None:
        self._write("beats")

    def close(self) -> None:
        self._write("closes")

    def _closed_bars(self) -> int:
        return int(time.time() * 1000) // (self._bar_ms or 1)

    def _book_closed_bars(self, bar_ms: int) -> int:
        made = self._closed_bars() - self._booked
        self._booked += made
        if made:
            self._write(f"booked {made} after {int(time.time() * 1000) % bar_ms} ms")
        return made

    def _write(self, line: str) -> None:
        with self._journal.open("a") as file:
            file.write(f"{os.getpid()} {line}\n")

    def _fail(self, place: str) -> None:
        failure = self._orders.get(f"{place}_fails")
        if failure and Path(self._orders.get("only_while", self._journal)).exists():
            raise FAILURES[failure]


def hang_in_a_library(seconds: float) -> None:
    """Let no handler of a signal run meanwhile: a long statement of a migration lets none."""
    if not seconds:
        return
    until = time.monotonic() + seconds
    connection = sqlite3.connect(":memory:")
    if seconds <= SHORT_SECONDS:
        connection.set_progress_handler(lambda: time.monotonic() > until, 1_000_000)
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")


def settings_of(root: Path) -> Settings:
    orders = (root / "orders").read_text()
    if "settings_fails configuration" in orders:
        raise FAILURES["configuration"]
    return load_settings(environment={}, overrides=["worker.wake_after_seconds=0.05"])


if __name__ == "__main__":
    where = Path(sys.argv[1])
    sys.exit(serve(lambda: settings_of(where), lambda _: FakeWorker(where), where, until_end="--until-end" in sys.argv))
