"""Every page opens on every state a fleet can be in."""

import re

import pytest

from tests.dashboard.views.books import STATES
from tests.dashboard.views.conftest import Folder, OpenPage, texts
from tests.dashboard.views.grids import grids

PAGES = ("overview", "bots", "bot", "symbol", "allocations", "trades", "analytics", "risk", "decisions", "control")
USUAL = ("seeded", "empty")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "state", [state if state in USUAL else pytest.param(state, marks=pytest.mark.slow) for state in STATES]
)
def test_a_page_opens(state: str, page: str, folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder(state), page)
    assert [error.message for error in app.exception] == []
    assert texts(app)


@pytest.mark.parametrize("page", PAGES)
def test_without_a_database_every_page_says_what_it_waits_for(page: str, folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("missing"), page)
    assert [error.message for error in app.exception] == []
    assert "waiting for the worker" in texts(app).replace("\\", "")
    assert "make run" in texts(app)


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_database_is_told_from_a_fleet_that_earns_nothing(
    page: str, folder: Folder, open_page: OpenPage
) -> None:
    app = open_page(folder("empty"), page)
    assert "must hold portfolio" in texts(app).replace("\\", "")
    assert not app.metric


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_that_the_worker_is_silent(page: str, folder: Folder, open_page: OpenPage) -> None:
    errors = [error.value for error in open_page(folder("stale"), page).error]
    # An hour when the books were made, a little more by now.
    assert sum(bool(re.search("silent for 6[0-9] min", error)) for error in errors) == 2, "in the page and beside it"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_what_a_halt_leaves_unprotected(page: str, folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("halted"), page)
    said = "\n".join(error.value for error in app.error).replace("\\", "")
    assert "no stop either" in said
    assert "stay open without protection" in said
    assert "the exchange is down" in said


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_that_market_and_broker_are_not_real(page: str, folder: Folder, open_page: OpenPage) -> None:
    said = texts(open_page(folder("seeded"), page)).replace("\\", "")
    assert "simulated market" in said
    assert "paper" in said


# The panels with figures of each page that are drawn again by themselves.
LIVE = {"overview": 6, "bots": 1, "bot": 3, "symbol": 4, "allocations": 2, "risk": 6, "control": 5}


@pytest.mark.slow
@pytest.mark.parametrize("page", LIVE)
def test_every_live_panel_carries_the_age_of_its_figures(page: str, folder: Folder, open_page: OpenPage) -> None:
    for state, age in (
        # Books are made once for all tests, so that they may be minutes old by now; that alone is no reason for red.
        ("seeded", r"^(?!.*:red).*\d (ms|s|min) old · step [\d,]+"),
        ("stale", r":red\[.* min old · step [\d,]+"),
    ):
        captions = [caption.value.replace("\\", "") for caption in open_page(folder(state), page).caption]
        aged = [caption for caption in captions if re.search(age, caption)]
        assert len(aged) == LIVE[page], (state, captions)


def test_a_living_worker_is_no_error(folder: Folder, open_page: OpenPage) -> None:
    assert not open_page(folder("seeded"), "overview").error


@pytest.mark.slow
def test_five_hundred_bots_are_in_one_table(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("large"), "bots")
    assert len(grids(app)[0].value) >= 500
