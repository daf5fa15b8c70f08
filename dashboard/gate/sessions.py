"""Sessions: a signed cookie that names the person, kept alive by use and ended by sign-out or a changed account."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer

from dashboard.gate.people import People, Person, fingerprint
from shared.clock import Clock
from shared.cookie_secret import load_secret, secret_path
from shared.passwords import Account

COOKIE = "flotilla_session"
# A session ends so long after the last request that carried it, and so long after its sign-in whatever happens.
IDLE_SECONDS = 12 * 3600
LONGEST_SECONDS = 7 * 24 * 3600
RENEW_SECONDS = 3600


class Session(NamedTuple):
    """A session that was valid when it was read."""

    person: Person
    key: str
    account: str
    signed_in_s: int
    age_seconds: int


class Sessions:
    """Makes, reads and ends sessions."""

    def __init__(self, people: People, clock: Clock) -> None:
        self._people = people
        self._clock = clock
        self._signer: URLSafeTimedSerializer | None = None
        self._ended: dict[str, int] = {}

    def begin(self, account: Account) -> str:
        """Give the cookie of a new session."""
        return self._cookie(secrets.token_urlsafe(12), account.name, fingerprint(account), self._now_s())

    def renewed(self, session: Session) -> str | None:
        """Give a fresh cookie for a session whose cookie is no longer fresh."""
        if session.age_seconds < RENEW_SECONDS:
            return None
        return self._cookie(session.key, session.person.name, session.account, session.signed_in_s)

    def read(self, cookie: str) -> Session | None:
        """Give the session of a cookie; None for one tampered with, too old, ended, or of a changed account."""
        try:
            value, when = self._serializer().loads(cookie, max_age=IDLE_SECONDS, return_timestamp=True)
            session = self._session(value, self._now_s() - int(when.timestamp()))
        except (BadSignature, ValueError, KeyError, TypeError):
            return None
        return session if session is not None and self.alive(session) else None

    def alive(self, session: Session) -> bool:
        """Tell whether an open session may go on; its idle time is not asked."""
        account = self._people.find(session.person.name)
        return (
            session.key not in self._ended
            and account is not None
            and fingerprint(account) == session.account
            and self._now_s() - session.signed_in_s < LONGEST_SECONDS
        )

    def end(self, session: Session) -> None:
        """Let no cookie of a session count any more, as long as this process lives."""
        now_s = self._now_s()
        self._ended = {key: until for key, until in self._ended.items() if until > now_s}
        self._ended[session.key] = session.signed_in_s + LONGEST_SECONDS

    def _session(self, value: Mapping[str, Any], age_seconds: int) -> Session | None:
        account = self._people.find(value["name"])
        if account is None:
            return None
        person = Person(account.name, account.role)
        return Session(person, value["key"], value["account"], int(value["since"]), age_seconds)

    def _cookie(self, key: str, name: str, account: str, since_s: int) -> str:
        return self._serializer().dumps({"key": key, "name": name, "account": account, "since": since_s})

    def _serializer(self) -> URLSafeTimedSerializer:
        if self._signer is None:
            self._signer = signer(self._people.path, "flotilla session", self._clock)
        return self._signer

    def _now_s(self) -> int:
        return self._clock.now_ms() // 1000


def signer(passwords: Path, salt: str, clock: Clock) -> URLSafeTimedSerializer:
    """Make what signs cookies of one sort, which the salt names, with the secret beside a password file."""

    class _Signer(TimestampSigner):
        def get_timestamp(self) -> int:
            return clock.now_ms() // 1000

    return URLSafeTimedSerializer(load_secret(secret_path(passwords)), salt=salt, signer=_Signer)
