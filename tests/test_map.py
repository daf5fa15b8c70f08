"""The map of rooms in docs/development.md names every room and every door there is; the step's files stay readable."""

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

MAP = re.search(r"```\nops/.*?```", (ROOT / "docs" / "development.md").read_text(), re.DOTALL)[0]


def part(package: str) -> str:
    return re.search(rf"^{package}/.*?(?=^\w|^```|\Z)", MAP, re.DOTALL | re.MULTILINE)[0]


def rooms(package: str) -> list[Path]:
    folders = (path for path in (ROOT / package).iterdir() if path.is_dir() and any(path.glob("*.py")))
    return sorted(folders)


@pytest.mark.parametrize("package", ["shared", "worker", "dashboard"])
def test_every_room_is_on_the_map_and_no_other(package: str) -> None:
    drawn = set(re.findall(r"(\w+)/", part(package))) - {package}
    assert drawn == {room.name for room in rooms(package)}


@pytest.mark.parametrize("package", ["worker", "dashboard"])
def test_the_root_of_a_package_shows_only_its_doors(package: str) -> None:
    doors = {path.name for path in (ROOT / package).glob("*.py") if not path.name.startswith("__")}
    assert doors <= set(re.findall(r"\w+\.py", part(package)))


@pytest.mark.parametrize("path", sorted((ROOT / "worker" / "step").glob("*.py")), ids=lambda path: path.name)
def test_what_a_step_does_can_be_read_at_a_sitting(path: Path) -> None:
    text = path.read_text()
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert text.count("\n") <= 250
    assert {node.name for node in functions if (node.end_lineno or 0) - node.lineno >= 40} == set()
