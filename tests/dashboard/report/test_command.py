"""`python -m dashboard.report`: the same file without a page, whole or not at all."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import BOT
from tests.dashboard.views.books import SETTINGS_FILE

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(folder: Path) -> Path:
    seeding.seeded(folder)
    (folder / "flotilla.toml").write_text(SETTINGS_FILE)
    return folder


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("FLOTILLA_")}
    command = [sys.executable, "-m", "dashboard.report", *arguments]
    environment = {**kept, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_it_writes_the_file_and_names_it(project: Path) -> None:
    made = run(project, "--from", "2026-01-03", "--to", "2026-01-09", "--bot", BOT, "--side", "buy")
    assert (made.returncode, made.stdout, made.stderr) == (0, "flotilla-report-20260103-20260109.html\n", "")
    file = project / made.stdout.strip()
    text = file.read_text()
    assert f"Bot {BOT}" in text and text.endswith("</html>\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    named = run(project, "--out", "mine.html")
    assert named.stdout == "mine.html\n" and "The whole portfolio" in (project / "mine.html").read_text()
    assert not [path.name for path in project.iterdir() if path.name.startswith(".")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--bot", "nobody"), 78, "bot must be one of"),
        (("--side", "up"), 78, "side must be one of BUY, SELL, was 'UP'"),
        (("--from", "2026-01-05", "--to", "2026-01-03"), 78, "from must be before to"),
        (("--out", "none/report.html"), 78, "must be one that can be written: No such file or directory"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    project: Path, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    made = run(project, *arguments)
    assert made.returncode == code and sentence in made.stderr
    assert made.stderr.count("\n") == 1 and made.stdout == ""
    assert not list(project.glob("*.html"))


def test_without_books_it_says_so(tmp_path: Path) -> None:
    made = run(tmp_path)
    assert made.returncode == 69 and made.stderr.count("\n") == 1 and "Traceback" not in made.stderr
