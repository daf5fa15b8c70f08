"""Markup is what was made here; everything else is text."""

import pytest

from dashboard.report.html import Html, element, joined
from tests.dashboard.seeding import HOSTILE


def test_text_is_escaped_and_markup_is_not_escaped_twice() -> None:
    made = element("p", "a < b & ", element("b", '"c"'), None, 3)
    assert made == "<p>a &lt; b &amp; <b>&quot;c&quot;</b>3</p>"
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'
    assert (
        element("td", class_="number", aria_label='"x', style=None) == '<td class="number" aria-label="&quot;x"></td>'
    )


@pytest.mark.parametrize("make", [lambda text: element("td", text), lambda text: element("td", title=text), joined])
def test_hostile_text_stays_text(make) -> None:
    made = make(HOSTILE)
    assert "<script" not in made and "<b " not in made and isinstance(made, Html)
    # The check would see text that was taken for markup.
    assert "<script" in joined(Html(HOSTILE))


def test_adding_markup_to_text_gives_text() -> None:
    assert joined("<i>" + element("b", "x")) == "&lt;i&gt;&lt;b&gt;x&lt;/b&gt;"
