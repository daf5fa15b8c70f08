"""Whether a curve of loss is drawn large, or as far as its limit, which may be far below."""

import streamlit as st

SCALES = {"Curve": True, "To the limit": False}


def zoom_switch(label: str) -> bool:
    """Let a person pick the scale of a curve of loss; true where the curve has all the room."""
    chosen = st.segmented_control(
        label, list(SCALES), default="Curve", required=True, key="scale", bind="query-params",
        help="How much of a loss is shown: as much as there was, or as far as the brake that stops trading.",
    )  # fmt: skip
    return SCALES[chosen or "Curve"]
