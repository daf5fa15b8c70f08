"""What libraries say of requests fills no log, and nothing of what the page itself says is lost."""

import logging
import socket
from pathlib import Path

import pytest

from dashboard.gate.counting import WINDOW_MS
from dashboard.serving import repeated
from dashboard.serving.repeated import MOST_KEYS, Repeated
from shared.clock import ManualClock
from tests.dashboard.gate.process import Dashboard, running
from tests.dashboard.gate.serving import refused_socket


class Kept(logging.Handler):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_000_000)


@pytest.fixture
def kept(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Kept:
    kept = Kept()
    kept.addFilter(Repeated(clock))
    monkeypatch.setattr(repeated, "LOG", logger(kept, "dashboard.serving.repeated"))
    return kept


def logger(kept: Kept, name: str) -> logging.Logger:
    """Give a logger of a name that nothing else has set anything of."""
    found = logging.Logger(name)
    found.addHandler(kept)
    return found


def test_a_library_that_repeats_itself_is_told_once_and_counted(kept: Kept, clock: ManualClock) -> None:
    uvicorn, ours = logger(kept, "uvicorn.error"), logger(kept, "dashboard.gate.record")
    for at in range(1_000):
        uvicorn.warning("Invalid HTTP request received.")
        uvicorn.warning("of %s", "x" * at)
    assert kept.lines == ["Invalid HTTP request received.", "of "]
    for _ in range(3):
        ours.warning("ours")
    clock.advance_ms(WINDOW_MS)
    ours.warning("later")
    assert kept.lines[2:] == [
        *["ours"] * 3,
        "uvicorn.error said 999 times more: Invalid HTTP request received.",
        "uvicorn.error said 999 times more: of %s",
        "later",
    ]


def test_errors_are_told_apart_by_where_they_failed(kept: Kept) -> None:
    uvicorn = logger(kept, "uvicorn.error")

    def fail(error: type[Exception]) -> None:
        try:
            raise error("of this request")
        except (ValueError, KeyError):
            uvicorn.exception("Exception in ASGI application\n")

    for error in (ValueError, KeyError, ValueError):
        fail(error)
    assert len(kept.lines) == 2


def test_messages_without_end_are_few_lines(kept: Kept, clock: ManualClock) -> None:
    websockets = logger(kept, "websockets.server")
    for at in range(10 * MOST_KEYS):
        websockets.warning(f"opening handshake failed {at}")
    clock.advance_ms(WINDOW_MS)
    websockets.warning("the next")
    assert len(kept.lines) == MOST_KEYS + 2
    assert kept.lines[-2:] == [f"libraries said {9 * MOST_KEYS} other things", "the next"]


def send(dashboard: Dashboard, text: bytes) -> bytes:
    """Send bytes to a page and give the first that come back."""
    with socket.create_connection(("127.0.0.1", dashboard.port), timeout=20) as line:
        line.sendall(text)
        return line.recv(1_000)


@pytest.mark.slow
def test_a_page_that_runs_tells_a_request_that_makes_no_sense_once(tmp_path: Path) -> None:
    with running(tmp_path / "project") as dashboard:
        for _ in range(20):
            assert b" 400 " in send(dashboard, b"nonsense\r\n\r\n")
            assert refused_socket(dashboard.port, path="/_stcore/stream") == 403
        said = dashboard.log
    assert said.count("Invalid HTTP request received.") == 1, said
    assert len(said.splitlines()) < 10, said
