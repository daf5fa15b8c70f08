"""The id of an installation: drawn once for each portfolio's books, and what its orders are known by."""

import base64
import secrets

CHARACTERS = 16


def new_installation() -> str:
    """Draw an id of 16 characters `[a-z2-7]`."""
    return base64.b32encode(secrets.token_bytes(CHARACTERS * 5 // 8)).decode().lower()
