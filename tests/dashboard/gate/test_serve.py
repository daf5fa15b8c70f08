"""The whole dashboard as a process: Streamlit behind the gate, refusals to start, and its end."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import plotly
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from dashboard.gate.messages import MOST_MESSAGE_BYTES
from dashboard.serving.plotly_script import PATH
from shared.passwords import OPERATOR, VIEWER, Account, save_account
from tests.conftest import ROOT
from tests.dashboard.gate.process import Dashboard, begin, environment, free_port, running
from tests.dashboard.gate.serving import ANNA, BO, HASHES, ask, closed_with, open_socket, refused_socket
from tests.process.running import alive, wait_for

# They start a page or a worker of their own, or draw every page.
pytestmark = pytest.mark.slow

STREAM = "/_stcore/stream"
HTML = "text/html"


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """One that two people may sign in to."""
    folder = tmp_path_factory.mktemp("guarded") / "project"
    accounts = folder.parent / "project-outside" / "passwords.json"
    save_account(accounts, Account("anna", OPERATOR, HASHES[ANNA]))
    save_account(accounts, Account("bo", VIEWER, HASHES[BO]))
    with running(folder) as dashboard:
        yield dashboard


def signed_in(port: int, name: str, password: str) -> str:
    answer = ask(port, "/login", "POST", {"name": name, "password": password})
    assert answer.status == 303, answer.text
    return answer.cookie


def text_of_page(port: int, **headers: str) -> str:
    """Run the page over its websocket, as a browser does, and give the first text it shows."""
    with open_socket(port, path=STREAM, **headers) as stream:
        asked = BackMsg()
        asked.rerun_script.query_string = ""
        stream.send(asked.SerializeToString())
        give_up = time.monotonic() + 20
        while time.monotonic() < give_up:
            message = ForwardMsg()
            message.ParseFromString(stream.recv(timeout=20))
            body = message.delta.new_element.markdown.body
            if body:
                return body
    raise AssertionError("the page showed no text")


def session_of(port: int, cookie: str, taken_up: str = "") -> str:
    """Open the page, taking up a session by its id where one is given, and give the id of the session it is."""
    protocols = ["streamlit", "token", *([taken_up] if taken_up else [])]
    with open_socket(port, path=STREAM, subprotocols=protocols, cookie=cookie) as stream:
        asked = BackMsg()
        asked.rerun_script.query_string = ""
        stream.send(asked.SerializeToString())
        message = ForwardMsg()
        while not message.HasField("new_session"):
            message.ParseFromString(stream.recv(timeout=20))
        return message.new_session.initialize.session_id


def test_a_session_is_taken_up_again_by_nobody_but_the_person_who_began_it(dashboard: Dashboard) -> None:
    anna, bo = signed_in(dashboard.port, "anna", ANNA), signed_in(dashboard.port, "bo", BO)
    began = session_of(dashboard.port, anna)
    assert session_of(dashboard.port, bo, taken_up=began) != began
    assert session_of(dashboard.port, anna, taken_up=began) == began, "a connection that was lost is taken up"


def test_a_session_is_not_taken_up_again_with_another_role(dashboard: Dashboard) -> None:
    accounts = dashboard.folder.parent / "project-outside" / "passwords.json"
    save_account(accounts, Account("cleo", OPERATOR, HASHES[ANNA]))
    began = session_of(dashboard.port, signed_in(dashboard.port, "cleo", ANNA))
    save_account(accounts, Account("cleo", VIEWER, HASHES[ANNA]))
    assert session_of(dashboard.port, signed_in(dashboard.port, "cleo", ANNA), taken_up=began) != began


def test_streamlit_stands_behind_the_gate(dashboard: Dashboard) -> None:
    for path in (
        "/",
        "/_stcore/health",
        "/_stcore/metrics",
        "/_stcore/host-config",
        "/static/index.html",
        "/export/fills.csv",
        "/export/shown/made_up/a.csv",
    ):
        assert ask(dashboard.port, path).status == 401, path
    assert ask(dashboard.port, PATH).status == 401
    assert ask(dashboard.port, "/", accept=HTML).status == 303
    assert refused_socket(dashboard.port, path=STREAM) == 403


def test_the_page_knows_who_looks_at_it_and_believes_no_browser(dashboard: Dashboard) -> None:
    anna, bo = signed_in(dashboard.port, "anna", ANNA), signed_in(dashboard.port, "bo", BO)
    assert text_of_page(dashboard.port, cookie=anna) == "page of anna operator"
    forged = {"x_flotilla_role": "operator", "x_flotilla_user": "anna"}
    assert text_of_page(dashboard.port, cookie=bo, **forged) == "page of bo viewer"
    assert refused_socket(dashboard.port, path=STREAM, cookie=anna, origin="http://evil.example") == 403
    assert (
        refused_socket(dashboard.port, path=STREAM, cookie=anna, origin="http://evil.example", host="evil.example")
        == 403
    )


def test_the_page_leaves_the_worker_the_core_that_both_want(dashboard: Dashboard) -> None:
    assert os.getpriority(os.PRIO_PROCESS, dashboard.process.pid) > os.getpriority(os.PRIO_PROCESS, 0)


def test_signed_in_people_get_streamlit_and_the_script_of_the_charts(dashboard: Dashboard) -> None:
    cookie = signed_in(dashboard.port, "bo", BO)
    page = ask(dashboard.port, "/", cookie=cookie, accept=HTML)
    assert "<title>Streamlit</title>" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    script = ask(dashboard.port, PATH, cookie=cookie)
    assert script.status == 200 and "plotly.js v" in script.text[:200]
    packed = ask(dashboard.port, PATH, cookie=cookie, accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(script.text) / 2


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/_stcore/upload_file/session/file", 404),
        ("POST", "/_stcore/agent/interact", 404),
        ("GET", "/_stcore/metrics", 404),
        ("GET", "/auth/login", 404),
        ("GET", "/bost", 404),
        ("OPTIONS", "/_stcore/health", 405),
        ("GET", "/_stcore/health", 200),
        ("GET", "/_stcore/host-config", 200),
        ("GET", "/favicon.png", 200),
    ],
)
def test_signed_in_people_get_what_the_page_uses_and_nothing_beside(
    method: str, path: str, status: int, dashboard: Dashboard
) -> None:
    for name, password in (("anna", ANNA), ("bo", BO)):
        cookie = signed_in(dashboard.port, name, password)
        assert ask(dashboard.port, path, method, cookie=cookie).status == status
    assert ask(dashboard.port, path, method).status == 401


def test_a_message_longer_than_a_page_sends_ends_the_connection(dashboard: Dashboard) -> None:
    with open_socket(dashboard.port, path=STREAM, cookie=signed_in(dashboard.port, "bo", BO)) as stream:
        stream.send(b"x" * (MOST_MESSAGE_BYTES + 1))
        assert closed_with(stream) == 1009


def test_browsers_are_told_of_the_script_along_with_a_page_that_has_charts(dashboard: Dashboard) -> None:
    cookie = signed_in(dashboard.port, "bo", BO)
    for path in ("/", "/risk"):
        told = ask(dashboard.port, path, cookie=cookie, accept=HTML).headers["link"]
        assert told == f"<{PATH}>; rel=preload; as=script", path
    for path in ("/control", "/_stcore/health", "/login", "/export/fills.csv"):
        assert "link" not in ask(dashboard.port, path, cookie=cookie, accept=HTML).headers, path
    for path in ("/", "/login"):
        answer = ask(dashboard.port, path, accept=HTML)
        assert "link" not in answer.headers, f"{path}: who is not signed in could not fetch it"


def test_what_a_browser_kept_of_a_page_learns_the_newest_address(dashboard: Dashboard) -> None:
    cookie = signed_in(dashboard.port, "bo", BO)
    kept = ask(dashboard.port, "/", cookie=cookie, accept=HTML)
    again = ask(dashboard.port, "/", cookie=cookie, accept=HTML, if_none_match=kept.headers["etag"])
    assert again.status == 304 and PATH in again.headers["link"]


def test_the_script_is_kept_by_browsers_and_not_by_what_stands_between(dashboard: Dashboard) -> None:
    kept = ask(dashboard.port, PATH, cookie=signed_in(dashboard.port, "bo", BO)).headers["cache-control"]
    assert {"private", "immutable"} <= set(kept.split(", "))
    assert plotly.__version__ in PATH, "another release must have another address"


def test_health_says_only_whether_the_books_are_there_and_how_old_they_are(dashboard: Dashboard) -> None:
    answer = ask(dashboard.port, "/healthz")
    assert answer.status == 503
    assert answer.text == '{"ok":false,"database_age_seconds":null,"clock":null}'


def test_a_download_without_books_says_what_is_missing(dashboard: Dashboard) -> None:
    answer = ask(dashboard.port, "/export/fills.csv", cookie=signed_in(dashboard.port, "bo", BO))
    assert answer.status == 503
    assert "is not there yet: waiting for the worker to make it" in answer.text


def test_what_it_writes_is_for_its_owner_alone(dashboard: Dashboard) -> None:
    signed_in(dashboard.port, "anna", ANNA)
    assert stat.S_IMODE((dashboard.folder / "logs" / "acts.log").stat().st_mode) == 0o600


def test_without_a_password_it_serves_who_came_by_a_link(tmp_path: Path) -> None:
    with running(tmp_path / "project") as dashboard:
        assert text_of_page(dashboard.port, cookie=dashboard.cookie) == "page of local operator"
        assert refused_socket(dashboard.port, path=STREAM) == 403
        assert f"the page is at http://127.0.0.1:{dashboard.port}" in dashboard.log
        # A run of the page that hangs, and open websockets, do not hold it up.
        with open_socket(dashboard.port, path=STREAM, cookie=dashboard.cookie):
            began = time.monotonic()
            dashboard.process.send_signal(signal.SIGTERM)
            assert dashboard.process.wait(10) == 0
            assert time.monotonic() - began < 5.0


def test_it_ends_while_a_page_hangs(tmp_path: Path) -> None:
    with running(tmp_path / "project") as dashboard:
        (dashboard.folder / "page.py").write_text("import time\nopen('began', 'w').close()\ntime.sleep(60)\n")
        with open_socket(dashboard.port, path=STREAM, cookie=dashboard.cookie) as stream:
            asked = BackMsg()
            asked.rerun_script.query_string = ""
            stream.send(asked.SerializeToString())
            wait_for((dashboard.folder / "began").exists)
            began = time.monotonic()
            dashboard.process.send_signal(signal.SIGTERM)
            assert dashboard.process.wait(10) == 0
            assert time.monotonic() - began < 5.0


@pytest.mark.parametrize(
    "address", ["0.0.0.0", *(pytest.param(one, marks=pytest.mark.slow) for one in ("::", "192.0.2.1"))]
)
def test_it_refuses_to_listen_beyond_this_machine_without_a_password(tmp_path: Path, address: str) -> None:
    dashboard = begin(tmp_path / "project", FLOTILLA_DASHBOARD__ADDRESS=address)
    assert dashboard.process.wait(60) == 78
    assert dashboard.last_words == [
        f"dashboard.address must be 127.0.0.1 as long as no password is set, was {address}: "
        "`flotilla dashboard password NAME` sets one"
    ]


def test_with_a_password_it_listens_beyond_this_machine(tmp_path: Path) -> None:
    save_account(tmp_path / "project-outside" / "passwords.json", Account("anna", OPERATOR, HASHES[ANNA]))
    with running(tmp_path / "project", FLOTILLA_DASHBOARD__ADDRESS="0.0.0.0") as dashboard:
        assert ask(dashboard.port, "/").status == 401


@pytest.mark.parametrize("spoil", ["mode", "nobody", "gone", "inside", "secret"])
def test_a_password_file_that_is_wrong_is_one_sentence(tmp_path: Path, spoil: str) -> None:
    file = tmp_path / "project-outside" / "passwords.json"
    save_account(file, Account("anna", OPERATOR, HASHES[ANNA]))
    more = {}
    if spoil == "mode":
        file.chmod(0o644)
    elif spoil == "nobody":
        file.write_text('{"version": 1, "people": {}}')
    elif spoil == "gone":
        file.unlink()
    elif spoil == "inside":
        more["FLOTILLA_DASHBOARD__PASSWORD_FILE"] = "state/passwords.json"
    else:
        file.with_name("cookie-secret").touch(mode=0o600)
    dashboard = begin(tmp_path / "project", **more)
    assert dashboard.process.wait(60) == 78
    expected = {
        "mode": "must be for its owner alone (chmod 600), its mode was 644",
        "nobody": "must name somebody who may sign in, was empty",
        "gone": "must be there, for passwords were set, was missing: put it back, or name people anew by",
        "inside": "dashboard.password_file must be outside the project",
        "secret": "must have 64 characters, had 0",
    }
    (sentence,) = dashboard.last_words
    assert expected[spoil] in sentence


def test_uvicorn_refuses_as_well(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    command = [sys.executable, "-m", "uvicorn", "dashboard.serving.serve:app", "--port", str(free_port())]
    place = environment(tmp_path / "project", 8501, FLOTILLA_DASHBOARD__ADDRESS="0.0.0.0")
    refused = subprocess.run(command, cwd=tmp_path / "project", env=place, capture_output=True, text=True, check=False)
    assert refused.returncode == 78
    assert refused.stderr.strip().startswith("dashboard.address must be 127.0.0.1")


@pytest.mark.slow
def test_a_port_that_is_taken_is_waited_for_and_then_named(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        dashboard = begin(tmp_path / "project", taken.getsockname()[1])
        wait_for(lambda: "is taken; waiting for it" in dashboard.log, 60.0)
        assert dashboard.process.wait(60) == 69
        assert "set dashboard.port" in dashboard.log.strip().splitlines()[-1]


PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-u", "serve.py"], stdin=subprocess.PIPE)
open("child", "w").write(str(child.pid))
time.sleep(600)
"""


