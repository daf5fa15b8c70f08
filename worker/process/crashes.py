"""How often the worker ended badly of late: the growing delay before a restart, and the brake against crashing on.

Kept in a file, so that it also counts when the database is what fails. A start that finds the mark of an earlier start
without an end knows that it was killed.
"""

import json
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shared.clock import Clock
from shared.errors import ConfigurationError, DatabaseError, LeaseError, MarketError
from shared.private_files import make_folders
from shared.regular_file import read_regular
from shared.units import MINUTE_MS

WINDOW_MS = 10 * MINUTE_MS
BRAKE_AT = 5
LONGEST_DELAY_SECONDS = 60.0
# Something outside is not there: the next start waits longer, but it is no sign that the worker's decisions are broken.
OUTAGES = frozenset(error.exit_code for error in (DatabaseError, MarketError, LeaseError))

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """What a start follows upon within the last ten minutes."""

    crashes: int
    outages: int

    @property
    def braked(self) -> bool:
        """Whether the worker stays up without entries instead of crashing on."""
        return self.crashes >= BRAKE_AT

    @property
    def delay_seconds(self) -> float:
        """The wait before this start: 1, 2, 4 … 60 s."""
        bad_ends = self.crashes + self.outages
        return min(2.0 ** min(bad_ends - 1, 10), LONGEST_DELAY_SECONDS) if bad_ends else 0.0

    def __str__(self) -> str:
        return f"{self.crashes} crashes and {self.outages} outages in the last 10 minutes"


class CrashCount:
    """The ends of earlier runs; `begin` and `end` stand around each run."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._crashes_ms: list[int] = []
        self._outages_ms: list[int] = []

    def begin(self) -> Start:
        """Mark the start of a run and say what it follows upon."""
        self._load()
        now_ms = self._clock.now_ms()
        self._crashes_ms = [time_ms for time_ms in self._crashes_ms if now_ms - WINDOW_MS < time_ms <= now_ms]
        self._outages_ms = [time_ms for time_ms in self._outages_ms if now_ms - WINDOW_MS < time_ms <= now_ms]
        # At a start alone: where the folder was moved away since, none must be made in its place.
        with suppress(OSError):
            make_folders(self._path.parent)
        self._save(running=True)
        return Start(len(self._crashes_ms), len(self._outages_ms))

    def end(self, exit_code: int) -> None:
        """Mark how the run ended: a clean stop forgets everything, a configuration error changes nothing."""
        if exit_code == 0:
            self._crashes_ms, self._outages_ms = [], []
        elif exit_code in OUTAGES:
            self._outages_ms.append(self._clock.now_ms())
        elif exit_code != ConfigurationError.exit_code:
            self._crashes_ms.append(self._clock.now_ms())
        self._save(running=False)

    def _load(self) -> None:
        try:
            kept = json.loads(read_regular(self._path))
            self._crashes_ms = [int(time_ms) for time_ms in kept["crashes_ms"]]
            self._outages_ms = [int(time_ms) for time_ms in kept["outages_ms"]]
            if kept["running"]:
                self._crashes_ms.append(self._clock.now_ms())
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("the crash count %s could not be read and starts again: %r", self._path, error)

    def _save(self, running: bool) -> None:
        kept = {"running": running, "crashes_ms": self._crashes_ms, "outages_ms": self._outages_ms}
        written = self._path.with_name(self._path.name + ".new")
        try:
            with written.open("w") as file:
                file.write(json.dumps(kept))
                file.flush()
                os.fsync(file.fileno())
            written.replace(self._path)
        except OSError as error:
            log.warning("the crash count %s could not be written: %s", self._path, error)
