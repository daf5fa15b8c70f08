"""Page config and navigation."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard import loaders
from dashboard.components.confirm import STOP_WORKER, question
from dashboard.components.downloads import turn_to
from dashboard.components.empty import books_were_read, waiting
from dashboard.components.panels import refreshed_together
from dashboard.components.process import process_question
from dashboard.components.sidebar import sidebar, sidebar_without_books
from dashboard.components.style import style
from dashboard.navigation import NAVIGATION, Page
from shared.errors import DatabaseError


def _page(page: Page) -> StreamlitPage:
    return st.Page(
        f"views/{page.name}.py",
        title=page.title,
        icon=page.icon,
        default=page.is_first,
        visibility="hidden" if page.is_hidden else "visible",
    )


st.set_page_config(page_title="Flotilla", page_icon="⛵", layout="wide", initial_sidebar_state="auto")
style()
page = st.navigation({group: [_page(page) for page in pages] for group, pages in NAVIGATION.items()})
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
