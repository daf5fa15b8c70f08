"""The link to the report: one file of HTML about what is on show, to keep or to hand on."""

from urllib.parse import urlencode

import streamlit as st

from dashboard.components.pickers import ChosenFilters
from dashboard.queries.filters import EVERYTHING, Filters

REPORT_PATH = "/report.html"
HELP = (
    "One file with key figures, charts, win rates, costs and the largest round trips of the days on show. It opens in "
    "any browser without a network, and prints. About 5 MB, nearly all of it the library that draws the charts."
)


def report_url(filters: Filters = EVERYTHING) -> str:
    """Give the address of the report of what the filters take."""
    single = {"from": filters.start_ms, "to": filters.end_ms}
    many = {
        "bot": filters.bots,
        "sleeve": filters.sleeves,
        "symbol": filters.symbols,
        "side": filters.sides,
        "exit_reason": filters.exit_reasons,
    }
    asked: dict[str, object] = {name: value for name, value in single.items() if value is not None}
    asked |= {name: values for name, values in many.items() if values}
    return REPORT_PATH + (f"?{urlencode(asked, doseq=True)}" if asked else "")


def report_link(filters: Filters | ChosenFilters = EVERYTHING) -> None:
    """Draw the button that downloads the report of what the filters take; live, it moves on with the last days."""
    taken = filters.now() if isinstance(filters, ChosenFilters) else filters
    st.link_button("Report as one file", report_url(taken), icon=":material/description:", type="tertiary", help=HELP)
