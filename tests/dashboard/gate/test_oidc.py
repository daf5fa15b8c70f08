"""Sign-in by a provider: Streamlit's signed cookie, read by the gate; no provider is asked here."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit import config
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from dashboard.gate import oidc as oidc_module
from dashboard.gate.oidc import COOKIE, Oidc, checked_oidc, configured_oidc
from shared.errors import ConfigurationError
from shared.passwords import OPERATOR, VIEWER, remove_account
from tests.dashboard.gate.serving import ANNA, Served, closed_with, open_socket, refused_socket, serve

SECRET = "s" * 40
SECTION = {
    "redirect_uri": "https://fleet.example/oauth2callback",
    "cookie_secret": SECRET,
    "client_id": "flotilla",
    "client_secret": "x",
    "server_metadata_url": "https://id.example/.well-known/openid-configuration",
}


class LinklessOidc(Oidc):
    """A provider whose links need no library that makes them."""

    def links(self) -> dict[str, str]:
        return {"id.example": "/auth/login?provider=token"}


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Served]:
    with serve(tmp_path, oidc=LinklessOidc(("default",), SECRET)) as served:
        served.allow("bo@example.com", VIEWER, None)
        served.allow("anna", OPERATOR, ANNA)
        yield served


def test_secrets_that_are_no_file_are_refused_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "secrets.toml"
    os.mkfifo(pipe)
    monkeypatch.setattr(config, "get_option", {"secrets.files": [str(tmp_path / "none.toml"), str(pipe)]}.__getitem__)
    with pytest.raises(ConfigurationError, match="secrets file .* must be a file, was a named pipe"):
        configured_oidc()


def cookie(secret: str = SECRET, **changed: Any) -> str:
    """Give the cookie Streamlit sets for somebody."""
    said = {"is_logged_in": True, "email": "Bo@Example.com", "email_verified": True, "origin": "http://x", **changed}
    return f"{COOKIE}={create_signed_value(secret, COOKIE, json.dumps(said)).decode()}"


def test_who_is_listed_comes_in_with_the_role_of_the_list(page: Served) -> None:
    headers = dict(json.loads(page.ask("/", cookie=cookie()).text)["headers"])
    assert (headers["x-flotilla-user"], headers["x-flotilla-role"]) == ("bo@example.com", "viewer")


def test_who_was_taken_off_the_list_is_out_at_once(page: Served) -> None:
    with open_socket(page.port, cookie=cookie()) as stream:
        stream.send("hello")
        stream.recv(timeout=5)
        remove_account(page.people.path, "bo@example.com")
        stream.send("hello")
        assert closed_with(stream) == 4401
    assert page.ask("/", cookie=cookie()).status == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"email": "eve@example.com"},
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"is_logged_in": False},
        {"email": None},
        {"email": "anna"},
        {"secret": "t" * 40},
    ],
)
def test_nobody_else_comes_in(page: Served, changed: dict[str, Any]) -> None:
    sent = cookie(**changed)
    assert page.ask("/", cookie=sent).status == 401
    assert refused_socket(page.port, cookie=sent) == 403


def test_who_is_not_listed_is_told_so_and_recorded(page: Served) -> None:
    answer = page.ask("/login", cookie=cookie(email="eve@example.com"))
    assert answer.status == 403
    assert "eve@example.com is not among those" in answer.text
    assert "not listed here" in page.record()


def test_the_sign_in_page_offers_the_provider_and_the_ways_to_it_are_open(page: Served) -> None:
    text = page.ask("/login").text
    assert 'href="/auth/login?provider=token">Sign in with id.example' in text
    assert 'type="password"' in text
    for path in ("/auth/login", "/oauth2callback"):
        assert page.ask(path).status == 200
    assert page.ask("/auth/other").status == 401


def test_signing_out_ends_the_session_and_goes_on_to_the_provider(page: Served) -> None:
    sent = cookie()
    answer = page.ask("/logout", "POST", {}, cookie=sent)
    # No redirect: where a form was sent, a browser follows none to the provider.
    assert answer.status == 200 and "location" not in answer.headers
    assert '<meta http-equiv="refresh" content="0; url=/auth/logout">' in answer.text
    assert page.ask("/", cookie=sent).status == 401


@pytest.mark.parametrize("more", ["=", "==", "é".encode().decode("latin-1")])
def test_a_session_that_was_signed_out_stays_ended_however_its_cookie_is_spelt(more: str, page: Served) -> None:
    sent = cookie()
    with open_socket(page.port, cookie=sent + more) as stream:
        stream.send("hello")
        stream.recv(timeout=5)
        assert page.ask("/logout", "POST", {}, cookie=sent).status == 200
        stream.send("hello")
        assert closed_with(stream) == 4401
    assert page.ask("/", cookie=sent + more).status == 401
    assert refused_socket(page.port, cookie=sent + more) == 403


def test_whoever_signs_in_again_has_another_session(monkeypatch: pytest.MonkeyPatch) -> None:
    oidc = Oidc(("default",), SECRET)
    first = dict([cookie().split("=", 1)])
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: 1_900_000_000)
    second = dict([cookie().split("=", 1)])
    monkeypatch.undo()
    monkeypatch.setattr(oidc_module, "SESSION_DAYS", 36_500.0)
    assert oidc.key(first) == oidc.key(dict(first)) != oidc.key(second)


def test_long_cookies_in_parts_name_sessions_of_their_own() -> None:
    def parts(email: str) -> dict[str, str]:
        said = json.dumps({"is_logged_in": True, "email": email, "email_verified": True})
        split = {COOKIE: "chunks-2", f"{COOKIE}_1": said[:20], f"{COOKIE}_2": said[20:]}
        return {name: create_signed_value(SECRET, name, text).decode() for name, text in split.items()}

    oidc, bo, eve = Oidc(("default",), SECRET), parts("bo@example.com"), parts("eve@example.com")
    assert (oidc.email(bo), oidc.email(eve)) == ("bo@example.com", "eve@example.com")
    assert oidc.key(bo) != oidc.key(eve)
    assert oidc.key({**bo, f"{COOKIE}_2": bo[f"{COOKIE}_2"] + "=", f"{COOKIE}_9": "more"}) == oidc.key(bo)


def test_a_cookie_of_the_provider_is_old_after_half_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    oidc = Oidc(("default",), SECRET)
    cookies = dict([cookie().split("=", 1)])
    assert oidc.email(cookies) == "bo@example.com"
    monkeypatch.setattr(oidc_module, "SESSION_DAYS", -1.0)
    assert oidc.email(cookies) is None


def test_a_whole_section_is_accepted() -> None:
    assert checked_oidc(SECTION) == Oidc(("default",), SECRET)
    named = {name: SECTION[name] for name in ("redirect_uri", "cookie_secret")}
    google = {name: SECTION[name] for name in ("client_id", "client_secret", "server_metadata_url")}
    assert checked_oidc({**named, "google": google}).providers == ("google",)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"cookie_secret": "short"}, "auth.cookie_secret .* at least 32 characters, had 5"),
        ({"redirect_uri": "https://fleet.example/"}, "auth.redirect_uri .* must end with /oauth2callback"),
        ({"client_secret": ""}, "auth provider default .* must have client_secret, had not"),
        ({"google": {"client_id": "x"}}, "auth provider google .* must have client_secret, server_metadata_url"),
    ],
)
def test_a_section_with_a_hole_is_one_sentence(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        checked_oidc({**SECTION, **changed})
    with pytest.raises(ConfigurationError, match="must have a provider's client_id, had none"):
        checked_oidc({name: SECTION[name] for name in ("redirect_uri", "cookie_secret")})
