"""The viewer does what a browser does: it asks again by itself, keeps large elements, and notices what goes wrong."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosedError

from tests.bench.audience import Audience, refreshes
from tests.bench.kept_elements import KeptElements
from tests.bench.processes import Process, page_of
from tests.bench.soak import LOCKED, find_words, report
from tests.bench.viewers import Run, Viewer, ViewerError
from tests.dashboard.gate.process import Dashboard, running
from tests.dashboard.local import nobody
from tests.dashboard.views.books import make

PAGE = """
import time
import streamlit as st

SOME = [{"row": "x" * 40} for _ in range(600)]

def count():
    st.session_state.runs = st.session_state.get("runs", 0) + 1
    st.caption(f"run {st.session_state.runs}")

def still_the_same():
    st.dataframe(SOME)

def sleeps():
    if st.session_state.runs > 4:
        time.sleep(0.9)

def goes_away():
    if st.session_state.runs < 8:
        st.fragment(lambda: st.caption("here"), run_every=0.3)()

def fails():
    if st.session_state.runs > 1:
        raise ValueError("no")

page = st.query_params.get("page", "")
for panel in {"fails": [count, fails], "sleeps": [count, sleeps], "goes": [count]}.get(page, [count, still_the_same]):
    st.fragment(panel, run_every=0.3)()
if page == "goes":
    st.fragment(goes_away, run_every=0.3)()
