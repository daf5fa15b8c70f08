"""Settings that are refused, by the worker as a process: one sentence, no traceback, exit code 78."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.settings import FILE_NAME
from tests.conftest import ROOT
from tests.settings.test_file import BAD_FILES

TEXTS = {
    "a list of profiles": 'profile = ["x"]',
    "another file than it seems": '[database]\nurl = "sqlite://state/x.db"',
    "a wait of ages": "[worker]\nwake_after_seconds = 1e300",
    "the last year": '[market]\nstart = "9999-12-30"',
    "no account": '[strategies.breakout]\naccount = ""',
}


def _run(root: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOTILLA_")}
    command = [sys.executable, "-c", "from worker.cli import main; main()", "run", "--until-end"]
    return subprocess.run(
        command,
        cwd=root,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*BAD_FILES, *TEXTS])
def test_the_worker_ends_with_a_sentence_and_78(kind: str, tmp_path: Path) -> None:
    if kind in TEXTS:
        (tmp_path / FILE_NAME).write_text(TEXTS[kind])
    else:
        BAD_FILES[kind][0](tmp_path / FILE_NAME)
    ended = _run(tmp_path)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 78, said
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
