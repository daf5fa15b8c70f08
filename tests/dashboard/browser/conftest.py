"""One fleet and one browser for all tests here: both take seconds to start."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.dashboard.browser.fleet import Fleet, launch, running_fleet

OpenBrowser = Callable[..., Page]


# Not of the whole session: as long as it is there its event loop runs, and other tests want to run theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = launch(playwright)
        if started is None:
            pytest.skip("Chromium is not installed: apt install chromium")
        yield started
        started.close()


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    with running_fleet() as running:
        yield running


@pytest.fixture
def tab(browser: Browser) -> Iterator[OpenBrowser]:
    """Open tabs, each as a person of its own; what the page asks of other hosts fails the test."""
    contexts, elsewhere = [], []

    def open_(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 1000}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: elsewhere.append(request.url) if not _is_here(request.url) else None)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert elsewhere == []


def _is_here(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "blob:", "ws://127.0.0.1:"))
