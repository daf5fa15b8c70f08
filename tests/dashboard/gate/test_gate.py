"""The gate over real HTTP and websockets: who gets through, with which name, and what browsers are told."""

import json
import os
import re
import stat
from html import unescape

import pytest

from dashboard.gate import seal
from dashboard.gate.hashing import RETRY_SECONDS, Crowded, Hashing
from dashboard.gate.sessions import IDLE_SECONDS, LONGEST_SECONDS, RENEW_SECONDS
from dashboard.gate.throttle import TRY_LIMIT
from shared.passwords import (
    LONGEST_PASSWORD,
    OPERATOR,
    VIEWER,
    Account,
    hash_password,
    remove_account,
    save_account,
)
from tests.dashboard.gate.serving import ANNA, BO, HASHES, NOW_MS, Served, closed_with, open_socket, refused_socket
from tests.process.running import wait_for

HTML = "text/html,application/xhtml+xml"
STATIC = "/app/static/plotly.min.js"


def names(text: str) -> list[list[str]]:
    """Give the headers of name and role that reached the application under the gate's seal, one seal."""
    pairs = [pair for pair in json.loads(text)["headers"] if "flotilla" in pair[0].replace("_", "-").lower()]
    seals = [pair for pair in pairs if "seal" in pair[0].lower()]
    assert seals == ([[seal.HEADER, seal.SEAL]] if pairs else [])
    return [pair for pair in pairs if pair not in seals]


def test_nobody_unknown_reaches_a_page_a_file_an_upload_or_a_websocket(page: Served) -> None:
    assert page.ask("/", accept=HTML).status == 303
    assert page.ask("/", accept=HTML).headers["location"] == "/login"
    for path in (
        "/",
        "/_stcore/metrics",
        "/_stcore/health",
        "/media/x",
        STATIC,
        "/export/fills.csv",
        "/export/shown/made_up/a.csv",
        "/login/",
        "//login",
    ):
        answer = page.ask(path)
        assert answer.status == 401, path
        assert "secret" not in answer.text
    assert page.ask("/_stcore/upload_file/a/b", "POST", {"a": "b"}, accept=HTML).status == 401
    assert refused_socket(page.port) == 403
    assert refused_socket(page.port, cookie="flotilla_session=made.up.cookie") == 403
    assert refused_socket(page.port, path="/login") == 403, "what is open to be read is not open to a websocket"


def test_who_signs_in_sees_everything_under_their_name(page: Served) -> None:
    answer = page.sign_in()
    assert (answer.status, answer.headers["location"]) == (303, "/")
    for word in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in answer.headers["set-cookie"]
    assert names(page.ask("/", cookie=answer.cookie).text) == [
        ["x-flotilla-user", "anna"],
        ["x-flotilla-role", "operator"],
    ]
    assert page.ask(STATIC, cookie=answer.cookie).text == "secret"
    with open_socket(page.port, cookie=answer.cookie) as stream:
        stream.send("hello")
        said = json.loads(stream.recv(timeout=5))
        assert (said["x-flotilla-user"], said["x-flotilla-role"]) == ("anna", "operator")


@pytest.mark.parametrize("spelling", ["x-flotilla-role", "X-Flotilla-Role", "x_flotilla_role"])
def test_a_viewer_cannot_say_to_be_an_operator(page: Served, spelling: str) -> None:
    cookie = page.cookie("bo", BO)
    forged = {spelling.replace("-", "_"): "operator", "x-flotilla-user": "anna", "X-Flotilla-Seal": "made up"}
    assert names(page.ask("/", cookie=cookie, **forged).text) == [
        ["x-flotilla-user", "bo"],
        ["x-flotilla-role", "viewer"],
    ]
    with open_socket(page.port, cookie=cookie, **forged) as stream:
        stream.send("hello")
        said = json.loads(stream.recv(timeout=5))
        assert (said["x-flotilla-user"], said["x-flotilla-role"]) == ("bo", "viewer")


