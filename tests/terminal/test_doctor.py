"""`flotilla doctor`: whether the database can be read, no step is missing, and the books sum."""

import json
import random
from pathlib import Path

import pytest

from shared.errors import DatabaseError, LedgerError
from tests.live.fake_market import FakeMarket, random_bars
from tests.live.running import SMALL_FLEET, SYMBOLS, Place, small_settings, step
from tests.research.runs import call
from worker.store.trace import Last, Trace


@pytest.fixture
def place(folder: Path) -> Place:
    """Books of 30 steps in the folder of a command."""
    tables: dict[str, list[str]] = {}
    for line in SMALL_FLEET:
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        tables.setdefault(section, []).append(f"{key} = {value if value[0] == '[' else repr(value)}")
    sections = (f"[{section}]\n" + "\n".join(lines) for section, lines in tables.items())
    (folder / "flotilla.toml").write_text("\n\n".join(sections))
    place = Place(folder, small_settings(), FakeMarket({name: random_bars(30, 3) for name in SYMBOLS}))
    with place.open() as worker:
        assert step(worker) == 30
    return place


def test_whole_books_pass_every_question(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["doctor", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)
    assert all(finding["holds"] for finding in findings)
    asked = {finding["identity"] for finding in findings}
    assert {
        "every page and every row can be read",
        "the books end with the last step committed",
        "no step is missing",
    } < asked


def test_steps_that_a_copy_lacks_are_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    trace = Trace(place.root / "flotilla.db", "flotilla")
    last = trace.read()
    assert last is not None
    assert last.step == 30
    trace.write(Last(last.mark, 42, last.time_ms, last.created_ms))
    assert call(["doctor"]) == LedgerError.exit_code
    printed = capsys.readouterr()
    assert "steps 31 to 42 are not in them" in printed.err
    assert "steps 31 to 42 are not in them" in " ".join(printed.out.split())


def test_damage_is_said_and_nothing_is_summed_then(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    page = place.value("SELECT rootpage FROM sqlite_master WHERE name = 'fill'")
    place.close()
    with (place.root / "flotilla.db").open("r+b") as file:
        file.seek(4096 * (page - 1))
        file.write(random.Random(5).randbytes(4096))
    assert call(["doctor", "--json"]) == LedgerError.exit_code
    printed = capsys.readouterr()
    assert "every page and every row can be read: must be so, was not" in printed.err
    findings = json.loads(printed.out)
    assert {finding["identity"] for finding in findings} == {
        "every page and every row can be read",
        "the books end with the last step committed",
    }


@pytest.mark.parametrize("is_empty", [False, True])
@pytest.mark.parametrize(
    "command",
    [["doctor"], ["status"], ["export", "fills"], ["config", "diff"], ["db", "upgrade"], ["pause", "--reason", "away"]],
    ids=" ".join,
)
def test_books_that_are_gone_are_missed_by_every_command(
    command: list[str], is_empty: bool, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.close()
    database = place.root / "flotilla.db"
    database.unlink()
    if is_empty:
        database.touch()
    assert call(command) == DatabaseError.exit_code
    said = capsys.readouterr().err
    assert "must hold the books, which ended with step 30" in said
    assert "bring them back" in said
    assert database.exists() == is_empty
