"""Downloads: what stands beneath every table and chart, and gives its rows as CSV or JSON.

Rows of the books come as a stream from `/export`, with the columns of `flotilla export`, as filtered or all; what a
page works out comes from `/export/shown`, as it is on show. `table` and `live_chart` ask for one of the two, so that
none is drawn without.
"""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

import streamlit as st
from pandas import DataFrame

from dashboard import loaders
from dashboard.components.pickers import Period
from dashboard.components.rows import Rows
from dashboard.components.words import words
from dashboard.queries.equity import Scope
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.serving.sending import MEDIA_TYPES
from dashboard.serving.shown import Shown
from shared.enums import Resolution, ScopeKind
from shared.units import DAY_MS, HOUR_MS, bar_open_ms

EXPORT_PATH = "/export"
_SHOWN = "shown"
NOTES = {
    "Books": "the columns of `flotilla export {name}`, times UTC.",
    "Rows": "the rows on show; fractions are fractions, times UTC.",
}


@dataclass(frozen=True, slots=True)
class Books:
    """Rows of the books: an export of this name, filtered as on show; `scope_kinds`, `resolution` as in `/export`."""

    name: str
    filters: Filters = EVERYTHING
    scope_kinds: tuple[str, ...] = ()
    resolution: str = ""

    def url(self, form: str) -> str:
        """Give the address of what is on show; the rows are streamed, however many there are."""
        single = {"from": self.filters.start_ms, "to": self.filters.end_ms, "resolution": self.resolution.lower()}
        many = {
            "bot": self.filters.bots,
            "sleeve": self.filters.sleeves,
            "symbol": self.filters.symbols,
            "side": self.filters.sides,
            "exit_reason": self.filters.exit_reasons,
            "scope_kind": self.scope_kinds,
        }
        asked: dict[str, object] = {name: value for name, value in single.items() if value not in (None, "")}
        asked |= {name: values for name, values in many.items() if values}
        return f"{EXPORT_PATH}/{self.name}.{form}" + (f"?{urlencode(asked, doseq=True)}" if asked else "")

    def everything(self) -> "Books":
        """Give all rows of the same kind."""
        return Books(self.name)


Source = Books | Rows


def equity_books(scopes: tuple[Scope, ...], period: Period, marks: DataFrame) -> Books:
    """Give the equity of scopes at the resolution of the marks on show; at hours where they are of several.

    With the mark the period begins with, which is the first on show, and that it ends with.
    """
    found = marks["resolution"].unique().tolist()
    start_ms, end_ms = period
    if found == [Resolution.STEP.name]:
        # A step's mark has its own time, a rolled-up one that of its beginning.
        end_ms = None if end_ms is None else end_ms + 1
    elif start_ms is not None:
        slot_ms = DAY_MS if found == [Resolution.DAY.name] else HOUR_MS
        start_ms = bar_open_ms(start_ms, slot_ms) - slot_ms
    named = Filters(
        start_ms,
        end_ms,
        bots=tuple(scope.name for scope in scopes if scope.kind is ScopeKind.BOT),
        sleeves=tuple(scope.name for scope in scopes if scope.kind is ScopeKind.SLEEVE),
    )
    books = Books("equity", named)
    if any(scope.kind is ScopeKind.PORTFOLIO for scope in scopes):
        books = replace(books, scope_kinds=(ScopeKind.PORTFOLIO.name,))
    return replace(books, resolution=found[0]) if len(found) == 1 else books


def turn_to(page: str) -> None:
    """Let go of what another page has shown; the links of this one stay as they are through all its runs."""
    if _SHOWN not in st.session_state or st.session_state[_SHOWN].page != page:
        st.session_state[_SHOWN] = Shown(page)
    st.session_state[_SHOWN].begin()


def download(key: str, source: Source, *more: Source) -> None:
    """Draw the button that opens the downloads of a table or chart; what they give is made on the click only."""
    # Only the icon is seen (`style`); the words are for those who do not see it.
    with st.popover(
        f"Download {words(source.name)}", icon=":material/download:", type="tertiary", key=f"download_{key}"
    ):
        for number, offered in enumerate((source, *more)):
            st.caption(f"{words(offered.name).capitalize()}: {NOTES[type(offered).__name__].format(name=offered.name)}")
            with st.container(horizontal=True):
                if isinstance(offered, Books):
                    _books_links(offered)
                else:
                    _rows_links(offered, f"{key}_{number}")


def _books_links(books: Books) -> None:
    is_filtered = books != books.everything()
    for form in MEDIA_TYPES:
        if is_filtered:
            st.link_button(f"{form.upper()}, as filtered", books.url(form))
        st.link_button(f"{form.upper()}, all", books.everything().url(form))


def _rows_links(rows: Rows, key: str) -> None:
    name = f"{loaders.place().settings.portfolio.name}-{rows.name}"
    address = st.session_state[_SHOWN].keep(key, name, rows.write)
    for form in MEDIA_TYPES:
        st.link_button(form.upper(), f"{address}.{form}")
