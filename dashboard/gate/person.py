"""Who looks at the page, and what they may do."""

from collections.abc import Mapping

import streamlit as st

from dashboard.gate.origins import FORWARDING
from dashboard.gate.people import LOCAL, Person
from dashboard.gate.seal import HEADER as SEAL_HEADER
from dashboard.gate.seal import is_sealed
from shared.errors import CommandRefused
from shared.passwords import OPERATOR, VIEWER

# Nobody vouches for them.
UNKNOWN = Person("unknown", VIEWER)
USER_HEADER = "x-flotilla-user"
ROLE_HEADER = "x-flotilla-role"


def person() -> Person:
    """Give the person the gate let in.

    The gate strips these headers from what comes in and writes its own, with its seal; without the seal a name is
    somebody's claim. Without a gate, someone on this machine is an operator and anyone else a viewer.
    """
    headers = _headers()
    name, role = headers.get(USER_HEADER), headers.get(ROLE_HEADER)
    if name and role and is_sealed(headers.get(SEAL_HEADER)):
        return Person(name, OPERATOR if role == OPERATOR else VIEWER)
    # A proxy on this machine brings people from anywhere.
    claims = (USER_HEADER, ROLE_HEADER, SEAL_HEADER, *FORWARDING)
    if _is_here() and not any(header in headers for header in claims):
        return LOCAL
    return UNKNOWN


def require_operator() -> Person:
    """Give the person, or refuse: raises CommandRefused for a viewer, whatever their browser sent."""
    someone = person()
    if not someone.is_operator:
        raise CommandRefused(f"whoever acts must be an operator, was a {someone.role} ({someone.name})")
    return someone


def _headers() -> Mapping[str, str]:
    return st.context.headers


def _is_here() -> bool:
    return st.context.ip_address is None
