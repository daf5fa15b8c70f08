"""Nobody but the project's own page is given a link, whoever listens on its port."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from shared import own_page
from shared.cookie_secret import load_secret, secret_path
from shared.links import FOLDER, way_in
from shared.own_page import NONCE_LENGTH, NoOwnPage, find_own_page
from shared.passwords import OPERATOR
from shared.settings import DashboardSettings
from tests.dashboard.gate.process import free_port
from tests.dashboard.gate.serving import ANNA, NOW_MS, Served

STRANGERS = "does not answer as this project's page"
Answer = Callable[[bytes], bytes]


def settings(page: Served, port: int = 0, address: str = "127.0.0.1") -> DashboardSettings:
    return DashboardSettings(address=address, port=port or page.port, password_file=page.people.path)


@contextmanager
def squatter(answer: Answer) -> Iterator[int]:
    """Listen as another user of the machine could; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                with line:
                    line.sendall(answer(line.recv(65_536)))

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def passed_on(port: int) -> Answer:
    """Answer as whoever listens on another port does."""

    def answer(asked: bytes) -> bytes:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as line:
            line.request("GET", asked.split()[1].decode())
            return b"HTTP/1.1 200 OK\r\n\r\n" + line.getresponse().read()

    return answer


def test_the_page_is_known_and_named_by_its_number(open_page: Served) -> None:
    here = f"http://127.0.0.1:{open_page.port}"
    root = open_page.folder / "project"
    assert find_own_page(root, settings(open_page)) == here
    assert find_own_page(root, settings(open_page, address="localhost")) == here, "::1 may be somebody else's"
    assert way_in(root, settings(open_page), NOW_MS).startswith(f"{here}/login?link=")
    open_page.allow("anna", OPERATOR, ANNA)
    assert find_own_page(root, settings(open_page)) == here
    assert way_in(root, settings(open_page), NOW_MS) == here


@pytest.mark.parametrize("kind", ["any", "echo", "silent", "passed on", "another fleet"])
def test_whoever_else_listens_there_gets_no_link(
    open_page: Served, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_page, "ANSWER_SECONDS", 1.0)
    root = open_page.folder / "project"
    if kind == "another fleet":
        other = DashboardSettings(port=open_page.port, password_file=tmp_path / "other" / "passwords.json")
        with pytest.raises(NoOwnPage, match=STRANGERS):
            find_own_page(root, other)
        assert not other.password_file.parent.exists(), "who only asks makes no secret"
        load_secret(secret_path(other.password_file))
        with pytest.raises(NoOwnPage, match=STRANGERS):
            find_own_page(root, other)
        return
    waits = threading.Event()
    answers: dict[str, Answer] = {
        "any": lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + b"0" * 64,
        "echo": lambda asked: b"HTTP/1.1 200 OK\r\n\r\n" + asked,
        "silent": lambda _: b"late" * waits.wait(5.0),
        "passed on": passed_on(open_page.port),
    }
    with squatter(answers[kind]) as port:
        with pytest.raises(NoOwnPage, match=STRANGERS):
            find_own_page(root, settings(open_page, port))
        with pytest.raises(NoOwnPage, match=STRANGERS):
            way_in(root, settings(open_page, port), NOW_MS)
        waits.set()
    assert not (root / FOLDER).exists(), "no link was made"


def test_where_nothing_answers_there_is_no_link(open_page: Served) -> None:
    port, root = free_port(), open_page.folder / "project"
    with pytest.raises(NoOwnPage, match=f"nothing answers at http://127.0.0.1:{port}, so there is no link"):
        find_own_page(root, settings(open_page, port))
    with pytest.raises(NoOwnPage, match="`make run` starts the page"):
        way_in(root, settings(open_page, port), NOW_MS)


def test_the_proof_is_another_for_each_question_and_is_given_to_no_proxy_without_a_password(open_page: Served) -> None:
    one, other = (open_page.ask(f"/proof?nonce={digit * NONCE_LENGTH}") for digit in "01")
    assert one.status == other.status == 200 and one.text != other.text
    assert one.headers["cache-control"] == "no-store"
    for nonce in ("", "0", "0" * (NONCE_LENGTH + 1), "g" * NONCE_LENGTH, "%00" * NONCE_LENGTH):
        assert open_page.ask(f"/proof?nonce={nonce}").status == 400
    assert open_page.ask(f"/proof?nonce={'0' * NONCE_LENGTH}", x_forwarded_for="192.0.2.1").status == 403
