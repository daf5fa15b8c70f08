"""Text that people or settings chose is shown as it is written, on every page."""

import re

import pytest

from dashboard.components.words import plain
from tests.dashboard.views.books import HOSTILE
from tests.dashboard.views.conftest import Folder, OpenPage
from tests.dashboard.views.test_pages import PAGES

# What markdown would make a picture, a link, a colour or a formula of.
TELLTALES = ("![](http", "[go](http", "](javascript:", ":red[y]", "$x^2$", "<script")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_no_stored_text_is_read_as_markup(page: str, folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("hostile"), page, bot=HOSTILE)
    assert [error.message for error in app.exception] == []
    kinds = ("markdown", "caption", "error", "warning", "info", "success", "header", "subheader")
    said = [element.value for kind in kinds for element in getattr(app, kind)]
    said += [button.label for button in app.button]
    assert [text for text in said for telltale in TELLTALES if telltale in unescaped(text)] == []
    assert any("elsewhere" in text for text in said), "the hostile label of the market is on the page"


@pytest.mark.parametrize("telltale", TELLTALES)
def test_the_check_would_see_text_that_was_not_made_plain(telltale: str) -> None:
    assert telltale in unescaped(HOSTILE)
    assert telltale not in unescaped(plain(HOSTILE))


def unescaped(text: str) -> str:
    """Leave out what a backslash makes plain."""
    return re.sub(r"\\[^\w\s]", "", text)
