"""The page behind nginx and behind Caddy, with the files of `ops/`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from dashboard.gate.sessions import COOKIE as SESSION_COOKIE
from shared.passwords import OPERATOR, Account, save_account
from tests.dashboard.gate.process import Dashboard, password_file, running
from tests.dashboard.gate.serving import ANNA, HASHES
from tests.dashboard.gate.test_serve import STREAM
from tests.ops.proxies import NAME, Proxy, caddy, nginx
from tests.process.running import wait_for

pytestmark = pytest.mark.slow

FORGED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Real-IP": "203.0.113.9",
    "Forwarded": "for=203.0.113.9",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Flotilla-User": "mallory",
    "X-Flotilla-Role": "operator",
}
FORM = {"name": "anna", "password": ANNA}
HTML = {"Accept": "text/html"}


@dataclass(frozen=True)
class Behind:
    """A page with one person, and the proxy before it."""

    page: Dashboard
    proxy: Proxy

    def sign_in(self, password: str = ANNA) -> object:
        return self.proxy.ask("/login", "POST", data={**FORM, "password": password}, headers=FORGED)

    def cookie(self) -> str:
        answer = self.sign_in()
        assert answer.status_code == 303, answer.text
        (found,) = [line for line in answer.headers.get_list("set-cookie") if line.startswith(SESSION_COOKIE)]
        return found.partition(";")[0]


@pytest.fixture(scope="module", params=[nginx, caddy], ids=["nginx", "caddy"])
def behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("behind") / "project"
    save_account(password_file(folder), Account("anna", OPERATOR, HASHES[ANNA]))
    with (
        running(folder, FLOTILLA_DASHBOARD__ALLOWED_HOSTS=f'["{NAME}"]') as page,
        request.param(tmp_path_factory.mktemp("proxy"), page.port) as proxy,
    ):
        yield Behind(page, proxy)


def test_people_sign_in_through_it_with_a_cookie_for_https_alone(behind: Behind) -> None:
    answer = behind.sign_in()
    assert answer.status_code == 303
    assert all("; Secure" in line for line in answer.headers.get_list("set-cookie"))
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.headers["location"] == "/"
    assert behind.proxy.ask("/", headers={"Cookie": behind.cookie(), **HTML}).status_code == 200


def test_who_has_not_signed_in_is_sent_to_the_sign_in(behind: Behind) -> None:
    assert behind.proxy.ask("/", headers=FORGED).status_code == 401
    assert behind.proxy.ask("/trades", headers=HTML).headers["location"].endswith("/login?next=%2Ftrades")


def test_a_websocket_goes_through_it_for_this_page_alone(behind: Behind) -> None:
    with behind.proxy.websocket(STREAM, behind.cookie()):
        pass
    for cookie, origin in (("", f"https://{NAME}"), (behind.cookie(), "https://evil.example")):
        with pytest.raises(InvalidStatus) as refused, behind.proxy.websocket(STREAM, cookie, origin):
            pass
        assert refused.value.response.status_code == 403


def test_a_download_goes_through_it(behind: Behind) -> None:
    answer = behind.proxy.ask("/export/fills.csv", headers={"Cookie": behind.cookie()})
    assert answer.status_code == 503 and "waiting for the worker to make it" in answer.text


def test_what_a_client_says_of_its_address_is_not_believed(behind: Behind) -> None:
    assert behind.sign_in("not this password").status_code == 401
    lines = (behind.page.folder / "logs" / "signin.log").read_text().splitlines()
    assert {json.loads(line)["address"] for line in lines} == {"127.0.0.1"}


def test_plain_http_leads_to_https(behind: Behind) -> None:
    answer = behind.proxy.ask("/trades?period=All", plain=True)
    assert answer.status_code in (301, 308)
    assert answer.headers["location"].startswith(f"https://{NAME}")


def test_its_log_holds_no_query_and_no_cookie(behind: Behind) -> None:
    cookie = behind.cookie()
    behind.proxy.ask("/login?link=a-token-of-somebody", headers={"Referer": f"https://{NAME}/login?link=a-token-of"})
    behind.proxy.ask("/trades?bot=a-name", headers={"Cookie": cookie})
    # A line may come after its answer.
    wait_for(lambda: all(path in behind.proxy.log.read_text() for path in ("/login", "/trades")), 10.0)
    log = behind.proxy.log.read_text()
    for secret in ("a-token-of", "a-name", cookie.partition("=")[2][:20]):
        assert secret not in log


def test_a_body_that_is_too_long_is_refused(behind: Behind) -> None:
    # Caddy 2.6 calls it its own failure.
    assert behind.proxy.ask("/login", "POST", content=b"x" * 100_000).status_code in (413, 502)
    assert behind.proxy.ask("/login").status_code == 200


@pytest.mark.parametrize("make", [nginx, caddy], ids=["nginx", "caddy"])
def test_without_a_password_nobody_comes_in_through_it(make, tmp_path: Path) -> None:
    (tmp_path / "proxy").mkdir()
    with (
        running(tmp_path / "project", FLOTILLA_DASHBOARD__ALLOWED_HOSTS=f'["{NAME}"]') as page,
        make(tmp_path / "proxy", page.port) as proxy,
    ):
        for headers in ({}, FORGED, {"Cookie": page.cookie}):
            assert proxy.ask("/", headers=headers).status_code == 403
        assert page.ask("/", accept="text/html").status == 200, "it runs, and who came by a link is in"
