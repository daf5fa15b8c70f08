"""The few looks Streamlit's theme has no word for. All of it is ours; nothing stored ever comes here."""

import streamlit as st

_STYLE = """
<style>
.stMainBlockContainer { padding-top: 2.5rem; padding-bottom: 3rem; }
[data-testid="stMetricValue"] { font-size: clamp(1.35rem, 2.4vw, 2.1rem); }
[data-testid="stSidebarUserContent"] { padding-bottom: 2rem; }
.st-key-kill button, .st-key-flatten_instead button, .st-key-stop_worker_now button {
  background-color: #b3261e; border-color: #b3261e; color: #fff; }
.st-key-kill button:hover, .st-key-flatten_instead button:hover, .st-key-stop_worker_now button:hover {
  background-color: #8c1d18; border-color: #8c1d18; color: #fff; }
.st-key-kill { position: sticky; bottom: 0.5rem; z-index: 2; }
@media (max-width: 640px) { .stMainBlockContainer { padding: 4.5rem 1rem 3rem; } }
</style>
"""


def style() -> None:
    """Put the looks into the page."""
    st.html(_STYLE)
