"""What people do with the page, in a real browser on a running fleet."""

import os
import signal
import time

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.browser.conftest import OpenBrowser
from tests.dashboard.browser.fleet import Fleet, free_port, running_page, wait_for
from tests.dashboard.browser.pages import FIRST_CHART_MS, PLOT, drawn, open_page, still
from tests.dashboard.views.books import make
from tests.process.running import alive

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LEVEL = "SELECT level_person FROM portfolio_state"


def ask(page: Page, label: str, reason: str, word: str | None = None) -> None:
    """Press a button of the kill switch and answer its question, up to the last click."""
    page.get_by_role("button", name=label, exact=True).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason, for the audit trail").fill(reason)
    if word is not None:
        dialog.get_by_label(f"Type {word} to confirm").fill(word)
    expect(dialog.get_by_role("button", name=f"{label} now")).to_be_enabled()


def send(page: Page, label: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=f"{label} now").click()


def release(page: Page, fleet: Fleet) -> None:
    ask(page, "Release", "over")
    send(page, "Release")
    wait_for(lambda: fleet.rows(LEVEL) == [("RUNNING",)], 10.0)


def test_the_first_start_leads_to_a_first_chart(fleet: Fleet, tab: OpenBrowser) -> None:
    page = tab()
    open_page(page, fleet.url)
    expect(page.locator(PLOT).first).to_be_visible(timeout=FIRST_CHART_MS)
    expect(page.get_by_text("simulated market, seed 7").first).to_be_visible()


def test_a_live_chart_is_renewed_in_place_and_keeps_its_zoom(fleet: Fleet, tab: OpenBrowser) -> None:
    page = tab()
    open_page(page, fleet.url)
    expect(page.locator(PLOT).first).to_be_visible(timeout=FIRST_CHART_MS)
    page.evaluate(
        """() => { const chart = document.querySelector('.live-chart'); window.kept = chart;
        const [from, to] = chart._fullLayout.xaxis.range.map(x => +new Date(x + 'Z'));
        window.Plotly.relayout(chart, {'xaxis.range[0]': from + (to - from) / 2}); }"""
    )
    zoom = "() => String(document.querySelector('.live-chart')._fullLayout.xaxis.range[0])"
    before, step = page.evaluate(zoom), fleet.rows("SELECT step FROM heartbeat")[0][0]
    wait_for(lambda: fleet.rows("SELECT step FROM heartbeat")[0][0] > step + 2, 20.0)
    page.wait_for_timeout(3_000)
    assert page.evaluate("() => window.kept === document.querySelector('.live-chart') && window.kept.isConnected")
    assert page.evaluate(zoom) == before


def test_no_entries_is_in_the_database_within_two_seconds_of_the_click(fleet: Fleet, tab: OpenBrowser) -> None:
    page = tab()
    open_page(page, fleet.url)
    page.get_by_role("link", name="Stop trading").click()
    expect(page.get_by_text("Kill switch for")).to_be_visible()
    ask(page, "No entries", "a test")
    began = time.monotonic()
    send(page, "No entries")
    wait_for(lambda: fleet.rows(LEVEL) == [("NO_ENTRIES",)], 2.0)
    assert time.monotonic() - began < 2.0
    expect(page.get_by_text("done after")).to_be_visible(timeout=5_000)
    release(page, fleet)


def test_a_halt_is_shown_in_red_with_what_is_at_risk(fleet: Fleet, tab: OpenBrowser) -> None:
    page = tab()
    open_page(page, fleet.url, "control")
    ask(page, "Halt", "a test", "HALT")
    send(page, "Halt")
    expect(page.get_by_text("stay open without protection").first).to_be_visible(timeout=10_000)
    release(page, fleet)