def test_a_page_whose_supervisor_is_killed_ends_with_it(tmp_path: Path) -> None:
    folder, port = tmp_path / "project", free_port()
    folder.mkdir()
    prepared = begin(folder, port)
    prepared.process.kill()
    prepared.process.wait()
    with (folder / "log").open("wb") as log:
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT],
            cwd=folder,
            env=environment(folder, port, SUPERVISOR_ENABLED="1"),
            stdout=log,
            stderr=log,
        )
    wait_for(lambda: "the page is at" in (folder / "log").read_text(), 60.0)
    child = int((folder / "child").read_text())
    assert alive(child)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not alive(child), 8.0)


def test_a_page_whose_supervisor_died_before_it_looked_ends_too(tmp_path: Path) -> None:
    # What a supervisor leaves of itself is the broken pipe of standard input.
    reading, writing = os.pipe()
    os.close(writing)
    dashboard = begin(tmp_path / "project", stdin=reading, SUPERVISOR_ENABLED="1")
    os.close(reading)
    assert dashboard.process.wait(60) == 0


def test_supervisor_waits_longer_for_a_stop_than_the_page_takes() -> None:
    from dashboard.serving.server import CUT_OFF_SECONDS, OPEN_SECONDS

    text = (ROOT / "supervisord.conf").read_text().partition("[program:dashboard]")[2]
    waits = int(text.partition("stopwaitsecs=")[2].split()[0])
    assert OPEN_SECONDS < CUT_OFF_SECONDS < 5.0 < waits
