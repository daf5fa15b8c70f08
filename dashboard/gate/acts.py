"""What people did on the page, and what was refused to them: JSON lines in `logs/acts.log`.

Nothing rolls this file, so nobody without a session may cause a line of it, and a person who is refused again and again
causes few. Commands stand in the database too; what is asked of supervisor, and who signed in, stand here alone.
"""

import errno
import functools
import json
import logging
import os
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from dashboard.gate.counting import Counting, Ended, Tally
from dashboard.gate.people import Person
from dashboard.gate.places import place_of
from shared.clock import Clock, SystemClock
from shared.printable import one_line
from shared.private_files import make_folders
from shared.units import to_datetime

LOG = logging.getLogger(__name__)
FILE = Path("logs") / "acts.log"
LONGEST_NAME = 100
LONGEST_REASON = 500
# Of refusals and of sign-ins that are told apart in a window; the rest is one line.
MOST_KEYS = 50

# What is asked of supervisor; a command goes by the name of its kind.
STOP_ASKED = "asked supervisor to stop the worker"
KILL_ASKED = "asked supervisor to kill the worker"
START_ASKED = "asked supervisor to start the worker"
OTHERS = "others"


class Act(NamedTuple):
    """What somebody does or would do: `scope` is such as `sleeve breakout`, and empty for supervisor."""

    what: str
    scope: str
    reason: str


class _Refused(NamedTuple):
    person: Person
    what: str
    scope: str


class _Signed(NamedTuple):
    what: str
    name: str
    place: str


class Acts:
    """The record of one project."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._path = root / FILE
        self._clock = clock
        self._writing = Lock()
        self._refused: Counting[_Refused] = Counting(clock, MOST_KEYS)
        self._signed: Counting[_Signed] = Counting(clock, MOST_KEYS)

    def done(self, act: Act, who: Person, address: str, **more: Any) -> bool:
        """Record an act, and tell whether the line stands in the file; `more` is such as the id of its command."""
        return self._act(act, who, place_of(address), **more)

    def refuse(self, act: Act, who: Person, address: str, sentence: str) -> bool:
        """Record an act that is refused, and tell whether it is the first of its kind for some minutes."""
        self.settle()
        key = _Refused(_short(who), act.what[:LONGEST_NAME], act.scope[:LONGEST_NAME])
        is_first = self._refused.is_first(key, key.person.name)
        if is_first:
            self._act(act, who, place_of(address), refused=sentence)
        return is_first

    def signed(self, what: str, name: str, place: str) -> None:
        """Record that somebody signed in or out."""
        self.settle()
        key = _Signed(what, name[:LONGEST_NAME], place)
        if self._signed.is_first(key, place):
            self._put(LOG.info, what, name=key.name, address=place)

    def settle(self, at_once: bool = False) -> None:
        """Write what was counted in windows that are over, or in all."""
        for signed, tally in self._told(self._signed.ended(at_once)):
            self._put(LOG.info, signed.what, name=signed.name, address=signed.place, **times(tally))
        for refused, tally in self._told(self._refused.ended(at_once)):
            act = Act(refused.what, refused.scope, "")
            self._act(act, refused.person, None, refused="as before", **times(tally))

    def _told(self, ended: Ended[Any] | None) -> list[tuple[Any, Tally]]:
        if ended is None:
            return []
        if ended.rest.count:
            self._put(LOG.warning, OTHERS, sources_at_least=ended.sources, **times(ended.rest))
        return list(ended.again.items())

    def _act(self, act: Act, who: Person, place: str | None, **more: Any) -> bool:
        short, reason = _short(who), act.reason[:LONGEST_REASON]
        said = {"name": short.name, "role": short.role, "scope": act.scope[:LONGEST_NAME], "reason": reason}
        return self._put(LOG.warning, act.what[:LONGEST_NAME], **said, address=place, **more)

    def _put(self, log: Any, what: str, **more: Any) -> bool:
        fields = {"time": iso(self._clock.now_ms()), "what": what, **{k: v for k, v in more.items() if v is not None}}
        line = json.dumps(fields)
        log("%s", line)
        try:
            with self._writing:
                append_private(self._path, f"{line}\n".encode())
        except OSError as error:
            LOG.error("%s must take a line, did not: %s", FILE, error.strerror)
            return False
        return True


@functools.cache
def acts_of(root: Path) -> Acts:
    """Give the record of a project, one for all of this process, so that what is refused is counted together."""
    return Acts(root, SystemClock())


def append_private(path: Path, line: bytes) -> None:
    """Add a line, whole or not at all, to a file of its owner alone, which is made where it is missing."""
    make_folders(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        before = os.fstat(descriptor).st_size
        if os.write(descriptor, line) != len(line):
            # The disk is full: half a line would spoil the next one too.
            os.ftruncate(descriptor, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def times(tally: Tally) -> dict[str, Any]:
    """Say how often something was, and when first and last."""
    return {"count": tally.count, "first": iso(tally.first_ms), "last": iso(tally.last_ms)}


def iso(time_ms: int) -> str:
    """Write a wall time as records have it."""
    return to_datetime(time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _short(who: Person) -> Person:
    return Person(one_line(who.name)[:LONGEST_NAME], who.role[:LONGEST_NAME])
