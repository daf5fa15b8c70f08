"""Ten minutes of everything at once: steps, sessions, commands and downloads, and no database that was locked."""

import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from shared.database import sqlite_module
from tests.bench.audience import PAGES, Audience, Told
from tests.bench.document import table
from tests.bench.long_books import hold_books, make_long_books
from tests.bench.people import Asker, Downloader
from tests.bench.processes import MIB, Process, page_of, require_proc, worker_of

TITLE = "Ten minutes of everything at once"

SECONDS = 600.0
ROUND_TRIPS, FILLS, POINTS = 2_000, 20_000, 200_000
BAR_SECONDS, REFRESH_SECONDS, ASK_SECONDS, SAMPLE_SECONDS = 0.2, 2.0, 0.5, 15.0
DOWNLOADERS = 2
# What is asked last is answered within so long.
ANSWER_SECONDS = 10.0
LOCKED = ("locked", "database is busy")
CRASHED = ("traceback", "critical")
# What stood there is a failure whatever its words.
TOLD = ("pages", "people who asked and downloaded")
LOG = "database's log"


def measure(seconds: float = SECONDS, pages: tuple[str, ...] = PAGES) -> str:
    """Let all of it happen at once, then look for what went wrong; raises RuntimeError where nothing was done."""
    require_proc()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_long_books(root, ROUND_TRIPS, FILLS, POINTS)
        return report(*_soak(root, seconds, pages))


def _soak(root: Path, seconds: float, pages: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, list[str]], Told]:
    first_step = _rows(root, "SELECT step FROM heartbeat")[0][0]
    stop = threading.Event()
    with worker_of(root, BAR_SECONDS) as worker, page_of(root, REFRESH_SECONDS) as page:
        people = [Asker(root, ASK_SECONDS, stop), *(Downloader(page.url, stop, at) for at in range(DOWNLOADERS))]
        with Audience(page.url, pages) as audience:
            audience.clear()
            for person in people:
                person.start()
            memory = _watch(root, (worker, page), seconds)
            stop.set()
            told = audience.end()
        for person in people:
            person.join(120.0)
        _wait_for_answers(root)
        logs = {"worker's log": worker.log.splitlines(), "page's log": page.log.splitlines()}
    counts = {
        "steps": _rows(root, "SELECT step FROM heartbeat")[0][0] - first_step,
        "asked": people[0].asked,
        "left": _rows(root, "SELECT count(*) FROM command WHERE status IN ('ASKED', 'TAKEN')")[0][0],
        "answer_ms": _rows(root, "SELECT answered_ms - asked_ms FROM command WHERE who = 'soak' ORDER BY 1"),
        "downloads": sum(person.done for person in people[1:]),
        "downloaded": sum(person.bytes for person in people[1:]),
        "sent_away": sum(person.sent_away for person in people[1:]),
        "memory": memory,
        "doctor": hold_books(root),
    }
    return counts, {**logs, **_said(root, people, told)}, told


def _watch(root: Path, processes: tuple[Process, ...], seconds: float) -> dict[str, list[float]]:
    """Give the memory of each process, and the size of the log, as time goes by; raises RuntimeError where one ends."""
    memory: dict[str, list[float]] = {**{process.name: [] for process in processes}, LOG: []}
    give_up = time.monotonic() + seconds
    while True:
        for process in processes:
            memory[process.name].append(process.resident_mib)
        memory[LOG].append(_log_mib(root))
        left = give_up - time.monotonic()
        now = ", ".join(f"{name} {taken[-1]:.0f} MiB" for name, taken in memory.items())
        print(f"soak: {max(left, 0.0):.0f} s to go, {now}", file=sys.stderr, flush=True)
        if left <= 0.0:
            return memory
        time.sleep(min(SAMPLE_SECONDS, max(left, 0.0)))


def _wait_for_answers(root: Path) -> None:
    give_up = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < give_up:
        if _rows(root, "SELECT count(*) FROM command WHERE status IN ('ASKED', 'TAKEN')")[0][0] == 0:
            return
        time.sleep(0.2)


def _said(root: Path, people: list[Any], told: Told) -> dict[str, list[str]]:
    """Give everything that was said to somebody, by where it was said."""
    return {
        "events": [row[0] for row in _rows(root, "SELECT message FROM event")],
        "answers to commands": [row[0] or "" for row in _rows(root, "SELECT answer FROM command")],
        "pages": [error for seen in told.seen for error in seen.errors],
        "people who asked and downloaded": [failure for person in people for failure in person.failures],
    }


