"""Stopping from a phone, without a database, and a worker that hangs, in a real browser on a running fleet."""

import json
import os
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from dashboard.gate.acts import FILE
from shared.database import sqlite_module
from tests.dashboard.browser.conftest import OpenBrowser
from tests.dashboard.browser.fleet import Fleet, running_fleet, wait_for
from tests.process.running import alive

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PLACES = ["", "bots", "bot", "symbol", "allocations", "trades", "analytics", "risk", "decisions", "control"]
PHONE = {"width": 390, "height": 844}
# What else is drawn where the button is, and where it is.
COVERED = """(key) => {
  const button = document.querySelector(`.st-key-${key}`), place = button.getBoundingClientRect();
  const below = document.elementsFromPoint(place.x + place.width / 2, place.y + place.height / 2)
    .filter(found => !button.contains(found) && !found.contains(button));
  return below.filter(found => found.closest('.stMainBlockContainer') || found.closest('[data-testid=stSidebar]'))
    .filter(found => !found.closest('[data-testid=stHeader]')).map(found => found.outerHTML.slice(0, 200));
}"""


@pytest.fixture(scope="module")
def own() -> Iterator[Fleet]:
    """Give a fleet whose worker is stopped and whose database is taken away."""
    with running_fleet() as running:
        wait_for(lambda: (running.root / "state" / "flotilla.db").exists() and _stepped(running), 60.0)
        yield running


@pytest.mark.parametrize("place", PLACES)
def test_a_phone_shows_the_way_to_stop_on_every_page(place: str, fleet: Fleet, tab: OpenBrowser) -> None:
    page = tab(viewport=PHONE)
    _open(page, fleet.url, place)
    stop = page.locator(".st-key-kill_on_top").get_by_role("link", name="Stop trading")
    expect(stop).to_be_in_viewport(ratio=1.0)
    assert page.evaluate(COVERED, "kill_on_top") == []
    page.mouse.move(195, 500)
    page.mouse.wheel(0, 3_000)
    expect(stop).to_be_in_viewport(ratio=1.0)
    stop.click()
    expect(page.get_by_text("Kill switch for")).to_be_visible(timeout=15_000)


def test_beside_an_open_sidebar_there_is_one_way_only(fleet: Fleet, tab: OpenBrowser) -> None:
    page = tab()
    _open(page, fleet.url)
    expect(page.get_by_role("link", name="Stop trading")).to_have_count(1)
    expect(page.locator(".st-key-kill_on_top")).to_be_hidden()


def test_without_a_database_a_worker_that_hangs_is_stopped_killed_and_started(own: Fleet, tab: OpenBrowser) -> None:
    process, state, away = own.worker(), own.root / "state", own.root / "away"
    before = tab()
    _open(before, own.url, "bots")
    # First: one that runs ends where its database is gone.
    os.kill(process, signal.SIGSTOP)
    state.rename(away)
    try:
        for size, place in ((PHONE, "kill_on_top"), ({"width": 1400, "height": 1000}, "kill")):
            fresh = tab(viewport=size)
            _open(fresh, own.url, "bots")
            expect(fresh.get_by_text("cannot be read any more")).to_be_visible()
            expect(fresh.locator(f".st-key-{place} button")).to_be_in_viewport(ratio=1.0)
        fresh.locator(".st-key-kill button").click()
        dialog = fresh.get_by_role("dialog")
        expect(dialog.get_by_text("The worker is RUNNING")).to_be_visible()
        _press(dialog, "Stop it now", reason="it hangs")
        expect(dialog.get_by_text("The worker is STOPPING")).to_be_visible(timeout=5_000)
        expect(dialog.get_by_text("RUNNING")).to_have_count(0)
        _press(dialog, "Kill it now")
        wait_for(lambda: not alive(process), 10.0)
        expect(dialog.get_by_text("The worker is STOPPED")).to_be_visible(timeout=5_000)
        expect(dialog.get_by_text("STOPPING")).to_have_count(0)
    finally:
        away.rename(state)
    # It goes on by itself, and the question stays open.
    expect(fresh.get_by_text("cannot be read any more")).to_have_count(0, timeout=15_000)
    _press(dialog, "Start it again")
    expect(dialog.get_by_text("The worker is RUNNING")).to_be_visible(timeout=10_000)
    wait_for(lambda: own.worker() != process, 20.0)
    lines = [json.loads(line) for line in (own.root / FILE).read_text().splitlines()]
    assert [(line["what"].split()[-3:], line["name"], line["reason"]) for line in lines] == [
        (["stop", "the", "worker"], "local", "it hangs"),
        (["kill", "the", "worker"], "local", "it hangs"),
        (["start", "the", "worker"], "local", "it hangs"),
    ]
    expect(before.get_by_text("No figures: the database does not answer")).to_have_count(0, timeout=15_000)


def _open(page: Page, url: str, place: str = "") -> None:
    page.goto(f"{url}/{place}")
    page.wait_for_selector("[data-testid=stHeading]", timeout=30_000)


def _press(dialog: object, label: str, reason: str | None = None) -> None:
    if reason is not None:
        expect(dialog.get_by_role("button", name=label)).to_be_disabled()
        dialog.get_by_label("Reason, for the record").fill(reason)
    expect(dialog.get_by_role("button", name=label)).to_be_enabled(timeout=10_000)
    dialog.get_by_role("button", name=label).click()


def _stepped(fleet: Fleet) -> bool:
    try:
        return bool(fleet.rows("SELECT 1 FROM heartbeat WHERE step > 2"))
    except sqlite_module().Error:
        return False
