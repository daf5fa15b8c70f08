"""Sign-in by a provider from end to end: a real page, Streamlit's own sign-in, and a provider on this machine."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from dashboard.gate.oidc import COOKIE
from shared.passwords import OPERATOR, VIEWER, Account, remove_account, save_account
from tests.dashboard.gate.process import Dashboard, free_port, running
from tests.dashboard.gate.serving import ANNA, HASHES, ask, open_socket, refused_socket
from tests.dashboard.gate.test_serve import STREAM, text_of_page

pytest.importorskip("authlib", reason="Authlib is not installed: pip install 'flotilla[oidc]'")
pytest.importorskip("httpx", reason="Authlib needs httpx to ask a provider")

from tests.dashboard.gate.provider import Provider, RSAKey, serving

pytestmark = pytest.mark.slow

SECRET = "of the cookies of these tests, long enough"
BO = {"email": "Bo@Example.com", "email_verified": True}


class Browser:
    """A browser that keeps cookies and follows one address after another; both servers are one host to it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}
        self.status, self.text, self.address = 0, "", ""

    def open(self, address: str, method: str = "GET") -> "Browser":
        """Open an address and follow where it leads."""
        for _ in range(10):
            parts = urlsplit(urljoin(f"http://127.0.0.1:{self.port}", address))
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            form = {} if method == "POST" else None
            answer = ask(parts.port or 80, path, method, form, cookie=self.cookie, accept="text/html")
            self._keep(answer.set_cookies)
            self.status, self.text, self.address = answer.status, answer.text, parts.geturl()
            onward = answer.headers.get("location") or answer.text.partition('content="0; url=')[2].partition('"')[0]
            if not onward:
                return self
            address, method = urljoin(self.address, onward), "GET"
        raise AssertionError(f"led around in a circle at {self.address}")

    def click(self, link: str) -> "Browser":
        """Follow the link with this text."""
        before = self.text.partition(f">{link}")[0]
        return self.open(urljoin(self.address, before.rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")))

    def sign_in(self) -> "Browser":
        """Sign in from the first page to the last."""
        return self.open("/").click("Sign in with your account").click("Yes, it is me")

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def _keep(self, lines: list[str]) -> None:
        for line in lines:
            name, _, value = line.partition(";")[0].partition("=")
            gone = "max-age=0" in line.lower() or value in ("", '""')
            self.cookies.pop(name, None) if gone else self.cookies.update({name: value})


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with serving() as provider:
        yield provider


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Dashboard]:
    folder, port = tmp_path_factory.mktemp("oidc") / "project", free_port()
    (folder / ".streamlit").mkdir(parents=True)
    general = f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\ncookie_secret = "{SECRET}"\n'
    (folder / ".streamlit" / "secrets.toml").write_text(general + provider.section)
    save_account(accounts(folder), Account("anna", OPERATOR, HASHES[ANNA]))
    save_account(accounts(folder), Account("bo@example.com", VIEWER, None))
    with running(folder, FLOTILLA_DASHBOARD__PORT=str(port)) as dashboard:
        dashboard.port = port
        yield dashboard


@pytest.fixture
def person(dashboard: Dashboard, provider: Provider) -> Iterator[Browser]:
    """Bo's browser, before the sign-in."""
    provider.person, provider.nonce, provider.signing, provider.audience = dict(BO), None, None, "flotilla"
    provider.asked.clear()
    yield Browser(dashboard.port)
    save_account(accounts(dashboard.folder), Account("bo@example.com", VIEWER, None))


def accounts(folder: Path) -> Path:
    return folder.parent / f"{folder.name}-outside" / "passwords.json"


def test_who_is_listed_signs_in_and_has_the_role_of_the_list(person: Browser, provider: Provider) -> None:
    person.sign_in()
    assert provider.asked == ["authorize", "token"]
    assert (person.status, urlsplit(person.address).path) == (200, "/")
    assert text_of_page(person.port, cookie=person.cookie) == "page of bo@example.com viewer"


def test_a_sign_in_and_what_is_refused_are_recorded(person: Browser, provider: Provider, dashboard: Dashboard) -> None:
    # Nobody else's, for who comes again within minutes is counted.
    save_account(accounts(dashboard.folder), Account("cleo@example.com", VIEWER, None))
    for name, is_verified in (("cleo", True), ("mallory", True), ("cleo", False)):
        provider.person = {"email": f"{name}@example.com", "email_verified": is_verified}
        Browser(dashboard.port).sign_in()
    assert ("signed in", "cleo@example.com") in recorded(dashboard, "acts.log")
    refused = recorded(dashboard, "signin.log")
    assert ("known to the provider, not listed here", "mallory@example.com") in refused
    assert ("known to the provider, without a verified address", None) in refused
    assert "mallory@example.com" not in {name for _, name in recorded(dashboard, "acts.log")}


def test_a_new_role_counts_at_once(person: Browser, dashboard: Dashboard) -> None:
    person.sign_in()
    save_account(accounts(dashboard.folder), Account("bo@example.com", OPERATOR, None))
    assert text_of_page(person.port, cookie=person.cookie) == "page of bo@example.com operator"


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"email": "eve@example.com", "email_verified": True}, "eve@example.com is not among those"),
        ({"email": "bo@example.com", "email_verified": False}, "no e-mail address that its provider calls verified"),
        ({"email": "bo@example.com"}, "no e-mail address that its provider calls verified"),
        ({"email": "bo@example.com", "email_verified": "true"}, "no e-mail address that its provider calls verified"),
        ({"email": "anna", "email_verified": True}, "anna is not among those"),
        ({}, "no e-mail address that its provider calls verified"),
    ],
)
def test_nobody_else_comes_in(said: dict, complaint: str, person: Browser, provider: Provider) -> None:
    provider.person = said
    person.sign_in()
    assert provider.asked == ["authorize", "token"], "the provider must have let them through"
    assert urlsplit(person.address).path == "/login"
    assert complaint in person.text
    assert refused_socket(person.port, path=STREAM, cookie=person.cookie) == 403


