"""The pages on long books: how soon each stands there in a real browser, at the first look and when one comes back."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import numpy as np
import pytest
from playwright.sync_api import Playwright, sync_playwright

from shared.database import sqlite_module
from tests.bench.document import table
from tests.bench.long_books import FILLS, POINTS, ROUND_TRIPS, hold_books, make_long_books, make_year_books
from tests.bench.page_views import Seen, View, visitor
from tests.bench.timed_serve import QUERY_TIMES
from tests.conftest import ROOT
from tests.dashboard.browser.fleet import find_chromium, free_port, wait_for
from tests.dashboard.local import nobody

TITLE = "The pages"

YEAR_FIRST_SECONDS, LONG_FIRST_SECONDS, SECOND_SECONDS, MAKE_SECONDS = 1.5, 2.0, 1.0, 300.0
START_SECONDS = 40.0
# At the second visit Chromium keeps what it compiled, at the third it uses that.
VISITS, WRITTEN_SECONDS = 3, 2.0
HOW = (
    "Seconds in a headless Chromium from the request until the script has ended and every chart and table is drawn. "
    "The first view is that of a server just started, in a browser that was here twice before and has been started "
    "anew since; a new one, which keeps nothing yet, also fetches and compiles the program of the page. Then the "
    "person goes to another page and back, {} times. `server` is the part from the request to the end of the script's "
    "run. `kB` went over the websocket. The slowest query is that of all views. What is beyond its limit stands in "
    "bold."
)
SECOND_VIEWS = 20
TABS = ("Round trips", "Win rates", "Returns", "Benchmark", "Costs", "Correlation")
CONTROL, RISK = View("Control", "control", "Control"), View("Risk", "risk", "Risk")


@dataclass(frozen=True, slots=True)
class Measured:
    """The views of one page: in a browser never seen before, in one that was here twice, and again and again.

    Both first views are those of a server just started. `worst` is the slowest query and its seconds over all views.
    """

    view: View
    strange: Seen
    first: Seen
    second: list[Seen]
    worst: tuple[str, float]


def measure(
    round_trips: int = ROUND_TRIPS, fills: int = FILLS, points: int = POINTS, second_views: int = SECOND_VIEWS
) -> str:
    """Open every page of the books of a year, then of long ones, and say how long that took."""
    year = _measure_books("A year of 27 bots", YEAR_FIRST_SECONDS, make_year_books, second_views)
    long = _measure_books(
        "Two years of 528 bots",
        LONG_FIRST_SECONDS,
        lambda root: make_long_books(root, round_trips, fills, points),
        second_views,
    )
    return f"{HOW.format(second_views)}\n\n{year}\n\n{long}"


def _measure_books(name: str, first_seconds: float, make: Callable[[Path], float], second_views: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        made = make(root)
        counts, examined = count_rows(root), hold_books(root)
        measured = measure_pages(root, second_views)
    return f"### {name}\n\n{report(measured, counts, made, examined, first_seconds)}"


def measure_pages(root: Path, second_views: int = SECOND_VIEWS, only: str = "") -> list[Measured]:
    """Open every page of a project folder whose name holds `only`: first with a server just started, then again."""
    with sync_playwright() as playwright:
        if find_chromium() is None:
            pytest.skip("needs Chromium")
        views = [view for view in make_views(_a_bot(root)) if only.lower() in view.name.lower()]
        return [_measure(playwright, root, view, second_views) for view in _settled(playwright, root, views)]


def make_views(bot: str) -> list[View]:
    """Give the views to measure: each page as it opens, each tab of Analytics, and the longest periods."""
    return [
        View("Overview", "", "Overview"),
        View("Overview, all time", "?period=All", "Overview"),
        View("Bots", "bots", "Bots"),
        View("One bot", f"bot?bot={bot}", "One bot"),
        View("One bot, all time", f"bot?bot={bot}&period=All", "One bot"),
        View("Allocations", "allocations", "Allocations"),
        View("Allocations, all time", "allocations?period=All", "Allocations"),
        View("Trades: round trips", "trades", "Trades"),
        View("Trades: fills", "trades?rows=Fills", "Trades"),
        View("Trades: orders", "trades?rows=Orders", "Trades"),
        *(View(f"Analytics: {tab.lower()}", f"analytics?tab={quote_plus(tab)}", "Analytics") for tab in TABS),
        RISK,
        View("Decisions", f"decisions?bot={bot}", "Decisions"),
        View("Decisions, all time", f"decisions?bot={bot}&period=All", "Decisions"),
        View("Decisions, counted", f"decisions?bot={bot}&part=Reasons+counted", "Decisions"),
        View("Decisions, counted, all time", f"decisions?bot={bot}&part=Reasons+counted&period=All", "Decisions"),
        CONTROL,
    ]


def count_rows(root: Path) -> dict[str, int]:
    """Count what the books of a folder hold."""
    counts = {
        "bots": "SELECT count(*) FROM bot",
        "round trips": "SELECT count(*) FROM round_trip",
        "fills": "SELECT count(*) FROM fill",
        "orders": 'SELECT count(*) FROM "order"',
        "equity points": "SELECT (SELECT count(*) FROM equity_point) + (SELECT count(*) FROM equity_recent)",
        "stretches of decisions": "SELECT count(*) FROM decision",
        "candles": "SELECT count(*) FROM candle",
    }
    with _reading(root) as connection:
        return {what: int(connection.execute(sql).fetchone()[0]) for what, sql in counts.items()}


def _a_bot(root: Path) -> str:
    """Give the bot with the most round trips."""
    most = "SELECT name FROM bot JOIN round_trip ON bot.id = bot_id GROUP BY bot_id ORDER BY count(*) DESC, 1 LIMIT 1"
    with _reading(root) as connection:
        return str(connection.execute(most).fetchone()[0])


@contextmanager
def _reading(root: Path) -> Iterator[Any]:
    with closing(sqlite_module().connect(f"file:{root}/state/flotilla.db?mode=ro", uri=True)) as connection:
        yield connection


def _settled(playwright: Playwright, root: Path, views: list[View]) -> list[View]:
    """Give the views with what stands on each when nothing more comes."""
    with (
        serving(root) as (url, _),
        tempfile.TemporaryDirectory() as profile,
        visitor(playwright, url, Path(profile)) as person,
    ):
        return [person.settled(view) for view in views]


def _measure(playwright: Playwright, root: Path, view: View, second_views: int) -> Measured:
    away = RISK if view.title == CONTROL.title else CONTROL
    # One address for all servers, for browsers keep what they fetched by address.
    port = free_port()
    url, seen, second, rows = f"http://127.0.0.1:{port}", [], [], []
    with tempfile.TemporaryDirectory() as profile:
        for visit in range(VISITS):
            with serving(root, port) as (_, times), visitor(playwright, url, Path(profile)) as person:
                seen.append(person.open(view))
                # What a browser compiled it writes down a while after a script has run.
                time.sleep(WRITTEN_SECONDS)
                for _ in range(second_views if visit == VISITS - 1 else 0):
                    person.go(away)
                    second.append(person.go(view))
                rows += _queries(times)
    worst = max(rows, key=lambda row: row["seconds"], default={"query": "", "seconds": float("nan")})
    return Measured(view, seen[0], seen[-1], second, (worst["query"], worst["seconds"]))


def _queries(times: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in times.read_text().splitlines()]


@contextmanager
def serving(root: Path, port: int | None = None) -> Iterator[tuple[str, Path]]:
    """Start the page of a folder; give its address and the file its queries' times go to."""
    port = port or free_port()
    with tempfile.TemporaryDirectory() as folder:
        times, url = Path(folder) / "queries", f"http://127.0.0.1:{port}"
        times.touch()
        environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith(("FLOTILLA_", "SUPERVISOR_"))},
            "PYTHONPATH": str(ROOT),
            "FLOTILLA_DASHBOARD__PORT": str(port),
            "FLOTILLA_DASHBOARD__PASSWORD_FILE": str(nobody()),
            QUERY_TIMES: str(times),
        }
        with (Path(folder) / "log").open("wb") as log:
            command = [sys.executable, "-m", "tests.bench.timed_serve"]
            process = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log)
        try:
            wait_for(lambda: _answers(url, process), START_SECONDS)
            yield url, times
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"the page must run, ended with {process.returncode}")
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=1.0) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def report(
    measured: list[Measured],
    counts: dict[str, int],
    made_seconds: float,
    examined: tuple[int, int],
    first_seconds: float,
) -> str:
    """Say it in words and a table; what is beyond its limit stands out."""
    strange, first = ([getattr(one, kind).seconds for one in measured] for kind in ("strange", "first"))
    second = [seen.seconds for one in measured for seen in one.second]
    within = [sum(seconds <= first_seconds for seconds in firsts) for firsts in (first, strange)]
    within.append(sum(_p95(one.second) <= SECOND_SECONDS for one in measured))
    held = ", ".join(f"{count:,} {what}" for what, count in counts.items())
    return "\n\n".join(
        (
            f"Books of a simulated fleet: {held}. They were made in {made_seconds:.0f} s (at most {MAKE_SECONDS:.0f}), "
            f"by bulk inserts with the worker's own roll-ups. `flotilla doctor` held {examined[0]:,} identities "
            f"against them; {examined[1]:,} failed.",
            table(_header(first_seconds), [_row(one, first_seconds) for one in measured]),
            f"Within the limits: {within[0]} of {len(measured)} first views ({within[1]} in a new browser), "
            f"{within[2]} of {len(measured)} second views at the 95th percentile; over all second views the median is "
            f"{np.median(second):.2f} s and the 95th percentile {np.percentile(second, 95):.2f} s.",
        )
    )


