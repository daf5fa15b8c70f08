"""The dashboard as a process of its own, with a small page in place of the real one."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.conftest import ROOT
from tests.dashboard import local
from tests.dashboard.gate.serving import Answer, ask
from tests.process.running import wait_for

PAGE = """
import streamlit as st
st.write("page of", st.context.headers.get("x-flotilla-user"), st.context.headers.get("x-flotilla-role"))
"""
# Runs as `python -m dashboard.serving.serve` does, but for the page it shows.
SERVE = """
import sys
from pathlib import Path
from dashboard.serving import serve
serve.warm = lambda settings: None
make_app = serve.make_app
serve.make_app = lambda place: make_app(place, Path("page.py").resolve())
sys.exit(serve.main())
"""


@dataclass
class Dashboard:
    """A dashboard that runs in a folder."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @cached_property
    def cookie(self) -> str:
        """Give the session of somebody who came in by a link, where nobody has a name."""
        return local.cookie(password_file(self.folder))

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Send a request with that session."""
        return ask(self.port, path, method, cookie=self.cookie, **headers)

    @property
    def last_words(self) -> list[str]:
        """Give what it said after it had said that it starts."""
        return self.log.strip().splitlines()[1:]

    def listens(self) -> bool:
        return "the page is at" in self.log

    def resident_bytes(self, most: bool = False) -> int:
        """Give its memory, now or at most so far."""
        field = "VmHWM" if most else "VmRSS"
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition(f"{field}:")[2].split()[0]) * 1024


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def password_file(folder: Path) -> Path:
    return folder.parent / f"{folder.name}-outside" / "passwords.json"


def environment(folder: Path, port: int, **more: str) -> dict[str, str]:
    """Give the environment of a dashboard."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("FLOTILLA_", "SUPERVISOR_", "STREAMLIT_"))
    }
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "FLOTILLA_DASHBOARD__PORT": str(port),
        "FLOTILLA_DASHBOARD__PASSWORD_FILE": str(password_file(folder)),
        **more,
    }


def begin(folder: Path, port: int | None = None, stdin: int = subprocess.DEVNULL, **more: str) -> Dashboard:
    """Start a dashboard and do not wait for it."""
    port = port or free_port()
    folder.mkdir(exist_ok=True)
    (folder / "page.py").write_text(PAGE)
    (folder / "serve.py").write_text(SERVE)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-u", "serve.py"],
            cwd=folder,
            env=environment(folder, port, **more),
            stdin=stdin,
            stdout=log,
            stderr=log,
        )
    return Dashboard(folder, port, process)


@contextmanager
def running(folder: Path, **more: str) -> Iterator[Dashboard]:
    """Run a dashboard until the test is over."""
    dashboard = begin(folder, **more)
    try:
        wait_for(lambda: dashboard.listens() or dashboard.process.poll() is not None, 60.0)
        assert dashboard.process.poll() is None, dashboard.log
        yield dashboard
    finally:
        if dashboard.process.poll() is None:
            dashboard.process.send_signal(signal.SIGTERM)
            dashboard.process.wait(10)
