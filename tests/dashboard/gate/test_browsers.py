"""A browser that somebody signed in with is known from then on, and nobody's guesses keep it waiting."""

from http.cookies import SimpleCookie

import pytest

from dashboard.gate.browsers import COOKIE, KEPT_SECONDS, MOST_NAMES, STRANGER, Browsers
from dashboard.gate.throttle import TRY_LIMIT
from shared.passwords import VIEWER
from tests.dashboard.gate.serving import BO, Answer, Served

WRONG = "wrong wrong wrong"


def known(answer: Answer) -> str:
    """Give the cookie by which a browser is known, as it is sent back."""
    (found,) = [line.partition(";")[0] for line in answer.set_cookies if line.startswith(f"{COOKIE}=")]
    return found


def guess_until_refused(page: Served, name: str, **headers: str) -> None:
    """Use up the tries of a stranger."""
    statuses = [page.sign_in(name, WRONG, **headers).status for _ in range(TRY_LIMIT + 1)]
    assert statuses == [401] * TRY_LIMIT + [429]


def test_nobody_locks_out_who_signed_in_with_that_browser_before(page: Served) -> None:
    cookie = known(page.sign_in())
    guess_until_refused(page, "anna")
    assert page.sign_in().status == 429, "another program of this machine, or a browser that is new"
    assert page.sign_in(cookie=cookie).status == 303
    assert page.sign_in().status == 429, "and that does not let the guesser go on"


@pytest.mark.slow
def test_made_up_names_lock_nobody_out_of_their_address(page: Served) -> None:
    for at in range(21):
        assert page.sign_in(f"name{at}", WRONG).status == 401
    assert page.sign_in().status == 303, "a first sign-in from a new browser, too"


@pytest.mark.slow
def test_a_forged_address_locks_nobody_out_of_a_known_browser(page: Served) -> None:
    cookie = known(page.sign_in(x_forwarded_for="203.0.113.7"))
    guess_until_refused(page, "anna", x_forwarded_for="203.0.113.7")
    assert page.sign_in(cookie=cookie, x_forwarded_for="203.0.113.7").status == 303


@pytest.mark.slow
def test_guesses_with_a_known_browser_are_limited_too(page: Served) -> None:
    cookie = known(page.sign_in())
    statuses = [page.sign_in(password=WRONG, cookie=cookie).status for _ in range(2 * TRY_LIMIT + 1)]
    assert statuses == [401] * 2 * TRY_LIMIT + [429]


def test_the_cookie_opens_nothing_and_is_sent_to_the_sign_in_alone(page: Served) -> None:
    answer = page.sign_in()
    assert page.ask("/", cookie=known(answer)).status == 401
    value = known(answer).partition("=")[2]
    assert page.ask("/", cookie=f"flotilla_session={value}").status == 401, "nor under another name"
    (written,) = [SimpleCookie(line)[COOKIE] for line in answer.set_cookies if line.startswith(COOKIE)]
    assert (written["path"], written["samesite"], written["httponly"]) == ("/login", "Strict", True)
    assert int(written["max-age"]) == KEPT_SECONDS


def test_only_a_sign_in_by_password_makes_a_browser_known(open_page: Served) -> None:
    assert [line.partition("=")[0] for line in open_page.ask(open_page.link()).set_cookies] == ["flotilla_session"]
    open_page.allow("bo", VIEWER, BO)
    assert open_page.sign_in("bo", WRONG).set_cookies == []


def test_a_cookie_is_known_by_its_names_until_it_is_too_old_and_by_no_forgery(page: Served) -> None:
    browsers = Browsers(page.people, page.clock)
    first = known(page.sign_in()).partition("=")[2]
    assert browsers.read(first).names == ("anna",)
    second = known(page.sign_in("bo", BO, cookie=f"{COOKIE}={first}")).partition("=")[2]
    assert browsers.read(second).names == ("bo", "anna")
    assert browsers.read(second).key != browsers.read(first).key
    session = page.cookie().partition("=")[2]
    for forged in ("", "x", first[:-1], f"{first}x", session, "\udcff", "a.b.c"):
        assert browsers.read(forged) == STRANGER
    page.clock.advance_ms((KEPT_SECONDS + 1) * 1000)
    assert browsers.read(second) == STRANGER


def test_the_names_of_a_browser_are_few(page: Served) -> None:
    browsers, browser = Browsers(page.people, page.clock), STRANGER
    for at in range(2 * MOST_NAMES):
        line = browsers.cookie(browser, f"name{at}", secure=True)
        assert line.endswith("; Secure")
        browser = browsers.read(line.partition(";")[0].partition("=")[2])
    assert len(browser.names) == MOST_NAMES and browser.names[0] == f"name{2 * MOST_NAMES - 1}"
