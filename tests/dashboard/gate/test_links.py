"""Links that sign in once, as long as no password is set; and that nobody is the operator for where they come from."""

import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from dashboard.gate.people import LOCAL
from shared import links
from shared.errors import ConfigurationError
from shared.links import FOLDER, LIFETIME_MINUTES, make_link, token_of, use_link
from shared.passwords import OPERATOR, Account, save_account
from tests.dashboard.gate.process import Dashboard, environment, password_file, running
from tests.dashboard.gate.serving import ANNA, HASHES, NOW_MS, Served, ask, open_socket, refused_socket

HTML = "text/html"
MINUTE_MS = 60_000
OLD = "This link has been used, is older than 10 minutes, or is not one of this fleet."


def made(root: Path, now_ms: int = NOW_MS) -> str:
    """Make a link and give its token."""
    return token_of(make_link(root, "http://127.0.0.1:8501", now_ms))


def test_a_link_is_the_address_of_the_page_with_a_token(tmp_path: Path) -> None:
    link = make_link(tmp_path, "http://127.0.0.1:8501", NOW_MS)
    assert link.startswith("http://127.0.0.1:8501/login?link=")
    assert len(token_of(link)) >= 43, "256 bits"


def test_a_token_signs_in_once(tmp_path: Path) -> None:
    first, second = made(tmp_path), made(tmp_path)
    assert use_link(tmp_path, first, NOW_MS)
    assert not use_link(tmp_path, first, NOW_MS)
    assert use_link(tmp_path, second, NOW_MS)


@pytest.mark.parametrize(
    ("minutes", "works"),
    [(0, True), (LIFETIME_MINUTES - 1, True), (LIFETIME_MINUTES, False), (-LIFETIME_MINUTES, False)],
)
def test_a_token_is_soon_gone(tmp_path: Path, minutes: int, works: bool) -> None:
    assert use_link(tmp_path, made(tmp_path), NOW_MS + minutes * MINUTE_MS) == works


@pytest.mark.parametrize("token", ["", ".", "..", "../links", "x" * 43, "x" * 1_000_000, "\0", "é\ud800"])
def test_what_nobody_made_signs_nobody_in(tmp_path: Path, token: str) -> None:
    assert not use_link(tmp_path, token, NOW_MS)
    made(tmp_path)
    assert not use_link(tmp_path, token, NOW_MS)


