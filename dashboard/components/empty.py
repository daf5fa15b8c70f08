"""What stands where there is nothing to show: what is missing, and how to get it."""

import contextlib

import streamlit as st

from dashboard import loaders
from dashboard.components.confirm import STOP_WORKER, asking_button
from dashboard.components.watch import watch
from dashboard.components.words import plain
from dashboard.gate.person import person
from shared.errors import DatabaseError
from shared.secret_url import SecretUrl

STOP_PROCESS_ICON = ":material/power_settings_new:"


def nothing(title: str, how: str, icon: str = ":material/hourglass_empty:") -> None:
    """Say what is missing and how it comes about; both are sentences of ours, not stored text."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(f"{icon} **{title}**", text_alignment="center")
        st.caption(how, text_alignment="center")


def books_were_read() -> None:
    """Remember that this process has read the database, so that a missing one is told from one that never was."""
    _read().add(_address())


def waiting(error: DatabaseError) -> None:
    """Draw what stands in place of every page while no database can be read, and look again by itself.

    An operator can stop the worker from here: that needs no database.
    """
    st.header("Flotilla", anchor=False)
    is_lost, is_file_away = _address() in _read(), loaders.database_file() == 0 and _is_file()
    said = "The database was there before and has gone from its place." if is_lost and is_file_away else plain(error)
    title = "The database cannot be read any more" if is_lost else "No database to read"
    st.error(said, title=title, icon=":material/cloud_off:")
    again = f"This page looks again every {loaders.refresh_seconds():g} s and goes on by itself."
    if is_lost:
        nothing("Waiting for the database", f"The worker may be trading meanwhile, unseen. {again}")
    else:
        nothing(
            "Waiting for the worker",
            "Where this is the first start, the worker makes the database: `make run` in the project's folder. Where "
            "there were books before, they have been moved, are on a disk that is not mounted, or are of another "
            f"version; the worker may be trading meanwhile, unseen. {again}",
        )
    if person().is_operator:
        st.caption("Stopping the worker's process needs no database.")
        asking_button("Stop or start the worker's process", "stop_without_books", STOP_WORKER, icon=STOP_PROCESS_ICON)
    st.fragment(_look_again, run_every=loaders.refresh_seconds())()


def _look_again() -> None:
    watch("watch_without_books")
    with contextlib.suppress(DatabaseError):
        loaders.newest()
        st.rerun()


def _address() -> tuple[SecretUrl, str]:
    here = loaders.place()
    return here.settings.database.url, str(here.root)


def _is_file() -> bool:
    return loaders.place().settings.database.url.is_sqlite


@st.cache_resource(show_spinner=False)
def _read() -> set[tuple[SecretUrl, str]]:
    return set()