def test_a_worker_that_does_not_answer_is_stopped_through_supervisor(fleet: Fleet, tab: OpenBrowser) -> None:
    page = tab()
    open_page(page, fleet.url, "control")
    # Stopped within a transaction it would keep everybody from writing: while it catches up it always is in one.
    wait_for(lambda: fleet.rows("SELECT due_ms > wall_ms + 200 FROM heartbeat") == [(1,)], 90.0)
    process = fleet.worker()
    os.kill(process, signal.SIGSTOP)
    ask(page, "No entries", "it hangs")
    send(page, "No entries")
    expect(page.get_by_text("has not answered for").first).to_be_visible(timeout=15_000)
    page.get_by_role("button", name="Stop the worker's process").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason, for the record").fill("it hangs")
    dialog.get_by_role("button", name="Stop it now").click()
    expect(dialog.get_by_text("The worker is STOPPING")).to_be_visible(timeout=10_000)
    dialog.get_by_role("button", name="Kill it now").click()
    wait_for(lambda: not alive(process), 10.0)
    dialog.get_by_role("button", name="Start it again").click()
    wait_for(lambda: fleet.rows(LEVEL) == [("NO_ENTRIES",)], 20.0)
    page.keyboard.press("Escape")
    release(page, fleet)


def test_filters_survive_in_the_address_bar(fleet: Fleet, tab: OpenBrowser) -> None:
    page = tab()
    open_page(page, fleet.url, "trades")
    page.get_by_text("90d", exact=True).click()
    page.wait_for_url(lambda url: "period=90d" in url)
    drawn(page)
    page.get_by_text("Filters", exact=True).click()
    still(page.get_by_role("button", name="stop", exact=True)).click()
    page.wait_for_url(lambda url: "period=90d" in url and "exits=stop" in url)
    again = tab()
    again.goto(page.url)
    chosen = again.locator("button[aria-pressed=true], button[aria-checked=true], [kind$=Active]")
    expect(chosen.filter(has_text="stop").first).to_be_visible(timeout=15_000)
    expect(chosen.filter(has_text="90d").first).to_be_visible()


def test_the_dark_theme_is_that_of_the_machine(fleet: Fleet, tab: OpenBrowser) -> None:
    ground = "() => getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    light, dark = tab(color_scheme="light"), tab(color_scheme="dark")
    for page in (light, dark):
        open_page(page, fleet.url)
        expect(page.locator(PLOT).first).to_be_visible(timeout=FIRST_CHART_MS)
    assert light.evaluate(ground) == "rgb(255, 255, 255)"
    assert max(int(part) for part in dark.evaluate(ground).strip("rgb()").split(",")) < 60
    text = "() => document.querySelector('.live-chart')._fullLayout.font.color"
    assert light.evaluate(text) != dark.evaluate(text)


@pytest.mark.parametrize(
    "place", ["", "bots", "bot", "symbol", "allocations", "trades", "analytics", "risk", "decisions", "control"]
)
def test_a_phone_needs_no_scrolling_sideways(place: str, fleet: Fleet, tab: OpenBrowser) -> None:
    page = tab(viewport={"width": 390, "height": 844})
    open_page(page, fleet.url, place)
    page.wait_for_timeout(1_500)
    main = "() => { const m = document.querySelector('[data-testid=stMain]'); return m.scrollWidth - m.clientWidth; }"
    assert page.evaluate(main) <= 0


def test_hostile_names_neither_run_nor_fetch(tab: OpenBrowser, tmp_path) -> None:
    root = make("hostile", tmp_path / "hostile")
    page = tab()
    page.on("dialog", lambda dialog: pytest.fail(f"a stored text ran: {dialog.message}"))
    with running_page(root, free_port()) as url:
        for place in ("", "bots", "bot", "symbol", "allocations", "trades", "risk", "decisions", "control"):
            open_page(page, url, place)
            page.wait_for_timeout(1_000)
            assert (
                page.locator(
                    "img[src*=elsewhere], a[href^='http://elsewhere'], a[href^=javascript], script:text('alert')"
                ).count()
                == 0
            )
