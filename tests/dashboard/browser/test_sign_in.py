"""Signing in and out in a real browser, and what becomes of pages that are open when a session ends."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from dashboard.gate.sessions import COOKIE as SESSION_COOKIE
from shared.passwords import OPERATOR, VIEWER, Account, remove_account, save_account
from tests.dashboard.browser.conftest import OpenBrowser
from tests.dashboard.browser.fleet import free_port, running_page
from tests.dashboard.gate.serving import ANNA, BO, HASHES
from tests.dashboard.views.books import make

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = ("", "bots", "bot", "symbol", "allocations", "trades", "analytics", "risk", "decisions", "control")
CONTROLS = ("No entries", "Flatten", "Halt", "Release", "Stop or start the worker's process")


@dataclass(frozen=True)
class Guarded:
    """A page with two people, and a third to lock out."""

    url: str
    root: Path
    passwords: Path

    def set_password(self, name: str, role: str, password: str) -> None:
        save_account(self.passwords, Account(name, role, HASHES[password]))

    def record(self, file: str) -> list[tuple[str, str | None]]:
        lines = (self.root / "logs" / file).read_text().splitlines()
        return [(line["what"], line["name"]) for line in map(json.loads, lines)]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    root, passwords = make("seeded", folder / "books"), folder / "outside" / "passwords.json"
    for name, role, password in (("anna", OPERATOR, ANNA), ("bo", VIEWER, BO), ("cy", VIEWER, BO)):
        save_account(passwords, Account(name, role, HASHES[password]))
    with running_page(root, free_port(), passwords) as url:
        yield Guarded(url, root, passwords)


def sign_in(page: Page, url: str, name: str, password: str, place: str = "") -> None:
    """Open a place, be sent to the sign-in, and fill it in."""
    page.goto(f"{url}/{place}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def is_open(page: Page) -> None:
    expect(page.get_by_test_id("stHeading").first).to_be_visible(timeout=30_000)


def has_ended(page: Page) -> None:
    """Wait until an open page says that its session is over, and load it again."""
    said = page.get_by_role("dialog").get_by_text("Load this page again to sign in")
    expect(said).to_be_visible(timeout=30_000)
    page.reload()
    expect(page.get_by_label("Password")).to_be_visible()


def test_an_operator_comes_to_the_page_that_was_asked_for_and_may_act(guarded: Guarded, tab: OpenBrowser) -> None:
    page = tab()
    sign_in(page, guarded.url, "anna", ANNA, "trades?period=All&rows=Fills")
    is_open(page)
    assert page.url == f"{guarded.url}/trades?period=All&rows=Fills"
    expect(page.get_by_text("anna, operator")).to_be_visible()
    page.get_by_role("link", name="Stop trading").click()
    expect(page.get_by_role("button", name="No entries", exact=True)).to_be_visible(timeout=20_000)


def test_a_viewer_sees_every_page_and_no_control(guarded: Guarded, tab: OpenBrowser) -> None:
    page = tab()
    sign_in(page, guarded.url, "bo", BO)
    is_open(page)
    for place in PAGES:
        page.goto(f"{guarded.url}/{place}")
        is_open(page)
        expect(page.get_by_text("bo, viewer")).to_be_visible()
        page.wait_for_timeout(700)
        expect(page.get_by_role("link", name="Stop trading")).to_have_count(0)
        for label in CONTROLS:
            assert page.get_by_role("button", name=label, exact=True).count() == 0, f"{label} on {place}"


def test_a_wrong_password_says_so_and_waits_after_the_fifth(guarded: Guarded, tab: OpenBrowser) -> None:
    page = tab()
    for _ in range(5):
        sign_in(page, guarded.url, "cy", "a wrong password!")
        expect(page.get_by_role("alert")).to_have_text("Wrong name or password.")
    sign_in(page, guarded.url, "cy", BO)
    expect(page.get_by_role("alert")).to_have_text("Too many tries. Wait 5 min.")
    assert guarded.record("signin.log")[-2:] == [("wrong name or password", "cy"), ("too many tries", "cy")]
    other = tab()
    sign_in(other, guarded.url, "bo", BO)
    is_open(other)


def test_signing_out_closes_every_tab_of_the_session(guarded: Guarded, tab: OpenBrowser) -> None:
    page = tab()
    sign_in(page, guarded.url, "anna", ANNA)
    is_open(page)
    second = page.context.new_page()
    second.goto(f"{guarded.url}/bots")
    is_open(second)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign out").click()
    out = opened.value
    out.get_by_role("button", name="Sign out").click()
    expect(out.get_by_label("Password")).to_be_visible()
    assert SESSION_COOKIE not in {cookie["name"] for cookie in out.context.cookies()}
    assert ("signed out", "anna") in guarded.record("acts.log")
    has_ended(second)


def test_a_new_password_ends_what_is_open(guarded: Guarded, tab: OpenBrowser) -> None:
    page = tab()
    sign_in(page, guarded.url, "anna", ANNA, "control")
    is_open(page)
    guarded.set_password("anna", OPERATOR, BO)
    try:
        has_ended(page)
        sign_in(page, guarded.url, "anna", ANNA)
        expect(page.get_by_role("alert")).to_have_text("Wrong name or password.")
        sign_in(page, guarded.url, "anna", BO, "control")
        is_open(page)
    finally:
        guarded.set_password("anna", OPERATOR, ANNA)


def test_who_is_removed_is_out(guarded: Guarded, tab: OpenBrowser) -> None:
    page = tab()
    sign_in(page, guarded.url, "bo", BO)
    is_open(page)
    remove_account(guarded.passwords, "bo")
    try:
        has_ended(page)
    finally:
        guarded.set_password("bo", VIEWER, BO)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sign_in_fits_a_phone(scheme: str, guarded: Guarded, tab: OpenBrowser) -> None:
    page = tab(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page.goto(f"{guarded.url}/login")
    expect(page.get_by_label("Password")).to_be_visible()
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor").strip("rgb()").split(",")
    assert (max(map(int, ground)) < 60) == (scheme == "dark")
