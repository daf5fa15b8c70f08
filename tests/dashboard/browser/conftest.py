"""One fleet for all tests here, for it takes seconds to start."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.dashboard.browser.fleet import Fleet, running_fleet
from tests.dashboard.local import browser_cookie

OpenBrowser = Callable[..., Page]


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    with running_fleet() as running:
        yield running


@pytest.fixture
def tab(browser: Browser) -> Iterator[OpenBrowser]:
    """Open tabs, each as a person of its own, who has come in by a link where nobody has a name.

    `is_in=False` has not. What the page asks of other hosts fails the test.
    """
    contexts, elsewhere = [], []

    def open_(is_in: bool = True, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 1000}, **options})
        contexts.append(context)
        if is_in:
            context.add_cookies([browser_cookie()])
        page = context.new_page()
        page.on("request", lambda request: elsewhere.append(request.url) if not _is_here(request.url) else None)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert elsewhere == []


def _is_here(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "blob:", "ws://127.0.0.1:"))
