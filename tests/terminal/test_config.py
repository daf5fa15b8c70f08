"""`flotilla config diff`."""

import json

import pytest

from tests.research.runs import call
from tests.store.fleets import Books
from tests.terminal.conftest import URL

SENTENCE = "allocation.sleeve_low 0.333333 leaves the 3 sleeves no room: each weighs 1/3"


def write_low(folder, low: float) -> None:
    (folder / "flotilla.toml").write_text(f'[database]\nurl = "{URL}"\n[allocation]\nsleeve_low = {low!r}\n')


def test_bounds_that_leave_no_room_are_said(books: Books, folder, capsys: pytest.CaptureFixture[str]) -> None:
    write_low(folder, 1 / 3)
    assert call(["config", "diff"]) == 0
    assert f"note: {SENTENCE}" in " ".join(capsys.readouterr().out.split())
    assert call(["config", "diff", "--json"]) == 0
    (said,) = json.loads(capsys.readouterr().out)["notes"]
    assert said.startswith(SENTENCE)


def test_bounds_with_room_are_not_spoken_of(books: Books, folder, capsys: pytest.CaptureFixture[str]) -> None:
    write_low(folder, 0.3)
    assert call(["config", "diff"]) == 0
    assert "note:" not in capsys.readouterr().out


def test_it_says_which_limits_change_nothing(folder, capsys: pytest.CaptureFixture[str]) -> None:
    settings = (folder / "flotilla.toml").read_text()
    (folder / "flotilla.toml").write_text(f"{settings}[risk]\nleverage = 3.0\n")
    assert call(["config", "diff"]) == 0
    assert "note: risk.leverage 3 enlarges no position" in capsys.readouterr().out
    assert call(["config", "diff", "--json"]) == 0
    (note,) = json.loads(capsys.readouterr().out)["notes"]
    assert note.startswith("risk.leverage 3 enlarges no position")


def test_it_says_nothing_of_limits_that_nobody_set(folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["config", "diff"]) == 0
    assert "note:" not in capsys.readouterr().out
