"""What making a database says."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

CODE = """
import logging, sys
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
from pathlib import Path
from shared.migrations.upgrade import upgrade
print(upgrade("sqlite:///new.db", Path()).sentence)
"""


def test_an_upgrade_logs_nothing_of_the_tool_it_uses(folder: Path) -> None:
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    (line,) = done.stdout.splitlines()
    assert "was made" in line
