"""An error nobody expected is one harmless sentence, its traceback, and exit code 70, from whichever door it leaves."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.secret_url import HIDDEN, SecretUrl, without_held_secrets
from tests.process.running import environment
from tests.secrets.planted import leaks
from tests.terminal.test_printable import ESCAPE, FORGED, commanding

PASSWORD = "plantedpassword"
URL = f"postgresql://planteduser:{PASSWORD}@127.0.0.1:1/books"
# Stands in a variable of the frame that fails; no traceback shows those.
LOCAL = "planted in a variable"

# Each word of sys.argv[1] names what is to fail; the rest are a module and its arguments.
PLANT = f"""
import runpy, sys, threading
import sqlalchemy

class Unlucky:
    def __del__(self):
        raise ValueError({ESCAPE!r} + "of nobody " + {URL!r})

def fail(*_about, **_more):
    local = {LOCAL!r}
    Unlucky()
    thread = threading.Thread(target=lambda: int({ESCAPE!r} + "of a thread" + bare))
    thread.start()
    thread.join()
    raise ValueError({f"{ESCAPE}{chr(10)}{FORGED} {URL} password={PASSWORD}"!r} + bare)

place, *sys.argv = sys.argv[1:]
# Who reads no settings knows the password in an address alone.
bare = "" if place == "supervisor" else {PASSWORD!r}
if place == "database":
    sqlalchemy.create_engine = fail
if place == "supervisor":
    import worker.process.starting
    worker.process.starting.Fleet.__init__ = fail
if place == "server":
    import dashboard.serving.server
    dashboard.serving.server.serve = fail
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
DOORS = (
    ("database", "worker", "status"),
    ("supervisor", "worker.process.supervision", "start"),
    pytest.param(("database", "dashboard.report"), marks=pytest.mark.slow),
)
SERVICES = {"worker": ("database", "worker", "run"), "dashboard": ("server", "dashboard.serving.serve")}


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment(FLOTILLA_DATABASE__URL=URL, **more),
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def require_harmless(said: str, report: str) -> None:
    """Require three errors that nobody expected, each a sentence with its traceback below, that harm nobody."""
    assert commanding(said) == []
    assert leaks(said) == []
    (sentence,) = [line for line in said.splitlines() if "unexpected error: ValueError: " in line]
    assert r"\x1b]0;owned\x07" in sentence and rf"\n{FORGED}" in sentence
    below = said.partition(f"{sentence}\n")[2].splitlines()
    assert below[0] == "  Traceback (most recent call last):" and LOCAL not in said
    assert "unexpected error in thread Thread-" in said and "unexpected error ignored in Unlucky.__del__: " in said
    assert said.count(f" (please report it with {report})\n") == 3


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_it_is_told_of_harmlessly_at_every_door(door: tuple[str, ...], tmp_path: Path) -> None:
    ended = run(tmp_path, "-c", PLANT, *door)
    assert (ended.returncode, ended.stdout) == (70, "")
    require_harmless(ended.stderr, "the lines below")


@pytest.mark.parametrize("service", SERVICES)
def test_it_is_told_of_harmlessly_in_the_log_of_a_service(service: str, tmp_path: Path) -> None:
    script = PLANT.replace("place, *sys.argv", "import time; time.sleep = lambda _seconds: None\nplace, *sys.argv")
    ended = run(tmp_path, "-c", script, *SERVICES[service], SUPERVISOR_ENABLED="1")
    assert (ended.returncode, ended.stderr) == (70, "")
    require_harmless(ended.stdout, f"logs/{service}.log")


LOOP = f"""
import asyncio, gc, logging
from shared.settings import load_settings
from shared.unexpected import telling

async def fail():
    raise ValueError({ESCAPE!r} + {PASSWORD!r})

async def main():
    asyncio.get_running_loop().call_soon(int, {ESCAPE!r} + {PASSWORD!r})
    task = asyncio.ensure_future(fail())
    await asyncio.sleep(0.01)
    del task
    gc.collect()

with telling("dashboard"):
    load_settings(None)
    asyncio.run(main())
"""


def test_what_a_loop_tells_of_is_harmless_too(tmp_path: Path) -> None:
    ended = run(tmp_path, "-c", LOOP)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("Traceback") == 2 and "never retrieved" in ended.stderr
    assert commanding(ended.stdout + ended.stderr) == [] and leaks(ended.stderr) == []


def test_ctrl_c_is_no_error(tmp_path: Path) -> None:
    script = "from shared.unexpected import telling\nwith telling(): raise KeyboardInterrupt"
    ended = run(tmp_path, "-c", script)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_a_secret_is_left_out_wherever_it_stands_once_an_address_was_held() -> None:
    assert "neverheld" in without_held_secrets("neverheld")
    held = SecretUrl("postgresql://me:nowheld%21@host/books?sslpassword=abc")
    assert without_held_secrets("said nowheld! and nowheld%21 of abc") == f"said {HIDDEN} and {HIDDEN} of abc"
    assert held.reveal().endswith("abc"), "it is short, and would be found in other words"
