"""A browser for the tests that look at pages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.dashboard.browser.fleet import launch


# Not of the whole session: as long as it is there its event loop runs, and other tests want to run theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = launch(playwright)
        if started is None:
            pytest.skip("Chromium is not installed: apt install chromium")
        yield started
        started.close()
