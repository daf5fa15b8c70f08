"""What the figures mean: `docs/metrics.md`, one click away."""

from pathlib import Path

import streamlit as st

from dashboard import loaders

DOCUMENT = Path("docs") / "metrics.md"


def definitions() -> None:
    """Draw the button that opens the definitions."""
    if st.button("What these figures mean", icon=":material/menu_book:", type="tertiary"):
        st.dialog("What these figures mean", width="large")(_read)()


def _read() -> None:
    # The checkout beside the code; an installed page finds it where it was started.
    for root in (Path(__file__).parents[2], loaders.place().root):
        if (root / DOCUMENT).is_file():
            st.markdown((root / DOCUMENT).read_text(encoding="utf-8"), anchors=False)
            return
    st.caption(f"The definitions are in {DOCUMENT} of the project.")
