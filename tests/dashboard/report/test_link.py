"""The link on the pages asks for what the page shows."""

from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import QueryParams

from dashboard.components.report_link import REPORT_PATH, report_url
from dashboard.queries.filters import Filters
from dashboard.report.route import PATH
from dashboard.report.selection import whole_days
from dashboard.serving.exports import parse_filters
from shared.units import DAY_MS
from tests.dashboard.queries.catalogue import BEGIN_MS, BOT
from tests.dashboard.seeding import HOSTILE
from tests.dashboard.views.conftest import Folder, OpenPage, folder, open_page

__all__ = ["folder", "open_page"]
LABEL = "Report as one file"


def asked(url: str) -> Filters:
    return whole_days(parse_filters(QueryParams(urlsplit(url).query)))


def test_what_is_linked_is_what_the_route_reads() -> None:
    assert report_url() == REPORT_PATH == PATH
    shown = Filters(BEGIN_MS, BEGIN_MS + DAY_MS, (BOT, HOSTILE), ("a&b=c",), ("BTC/USDT",), ("BUY",), ("STOP",))
    assert asked(report_url(shown)) == shown


def links(app) -> list[str]:
    return [element.proto.url for element in app.get("link_button") if element.proto.label == LABEL]


def test_each_page_links_to_the_report_of_what_it_shows(folder: Folder, open_page: OpenPage) -> None:
    books = folder("seeded")
    (of_bot,) = links(open_page(books, "bot", bot=BOT))
    assert asked(of_bot).bots == (BOT,) and asked(of_bot).start_ms is not None
    (of_all,) = links(open_page(books, "analytics", sleeves="breakout", sides="long"))
    assert parse_qs(urlsplit(of_all).query) == {"sleeve": ["breakout"], "side": ["BUY"]}
    (of_overview,) = links(open_page(books, "overview"))
    assert asked(of_overview).bots == () and asked(of_overview).start_ms is not None
