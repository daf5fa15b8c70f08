"""A whole fleet for a browser to look at: supervisor, worker and page as processes of their own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from playwright.sync_api import Browser, Playwright

from shared.database import sqlite_module
from tests.conftest import ROOT
from tests.dashboard.local import nobody

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
NAMES = ("chromium", "chromium-browser", "google-chrome")
SUPERVISOR = """
[unix_http_server]
file=%(here)s/run/supervisor.sock
chmod=0700
[supervisord]
directory=%(here)s
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=%(here)s/run/supervisord.pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:worker]
command="{python}" -u -m worker run
directory=%(here)s
startsecs=0
autorestart=unexpected
exitcodes=0,78
stopsignal=TERM
stopwaitsecs=30
redirect_stderr=true
stdout_logfile=%(here)s/worker.log
"""
SETTINGS = """
[market]
history_days = {days}
bar_seconds = {bar_seconds}
[dashboard]
port = {port}
"""


@dataclass
class Fleet:
    """A folder in which things run."""

    root: Path
    port: int

    @property
    def url(self) -> str:
        """Give the address of the page."""
        return f"http://127.0.0.1:{self.port}"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read rows of the database."""
        connection = sqlite_module().connect(self.root / "state" / "flotilla.db", timeout=5.0)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def worker(self) -> int:
        """Give the worker's process id."""
        return int(self.rows("SELECT lease_pid FROM heartbeat")[0][0])


@contextmanager
def running_fleet(days: int = 10, bar_seconds: float = 1.0) -> Iterator[Fleet]:
    """Start a fleet with so much history, wait until the page answers, and stop all of it."""
    # Short, for the path of a socket is.
    root = Path(tempfile.mkdtemp(prefix="flo"))
    fleet = Fleet(root, free_port())
    (root / "run").mkdir()
    (root / "flotilla.toml").write_text(SETTINGS.format(days=days, bar_seconds=bar_seconds, port=fleet.port))
    (root / "supervisord.conf").write_text(SUPERVISOR.format(python=sys.executable))
    started = [
        _start(root, "supervisor.supervisord", "-c", str(root / "supervisord.conf")),
        _start(root, "dashboard.serving.serve"),
    ]
    try:
        wait_for(lambda: _answers(fleet.url), 30.0)
        yield fleet
    finally:
        _end(fleet, started)
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def running_page(root: Path, port: int, passwords: Path | None = None) -> Iterator[str]:
    """Serve the page of a folder that nobody else works in; to those of a password file, where one is given.

    Where none is given, who has `local.browser_cookie()` is in.
    """
    with page_process(root, port, passwords):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def page_process(root: Path, port: int, passwords: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Serve the page of a folder as `running_page` does, and give its process."""
    more = {"FLOTILLA_DASHBOARD__PASSWORD_FILE": str(passwords)} if passwords else {}
    process = _start(root, "dashboard.serving.serve", FLOTILLA_DASHBOARD__PORT=str(port), **more)
    try:
        wait_for(lambda: _answers(f"http://127.0.0.1:{port}"), 30.0)
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(20)


def find_chromium() -> str | None:
    """Give where Chromium is; None where there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def launch(playwright: Playwright) -> Browser | None:
    """Start Chromium without a screen; None where there is none."""
    found = find_chromium()
    return playwright.chromium.launch(executable_path=found, args=list(FLAGS)) if found else None


def free_port() -> int:
    """Give a port nobody listens on."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def wait_for(condition: Callable[[], object], seconds: float) -> float:
    """Wait until something is true and give how long that took; fail where it never is."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"nothing happened in {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began


def _start(root: Path, module: str, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("FLOTILLA_", "SUPERVISOR_"))}
    more = {"FLOTILLA_DASHBOARD__PASSWORD_FILE": str(nobody()), **more}
    command, environment = [sys.executable, "-m", module, *arguments], {**kept, "PYTHONPATH": str(ROOT), **more}
    with (root / f"{module}.log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )


def _end(fleet: Fleet, started: list[subprocess.Popen[bytes]]) -> None:
    try:
        os.kill(fleet.worker(), signal.SIGCONT)
    except (OSError, TypeError, IndexError, sqlite_module().Error):
        pass
    for process in started:
        process.terminate()
    for process in started:
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1.0) as answer:
            return answer.status == 200
    except HTTPError:
        # It asks who is there.
        return True
    except OSError:
        return False
