"""Many people looking on: what a live refresh costs, and what 25 sessions and a browser do to page and worker."""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.bench.audience import PAGES, Audience, Refresh, Told
from tests.bench.document import table
from tests.bench.long_books import make_long_books
from tests.bench.onlooker import Onlooker, looking_on
from tests.bench.processes import START_SECONDS, Process, page_of, require_proc, worker_of
from tests.dashboard.browser.fleet import wait_for

TITLE = "Many people looking on"

ROUND_TRIPS, FILLS, POINTS = 100_000, 1_000_000, 10_000_000
SERVER_MS, KILOBYTES, REFRESHES, PAIRS, RATIO = 100.0, 300.0, 2_000, 10, 1.25
# As it ships: every third refresh or so finds a step it has not drawn yet.
BAR_SECONDS, REFRESH_SECONDS, ALONE_SECONDS = 5.0, 2.0, 1.25
ALONE_REFRESHES, CROWD_SECONDS = 8, 40.0
QUICK_SECONDS, QUICK_AT_MOST_SECONDS, SAMPLE_SECONDS = 0.2, 480.0, 8.0
PAIR_BAR_SECONDS, STRETCH_SECONDS = 0.25, 6.0
# The share of the refreshes after which memory counts as warm.
WARM = 0.2
NAMES = {"": "overview"}
UNANSWERED = (
    "A request is late where the page was still busy when the next was due, and lost where Streamlit began another run "
    "of the session in the moment the last one ended and threw its messages away: that part is drawn a refresh later."
)


def measure(round_trips: int = ROUND_TRIPS, fills: int = FILLS, points: int = POINTS) -> str:
    """Make long books, run a worker and the page on them, and look at it alone, in a crowd, for long and in turns."""
    require_proc()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        say(f"making books of {fills:,} fills and {points:,} equity points")
        seconds = make_long_books(root, round_trips, fills, points)
        say(f"made in {seconds:.0f} s")
        parts = [look_alone(root), look_together(root), look_for_long(root), look_in_turns(root)]
    return (
        f"On books with {fills:,} fills and {points:,} equity points, with a worker that steps every {BAR_SECONDS:g} s "
        "on the same machine. A session is a websocket that speaks as Streamlit's own frontend does; a refresh is all "
        "live parts of a page drawn once more.\n\n" + "\n\n".join(parts)
    )


def say(sentence: str) -> None:
    """Tell whoever waits how far this is."""
    print(f"sessions: {sentence}", file=sys.stderr, flush=True)


def look_alone(root: Path, pages: tuple[str, ...] = tuple(dict.fromkeys(PAGES))) -> str:
    """Measure the refresh of each page with one session and nobody else."""
    rows = []
    with worker_of(root, BAR_SECONDS), page_of(root, ALONE_SECONDS) as page:
        for name in pages:
            say(f"alone on {NAMES.get(name, name)}")
            with Audience(page.url, [name]) as audience:
                time.sleep(ALONE_SECONDS)
                audience.clear()
                before = page.cpu_seconds
                time.sleep(ALONE_SECONDS * ALONE_REFRESHES)
                used = page.cpu_seconds - before
                seen = audience.end().seen[0]
            drawn = require_drawn(seen.refreshes, f"page {name!r}")
            rows.append(_alone_row(NAMES.get(name, name), seen.first_ms, drawn, used))
    return (
        f"### Alone\n\nOne session, a refresh every {ALONE_SECONDS:g} s, {ALONE_REFRESHES} of them; at most "
        f"{SERVER_MS:.0f} ms and {KILOBYTES:.0f} kB each. `server ms` is the time for which an answer was owed, from "
        "request to end, over the local network.\n\n"
        + table(("page", "first view ms", "server ms, median", "worst", "cpu ms", "kB, median", "worst"), rows)
    )


def require_drawn(refreshes: list[Refresh], where: str) -> list[Refresh]:
    """Give the refreshes of a page; raises RuntimeError where nothing was drawn and there is nothing to measure."""
    drawn = [refresh for refresh in refreshes if refresh.deltas > 0]
    if len(drawn) < 2:
        raise RuntimeError(f"{where} must be refreshed at least twice, was {len(drawn)} times")
    return drawn


