"""Where the name of a bot, a sleeve or a symbol leads, and the way there: within the page, without loading it anew."""

from urllib.parse import urlencode

import streamlit as st

from dashboard.components.words import plain
from dashboard.navigation import PAGES

# Of a column with such names: the page that tells of one, and what its address calls it.
PLACES = {"bot": ("bot", "bot"), "sleeve": ("bots", "sleeves"), "symbol": ("symbol", "symbol")}

# Streamlit follows a link in text by opening another tab, in which the page begins anew. It listens to what Back and
# Forward do, so this does the same: the address changes, and the page is told.
_JAVASCRIPT = """
const follow = event => {
  const link = event.target.closest?.('a[href^="/"]');
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const to = new URL(link.href);
  if (to.origin !== location.origin || !window.flotillaPages.includes(to.pathname)) return;
  if (link.closest('[data-testid="stPageLink"], [data-testid="stSidebarNav"]')) return;
  event.preventDefault(); event.stopPropagation();
  history.pushState({}, '', to.pathname + to.search);
  dispatchEvent(new PopStateEvent('popstate', { state: {} }));
  document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
};
export default function ({ data }) {
  if (!window.flotillaPages) document.addEventListener('click', follow, true);
  window.flotillaPages = data.pages;
}
"""
_mount = st.components.v2.component("flotilla_links", html="<span></span>", js=_JAVASCRIPT, isolate_styles=False)


def follow_links() -> None:
    """Let the browser follow links between pages without loading the page anew."""
    _mount(key="follow_links", data={"pages": [page.path for page in PAGES]})


def address(kind: str, name: str) -> str:
    """Give the address that tells of a bot, sleeve or symbol of this name; `kind` is a key of PLACES."""
    page, asked = PLACES[kind]
    return f"/{page}?{urlencode({asked: name})}"


def link(kind: str, name: str) -> str:
    """Write a name as a link in markdown; the name is stored text."""
    return f"[{plain(name)}]({address(kind, name)})"