def _rows(root: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(
        sqlite_module().connect(f"file:{root}/state/flotilla.db?mode=ro", uri=True, timeout=5.0)
    ) as connection:
        return list(connection.execute(sql).fetchall())


def _log_mib(root: Path) -> float:
    log = root / "state" / "flotilla.db-wal"
    return log.stat().st_size / MIB if log.exists() else 0.0


def find_words(said: Mapping[str, Iterable[str]], words: tuple[str, ...]) -> dict[str, list[str]]:
    """Give what of all that was said holds one of these words, by where it was said."""
    return {
        where: found
        for where, lines in said.items()
        if (found := [line for line in lines if any(word in line.lower() for word in words)])
    }


def report(counts: dict[str, Any], said: dict[str, list[str]], told: Told) -> str:
    """Say what happened and what went wrong; raises RuntimeError where a part of it did not happen at all."""
    refreshes = sum(len(seen.refreshes) for seen in told.seen)
    for what, number in (("step", counts["steps"]), ("command", counts["asked"]), ("download", counts["downloads"])):
        if number < 1:
            raise RuntimeError(f"a soak must have at least one {what}, had none")
    if not refreshes or not said["worker's log"] or not said["page's log"]:
        raise RuntimeError("somebody must have looked on and both processes have written a log, one did not")
    answer_ms = [row[0] for row in counts["answer_ms"] if row[0] is not None]
    rows = [
        ("steps of the worker", f"{counts['steps']:,}"),
        ("refreshes seen by sessions", f"{refreshes:,}"),
        ("requests for live parts not answered when the next was due", told.unanswered()),
        ("commands asked", f"{counts['asked']:,}"),
        ("not answered", bold(counts["left"])),
        ("answered within ms, median", f"{answer_ms[len(answer_ms) // 2]:,}" if answer_ms else "–"),
        ("at worst", f"{max(answer_ms):,}" if answer_ms else "–"),
        ("downloads", f"{counts['downloads']:,}, {counts['downloaded'] / MIB:,.0f} MiB"),
        ("downloads told to come later, for the log was long", f"{counts['sent_away']:,}"),
        ("said to be locked", bold(_count(find_words(said, LOCKED)))),
        ("lines of failure in logs", bold(_count(find_words(said, CRASHED)))),
        ("errors on pages, failed requests", bold(len(said["pages"]) + len(said["people who asked and downloaded"]))),
        ("identities of the books held, failed", f"{counts['doctor'][0]:,}, {bold(counts['doctor'][1])}"),
        *((f"MiB of the {name}: at first, at the end, most", _ends(taken)) for name, taken in counts["memory"].items()),
    ]
    looked = ", ".join(f"{len(lines):,} in {where}" for where, lines in said.items())
    return (
        f"{told.seconds:.0f} s: a worker that steps every {BAR_SECONDS:g} s, {len(told.seen)} sessions that refresh "
        f"every {REFRESH_SECONDS:g} s, a command every {ASK_SECONDS:g} s, and {DOWNLOADERS} people who download one "
        f"thing after another. What was said to whom was searched: {looked}.\n\n"
        + table(("what", "measured"), rows)
        + _told(said, find_words(said, (*LOCKED, *CRASHED)) | {where: said[where] for where in TOLD})
    )


def bold(count: int) -> str:
    """Write a count that should be 0 so that it stands out where it is not."""
    return f"**{count:,}**" if count else "0"


def _ends(taken: list[float]) -> str:
    return f"{taken[0]:.0f}, {taken[-1]:.0f}, {max(taken):.0f}"


def _count(found: Mapping[str, list[str]]) -> int:
    return sum(map(len, found.values()))


def _told(said: Mapping[str, list[str]], found: Mapping[str, list[str]]) -> str:
    lines = [f"- {where}: {_whole(said[where], line)[:300]}" for where, own in found.items() for line in own[:3]]
    return "\n\n" + "\n".join(lines) if lines else ""


def _whole(lines: list[str], line: str) -> str:
    """Give a line and, of a traceback, the error at its end."""
    if not line.startswith("Traceback"):
        return line
    after = lines[lines.index(line) + 1 :]
    return next((end for end in after if end.strip() and not end.startswith((" ", "\t"))), line)
