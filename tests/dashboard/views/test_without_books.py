"""What stands there while no database can be read: the right words, and a way to stop the worker's process."""

import json
import socket
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection
from streamlit.testing.v1 import AppTest

from dashboard import actions, loaders
from dashboard.components import process
from dashboard.gate.acts import FILE
from dashboard.patience import Patience
from dashboard.queries.fleet import Newest
from shared.database import sqlite_module
from shared.enums import CommandKind, ScopeKind
from shared.errors import CommandRefused, DatabaseError
from tests.dashboard import seeding
from tests.dashboard.views.books import make
from tests.dashboard.views.conftest import Folder, OpenPage, texts

KEYS = {"kill", "kill_on_top", "stop_without_books"}


def test_an_operator_can_stop_the_process_and_a_viewer_cannot(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("missing"), "bots")
    assert keys(app) >= KEYS
    app.button("kill").click().run()
    assert not app.exception
    assert "Without the worker nothing trades" in texts(app)
    assert "supervisor must answer" in texts(app).replace("\\", "")
    assert not keys(open_page(folder("missing"), "bots", role="viewer"))


def test_a_database_that_was_there_is_told_from_one_that_never_was(open_page: OpenPage, tmp_path: Path) -> None:
    app = open_page(make("seeded", tmp_path / "books"), "bots")
    assert not keys(app) & KEYS
    file = tmp_path / "books" / "flotilla.db"
    file.rename(tmp_path / "away.db")
    app.run()
    said = texts(app)
    assert "was there before" in said and "first start" not in said and "make run" not in said
    assert keys(app) >= KEYS
    (tmp_path / "away.db").rename(file)
    app.run()
    assert not app.exception and not keys(app) & KEYS


def test_a_database_that_hangs_is_said_and_the_process_can_be_stopped(
    open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page(make("seeded", tmp_path / "books"), "control")
    go = threading.Event()
    load = loaders.load_newest

    def hang(connection: Connection, portfolio_id: int) -> Newest:
        assert go.wait(60)
        return load(connection, portfolio_id)

    monkeypatch.setattr(loaders, "_PATIENCE", Patience(seconds=0.3))
    monkeypatch.setattr(loaders, "load_newest", hang)
    try:
        loaders.forget()
        app.run()
        assert "did not: it hangs" in texts(app).replace("\\", "")
        assert keys(app) >= KEYS
    finally:
        go.set()
    give_up = time.monotonic() + 30.0
    while keys(app) & KEYS and time.monotonic() < give_up:
        app.run()
    assert not app.exception and "Worth of open positions" in texts(app)


def test_a_command_is_written_while_reads_hang(
    open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = make("seeded", tmp_path / "books")
    open_page(books, "control")
    go = threading.Event()
    monkeypatch.setattr(loaders, "_PATIENCE", Patience(seconds=0.2))
    monkeypatch.setattr(loaders, "load_newest", lambda *_: go.wait(60))
    loaders.forget()
    try:
        with pytest.raises(DatabaseError, match="it hangs"):
            loaders.newest()
        number, is_recorded = actions.ask(CommandKind.PAUSE, ScopeKind.PORTFOLIO, "", "reads hang")
    finally:
        go.set()
    with sqlite_module().connect(books / seeding.FILE) as connection:
        asked = connection.execute("SELECT kind, who, reason FROM command WHERE id = ?", (number,)).fetchone()
    assert asked == ("PAUSE", "ann", "reads hang")
    assert is_recorded and lines(books)[-1]["command"] == number


def test_a_supervisor_that_hangs_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make("missing", tmp_path / "p"))
    loaders.forget()
    monkeypatch.setattr(actions, "PATIENCE_SECONDS", 0.1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        # Not by its whole path, which may be too long for a socket.
        listening.bind("s")
        listening.listen()
        monkeypatch.setattr(actions, "_path", lambda: "s")
        with pytest.raises(actions.SupervisorAway, match=r"must answer within 0\.1 s, did not: it hangs"):
            actions.worker_process()


@pytest.mark.parametrize(
    ("state", "step"),
    [
        *((state, process.STOP) for state in ("RUNNING", "STARTING", "BACKOFF")),
        ("STOPPING", process.KILL),
        *((state, process.START) for state in ("STOPPED", "EXITED", "FATAL", "UNKNOWN")),
    ],
)
def test_each_state_has_one_next_step(state: str, step: process.Step) -> None:
    assert process.next_step(state) is step


def test_what_supervisor_is_asked_is_recorded_with_name_and_reason(
    open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_page(make("missing", tmp_path / "none"), "bots")
    asked = []
    monkeypatch.setattr(actions, "_supervisor_call", lambda *call: asked.append((call, len(lines(tmp_path / "none")))))
    for number, act in enumerate((actions.stop_worker, actions.kill_worker, actions.start_worker), 1):
        with pytest.raises(CommandRefused, match="reason must say why"):
            act("  ")
        assert len(asked) == number - 1
        assert act(" it\nhangs ")
    assert asked == [
        (("stopProcess", "worker", False), 1),
        (("signalProcess", "worker", "KILL"), 2),
        (("startProcess", "worker", False), 3),
    ], "each is written down before it is done"
    found = lines(tmp_path / "none")
    assert [line["what"] for line in found] == [f"asked supervisor to {verb} the worker" for verb in VERBS]
    assert {(line["name"], line["reason"], line["address"]) for line in found} == {("ann", "it\nhangs", "127.0.0.1")}
    assert (tmp_path / "none" / FILE).stat().st_mode & 0o077 == 0


def test_a_record_that_cannot_be_written_keeps_nobody_from_stopping(
    open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make("missing", tmp_path / "none")
    (root / FILE).mkdir(parents=True)
    open_page(root, "bots")
    asked = []
    monkeypatch.setattr(actions, "_supervisor_call", lambda *call: asked.append(call))
    assert not actions.stop_worker("it hangs")
    assert asked == [("stopProcess", "worker", False)]


VERBS = ("stop", "kill", "start")


def keys(app: AppTest) -> set[str]:
    """Give the keys of the buttons on a page."""
    return {str(button.key) for button in app.button}


def lines(root: Path) -> list[dict[str, str]]:
    """Give the record of a project."""
    return [json.loads(line) for line in (root / FILE).read_text().splitlines()]
