"""Once people have names nobody comes in by a link again, whatever becomes of the password file, through restarts."""

from pathlib import Path

from shared.cookie_secret import forget_secret, secret_path
from shared.passwords import OPERATOR, Account, is_guarded, save_account, unguard
from tests.dashboard.gate.serving import ANNA, HASHES, Served, serve

MARK = "passwords.json.was-set"


def set_and_lost(page: Served) -> tuple[str, str]:
    """Come in by a link, set a password and lose its file; give the cookie of before and a new link."""
    cookie = page.local_cookie()
    page.allow("anna", OPERATOR, ANNA)
    assert page.ask("/", cookie=cookie).status == 401
    page.people.path.unlink()
    return cookie, page.link()


def test_a_password_file_that_vanished_opens_nothing_when_the_page_starts_anew(tmp_path: Path) -> None:
    with serve(tmp_path) as page:
        cookie, link = set_and_lost(page)
    with serve(tmp_path) as page:
        assert page.ask("/", cookie=cookie).status == 401
        assert page.ask(link).status == 503
        assert "password file is missing" in page.ask("/login").text
        page.allow("anna", OPERATOR, ANNA)
        assert page.sign_in().status == 303, "the owner of the machine names people anew"
    with serve(tmp_path) as page:
        page.people.path.unlink()
        page.people.path.with_name(MARK).unlink()
    with serve(tmp_path) as page:
        assert page.ask("/", cookie=cookie).status == 200, "it is the mark that shuts the door"


def test_a_file_that_was_there_before_marks_were_is_marked_when_the_page_sees_it(tmp_path: Path) -> None:
    with serve(tmp_path) as page:
        cookie = page.local_cookie()
        save_account(page.people.path, Account("anna", OPERATOR, HASHES[ANNA]))
        page.people.path.with_name(MARK).unlink()
        assert page.sign_in().status == 303
        page.people.path.unlink()
    with serve(tmp_path) as page:
        assert page.ask("/", cookie=cookie).status == 401


def test_taking_the_passwords_back_opens_the_page_by_new_links_alone(tmp_path: Path) -> None:
    with serve(tmp_path) as page:
        cookie, _ = set_and_lost(page)
        path = page.people.path
        forget_secret(secret_path(path))
        unguard(path)
        assert page.ask("/", cookie=cookie).status == 401, "a page that runs stays as it is"
    with serve(tmp_path) as page:
        assert page.ask("/", cookie=cookie).status == 401
        assert page.ask("/", cookie=page.local_cookie()).status == 200


def test_what_cannot_be_looked_at_is_there(tmp_path: Path) -> None:
    assert not is_guarded(tmp_path / "passwords.json")
    assert not is_guarded(tmp_path / "none" / "passwords.json")
    assert is_guarded(tmp_path / ("x" * 300))
