"""What a viewer sees, and that acting is refused behind the page, too."""

from pathlib import Path

import pytest

from dashboard import actions
from shared.enums import CommandKind, ScopeKind
from shared.errors import CommandRefused
from tests.dashboard.views.conftest import Folder, OpenPage, texts

CONTROLS = ("No entries", "Flatten", "Halt", "Release", "Stop trading", "Stop or start the worker's process")


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
            act()
    assert commands(folder("seeded")) == before


def test_whoever_comes_from_elsewhere_without_a_gate_is_a_viewer(monkeypatch: pytest.MonkeyPatch) -> None:
    from dashboard.components import person

    monkeypatch.setattr(person, "_headers", dict)
    monkeypatch.setattr(person, "_is_here", lambda: False)
    assert not person.person().is_operator
    monkeypatch.setattr(person, "_is_here", lambda: True)
    assert person.person().is_operator


def commands(root: Path) -> list[tuple]:
    """Give the commands in the books."""
    from shared.database import sqlite_module

    connection = sqlite_module().connect(root / "flotilla.db")
    try:
        return connection.execute("SELECT id, kind, who, reason FROM command ORDER BY id").fetchall()
    finally:
        connection.close()