def _alone_row(name: str, first_ms: float, drawn: list[Refresh], cpu_seconds: float) -> list[str]:
    milliseconds = [refresh.server_ms for refresh in drawn]
    kilobytes = [refresh.bytes / 1000.0 for refresh in drawn]
    return [
        name,
        f"{first_ms:.0f}",
        held(float(np.median(milliseconds)), SERVER_MS),
        f"{max(milliseconds):.0f}",
        f"{1000.0 * cpu_seconds / len(drawn):.0f}",
        held(float(np.median(kilobytes)), KILOBYTES),
        f"{max(kilobytes):.0f}",
    ]


def held(value: float, limit: float) -> str:
    """Write a number; one beyond its limit stands out."""
    return f"{value:.0f}" if value <= limit else f"**{value:.0f}**"


def look_together(root: Path, pages: tuple[str, ...] = PAGES, seconds: float = CROWD_SECONDS) -> str:
    """Measure many sessions and a browser at once."""
    with worker_of(root, BAR_SECONDS), page_of(root, REFRESH_SECONDS) as page:
        say(f"opening {len(pages)} sessions and a browser")
        with Audience(page.url, pages) as audience, looking_on(page.url) as onlooker:
            audience.clear()
            before, lags = page.cpu_seconds, []
            give_up = time.monotonic() + seconds
            while time.monotonic() < give_up:
                onlooker.wait(REFRESH_SECONDS)
                lags.append(onlooker.steps_behind(root) * BAR_SECONDS)
            used = page.cpu_seconds - before
            told = audience.end()
    return f"### Together\n\n{len(pages)} sessions ({_kinds(pages)}) and Chromium on Overview, " + _crowd(
        told, used, lags
    )


def _kinds(pages: tuple[str, ...]) -> str:
    return ", ".join(f"{pages.count(page)} on {NAMES.get(page, page)}" for page in dict.fromkeys(pages))


def _crowd(told: Told, used: float, lags: list[float]) -> str:
    refreshes = [refresh for seen in told.seen for refresh in require_drawn(seen.refreshes, f"page {seen.page!r}")]
    milliseconds = np.array([refresh.server_ms for refresh in refreshes])
    errors = sum(sum(seen.errors.values()) for seen in told.seen)
    rows = [
        ("refreshes", f"{len(refreshes):,}"),
        ("server ms of a refresh, median", f"{np.median(milliseconds):.0f}"),
        ("95th percentile", f"{np.percentile(milliseconds, 95):.0f}"),
        ("requests for live parts not answered when the next was due", told.unanswered()),
        ("errors shown", f"{errors:,}"),
        ("seconds the browser's screen is behind the books, median", f"{np.median(lags):.1f}"),
        ("worst", f"{max(lags):.1f}"),
        ("the page's server, share of a core", f"{used / told.seconds:.0%}"),
        ("the sessions themselves, share of a core", f"{told.cpu_seconds / told.seconds:.0%}"),
        ("their timers were late by at most, ms", f"{max(seen.tardy_ms for seen in told.seen):.0f}"),
    ]
    return (
        f"a refresh every {REFRESH_SECONDS:g} s, for {told.seconds:.0f} s. A screen that keeps up is at most "
        f"a refresh, a second of cache and a bar behind: {REFRESH_SECONDS + 1.0 + BAR_SECONDS:g} s. {UNANSWERED}\n\n"
        + table(("what", "measured"), rows)
    )


def look_for_long(root: Path, refreshes: int = REFRESHES, at_most_seconds: float = QUICK_AT_MOST_SECONDS) -> str:
    """Measure the memory of page and browser over many quick refreshes."""
    with (
        worker_of(root, BAR_SECONDS),
        page_of(root, QUICK_SECONDS) as page,
        Audience(page.url, [""]) as audience,
        looking_on(page.url) as onlooker,
    ):
        samples = _sample(page, audience, onlooker, refreshes, at_most_seconds)
        told = audience.end()
    drawn = require_drawn(told.seen[0].refreshes, "the page")
    seen = np.array(samples)
    warm = seen[seen[:, 0] >= WARM * len(drawn)]
    rows = [
        _memory_row(name, seen[:, at], warm[:, 0], warm[:, at]) for at, name in ((1, "page"), (2, "browser's heap"))
    ]
    return (
        f"### For long\n\n{len(drawn):,} refreshes of Overview every {QUICK_SECONDS:g} s in a session and as many in "
        f"Chromium; requests {told.unanswered()}. Memory after the first "
        f"{WARM:.0%} against the end: the mean of the first and of the last quarter of what follows, and the slope of "
        f"a line through all of it, over {REFRESHES:,} refreshes.\n\n"
        + table(("MiB", "at first", "warm", "at the end", f"slope over {REFRESHES:,}", "spread around it"), rows)
    )


