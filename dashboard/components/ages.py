"""How old what is shown is, and whether the worker that should renew it does."""

import streamlit as st

from dashboard import loaders
from dashboard.components.words import duration, plain, when
from dashboard.queries.overview import Overview
from shared.clock import SystemClock
from shared.liveness import Liveness, liveness


def worker_liveness(overview: Overview) -> Liveness:
    """Judge the worker as of now."""
    return liveness(overview, SystemClock().now_ms())


def age_of_data(overview: Overview) -> None:
    """Write under a panel how old it is; as a warning where nobody renews it."""
    state = worker_liveness(overview)
    age = f"{duration(state.age_ms)} old" if state.age_ms is not None else "before the first step"
    if state.is_well:
        st.caption(f":material/schedule: {age} · step {overview.step:,}")
    else:
        st.caption(f":red[:material/warning: {age} · step {overview.step:,} · {plain(state.sentence)}]")


def as_of() -> None:
    """Write under what stands still until the page is loaded again which market time it is of."""
    newest = loaders.newest()
    if newest.market_ms:
        st.caption(f":material/schedule: as of {when(newest.market_ms)}; load the page again for what came since")
