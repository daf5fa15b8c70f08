"""What proves to the page that the gate named the person: a word of this process, which no request can know."""

import hmac
import secrets

HEADER = "x-flotilla-seal"
# The gate and Streamlit share a process; whoever runs the page without the gate never gets to know it.
SEAL = secrets.token_urlsafe(32)


def is_sealed(said: str | None) -> bool:
    """Tell whether a request carries the word of this process."""
    return hmac.compare_digest((said or "").encode(), SEAL.encode())