def test_the_token_is_in_no_file(tmp_path: Path) -> None:
    token = made(tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert token not in files[0].name and token not in files[0].read_text()
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700


def test_old_ones_are_forgotten_when_a_new_one_is_made(tmp_path: Path) -> None:
    made(tmp_path)
    made(tmp_path, NOW_MS + LIFETIME_MINUTES * MINUTE_MS)
    assert len(list((tmp_path / FOLDER).iterdir())) == 1


@pytest.mark.parametrize("spoil", ["mode", "link", "file", "owner"])
def test_a_folder_that_others_could_write_to_opens_nothing(
    tmp_path: Path, spoil: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = made(tmp_path)
    folder = tmp_path / FOLDER
    if spoil == "mode":
        folder.chmod(0o770)
    elif spoil == "link":
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
    elif spoil == "file":
        folder.rename(tmp_path / "elsewhere")
        folder.write_text("")
    else:
        mine = os.geteuid()
        monkeypatch.setattr(links.os, "geteuid", lambda: mine + 1)
    with pytest.raises(ConfigurationError, match="must be a folder"):
        use_link(tmp_path, token, NOW_MS)
    with pytest.raises(ConfigurationError, match="must be a folder"):
        made(tmp_path)


@pytest.mark.parametrize(
    "pasted",
    ["http://127.0.0.1:8501/login?link=abc", " abc\n", "/login?link=abc", "http://[/login?link=abc", "link=abc"],
)
def test_a_link_may_be_pasted_whole_or_only_its_end(pasted: str) -> None:
    expected = {"http://[/login?link=abc": "http://[/login?link=abc", "link=abc": "link=abc"}
    assert token_of(pasted) == expected.get(pasted, "abc")


def test_who_has_neither_link_nor_cookie_is_nobody_on_this_machine_too(open_page: Served) -> None:
    assert open_page.ask("/").status == 401
    sent = open_page.ask("/trades?period=All", accept=HTML)
    assert (sent.status, sent.headers["location"]) == (303, "/login?next=%2Ftrades%3Fperiod%3DAll")
    page = open_page.ask("/login")
    assert page.status == 200 and ".venv/bin/flotilla dashboard link" in page.text
    assert "Password" not in page.text
    assert refused_socket(open_page.port) == 403


def test_a_link_opens_the_page_in_one_click_and_only_once(open_page: Served) -> None:
    link = open_page.link()
    answer = open_page.ask(link, accept=HTML)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in answer.headers["set-cookie"] and "SameSite=Lax" in answer.headers["set-cookie"]
    assert answer.headers["cache-control"] == "no-store"
    assert open_page.ask("/", cookie=answer.cookie).status == 200
    again = open_page.ask(link, accept=HTML)
    assert again.status == 401 and OLD in again.text and "set-cookie" not in again.headers
    assert open_page.ask(link, cookie=answer.cookie).status == 303, "who came by it comes back to the page"


def test_a_link_that_is_pasted_leads_where_one_wanted_to_go(open_page: Served) -> None:
    link = f"http://somewhere.else:1{open_page.link()}"
    answer = open_page.ask("/login", "POST", {"link": link, "next": "/trades"})
    assert (answer.status, answer.headers["location"]) == (303, "/trades")
    assert open_page.ask("/", cookie=answer.cookie).status == 200


def test_a_link_that_was_mistyped_may_be_of_another_fleet(open_page: Served) -> None:
    answer = open_page.ask(f"{open_page.link()}x")
    assert answer.status == 401 and OLD in answer.text


def test_an_old_link_says_so(open_page: Served) -> None:
    link = open_page.link()
    open_page.clock.advance_ms(LIFETIME_MINUTES * MINUTE_MS)
    answer = open_page.ask(link)
    assert answer.status == 401 and OLD in answer.text


@pytest.mark.parametrize("ahead", [{"sec_purpose": "prefetch"}, {"purpose": "prefetch"}, {"method": "HEAD"}])
def test_who_only_looks_ahead_does_not_use_a_link_up(open_page: Served, ahead: dict[str, str]) -> None:
    link = open_page.link()
    assert "set-cookie" not in open_page.ask(link, **ahead).headers
    assert open_page.ask(link).status == 303


@pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for", "x-real-ip", "via"])
def test_a_link_opens_nothing_through_a_proxy(open_page: Served, header: str) -> None:
    link, cookie = open_page.link(), open_page.local_cookie()
    assert open_page.ask(link, **{header: "192.0.2.1"}).status == 403
    assert open_page.ask("/", cookie=cookie, **{header: "192.0.2.1"}).status == 403


def test_the_session_of_a_link_ends_with_its_sign_out_and_with_the_first_password(open_page: Served) -> None:
    first, second = open_page.local_cookie(), open_page.local_cookie()
    assert open_page.ask("/logout", "POST", {}, cookie=first).status == 303
    assert open_page.ask("/", cookie=first).status == 401
    with open_socket(open_page.port, cookie=second) as stream:
        stream.send("hello")
        assert stream.recv(timeout=5)
    open_page.allow(LOCAL.name, OPERATOR, ANNA)
    assert open_page.ask("/", cookie=second).status == 401, "a person of the same name is somebody else"
    assert open_page.ask("/", cookie=open_page.cookie(LOCAL.name)).status == 200


def test_where_people_have_names_a_link_says_so(page: Served) -> None:
    link = page.link()
    answer = page.ask(link)
    assert answer.status == 401 and "sign in with yours" in answer.text
    assert page.ask("/login", "POST", {"link": link}).status == 401
    assert len(list((page.folder / FOLDER).iterdir())) == 1, "not used up, for nothing was opened"


def test_the_record_names_who_came_by_a_link_and_holds_no_token(open_page: Served) -> None:
    link = open_page.link()
    open_page.ask(link)
    open_page.ask(link)
    (act,) = open_page.acts()
    assert (act["what"], act["name"]) == ("signed in", "local")
    assert '"wrong, used or old sign-in link"' in open_page.record()
    assert token_of(link) not in open_page.record() + str(act)


def flotilla_link(dashboard: Dashboard, code: int = 0) -> tuple[str, str]:
    """Run `flotilla dashboard link` beside a page; give what it prints and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "worker", "dashboard", "link"],
        cwd=dashboard.folder,
        env=environment(dashboard.folder, dashboard.port),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout.strip(), done.stderr.strip()


@pytest.mark.slow
def test_the_command_prints_a_link_that_opens_the_page_and_stands_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    with running(folder) as dashboard:
        link, said = flotilla_link(dashboard)
        here = f"http://127.0.0.1:{dashboard.port}"
        assert said == "" and link.startswith(f"{here}/login?link=")
        answer = ask(dashboard.port, link.removeprefix(here), accept=HTML)
        assert (answer.status, answer.headers["location"]) == (303, "/")
        assert ask(dashboard.port, "/", cookie=answer.cookie, accept=HTML).status == 200
        assert ask(dashboard.port, link.removeprefix(here)).status == 401
        token = token_of(link)
        written = [path for path in folder.parent.rglob("*") if path.is_file()]
        assert folder / "logs" / "signin.log" in written and folder / "log" in written
        for path in written:
            assert token.encode() not in path.read_bytes(), path
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                assert token.encode() not in process.read_bytes(), process
        save_account(password_file(folder), Account("anna", OPERATOR, HASHES[ANNA]))
        assert flotilla_link(dashboard) == (here, "Passwords are set, so everybody signs in by name.")
    nothing = f"flotilla: nothing answers at {here}, so there is no link: `make run` starts the page"
    assert flotilla_link(dashboard, code=69) == ("", nothing)


def test_a_folder_of_links_that_is_not_safe_is_told(open_page: Served) -> None:
    link = open_page.link()
    (open_page.folder / FOLDER).chmod(0o777)
    answer = open_page.ask(link)
    assert answer.status == 503 and "log says why" in answer.text
