"""The file holds all it needs, asks nobody for anything, and lets no stored text become markup or script."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from dashboard.queries.filters import Filters
from dashboard.report.document import policy, write_report
from dashboard.report.drawing import DRAWING
from dashboard.report.looks import LOOKS
from dashboard.serving.plotly_script import script
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import BOT
from tests.dashboard.report.reading import MADE_MS, Read, facts_of, read


def test_nothing_in_it_comes_from_elsewhere(whole: Read) -> None:
    assert whole.fetches == ["link href=data:,"]
    assert not whole.tags & {"img", "iframe", "object", "embed", "form", "base", "a", "video", "audio"}
    assert whole.scripts == 2
    for text in (LOOKS, DRAWING):
        assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttp|import\(", text)
    assert read_hostile_attributes('<img src="x" onerror="y">') == ["img src=x", "img onerror"]


def read_hostile_attributes(text: str) -> list[str]:
    """The check would see an element that fetches, or runs."""
    return Read(text).fetches


def test_the_library_is_in_it_once(folder: Path) -> None:
    parts = write_report(facts_of(seeding.seeded(), Filters()), "flotilla", MADE_MS)
    whole = b"".join(parts)
    assert whole.count(script()) == 1
    assert len(whole) - len(script()) < 200_000
    # Neither script may end before its end, nor open what HTML takes for a comment.
    for text in (script(), DRAWING.encode()):
        assert b"</script" not in text.lower() and b"<!--" not in text


def test_the_policy_lets_its_own_scripts_run_and_nothing_else(whole: Read) -> None:
    for text in (script(), DRAWING.encode()):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'" in policy()
    assert "default-src 'none'" in policy() and "connect-src" not in policy()
    assert "unsafe-eval" not in policy() and "script-src 'unsafe-inline'" not in policy()
    head = whole.text[: whole.text.index("<title>")]
    assert head.index("Content-Security-Policy") < head.index("viewport") and "<script" not in head


@pytest.mark.parametrize("filters", [Filters(), Filters(bots=(BOT + seeding.HOSTILE,))])
def test_hostile_text_is_shown_as_it_is_written(folder: Path, filters: Filters) -> None:
    report = read(seeding.hostile(folder), filters)
    assert seeding.HOSTILE in report.words
    assert BOT + seeding.HOSTILE in report.words
    assert report.scripts == 2 and "b" not in report.tags
    assert report.fetches == ["link href=data:,"]
    drawn = str(report.figures)
    assert "<script" not in drawn and "<b " not in drawn and "&lt;script" in drawn