def test_a_token_of_somebody_else_is_refused(person: Browser, provider: Provider) -> None:
    for change in ("nonce", "audience", "signing"):
        other = RSAKey.generate_key(2048, {"kid": "of the tests"}) if change == "signing" else "of another"
        setattr(provider, change, other)
        person.cookies.clear()
        person.sign_in()
        assert urlsplit(person.address).path == "/login" and COOKIE not in person.cookies, change
        setattr(provider, change, {"audience": "flotilla"}.get(change))


def test_a_sign_in_that_somebody_else_began_is_refused(person: Browser, provider: Provider) -> None:
    person.open("/").click("Sign in with your account")
    begun = urljoin(person.address, person.text.partition('href="')[2].partition('"')[0])
    stranger = Browser(person.port)
    stranger.open(begun)
    assert COOKIE not in stranger.cookies and urlsplit(stranger.address).path == "/login"
    assert provider.asked == ["authorize"]


def test_signing_out_ends_the_session_here_and_at_the_provider(person: Browser, provider: Provider) -> None:
    person.sign_in()
    kept = person.cookie
    with open_socket(person.port, path=STREAM, cookie=kept):
        pass
    person.open("/logout").open("/logout", "POST")
    assert provider.asked == ["authorize", "token", "end"]
    assert urlsplit(person.address).path == "/login" and COOKIE not in person.cookies
    assert refused_socket(person.port, path=STREAM, cookie=kept) == 403, "the cookie must not count any more"


def test_who_is_taken_off_the_list_is_out(person: Browser, dashboard: Dashboard) -> None:
    person.sign_in()
    remove_account(accounts(dashboard.folder), "bo@example.com")
    assert refused_socket(person.port, path=STREAM, cookie=person.cookie) == 403
    assert "bo@example.com is not among those" in person.open("/").text


def test_a_sign_in_counts_for_half_a_day(person: Browser) -> None:
    person.sign_in()
    said = URLSafeTimedSerializer(SECRET, salt=COOKIE).loads(person.cookies[COOKIE])
    assert json.loads(said)["email"] == BO["email"]
    for age_s, is_in in ((11.9 * 3600, True), (12.1 * 3600, False)):
        person.cookies[COOKIE] = signed(said, int(time.time() - age_s))
        status = person.open("/").status
        assert (status, urlsplit(person.address).path) == (200, "/" if is_in else "/login")
        if not is_in:
            assert refused_socket(person.port, path=STREAM, cookie=person.cookie) == 403


def test_passwords_go_on_working_beside_it(dashboard: Dashboard) -> None:
    answer = ask(dashboard.port, "/login", "POST", {"name": "anna", "password": ANNA})
    assert text_of_page(dashboard.port, cookie=answer.cookie) == "page of anna operator"


def recorded(dashboard: Dashboard, file: str) -> list[tuple[str, str | None]]:
    """Give what a record says of whom."""
    path = dashboard.folder / "logs" / file
    lines = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
    return [(line["what"], line["name"]) for line in lines]


def signed(said: str, at_s: int) -> str:
    """Sign a cookie as Streamlit does, at another time."""

    class Signer(TimestampSigner):
        def get_timestamp(self) -> int:
            return at_s

    return str(URLSafeTimedSerializer(SECRET, salt=COOKIE, signer=Signer).dumps(said))
