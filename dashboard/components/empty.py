"""What stands where there is nothing to show: what is missing, and how to get it."""

import contextlib

import streamlit as st

from dashboard import loaders
from dashboard.components.words import plain
from shared.errors import DatabaseError


def nothing(title: str, how: str, icon: str = ":material/hourglass_empty:") -> None:
    """Say what is missing and how it comes about; both are sentences of ours, not stored text."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(f"{icon} **{title}**", text_alignment="center")
        st.caption(how, text_alignment="center")


def waiting(error: DatabaseError) -> None:
    """Draw what stands in place of every page while there is no database to read, and look again by itself."""
    st.header("Flotilla", anchor=False)
    st.error(plain(error), title="No database to read", icon=":material/cloud_off:")
    nothing(
        "Waiting for the worker",
        "It makes the database at its first start: `make run` in the project's folder. This page looks again every "
        f"{loaders.refresh_seconds():g} s.",
    )
    st.fragment(_look_again, run_every=loaders.refresh_seconds())()


def _look_again() -> None:
    with contextlib.suppress(DatabaseError):
        loaders.portfolio_id()
        st.rerun()