def _header(first_seconds: float) -> tuple[str, ...]:
    return (
        "view",
        f"new browser, at most {first_seconds:g}",
        f"first, at most {first_seconds:g}",
        "of it server",
        "kB",
        "second, median",
        f"95th percentile, at most {SECOND_SECONDS:g}",
        "median server",
        "median kB",
        "slowest query",
    )


def _row(one: Measured, first_seconds: float) -> list[str]:
    second = [seen.seconds for seen in one.second]
    kilobytes = float(np.median([seen.kilobytes for seen in one.second]))
    server = [seen.server_seconds for seen in one.second]
    return [
        one.view.name,
        _held(one.strange.seconds, first_seconds),
        _held(one.first.seconds, first_seconds),
        f"{one.first.server_seconds:.2f}",
        f"{one.first.kilobytes:,.0f}",
        f"{np.median(second):.2f}",
        _held(_p95(one.second), SECOND_SECONDS),
        f"{np.nanmedian(server):.2f}",
        f"{kilobytes:,.0f}",
        f"{one.worst[0]} {one.worst[1]:.2f}",
    ]


def _p95(views: list[Seen]) -> float:
    return float(np.percentile([seen.seconds for seen in views], 95))


def _held(seconds: float, limit: float) -> str:
    return f"{seconds:.2f}" if seconds <= limit else f"**{seconds:.2f}**"
