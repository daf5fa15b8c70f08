"""The bench of the pages sees what is late, and takes no page for ready that is not drawn."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import sync_playwright

from tests.bench import page_views
from tests.bench.long_books import make_long_books
from tests.bench.page_views import Seen, View, visitor
from tests.bench.pages import Measured, count_rows, measure_pages, report, serving
from tests.dashboard.browser.fleet import find_chromium

Result = TypeVar("Result")
OVERVIEW = View("Overview", "", "Overview", charts=2, tables=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    make_long_books(folder, 100, 1_000, 10_000)
    return folder


def in_own_thread(act: Callable[[], Result]) -> Result:
    """Run what drives a browser where no other test's does."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result()


def test_what_is_beyond_its_limit_stands_in_bold() -> None:
    quick, slow = (Seen(seconds, 0.1, 20.0) for seconds in (0.5, 2.5))
    measured = [
        Measured(View("A", "a", "A"), slow, quick, [quick] * 20, ("load_a", 0.2)),
        Measured(View("B", "b", "B"), slow, slow, [quick] * 18 + [slow] * 2, ("load_b", 2.0)),
    ]
    said = report(measured, {"fills": 1_000}, 12.0, (100, 0), 2.0)
    assert "| A | **2.50** | 0.50 | 0.10 | 20 | 0.50 | 0.50 | 0.10 | 20 | load_a 0.20 |" in said
    assert "| B | **2.50** | **2.50** | 0.10 | 20 | 0.50 | **2.50** | 0.10 | 20 | load_b 2.00 |" in said
    assert "| view | new browser, at most 2 |" in said
    assert "1 of 2 first views (0 in a new browser), 1 of 2 second views" in said


@pytest.mark.slow
@pytest.mark.browser
def test_a_page_is_measured(root: Path) -> None:
    (one,) = in_own_thread(lambda: measure_pages(root, second_views=2, only="Decisions, all"))
    assert one.view.charts >= 1
    assert one.first.kilobytes > one.second[-1].kilobytes > 1.0
    for seen in (one.strange, one.first, *one.second):
        assert 0.0 < seen.server_seconds < seen.seconds
    assert one.worst[0].startswith("load_")
    assert count_rows(root)["fills"] >= 1_000


@pytest.mark.slow
@pytest.mark.browser
def test_a_page_whose_charts_are_not_drawn_is_not_ready(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_chromium() is None:
        pytest.skip("Chromium is not installed: apt install chromium")

    def look() -> None:
        with sync_playwright() as playwright, serving(root) as (url, _):
            with visitor(playwright, url, tmp_path / "well") as person:
                assert person.open(OVERVIEW).seconds > 0.0
                monkeypatch.setattr(page_views, "PATIENCE_MS", 4_000)
                for never in (replace(OVERVIEW, charts=3), replace(OVERVIEW, title="Risk")):
                    with pytest.raises(PlaywrightTimeout, match="4000ms"):
                        person.open(never)
            with visitor(playwright, url, tmp_path / "without_charts") as person:
                person.page.route("**/plotly-*.min.js", lambda route: route.abort())
                with pytest.raises(PlaywrightTimeout, match="4000ms"):
                    person.open(OVERVIEW)

    in_own_thread(look)
