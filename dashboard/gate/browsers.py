"""Browsers that are known: somebody signed in there before, and so nobody's guesses elsewhere keep them waiting.

What a browser keeps of it opens nothing: it says under which names people signed in there, signed, and is sent to the
sign-in alone.
"""

import secrets
from typing import NamedTuple

from itsdangerous import BadSignature, URLSafeTimedSerializer

from dashboard.gate.people import People
from dashboard.gate.sessions import signer
from shared.clock import Clock
from shared.links import SIGN_IN_PATH

COOKIE = "flotilla_browser"
# The longest that browsers keep a cookie.
KEPT_SECONDS = 400 * 24 * 3600
# Who uses one browser under more names is a stranger again under the oldest.
MOST_NAMES = 5


class Browser(NamedTuple):
    """A browser under the names it is known by, the newest first; one that is not known has neither key nor name."""

    key: str = ""
    names: tuple[str, ...] = ()


STRANGER = Browser()


class Browsers:
    """Writes and reads what browsers are known by."""

    def __init__(self, people: People, clock: Clock) -> None:
        self._people = people
        self._clock = clock
        self._signer: URLSafeTimedSerializer | None = None

    def read(self, cookie: str) -> Browser:
        """Give the browser of a cookie; one that nobody knows for a cookie tampered with or too old."""
        try:
            key, names = self._serializer().loads(cookie, max_age=KEPT_SECONDS)
            return Browser(str(key), tuple(map(str, names)))
        except (BadSignature, ValueError, TypeError):
            return STRANGER

    def cookie(self, browser: Browser, name: str, secure: bool) -> str:
        """Write the `Set-Cookie` that makes a browser known by one name more.

        Its key is a new one: who got hold of the cookie of before uses up no try of this one.
        """
        names = [name, *(other for other in browser.names if other != name)][:MOST_NAMES]
        value = self._serializer().dumps([secrets.token_urlsafe(12), names])
        words = [f"{COOKIE}={value}", f"Max-Age={KEPT_SECONDS}", f"Path={SIGN_IN_PATH}", "HttpOnly", "SameSite=Strict"]
        return "; ".join([*words, "Secure"] if secure else words)

    def _serializer(self) -> URLSafeTimedSerializer:
        if self._signer is None:
            self._signer = signer(self._people.path, "flotilla browser", self._clock)
        return self._signer
