"""The set-up of the Makefile, with stand-ins for Python that write down what they are asked."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Answers as a Python that runs and whose -m venv makes another one like it.
PYTHON = """#!/bin/sh
echo "$(basename "$0") $*" >> "$ASKED"
case "$*" in *"-m venv"*) rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python;; esac
"""
# What stands in PATH under a name that is not installed.
SHIM = "#!/bin/sh\nexit 127\n"


class Checkout:
    """A folder with the Makefile and a PATH of stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self.programs = folder / "programs"
        self.asked = folder / "asked"
        self.root.mkdir()
        self.programs.mkdir()
        (self.root / "tests").mkdir()
        for name in ("Makefile", "pyproject.toml", "requirements.lock", "tests/requirements.lock"):
            shutil.copy(ROOT / name, self.root / name)
        for name in ("python3.14", "python3.13", "python3.12", "python3.11", "python3", "python"):
            self.program(name, SHIM)

    def program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def make(self, *arguments: str) -> tuple[int, str, list[str]]:
        """Run make; give exit code, what it said, and what Python was asked."""
        self.asked.write_text("")
        path = f"{self.programs}:/usr/local/bin:/usr/bin:/bin"
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("MAKE", "PYTHON"))}
        made = subprocess.run(
            ["make", *arguments],
            cwd=self.root,
            env={**kept, "PATH": path, "ASKED": str(self.asked)},
            capture_output=True,
            text=True,
            check=False,
        )
        return made.returncode, made.stdout + made.stderr, self.asked.read_text().splitlines()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_newest_python_that_runs_makes_the_environment(checkout: Checkout) -> None:
    checkout.program("python3.12", PYTHON)
    checkout.program("python3.11", PYTHON)
    code, said, asked = checkout.make("install")
    assert code == 0, said
    assert "Setting up .venv" in said
    assert "python3.12 -m venv --clear .venv" in asked
    assert not any(line.startswith("python3.11") for line in asked)
    installs = [line for line in asked if "-m pip" in line]
    assert "install --require-hashes -r requirements.lock" in installs[0]
    assert "install --no-deps --no-build-isolation -e ." in installs[1]


def test_a_second_set_up_does_nothing_until_a_lock_file_changes(checkout: Checkout) -> None:
    checkout.program("python3.13", PYTHON)
    checkout.make("test")
    assert [line for line in checkout.make("test")[2] if "-m pip" in line or "-m venv" in line] == []
    (checkout.root / "tests" / "requirements.lock").touch()
    assert [line.split("-r ")[-1] for line in checkout.make("test")[2] if "-m pip" in line] == [
        "tests/requirements.lock"
    ]
    (checkout.root / "requirements.lock").touch()
    assert len([line for line in checkout.make("install")[2] if "-m pip" in line]) == 2


def test_a_project_that_was_moved_gets_a_new_environment(checkout: Checkout) -> None:
    checkout.program("python3.13", PYTHON)
    checkout.make("install")
    checkout.root = checkout.root.rename(checkout.root.with_name("elsewhere"))
    assert "python3.13 -m venv --clear .venv" in checkout.make("install")[2]


def test_a_machine_without_a_suitable_python_is_told_what_to_install(checkout: Checkout) -> None:
    code, said, _ = checkout.make("run")
    assert code != 0
    assert "Flotilla needs Python 3.11 to 3.14 with venv, and found none. Install one" in said
    code, said, _ = checkout.make("run", "PYTHON=/nowhere/python")
    assert code != 0
    assert "found none as /nowhere/python" in said


def test_a_python_that_is_named_is_the_one_that_is_used(checkout: Checkout) -> None:
    checkout.program("python3.13", PYTHON)
    checkout.program("mine", PYTHON)
    _, said, asked = checkout.make("install", f"PYTHON={checkout.programs}/mine")
    assert "mine -m venv --clear .venv" in asked, said
