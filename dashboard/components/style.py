"""The few looks Streamlit's theme has no word for. All of it is ours; nothing stored ever comes here."""

import streamlit as st

from dashboard.components import grid

_STYLE = """
<style>
.stMainBlockContainer { padding: 2.5rem 2.5rem 3rem; }
[data-testid="stMetricValue"] { font-size: clamp(1.35rem, 2.4vw, 2.1rem); }
/* A name or a number that is cut off says something else: it takes a second line instead. */
:is([data-testid="stMetricValue"], [data-testid="stMetricLabel"]), :is([data-testid="stMetricValue"],
  [data-testid="stMetricLabel"]) :not(svg, svg *) {
  white-space: normal !important; overflow: visible !important; text-overflow: clip !important; }
[data-testid="stSidebarUserContent"] { padding-bottom: 2rem; }
/* Red in every state, whatever Streamlit has for a link to the page one is on, or for a button that waits. */
:is(.st-key-kill, .st-key-kill_on_top) :is(a, button):is(*, :hover, :active, :focus, :disabled, [disabled]),
:is(.st-key-flatten_instead, .st-key-stop_worker_now, .st-key-kill_worker_now) button:enabled {
  background-color: #b3261e !important; border-color: #b3261e !important; color: #fff !important;
  opacity: 1 !important; }
:is(.st-key-kill, .st-key-kill_on_top) :is(a, button):is(:hover, :active),
:is(.st-key-flatten_instead, .st-key-stop_worker_now, .st-key-kill_worker_now) button:enabled:hover {
  background-color: #8c1d18 !important; border-color: #8c1d18 !important; }
:is(.st-key-kill, .st-key-kill_on_top) :is(a, button):is(:focus, :focus-visible) {
  outline: 3px solid var(--st-text-color, currentColor) !important; outline-offset: 2px; }
:is(.st-key-kill, .st-key-kill_on_top) a { justify-content: center; min-height: 2.5rem; border-radius: 0.5rem; }
:is(.st-key-kill, .st-key-kill_on_top) a * { color: #fff; font-weight: 600; }
.st-key-kill { position: sticky; bottom: 0.5rem; z-index: 2; }
/* In Streamlit's own line at the top, under which a page scrolls away: it covers nothing that could be read there. */
.st-key-kill_on_top { position: fixed; top: 0.6rem; right: 4rem; z-index: 999991; width: auto !important; }
.stApp:has([data-testid="stSidebar"][data-collapsed="false"]) .st-key-kill_on_top { display: none; }
/* Downloads: a quiet icon at the lower right of its table or chart; its words are for screen readers. */
[class*="st-key-download_"][data-testid="stLayoutWrapper"] {
  align-self: flex-end; height: 1.75rem; margin: -1rem 0 -0.75rem; z-index: 1; }
[class*="st-key-download_"] [data-testid="stPopoverButton"] {
  position: relative; min-width: 1.75rem; min-height: 1.75rem; padding: 0; justify-content: center; opacity: 0.45; }
[class*="st-key-download_"] [data-testid="stPopoverButton"]:is(:hover, :focus-visible, [aria-expanded="true"]) {
  opacity: 1; }
[class*="st-key-download_"] [data-testid="stPopoverButton"] [data-testid="stMarkdownContainer"] {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[class*="st-key-download_"] [data-testid="stPopoverButton"] div[aria-hidden="true"] { display: none; }
/* Said by the browser itself (`watch`): above everything, and in the way of no button. */
[class*="st-key-watch"] { position: absolute; }
#stale_page { position: fixed; top: 3.75rem; left: 0; right: 0; z-index: 999992; padding: 0.6rem 1rem;
  background-color: #b3261e; color: #fff; font-weight: 600; text-align: center; pointer-events: none; }
.stale_page :is([data-testid="stMetric"], .grid, [data-testid="stCaptionContainer"],
  .stMarkdownBadge, .live-chart) { opacity: 0.35; filter: grayscale(1); }
@media (max-width: 640px) { .stMainBlockContainer { padding: 4.5rem 1rem 3rem; } }
</style>
"""


def style() -> None:
    """Put the looks into the page."""
    st.html(_STYLE.replace("</style>", f"{grid.STYLE}</style>"))
