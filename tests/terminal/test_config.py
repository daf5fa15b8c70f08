"""`flotilla config diff`."""

import json

import pytest

from tests.research.runs import call


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
