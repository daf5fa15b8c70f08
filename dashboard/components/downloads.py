"""Downloads: links to the streamed exports of the books, and the rows of a chart itself."""

from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from dashboard.components.words import words
from dashboard.queries.filters import EVERYTHING, Filters

EXPORT_PATH = "/export"
FORMATS = ("csv", "json")


def export_url(kind: str, form: str, filters: Filters = EVERYTHING) -> str:
    """Give the address of an export of what the filters take; the rows are streamed, however many there are."""
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
    return f"{EXPORT_PATH}/{kind}.{form}" + (f"?{urlencode(asked, doseq=True)}" if asked else "")


def export_links(kind: str, filters: Filters = EVERYTHING) -> None:
    """Draw the links that download what the filters take, and everything, as CSV and as JSON."""
    with st.popover("Download", icon=":material/download:", type="tertiary"):
        st.caption(f"{words(kind).capitalize()}: the columns of `flotilla export {kind}`, times UTC.")
        for form in FORMATS:
            with st.container(horizontal=True):
                st.link_button(f"{form.upper()}, as filtered", export_url(kind, form, filters), width="stretch")
                st.link_button(f"{form.upper()}, all", export_url(kind, form), width="stretch")


def frame_download(frame: pd.DataFrame, name: str, key: str) -> None:
    """Draw a button per format that downloads the rows behind a chart; they are written out on the click only."""
    with st.popover("Download", icon=":material/download:", type="tertiary"):
        st.caption("The figures of this chart; fractions are fractions, times ms UTC.")
        makers = {
            "csv": ("text/csv", lambda: frame.to_csv(index=False).encode()),
            "json": ("application/json", lambda: frame.to_json(orient="records").encode()),
        }
        for form, (mime, make) in makers.items():
            st.download_button(
                form.upper(), make, f"{name}.{form}", mime, key=f"{key}_{form}", on_click="ignore", width="stretch"
            )
