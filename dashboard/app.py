"""Page config and navigation."""

import streamlit as st

from dashboard import loaders
from dashboard.components.confirm import STOP_WORKER, question
from dashboard.components.downloads import turn_to
from dashboard.components.empty import books_were_read, waiting
from dashboard.components.panels import refreshed_together
from dashboard.components.process import process_question
from dashboard.components.sidebar import sidebar, sidebar_without_books
from dashboard.components.style import style
from shared.errors import DatabaseError

PAGES = {
    "Fleet": [
        st.Page("views/overview.py", title="Overview", icon=":material/monitoring:", default=True),
        st.Page("views/bots.py", title="Bots", icon=":material/smart_toy:"),
        st.Page("views/bot.py", title="One bot", icon=":material/candlestick_chart:", visibility="hidden"),
        st.Page("views/allocations.py", title="Allocations", icon=":material/donut_small:"),
    ],
    "Evidence": [
        st.Page("views/trades.py", title="Trades", icon=":material/swap_horiz:"),
        st.Page("views/analytics.py", title="Analytics", icon=":material/analytics:"),
        st.Page("views/decisions.py", title="Decisions", icon=":material/help_center:"),
    ],
    "Safety": [
        st.Page("views/risk.py", title="Risk", icon=":material/shield:"),
        st.Page("views/control.py", title="Control", icon=":material/tune:"),
    ],
}

st.set_page_config(page_title="Flotilla", page_icon="⛵", layout="wide", initial_sidebar_state="auto")
style()
page = st.navigation(PAGES)
turn_to(page.url_path)
# It needs no database, and so is asked before anybody looks whether there is one.
question(STOP_WORKER, "The worker's process", process_question)
try:
    # Not the portfolio's id, which is kept: this asks the database.
    loaders.newest()
except DatabaseError as error:
    sidebar_without_books()
    waiting(error)
else:
    books_were_read()
    with refreshed_together():
        # The kill switch must not wait until a browser has read what draws charts.
        sidebar(has_charts=page.url_path != "control")
        try:
            page.run()
        except DatabaseError as error:
            # It went away while the page was being drawn.
            waiting(error)
