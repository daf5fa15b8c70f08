"""What a viewer sees, and that acting is refused behind the page, too."""

import json
from pathlib import Path
from shutil import copytree

import pytest

from dashboard import actions
from dashboard.gate import person, seal
from dashboard.gate.acts import FILE, acts_of
from shared.database import sqlite_module
from shared.enums import CommandKind, ScopeKind
from shared.errors import CommandRefused
from shared.tables.commands import COMMAND_IS_PENDING
from tests.dashboard.views.conftest import Folder, OpenPage, texts
from tests.dashboard.views.grids import grids

CONTROLS = ("No entries", "Flatten", "Halt", "Release", "Deposit", "Withdraw", "Stop or start the worker's process")


@pytest.mark.parametrize("page", ["overview", "bot", "control"])
def test_a_viewer_has_no_controls(page: str, folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("halted"), page, role="viewer")
    assert not [button.label for button in app.button if button.label in CONTROLS]
    assert "ann, viewer" in texts(app)


def test_an_operator_has_them(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("halted"), "control")
    assert set(CONTROLS) <= {button.label for button in app.button}


@pytest.mark.parametrize("role", ["viewer", "Operator", "admin"])
def test_acting_is_refused_to_whoever_is_no_operator(
    role: str, folder: Folder, open_page: OpenPage, tmp_path: Path
) -> None:
    own = copytree(folder("seeded"), tmp_path / "own")
    open_page(own, "control", role=role)
    before = pending(own)
    for _ in range(3):
        with pytest.raises(CommandRefused, match="must be an operator, was a viewer"):
            actions.ask(CommandKind.HALT, ScopeKind.SLEEVE, "breakout", "forged")
        for act in (actions.stop_worker, actions.kill_worker, actions.start_worker):
            with pytest.raises(CommandRefused, match="must be an operator"):
                act("forged")
    assert pending(own) == before, "the worker must find nothing to take"
    acts_of(own).settle(at_once=True)
    told = lines(own)
    whats = ["HALT", *(f"asked supervisor to {verb} the worker" for verb in ("stop", "kill", "start"))]
    assert [(line["what"], line.get("count")) for line in told] == [(what, n) for n in (None, 2) for what in whats]
    assert {(line["name"], line["role"]) for line in told} == {("ann", "viewer")}
    assert (told[0]["scope"], told[0]["reason"]) == ("sleeve breakout", "forged")
    assert all("must be an operator" in line["refused"] for line in told[: len(whats)])


def test_what_was_refused_to_a_viewer_stands_in_the_audit_trail_once(
    folder: Folder, open_page: OpenPage, tmp_path: Path
) -> None:
    own = copytree(folder("seeded"), tmp_path / "own")
    open_page(own, "control", role="viewer")
    before = commands(own)
    for reason in ("forged", "again", ""):
        with pytest.raises(CommandRefused, match="must be an operator"):
            actions.ask(CommandKind.FLATTEN, ScopeKind.PORTFOLIO, "", reason)
    assert [row[1:] for row in commands(own)[len(before) :]] == [("FLATTEN", "ann", "forged")]
    frames = [frame.value for frame in grids(open_page(own, "control"))]
    first = next(frame for frame in frames if "answer" in frame.columns).iloc[0]
    assert (first["who"], first["status"]) == ("ann", "refused")
    assert "must be an operator, was a viewer (ann); others like it within minutes are counted" in first["answer"]


def test_a_refusal_that_the_database_cannot_take_is_a_refusal_all_the_same(
    folder: Folder, open_page: OpenPage, tmp_path: Path
) -> None:
    own = copytree(folder("missing"), tmp_path / "own")
    open_page(own, "control", role="viewer")
    with pytest.raises(CommandRefused, match="must be an operator"):
        actions.ask(CommandKind.HALT, ScopeKind.PORTFOLIO, "", "forged")
    assert [line["what"] for line in lines(own)] == ["HALT"]


@pytest.mark.parametrize("headers", [{}, {"host": "127.0.0.1:8501"}, {"host": "127.0.0.1:8501", "via": "1.1 proxy"}])
def test_without_the_gates_word_nobody_is_an_operator(
    headers: dict[str, str], folder: Folder, open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No headers at all: the websocket is gone while its page is still being drawn.
    own = copytree(folder("seeded"), tmp_path / "own")
    open_page(own, "control")
    before = pending(own)
    monkeypatch.setattr(person, "_headers", lambda: headers)
    assert person.person() == person.UNKNOWN
    with pytest.raises(CommandRefused, match="must be an operator, was a viewer"):
        actions.ask(CommandKind.FLATTEN, ScopeKind.PORTFOLIO, "", "nobody asks")
    assert pending(own) == before
    assert [(line["name"], line["address"]) for line in lines(own)] == [("unknown", "unknown")]


@pytest.mark.parametrize("said", [None, "", "made up", "é", pytest.param(seal.SEAL[:-1], id="cut short")])
def test_a_name_that_the_gate_did_not_seal_is_believed_from_nowhere(
    said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {person.USER_HEADER: "mallory", person.ROLE_HEADER: "operator"}
    monkeypatch.setattr(person, "_headers", lambda: named if said is None else {**named, seal.HEADER: said})
    assert person.person() == person.UNKNOWN
    with pytest.raises(CommandRefused, match="must be an operator"):
        person.require_operator()
    monkeypatch.setattr(person, "_headers", lambda: {**named, seal.HEADER: seal.SEAL})
    assert person.require_operator().name == "mallory", "the gate's own word must be believed"


def lines(root: Path) -> list[dict]:
    """Give the lines of the record of acts."""
    return [json.loads(line) for line in (root / FILE).read_text().splitlines()]


def pending(root: Path) -> list[tuple]:
    """Give the commands that the worker would take."""
    return commands(root, COMMAND_IS_PENDING)


def commands(root: Path, which: str = "1") -> list[tuple]:
    """Give the commands in the books."""
    connection = sqlite_module().connect(root / "flotilla.db")
    try:
        return connection.execute(f"SELECT id, kind, who, reason FROM command WHERE {which} ORDER BY id").fetchall()
    finally:
        connection.close()
