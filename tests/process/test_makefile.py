"""The set-up of the Makefile, with stand-ins for Python that write down what they are asked."""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.process.running import wait_for

# Answers as a Python that runs, whose -m venv makes another one like it and whose pip says what the file PIP_SAYS
# holds; with its first line as the exit code.
PYTHON = f"""#!{sys.executable} -SE
import os, pathlib, runpy, shutil, sys
me, words = sys.argv[0], sys.argv[1:]
with open(os.environ["ASKED"], "a") as asked:
    asked.write(" ".join([os.path.basename(me), *words]) + "\\n")
if words[:1] == ["ops/install.py"]:
    sys.executable, sys.argv = me, words
    runpy.run_path(words[0], run_name="__main__")
elif "venv" in words:
    shutil.rmtree(".venv", ignore_errors=True)
    os.makedirs(".venv/bin")
    shutil.copy(me, ".venv/bin/python")
elif "pip" in words and os.path.exists(os.environ["PIP_SAYS"]):
    code, _, said = pathlib.Path(os.environ["PIP_SAYS"]).read_text().partition("\\n")
    print(said)
    sys.exit(int(code))
elif words[:1] == ["-c"]:
    print("yes")
"""
# What stands in PATH under a name that is not installed.
SHIM = "#!/bin/sh\nexit 127\n"


def surroundings() -> dict[str, str]:
    # A make within `make test` would say which folder it enters.
    return {name: text for name, text in os.environ.items() if not name.startswith(("MAKE", "PYTHON"))}


class Checkout:
    """A folder with the Makefile and a PATH of stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self.programs = folder / "programs"
        self.asked = folder / "asked"
        self.root.mkdir()
        self.programs.mkdir()
        (self.root / "tests").mkdir()
        (self.root / "ops").mkdir()
        self.pip_says = folder / "pip-says"
        for name in ("Makefile", "pyproject.toml", "requirements.lock", "tests/requirements.lock", "ops/install.py"):
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
        made = subprocess.run(
            ["make", *arguments],
            cwd=self.root,
            env={**surroundings(), "PATH": path, "ASKED": str(self.asked), "PIP_SAYS": str(self.pip_says)},
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
    assert "--require-hashes -r requirements.lock" in installs[0]
    assert "--no-deps --no-build-isolation --editable ." in installs[1]


def test_a_set_up_compiles_the_rules_while_the_rest_starts(checkout: Checkout) -> None:
    checkout.program("python3.13", PYTHON)
    checkout.make("install")
    compiled = checkout.root / "compiled"
    flotilla = checkout.root / ".venv" / "bin" / "flotilla"
    flotilla.write_text(f'#!/bin/sh\nsleep 1\necho "$@" > {compiled}.new && mv {compiled}.new {compiled}\n')
    flotilla.chmod(0o755)
    os.utime(checkout.root / "requirements.lock")
    _, said, _ = checkout.make("install")
    assert "compiled in the background" in said
    assert not compiled.exists(), "nobody waits for it"
    wait_for(compiled.exists, 10.0)
    assert compiled.read_text() == "backtest --simulated 1 --json\n"


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


def test_a_python_that_was_upgraded_away_is_replaced(checkout: Checkout) -> None:
    checkout.program("python3.13", PYTHON)
    checkout.make("install")
    python = checkout.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3.12")
    code, said, asked = checkout.make("install")
    assert code == 0, said
    assert "python3.13 -m venv --clear .venv" in asked
    assert len([line for line in asked if "-m pip" in line]) == 2


def test_packages_that_were_half_installed_are_installed_anew(checkout: Checkout) -> None:
    checkout.program("python3.13", PYTHON)
    checkout.make("install")
    (checkout.root / ".venv" / "unfinished").touch()
    code, said, asked = checkout.make("install")
    assert code == 0, said
    assert "python3.13 -m venv --clear .venv" in asked
    assert not (checkout.root / ".venv" / "unfinished").exists()


def test_an_installation_that_failed_says_why_and_begins_again(checkout: Checkout) -> None:
    checkout.program("python3.13", PYTHON)
    checkout.pip_says.write_text("1\nCollecting a==1\nERROR: [Errno 28] No space left on device\n")
    code, said, _ = checkout.make("run")
    assert code != 0
    assert "Flotilla could not be set up: the disk is full: the packages take" in said
    assert "its last word was: [Errno 28] No space left on device (logs/install.log has the rest)." in said
    assert "No space left" in (checkout.root / "logs" / "install.log").read_text()
    checkout.pip_says.unlink()
    code, said, asked = checkout.make("install")
    assert code == 0, said
    assert not any("-m venv" in line for line in asked), "what was downloaded, and .venv, are kept"


def test_of_two_set_ups_at_once_one_waits_and_finds_all_done(checkout: Checkout) -> None:
    checkout.program("python3.13", PYTHON)
    with ThreadPoolExecutor() as both:
        ends = list(both.map(lambda _: checkout.make("install")[:2], range(2)))
    assert [code for code, _ in ends] == [0, 0], ends
    asked = checkout.asked.read_text().splitlines()
    assert len([line for line in asked if "-m venv" in line]) == 1
    assert len([line for line in asked if "-m pip" in line]) == 2


def test_a_stop_by_somebody_to_whom_the_folder_is_closed_asks_all_the_same() -> None:
    # pytest's own folders are closed to others.
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / ".venv" / "bin").mkdir(parents=True)
        (root / "run").mkdir(mode=0o000)
        python = root / ".venv" / "bin" / "python"
        python.write_text('#!/bin/sh\necho "$@"\n')
        for path in (python, root):
            path.chmod(0o755)
        shutil.copy(ROOT / "Makefile", root)
        # Root may look everywhere.
        other = 65534 if os.geteuid() == 0 else None
        asked = ["make", "stop"]
        made = subprocess.run(
            asked, cwd=root, env=surroundings(), user=other, capture_output=True, text=True, check=False
        )
        assert made.stdout == "-m worker.process.supervision stop\n"


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ('say "hi"', "double quote"),
        ("$HOME", "dollar sign"),
        ("a`b", "backquote"),
        ("a\\b", "backslash"),
        ("a:b", "colon"),
        ("a\nb", "line break or another control character"),
    ],
)
def test_a_folder_that_pythons_tools_do_not_survive_is_refused_by_name(
    checkout: Checkout, name: str, named: str
) -> None:
    checkout.program("python3.13", PYTHON)
    checkout.root = checkout.root.rename(checkout.root.with_name(name))
    code, said, asked = checkout.make("run")
    assert code != 0
    assert f"Flotilla could not be set up: the path of the project must hold no {named}, was " in said
    assert not any("-m venv" in line for line in asked)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a space", "50%", "it's", "#1; no", "grüße 船隊"])
def test_a_folder_of_any_other_name_is_set_up(checkout: Checkout, name: str) -> None:
    checkout.program("python3.13", PYTHON)
    checkout.root = checkout.root.rename(checkout.root.with_name(name))
    code, said, _ = checkout.make("install")
    assert code == 0, said


def test_a_file_in_the_place_of_the_logs_is_named(checkout: Checkout) -> None:
    checkout.program("python3.13", PYTHON)
    (checkout.root / "logs").write_text("")
    code, said, _ = checkout.make("run")
    assert code != 0
    assert "Flotilla could not be set up: logs must be one that can be written: File exists." in said


def test_a_stop_sets_nothing_up(checkout: Checkout) -> None:
    checkout.program("python3.13", PYTHON)
    assert checkout.make("stop") == (0, "Flotilla is not running.\n", [])