def test_a_name_with_an_underscore_is_stripped_as_it_stands(page: Served) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    connection.putrequest("GET", "/")
    for name, value in (("x_flotilla_role", "operator"), ("Cookie", page.cookie("bo", BO))):
        connection.putheader(name, value)
    connection.endheaders()
    text = connection.getresponse().read().decode()
    connection.close()
    assert [value for name, value in names(text) if "role" in name] == ["viewer"]


def test_nobody_signed_in_has_a_name_on_what_is_open_to_all(page: Served) -> None:
    assert names(page.ask("/healthz", x_flotilla_role="operator", x_flotilla_user="anna").text) == []


def test_a_wrong_password_and_an_unknown_name_are_told_the_same_and_recorded(page: Served) -> None:
    wrong, unknown = page.sign_in("anna", BO), page.sign_in("mallory-and-her-password", BO)
    assert (wrong.status, unknown.status) == (401, 401)
    assert wrong.text == unknown.text
    assert "set-cookie" not in wrong.headers
    assert page.sign_in("bo", ANNA).status == 401, "a password belongs to a name"
    lines = [json.loads(line) for line in page.record().splitlines()]
    assert [(line["what"], line["name"], line["address"]) for line in lines] == [
        ("wrong name or password", "anna", "127.0.0.1"),
        ("wrong name or password", None, "127.0.0.1"),
        ("wrong name or password", "bo", "127.0.0.1"),
    ]
    assert "mallory" not in page.record(), "it may be a password in the wrong field"
    assert stat.S_IMODE((page.folder / "logs" / "signin.log").stat().st_mode) == 0o600


def test_five_wrong_passwords_make_the_sixth_try_wait_even_if_it_is_right(page: Served) -> None:
    for _ in range(5):
        assert page.sign_in(password="wrong wrong wrong").status == 401
    answer = page.sign_in()
    assert answer.status == 429
    assert 0 < int(answer.headers["retry-after"]) <= 300
    assert "set-cookie" not in answer.headers
    assert "too many tries" in page.record()
    assert page.sign_in("bo", BO).status == 303, "another name is not kept out"
    page.clock.advance_ms(int(answer.headers["retry-after"]) * 1000)
    assert page.sign_in().status == 303