"""


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    folder = tmp_path_factory.mktemp("viewers") / "project"
    with running(folder, FLOTILLA_DASHBOARD__PASSWORD_FILE=str(nobody())) as found:
        (folder / "page.py").write_text(PAGE)
        yield found


def look(url: str, page: str, query: str, enough: Callable[[Viewer], bool]) -> Viewer:
    """Look at a page until enough was seen."""

    async def looking() -> Viewer:
        viewer, ended = Viewer(url, page, query), asyncio.Event()
        task = asyncio.create_task(viewer.look(ended))
        give_up = time.monotonic() + 40.0
        while not task.done() and not enough(viewer) and time.monotonic() < give_up:
            await asyncio.sleep(0.05)
        ended.set()
        await task
        return viewer

    return asyncio.run(looking())


@pytest.mark.slow
def test_live_parts_are_asked_for_again_and_what_stays_the_same_is_not_sent_again(dashboard: Dashboard) -> None:
    url = f"http://127.0.0.1:{dashboard.port}"

    def references(viewer: Viewer) -> int:
        return sum(run.references for run in viewer.refreshes)

    viewer = look(url, "", "", lambda viewer: len(refreshes(viewer.refreshes)) > 4 and references(viewer) >= 3)
    assert viewer.live_fragments == 2
    assert viewer.requests >= 5
    assert viewer.errors == {}
    assert viewer.first.bytes > 20_000
    seen = refreshes(viewer.refreshes)
    assert all(refresh.deltas >= 1 and 0.0 < refresh.slowest_ms <= refresh.server_ms + 1e-6 for refresh in seen[:3])
    # The table was sent once.
    assert references(viewer) >= 3
    assert max(run.bytes for run in viewer.refreshes) < 10_000


@pytest.mark.slow
def test_an_answer_that_takes_longer_than_the_interval_is_late(dashboard: Dashboard) -> None:

    def slow(viewer: Viewer) -> list[float]:
        taken = [run.finished - run.asked for run in viewer.refreshes if run.asked is not None]
        return [seconds for seconds in taken if seconds > 0.6]

    url = f"http://127.0.0.1:{dashboard.port}"
    viewer = look(url, "", "page=sleeps", lambda viewer: viewer.late >= 3 and len(slow(viewer)) > 1)
    assert viewer.late >= 3
    assert len(slow(viewer)) > 1


@pytest.mark.slow
def test_the_timer_of_a_part_that_is_gone_stops(dashboard: Dashboard) -> None:
    timers: list[int] = []

    def enough(viewer: Viewer) -> bool:
        timers.append(viewer.live_fragments)
        return 3 in timers and timers[-1] == 2

    look(f"http://127.0.0.1:{dashboard.port}", "", "page=goes", enough)
    assert 3 in timers
    assert timers[-1] == 2


@pytest.mark.slow
def test_what_stands_on_the_page_as_an_error_is_noticed(dashboard: Dashboard) -> None:
    url = f"http://127.0.0.1:{dashboard.port}"
    viewer = look(url, "", "page=fails", lambda viewer: sum(viewer.errors.values()) >= 2)
    assert len(viewer.errors) == 1


@pytest.mark.slow
def test_a_server_that_goes_is_a_failure(tmp_path: Path) -> None:
    with running(tmp_path / "other", FLOTILLA_DASHBOARD__PASSWORD_FILE=str(nobody())) as other:
        url = f"http://127.0.0.1:{other.port}"

        def kill(viewer: Viewer) -> bool:
            if viewer.runs and other.process.poll() is None:
                other.process.send_signal(signal.SIGKILL)
            return False

        with pytest.raises((ViewerError, ConnectionClosedError)):
            look(url, "", "", kill)


@pytest.mark.slow
def test_the_pages_of_the_fleet_live(tmp_path: Path) -> None:
    root = make("seeded", tmp_path / "books")
    with page_of(root, 0.5) as page:
        with Audience(page.url, ["", "risk"]) as audience:
            audience.clear()
            _wait_for(lambda: audience.count() >= 2, page)
            told = audience.end()
        together = look(page.url, "", "", lambda viewer: len(refreshes(viewer.refreshes)) > 2)
        with pytest.raises(ViewerError, match="the page 'nowhere' must be there, was not found"):
            look(page.url, "nowhere", "", lambda _: False)
    # All are asked for in the same moment: the first is run, and the rest with one another.
    assert together.live_fragments >= 5
    assert max(len(run.fragments) for run in together.refreshes) >= 3
    for seen in told.seen:
        assert seen.live_parts >= 1
        assert seen.first_bytes > 5_000
        assert sum(refresh.deltas for refresh in seen.refreshes) > 10
    assert told.seconds > 0.0 and told.cpu_seconds > 0.0
    assert "of " in told.unanswered()


def _wait_for(condition: Callable[[], bool], page: Process) -> None:
    give_up = time.monotonic() + 30.0
    while not condition():
        page.require_running()
        assert time.monotonic() < give_up, page.log
        time.sleep(0.1)


def element(name: str, fragment: str) -> ForwardMsg:
    message = ForwardMsg(hash=name)
    message.delta.fragment_id = fragment
    return message


def test_an_element_is_kept_as_long_as_its_own_part_uses_it() -> None:
    kept = KeptElements()
    kept.keep(element("mine", "f1"))
    kept.keep(element("other", "f2"))
    for _ in range(2):
        kept.end_run(("f1",))
    assert kept.recall("mine") is not None
    for _ in range(3):
        kept.end_run(("f1",))
    assert kept.recall("mine") is None
    assert kept.hashes == ["other"]
    kept.end_run(())
    assert kept.hashes == []


def test_overlapping_answers_are_counted_once() -> None:
    runs = [Run(("a",), 10.0, 10.4, 1, 100, 1), Run(("b",), 10.1, 10.5, 1, 50, 2), Run(("c",), 11.0, 11.1, 1, 1, 1)]
    (one,) = refreshes([*runs, Run(("d",), None, 12.0, 0, 999, 9)])
    assert (round(one.server_ms), round(one.slowest_ms), one.bytes, one.deltas) == (600, 400, 151, 4)


def test_a_lock_is_found_wherever_it_is_said() -> None:
    said = {"log": ["all well", "(sqlite3.OperationalError) Database is LOCKED"], "events": ["fine"]}
    assert find_words(said, LOCKED) == {"log": ["(sqlite3.OperationalError) Database is LOCKED"]}


def test_a_soak_in_which_nothing_happened_is_no_result() -> None:
    from tests.bench.audience import Told

    counts = {"steps": 5, "asked": 0, "downloads": 3}
    with pytest.raises(RuntimeError, match="must have at least one command, had none"):
        report(counts, {"worker's log": ["x"], "page's log": ["y"]}, Told(1.0, 0.1, []))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_short_soak() -> None:
    from tests.bench import soak

    said = soak.measure(12.0, ("", "control"))
    assert "| said to be locked | 0 |" in said
    assert "| not answered | 0 |" in said
    assert "| errors on pages, failed requests | 0 |" in said
