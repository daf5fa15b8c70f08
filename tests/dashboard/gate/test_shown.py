"""What a page works out, by a link that holds still: as it is on show when asked, and gone with its page."""

import gc

from dashboard.serving.shown import Shown
from tests.dashboard.shown_files import follow


def written(text: str) -> bytes:
    return text.encode()


def test_a_link_holds_still_and_gives_what_is_on_show_when_it_is_followed() -> None:
    shown = Shown("trades")
    address = shown.keep("positions_0", "flotilla-open_positions", lambda form: written(f"{form} of the first step"))
    assert follow(f"{address}.csv").text == "csv of the first step"
    assert shown.keep("positions_0", "flotilla-open_positions", lambda form: written(f"{form} of the next")) == address
    answer = follow(f"{address}.json")
    assert answer.text == "json of the next"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == 'attachment; filename="flotilla-open_positions.json"'
    assert answer.headers["cache-control"] == "no-store"


def test_pages_have_links_that_nobody_can_guess() -> None:
    one, other = Shown("trades"), Shown("trades")
    addresses = {shown.keep("positions_0", "flotilla-open_positions", written) for shown in (one, other)}
    assert len(addresses) == 2
    assert all(len(address.split("/")[3]) >= 20 for address in addresses)


def test_what_is_no_longer_on_show_is_answered_with_a_sentence() -> None:
    shown = Shown("trades")
    address = shown.keep("positions_0", "flotilla-open_positions", written)
    assert follow(f"{address}.csv").text == "csv"
    for wrong in (f"{address}.xlsx", f"{address}x.csv", f"{address}/../other.csv", "/export/shown/made_up/a.csv"):
        assert follow(wrong).status_code == 404, wrong
    del shown
    gc.collect()
    answer = follow(f"{address}.csv")
    assert (answer.status_code, answer.text[:28]) == (404, "This is no longer on show: o")