def test_what_can_be_nobodys_password_is_answered_without_a_hash(page: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    monkeypatch.setattr("shared.passwords.hashlib.scrypt", lambda spelt, **_: hashed.append(spelt) or b"")
    for _ in range(3 * TRY_LIMIT):
        for name, password in (("anna", "x" * 1_025), ("anna", f"{ANNA}\0"), ("no name", ANNA), ("a" * 101, ANNA)):
            answer = page.sign_in(name, password)
            assert (answer.status, "Wrong name or password" in answer.text) == (401, True)
    assert not hashed
    monkeypatch.undo()
    assert page.sign_in().status == 303, "nobody was kept out by it"


def test_the_longest_password_there_can_be_fits_into_the_form(page: Served) -> None:
    longest = "\U0001f511" * LONGEST_PASSWORD
    save_account(page.people.path, Account("cleo", VIEWER, hash_password(longest)))
    assert page.sign_in("cleo", longest).status == 303


def test_who_stands_last_in_a_full_line_is_asked_to_come_again_and_may(
    page: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crowded(*_: object) -> bool:
        raise Crowded

    with monkeypatch.context() as full:
        full.setattr(Hashing, "matches", crowded)
        for _ in range(3 * TRY_LIMIT):
            answer = page.sign_in()
            assert (answer.status, answer.headers["retry-after"]) == (503, str(RETRY_SECONDS))
    assert page.sign_in().status == 303, "a try nobody looked at is not counted"


def test_one_person_has_so_many_websockets_and_others_theirs(page: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page.streams, "_most", 2)
    anna, bo = page.cookie(), page.cookie("bo", BO)
    with open_socket(page.port, cookie=anna), open_socket(page.port, cookie=anna) as second:
        assert refused_socket(page.port, cookie=anna) == 403
        with open_socket(page.port, cookie=bo):
            pass
        second.close()
        wait_for(lambda: page.streams._open["anna"] == 1, 5.0)
        with open_socket(page.port, cookie=anna):
            pass


def test_a_form_that_is_too_long_is_not_read(page: Served) -> None:
    assert page.ask("/login", "POST", {"name": "anna", "password": "x" * 20_000}).status == 413
    assert page.ask("/login", "POST", {f"f{at}": "x" for at in range(50)}).status == 413


@pytest.mark.parametrize("at", [5, -3])
def test_a_cookie_that_was_tampered_with_opens_nothing(page: Served, at: int) -> None:
    name, _, value = page.cookie("bo", BO).partition("=")
    changed = "A" if value[at] != "A" else "B"
    forged = value[:at] + changed + value[at + 1 or None :]
    assert len(forged) == len(value)
    assert page.ask("/", cookie=f"{name}={value}").status == 200
    assert page.ask("/", cookie=f"{name}={forged}").status == 401


def test_a_session_ends_when_it_is_not_used_and_is_kept_by_use(page: Served) -> None:
    cookie = page.cookie()
    page.clock.advance_ms((RENEW_SECONDS - 1) * 1000)
    assert "set-cookie" not in page.ask("/", cookie=cookie).headers
    page.clock.advance_ms(2_000)
    fresh = page.ask("/", cookie=cookie).cookie
    assert fresh
    page.clock.advance_ms((IDLE_SECONDS - RENEW_SECONDS) * 1000)
    assert page.ask("/", cookie=cookie).status == 401
    assert page.ask("/", cookie=fresh).status == 200


def test_a_session_that_is_always_used_ends_after_a_week(page: Served) -> None:
    cookie = page.cookie()
    for _ in range(LONGEST_SECONDS // IDLE_SECONDS + 2):
        answer = page.ask("/", cookie=cookie)
        if answer.status != 200:
            break
        cookie = answer.cookie or cookie
        page.clock.advance_ms((IDLE_SECONDS - 60) * 1000)
    assert answer.status == 401
    assert LONGEST_SECONDS <= (page.clock.now_ms() - NOW_MS) / 1000 < LONGEST_SECONDS + IDLE_SECONDS


def test_signing_out_ends_the_session_wherever_its_cookie_is(page: Served) -> None:
    cookie, other = page.cookie(), page.cookie()
    with open_socket(page.port, cookie=cookie) as stream:
        assert "signed in as anna" in page.ask("/logout", cookie=cookie).text
        assert page.ask("/", cookie=cookie).status == 200, "looking at the page signs nobody out"
        answer = page.ask("/logout", "POST", {}, cookie=cookie)
        assert (answer.status, answer.headers["location"]) == (303, "/login")
        assert "Max-Age=0" in answer.headers["set-cookie"]
        stream.send("hello")
        assert closed_with(stream) == 4401
    assert page.ask("/", cookie=cookie).status == 401
    assert page.ask("/", cookie=other).status == 200
    acts = [(line["what"], line["name"], line["address"]) for line in page.acts()]
    assert acts == [("signed in", "anna", "127.0.0.1"), ("signed out", "anna", "127.0.0.1")]


@pytest.mark.parametrize("change", ["role", "password", "removed"])
def test_a_changed_account_ends_its_sessions_and_open_websockets(page: Served, change: str) -> None:
    cookie = page.cookie()
    with open_socket(page.port, cookie=cookie) as stream:
        stream.send("hello")
        stream.recv(timeout=5)
        if change == "removed":
            remove_account(page.people.path, "anna")
        else:
            page.allow("anna", VIEWER if change == "role" else OPERATOR, ANNA if change == "role" else BO)
        stream.send("hello")
        assert closed_with(stream) == 4401
    assert page.ask("/", cookie=cookie).status == 401


@pytest.mark.slow
def test_behind_a_proxy_wrong_passwords_are_counted_by_the_address_it_adds_last(page: Served) -> None:
    for number in range(TRY_LIMIT):
        forwarded = f"198.51.100.{number}, 203.0.113.7"
        assert page.sign_in(password="wrong wrong wrong", x_forwarded_for=forwarded).status == 401
    assert page.sign_in(x_forwarded_for="192.0.2.9, 203.0.113.7").status == 429, "what a client puts first counts not"
    assert page.sign_in(x_forwarded_for="203.0.113.8").status == 303, "another address does not wait"
    page.settle()
    told = [json.loads(line) for line in page.record().splitlines()]
    assert [(line["what"], line["address"], line.get("count")) for line in told] == [
        ("wrong name or password", "203.0.113.7", None),
        ("too many tries", "203.0.113.7", None),
        ("wrong name or password", "203.0.113.7", TRY_LIMIT - 1),
    ]


def test_the_secret_of_the_cookies_is_made_once_for_its_owner_alone(page: Served) -> None:
    page.cookie()
    secret = page.people.path.with_name("cookie-secret")
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert re.fullmatch(r"[0-9a-f]{64}\n", secret.read_text())
    assert sorted(path.name for path in secret.parent.iterdir()) == [
        "cookie-secret",
        "passwords.json",
        "passwords.json.was-set",
    ]


def test_without_a_password_a_link_lets_in_as_operator(open_page: Served) -> None:
    cookie = open_page.local_cookie()
    assert names(open_page.ask("/", x_flotilla_user="mallory", cookie=cookie).text) == [
        ["x-flotilla-user", "local"],
        ["x-flotilla-role", "operator"],
    ]
    assert open_page.ask("/login", accept=HTML, cookie=cookie).headers["location"] == "/"
    with open_socket(open_page.port, cookie=cookie) as stream:
        stream.send("hello")
        assert json.loads(stream.recv(timeout=5))["x-flotilla-user"] == "local"


@pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for", "x-real-ip", "via"])
def test_without_a_password_a_proxy_lets_nobody_in(open_page: Served, header: str) -> None:
    answer = open_page.ask("/", **{header: "192.0.2.1"})
    assert answer.status == 403
    assert "flotilla dashboard password" in answer.text
    assert refused_socket(open_page.port, **{header: "192.0.2.1"}) == 403


def test_a_password_that_is_set_shuts_the_door_at_once_and_for_good(open_page: Served) -> None:
    cookie, link = open_page.local_cookie(), open_page.link()
    assert open_page.ask("/", cookie=cookie).status == 200
    open_page.allow("anna", OPERATOR, ANNA)
    assert open_page.ask("/", cookie=cookie).status == 401
    assert open_page.ask(link).status == 401
    open_page.people.path.unlink()
    assert open_page.ask("/", cookie=cookie).status == 401, "a file that vanished opens nothing"
    assert open_page.ask(link).status == 503


@pytest.mark.parametrize(
    ("spoil", "told"),
    [("mode", "cannot be used"), ("text", "cannot be used"), ("nobody", "names nobody"), ("gone", "is missing")],
)
def test_a_password_file_that_is_wrong_shuts_the_door_and_the_page_says_so(
    page: Served, spoil: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    cookie = page.cookie()
    if spoil == "mode":
        os.chmod(page.people.path, 0o644)
    elif spoil == "gone":
        page.people.path.unlink()
    else:
        page.people.path.write_text("{" if spoil == "text" else '{"version": 1, "people": {}}')
    assert page.ask("/", cookie=cookie).status == 401
    for answer in (page.sign_in(), page.ask("/login")):
        assert answer.status == 503
        assert f"Nobody can sign in, for the password file {told}: the page's log says what to do." in unescape(
            answer.text
        )
    (line,) = caplog.messages
    assert str(page.people.path) in line and line.startswith("nobody can sign in: ")
    page.people.path.unlink(missing_ok=True)
    page.allow("anna", OPERATOR, ANNA)
    assert page.sign_in().status == 303, "what was mended counts at once"


@pytest.mark.parametrize("host", ["evil.example", "fleet.example.evil", "", "anna@fleet.example", "fleet.example/x"])
def test_a_name_that_was_made_to_point_here_is_refused(page: Served, host: str) -> None:
    cookie = page.cookie()
    assert page.ask("/", cookie=cookie, host=host).status == 421
    if host == "evil.example":
        assert refused_socket(page.port, cookie=cookie, host=host, origin=f"http://{host}") == 403


@pytest.mark.parametrize("host", ["fleet.example", "FLEET.example:8501", "localhost:1", "192.0.2.1", "[::1]:8501"])
def test_its_own_names_and_plain_addresses_are_served(page: Served, host: str) -> None:
    assert page.ask("/", cookie=page.cookie(), host=host).status == 200


@pytest.mark.parametrize("guarded", [True, False])
def test_a_page_elsewhere_can_neither_connect_nor_post(open_page: Served, guarded: bool) -> None:
    if guarded:
        open_page.allow("anna", OPERATOR, ANNA)
    sent = {"cookie": open_page.cookie() if guarded else open_page.local_cookie()}
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{open_page.port + 1}"):
        assert refused_socket(open_page.port, origin=origin, **sent) == 403
        assert open_page.ask("/x", "POST", {}, origin=origin, **sent).status == 403
    own = f"http://127.0.0.1:{open_page.port}"
    with open_socket(open_page.port, origin=own, **sent) as stream:
        stream.send("hello")
        assert stream.recv(timeout=5)
    assert open_page.ask("/x", "POST", {}, origin=own, **sent).status == 200


def test_a_link_from_elsewhere_may_be_followed_and_nothing_else(page: Served) -> None:
    sent = {"cookie": page.cookie(), "sec_fetch_site": "cross-site"}
    assert page.ask("/", sec_fetch_mode="navigate", **sent).status == 200
    assert page.ask("/export/fills.csv", sec_fetch_mode="no-cors", **sent).status == 403
    assert page.ask("/logout", "POST", {}, sec_fetch_mode="navigate", **sent).status == 403


def test_signing_in_leads_back_to_the_page_asked_for_and_nowhere_else(page: Served) -> None:
    answer = page.ask("/trades?bot=mr_btc_usdt_1h_p1&from=2026-01-01", accept=HTML)
    assert answer.headers["location"] == "/login?next=%2Ftrades%3Fbot%3Dmr_btc_usdt_1h_p1%26from%3D2026-01-01"
    form = page.ask(answer.headers["location"], accept=HTML).text
    target = re.search(r'name="next" value="([^"]*)"', form)
    assert target is not None and target[1] == "/trades?bot=mr_btc_usdt_1h_p1&amp;from=2026-01-01"
    for asked, led in (
        ("/trades?bot=a", "/trades?bot=a"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("/logout", "/"),
    ):
        answer = page.ask("/login", "POST", {"name": "anna", "password": ANNA, "next": asked})
        assert (answer.status, answer.headers["location"]) == (303, led), asked


def test_the_sign_in_page_needs_nothing_from_elsewhere_and_injects_nothing(page: Served) -> None:
    answer = page.ask('/login?next=/"><script>alert(1)</script>'.replace(" ", "%20"), accept=HTML)
    assert answer.status == 200
    assert "<script" not in answer.text
    assert not re.search(r"(src|href)=|https?://|@import|url\(", answer.text)
    assert "prefers-color-scheme: dark" in answer.text and 'name="viewport"' in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", STATIC, "/login", "/nowhere"])
def test_every_answer_tells_browsers_to_run_and_show_nothing_foreign(page: Served, path: str) -> None:
    for cookie in ("", page.cookie()):
        headers = page.ask(path, cookie=cookie).headers
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy and "http" not in policy and "*" not in policy
        assert "access-control-allow-origin" not in headers
        assert headers.get("server") != "somebody"


def test_the_cookie_is_for_encrypted_connections_where_there_is_one(page: Served) -> None:
    assert "Secure" not in page.sign_in().headers["set-cookie"]
    assert "Secure" in page.sign_in(x_forwarded_proto="https").headers["set-cookie"]


def test_the_hashes_of_the_tests_are_those_of_the_product() -> None:
    assert all(kept.startswith("scrypt$32768$8$3$") for kept in HASHES.values())