def _sample(
    page: Process, audience: Audience, onlooker: Onlooker, refreshes: int, at_most_seconds: float
) -> list[tuple[float, float, float]]:
    samples, give_up = [], time.monotonic() + at_most_seconds
    audience.clear()
    while True:
        count = audience.count()
        samples.append((float(count), page.resident_mib, onlooker.heap_mib()))
        say(f"{count:,} refreshes, page {samples[-1][1]:.1f} MiB, browser {samples[-1][2]:.1f} MiB")
        if count >= refreshes or time.monotonic() >= give_up:
            return samples
        onlooker.wait(SAMPLE_SECONDS)


def _memory_row(name: str, every: np.ndarray, counts: np.ndarray, warm: np.ndarray) -> list[str]:
    if len(warm) < 4:
        raise RuntimeError(f"memory must be looked at 4 times at least, was {len(warm)} times")
    quarter = max(len(warm) // 4, 1)
    slope, level = np.polyfit(counts, warm, 1)
    spread = float(np.std(warm - (slope * counts + level)))
    means = [f"{every[0]:.1f}", f"{warm[:quarter].mean():.1f}", f"{warm[-quarter:].mean():.1f}"]
    return [name, *means, f"{slope * REFRESHES:+.1f}", f"{spread:.1f}"]


def look_in_turns(root: Path, pages: tuple[str, ...] = PAGES, pairs: int = PAIRS) -> str:
    """Measure the worker's step with nobody looking on and with many, in turns."""
    file, ratios, medians = root / "step_times", [], []
    with worker_of(root, PAIR_BAR_SECONDS, file) as worker, page_of(root, REFRESH_SECONDS) as page:
        wait_for(lambda: worker.require_running() or (file.exists() and file.stat().st_size > 0), START_SECONDS)
        for pair in range(pairs):
            without = _steps_in(file, STRETCH_SECONDS)
            with Audience(page.url, pages) as audience:
                audience.clear()
                looked_on = _steps_in(file, STRETCH_SECONDS)
                told = audience.end()
            if not any(seen.refreshes for seen in told.seen):
                raise RuntimeError("somebody must have looked on, nobody did")
            medians.append((np.median(without), np.median(looked_on), len(without), len(looked_on)))
            ratios.append(medians[-1][1] / medians[-1][0])
            say(f"pair {pair + 1}: {medians[-1][0]:.1f} ms alone, {medians[-1][1]:.1f} ms looked on")
    alone, looked, before, during = np.array(medians).T
    ratio = float(np.median(ratios))
    return (
        f"### The worker meanwhile\n\nA step every {PAIR_BAR_SECONDS:g} s, decision and commit, in {pairs} pairs of "
        f"{STRETCH_SECONDS:g} s without anybody and {STRETCH_SECONDS:g} s with {len(pages)} sessions looking on, after "
        "they had opened their pages; sessions, page and worker share the cores. "
        f"{alone.mean():.1f} ms without and {looked.mean():.1f} ms with them (mean of the medians; {before.sum():.0f} "
        f"and {during.sum():.0f} steps): a ratio of {ratio:.2f} at the median of the pairs, "
        f"{'at most' if ratio <= RATIO else '**more than**'} {RATIO:g}; the pairs lie between {min(ratios):.2f} and "
        f"{max(ratios):.2f}."
    )


def _steps_in(file: Path, seconds: float) -> list[float]:
    """Give the milliseconds of the steps of the next seconds; raises RuntimeError where there is none."""
    before = file.stat().st_size if file.exists() else 0
    time.sleep(seconds)
    lines = file.read_bytes()[before:].decode().splitlines() if file.exists() else []
    if len(lines) < 3:
        raise RuntimeError(f"the worker must step at least 3 times in {seconds:g} s, made {len(lines)} steps")
    return [float(line) for line in lines]
