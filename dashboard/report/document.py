"""The whole file: head, sections, looks, and the script that draws; nothing in it asks anybody for anything."""

import hashlib
from base64 import b64encode
from functools import cache

from dashboard.report.bots import costs, extremes, positions
from dashboard.report.drawing import DRAWING
from dashboard.report.facts import Facts
from dashboard.report.html import Html, element, joined
from dashboard.report.looks import LOOKS
from dashboard.report.notes import notes
from dashboard.report.opening import key_figures, not_opened, opening
from dashboard.report.returns import curves
from dashboard.report.trips import round_trips
from dashboard.serving.plotly_script import script

# The script that draws takes it away.
WITHOUT_SCRIPT = "The charts need JavaScript, which does not run here; the tables do not."


def write_report(facts: Facts | None, portfolio: str, made_ms: int) -> list[bytes]:
    """Write the file in pieces; `facts` are None where the worker has not opened its books."""
    if facts is None:
        return _document(f"{portfolio} · report", not_opened(portfolio, made_ms))
    body = (
        opening(facts, made_ms),
        element("p", WITHOUT_SCRIPT, class_="missing", id="undrawn"),
        key_figures(facts),
        curves(facts),
        extremes(facts),
        costs(facts),
        round_trips(facts),
        positions(facts),
        notes(facts),
    )
    return _document(f"{facts.overview.name} · report", *body)


def _document(title: str, *body: Html) -> list[bytes]:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy()),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", Html(LOOKS)),
    )
    before = f'<!DOCTYPE html><html lang="en">{head}<body>{element("main", *body)}<script>'
    after = joined(Html("</script>"), element("script", Html(DRAWING)), Html("</body></html>\n"))
    return [before.encode(), script(), after.encode()]


@cache
def policy() -> str:
    """Give what the file may do: run its own two scripts, and fetch nothing from anywhere."""
    own = " ".join(f"'sha256-{b64encode(hashlib.sha256(text).digest()).decode()}'" for text in _scripts())
    # Plotly writes rules of its own for what it draws, and makes pictures of charts out of itself.
    return (
        f"default-src 'none'; script-src {own}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; "
        "form-action 'none'"
    )


def _scripts() -> tuple[bytes, bytes]:
    return script(), DRAWING.encode()
