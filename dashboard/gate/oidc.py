"""Sign-in by an OIDC provider: Streamlit's own, from `[auth]` of `.streamlit/secrets.toml`, checked by the gate.

Streamlit talks to the provider and sets its signed cookie; the gate reads that cookie, so that not even a websocket of
somebody unknown reaches Streamlit. Who may come in is in the password file, by the e-mail address.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import ConfigurationError
from shared.regular_file import NotAFile, require_regular

# Streamlit's: where its sign-in begins, where the provider sends people back to, where it ends.
BEGIN_PATH, RETURN_PATH, END_PATH = "/auth/login", "/oauth2callback", "/auth/logout"
PATHS = frozenset({BEGIN_PATH, RETURN_PATH, END_PATH})
COOKIE = "_streamlit_user"
SESSION_DAYS = 0.5
SHORTEST_SECRET = 32
REQUIRED = ("client_id", "client_secret", "server_metadata_url")
# What `[auth]` holds beside a table per provider.
_GENERAL = frozenset({*REQUIRED, "redirect_uri", "cookie_secret", "client_kwargs", "expose_tokens"})


@dataclass(frozen=True, slots=True)
class Oidc:
    """The providers people may sign in with, and what Streamlit signs its cookie with."""

    providers: tuple[str, ...]
    secret: str

    def links(self) -> dict[str, str]:
        """Give the address that begins the sign-in, by the provider's name for people."""
        from streamlit.auth_util import encode_provider_token

        names = {name: "your account" if name == "default" else name for name in self.providers}
        return {names[name]: f"{BEGIN_PATH}?provider={encode_provider_token(name)}" for name in self.providers}

    def email(self, cookies: Mapping[str, str]) -> str | None:
        """Give the address a provider vouches for, in small letters; an address it has not verified is none."""
        said = self._said(cookies)
        if said.get("email_verified") is not True:
            return None
        return str(said.get("email", "")).strip().lower() or None

    def vouches_for_nobody(self, cookies: Mapping[str, str]) -> bool:
        """Tell whether somebody has signed in with a provider that calls no address of theirs verified."""
        return bool(self._said(cookies)) and self.email(cookies) is None

    def key(self, cookies: Mapping[str, str]) -> str:
        """Name the session of a cookie by what is signed in it: its signature can be written in many ways."""
        return hashlib.sha256(" ".join(self._opened(cookies)[1]).encode()).hexdigest()[:16]

    def _said(self, cookies: Mapping[str, str]) -> dict[str, Any]:
        """Give what the provider said of who is signed in; nothing where nobody is."""
        try:
            said = json.loads(self._opened(cookies)[0])
        except ValueError:
            return {}
        return said if said.get("is_logged_in") else {}

    def _opened(self, cookies: Mapping[str, str]) -> tuple[bytes, list[str]]:
        """Give what a cookie holds, and what was signed of it: content and time, of each part of a long one."""
        from streamlit.auth_util import get_cookie_with_chunks
        from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

        signed: list[str] = []

        def one(name: str) -> bytes | None:
            content = decode_signed_value(self.secret, name, cookies.get(name, ""), max_age_days=SESSION_DAYS)
            if content is not None:
                signed.append(cookies[name].rpartition(".")[0])
            return content

        return get_cookie_with_chunks(one, COOKIE) or b"{}", signed


def cookies_set(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Give the cookies that an answer sets."""
    lines = [value.decode("latin-1") for name, value in headers if name.lower() == b"set-cookie"]
    pairs = [line.partition(";")[0].partition("=") for line in lines]
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def configured_oidc() -> Oidc | None:
    """Read `[auth]` of Streamlit's secrets: None without one; ConfigurationError where something is missing in it."""
    from streamlit import config
    from streamlit.auth_util import get_secrets_auth_section, is_authlib_installed

    for file in config.get_option("secrets.files"):
        _require_file(Path(file))
    section: dict[str, Any] = get_secrets_auth_section().to_dict()
    if not section:
        return None
    if not is_authlib_installed():
        raise ConfigurationError("[auth] in secrets.toml needs Authlib: pip install 'flotilla[oidc]'")
    return checked_oidc(section)


def _require_file(file: Path) -> None:
    try:
        require_regular(file)
    except NotAFile as error:
        raise ConfigurationError(f"secrets file {file} {error}") from error
    except OSError:
        # Streamlit says itself what it could not read.
        return


def checked_oidc(section: Mapping[str, Any]) -> Oidc:
    """Check `[auth]` before anybody relies on it."""
    secret = str(section.get("cookie_secret", ""))
    if len(secret) < SHORTEST_SECRET:
        raise ConfigurationError(
            f"auth.cookie_secret in secrets.toml must have at least {SHORTEST_SECRET} characters, had {len(secret)}"
        )
    redirect = str(section.get("redirect_uri", ""))
    if not redirect.endswith(RETURN_PATH):
        raise ConfigurationError(f"auth.redirect_uri in secrets.toml must end with {RETURN_PATH}, was {redirect!r}")
    tables = {name: table for name, table in section.items() if name not in _GENERAL and isinstance(table, Mapping)}
    if "client_id" in section:
        tables["default"] = section
    if not tables:
        raise ConfigurationError("auth in secrets.toml must have a provider's client_id, had none")
    for name, table in tables.items():
        missing = [key for key in REQUIRED if not table.get(key)]
        if missing:
            raise ConfigurationError(f"auth provider {name} in secrets.toml must have {', '.join(missing)}, had not")
    return Oidc(tuple(tables), secret)
