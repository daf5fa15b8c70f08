"""Who looks at the page, and what they may do."""

from collections.abc import Mapping

import streamlit as st

from dashboard.gate.people import Person
from dashboard.gate.seal import HEADER as SEAL_HEADER
from dashboard.gate.seal import is_sealed
from shared.errors import CommandRefused
from shared.passwords import OPERATOR, VIEWER

# Nobody vouches for them.
UNKNOWN = Person("unknown", VIEWER)
USER_HEADER = "x-flotilla-user"
ROLE_HEADER = "x-flotilla-role"


def person() -> Person:
    """Give the person the gate let in, and an unknown viewer where it vouches for nobody.

    The gate strips these headers from what comes in and writes its own, with its seal; without the seal a name is
    somebody's claim. Once the websocket is gone there are no headers at all, and so is there nobody who may act.
    """
    headers = _headers()
    name, role = headers.get(USER_HEADER), headers.get(ROLE_HEADER)
    if name and role and is_sealed(headers.get(SEAL_HEADER)):
        return Person(name, OPERATOR if role == OPERATOR else VIEWER)
    return UNKNOWN


def require_operator() -> Person:
    """Give the person, or refuse: raises CommandRefused for a viewer, whatever their browser sent."""
    someone = person()
    if not someone.is_operator:
        raise CommandRefused(f"whoever acts must be an operator, was a {someone.role} ({someone.name})")
    return someone


def _headers() -> Mapping[str, str]:
    return st.context.headers
