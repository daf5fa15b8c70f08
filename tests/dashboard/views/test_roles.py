"""What a viewer sees, and that acting is refused behind the page, too."""

from pathlib import Path

import pytest

from dashboard import actions
from dashboard.gate import person, seal
from shared.enums import CommandKind, ScopeKind
from shared.errors import CommandRefused
from tests.dashboard.views.conftest import Folder, OpenPage, texts

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
    role: str, folder: Folder, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_page(folder("seeded"), "control", role=role)
    before = commands(folder("seeded"))
    with pytest.raises(CommandRefused, match="must be an operator, was a viewer"):
        actions.ask(CommandKind.HALT, ScopeKind.PORTFOLIO, "", "forged")
    for act in (actions.stop_worker, actions.kill_worker, actions.start_worker):
        with pytest.raises(CommandRefused, match="must be an operator"):
            act("forged")
    assert not (folder("seeded") / "logs").exists()
    assert commands(folder("seeded")) == before


@pytest.mark.parametrize("headers", [{}, {"host": "127.0.0.1:8501"}, {"host": "127.0.0.1:8501", "via": "1.1 proxy"}])
def test_without_the_gates_word_nobody_is_an_operator(
    headers: dict[str, str], folder: Folder, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No headers at all: the websocket is gone while its page is still being drawn.
    open_page(folder("seeded"), "control")
    before = commands(folder("seeded"))
    monkeypatch.setattr(person, "_headers", lambda: headers)
    assert person.person() == person.UNKNOWN
    with pytest.raises(CommandRefused, match="must be an operator, was a viewer"):
        actions.ask(CommandKind.FLATTEN, ScopeKind.PORTFOLIO, "", "nobody asks")
    assert commands(folder("seeded")) == before


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


def commands(root: Path) -> list[tuple]:
    """Give the commands in the books."""
    from shared.database import sqlite_module

    connection = sqlite_module().connect(root / "flotilla.db")
    try:
        return connection.execute("SELECT id, kind, who, reason FROM command ORDER BY id").fetchall()
    finally:
        connection.close()
