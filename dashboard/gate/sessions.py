"""Sessions: a signed cookie that names the person, kept alive by use and ended by sign-out or a changed account."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer

from dashboard.gate.people import People, Person, fingerprint
from shared.clock import Clock
from shared.errors import ConfigurationError
from shared.passwords import Account, require_private, write_private
from shared.regular_file import NotAFile, read_regular

COOKIE = "flotilla_session"
SECRET_FILE = "cookie-secret"
SECRET_LENGTH = 64
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
            clock = self._clock

            class _Signer(TimestampSigner):
                def get_timestamp(self) -> int:
                    return clock.now_ms() // 1000

            secret = load_secret(self._people.path.with_name(SECRET_FILE))
            self._signer = URLSafeTimedSerializer(secret, salt="flotilla session", signer=_Signer)
        return self._signer

    def _now_s(self) -> int:
        return self._clock.now_ms() // 1000


def load_secret(path: Path) -> str:
    """Read what cookies are signed with; the first who asks makes it."""
    try:
        if not path.exists():
            _make_secret(path)
        require_private(path)
        secret = read_regular(path, "ascii").strip()
    except NotAFile as error:
        raise ConfigurationError(f"cookie secret {path} {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cookie secret {path} must be readable, was not: {error}") from error
    if len(secret) != SECRET_LENGTH:
        raise ConfigurationError(
            f"cookie secret {path} must have {SECRET_LENGTH} characters, had {len(secret)}; remove it and everybody "
            "signs in anew"
        )
    return secret


def _make_secret(path: Path) -> None:
    own = path.with_name(f"{path.name}.{os.getpid()}")
    write_private(own, secrets.token_hex(SECRET_LENGTH // 2) + "\n")
    try:
        # Of two processes that start at once one secret counts.
        os.link(own, path)
    except FileExistsError:
        pass
    finally:
        own.unlink()
