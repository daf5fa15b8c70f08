"""The browser's own watch: it says when the page is no longer drawn anew, for what stands still looks like what is new.

A server, a database or a line that hangs can say nothing itself.
"""

import streamlit as st

from dashboard import loaders
from shared.clock import SystemClock

# A busy page is some seconds late; this is later than that.
LEAST_SECONDS = 10.0
MISSED_REFRESHES = 5

# Called each time live parts are drawn; what it returned is called when the page no longer has them.
_JAVASCRIPT = """
const watch = { drawn: 0, limit: 0, timer: undefined, said: undefined };
const unsay = () => {
  watch.said?.remove(); watch.said = undefined; document.documentElement.classList.remove('stale_page');
};
const say = () => {
  const said = watch.said = document.createElement('div'), seconds = document.createElement('span');
  said.id = 'stale_page'; said.setAttribute('role', 'alert');
  // Read out once, not every second.
  seconds.setAttribute('aria-hidden', 'true');
  said.append('This page stands still: nothing was drawn anew', seconds,
    '. Its server, the database or the connection hangs or is slow; the worker may be trading meanwhile.');
  document.body.append(said);
  document.documentElement.classList.add('stale_page');
};
const look = () => {
  const passed = performance.now() - watch.drawn;
  if (passed < watch.limit) return;
  if (!watch.said) say();
  watch.said.querySelector('span').textContent = ` for ${Math.round(passed / 1000)} s`;
};
export default function ({ data }) {
  watch.drawn = performance.now(); watch.limit = data.limit_ms;
  unsay();
  watch.timer ??= setInterval(look, 1000);
  return () => { clearInterval(watch.timer); watch.timer = undefined; unsay(); };
}
"""

_mount = st.components.v2.component("flotilla_watch", html="<span></span>", js=_JAVASCRIPT, isolate_styles=False)


def watch(key: str = "watch") -> None:
    """Let the browser begin to count anew; it is called whenever live parts are drawn."""
    limit_seconds = max(LEAST_SECONDS, MISSED_REFRESHES * loaders.refresh_seconds())
    _mount(key=key, data={"drawn_ms": SystemClock().now_ms(), "limit_ms": 1000.0 * limit_seconds})
