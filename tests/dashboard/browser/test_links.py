"""Coming in by a link in a real browser: one click, and the page that says how where there is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from shared.clock import SystemClock
from shared.links import make_link
from tests.dashboard.browser.conftest import OpenBrowser
from tests.dashboard.browser.fleet import free_port, running_page
from tests.dashboard.browser.test_sign_in import is_open
from tests.dashboard.views.books import make

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("seeded", tmp_path_factory.mktemp("links") / "books")


@pytest.fixture(scope="module")
def url(books: Path) -> Iterator[str]:
    with running_page(books, free_port()) as address:
        yield address


def test_one_click_opens_the_page_and_the_browser_is_known_from_then_on(
    books: Path, url: str, tab: OpenBrowser
) -> None:
    page = tab(is_in=False)
    page.goto(make_link(books, url, SystemClock().now_ms()))
    is_open(page)
    assert page.url == f"{url}/"
    expect(page.get_by_text("local, operator")).to_be_visible()
    second = page.context.new_page()
    second.goto(f"{url}/control")
    is_open(second)
    expect(second.get_by_role("button", name="No entries", exact=True)).to_be_visible(timeout=20_000)


def test_who_has_no_link_is_told_how_to_get_one_and_may_paste_it(books: Path, url: str, tab: OpenBrowser) -> None:
    page = tab(is_in=False)
    page.goto(f"{url}/trades?period=All")
    expect(page.get_by_text(".venv/bin/flotilla dashboard link")).to_be_visible()
    page.get_by_label("Or paste the link here").fill("not this")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("or is not one of this fleet")
    page.get_by_label("Or paste the link here").fill(make_link(books, url, SystemClock().now_ms()))
    page.get_by_role("button", name="Sign in").click()
    is_open(page)
    assert page.url == f"{url}/trades?period=All"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_that_says_how_fits_a_phone(scheme: str, url: str, tab: OpenBrowser) -> None:
    page = tab(is_in=False, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page.goto(url)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
