"""What an exchange, a file's name or a person says never commands a terminal and never begins a line of a log."""

import io
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from shared.database import transaction
from shared.enums import Severity
from shared.errors import MarketError
from shared.printable import HarmlessRecord, lines, make_logs_harmless, one_line
from tests.conftest import ROOT
from tests.research.runs import call
from tests.store.fleets import Books
from worker.live.rows import EventRow
from worker.process.service import start_logging
from worker.store.events import save_events
from worker.terminal.output import HarmlessConsole, print_line, say

ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b2J\u202e"
FORGED = "2026-01-01T00:00:00Z INFO all is well"
HOSTILE = f"{ESCAPE}\r\n{FORGED}\0"
COMMANDS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")


def commanding(said: str) -> list[str]:
    """Give what commands a terminal, and the lines that were forged."""
    return COMMANDS.findall(said) + [line for line in said.splitlines() if line.startswith(FORGED)]


@pytest.fixture
def _logging() -> Iterator[None]:
    """Put logging back as it was."""
    factory, root = logging.getLogRecordFactory(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.setLogRecordFactory(factory)
    root.handlers[:], root.level = handlers, level


def test_text_as_it_is_stays_as_it_is() -> None:
    for text in ("", "Zürich 5 %", "a → b", "日本", "ne\u0301e", "\\n"):
        assert one_line(text) == lines(text) == text
    assert one_line("a\tb\nc\x1b[0m\u2028\ud800") == r"a\tb\nc\x1b[0m\u2028\ud800"
    assert lines("a\tb\nc\r") == "a\\tb\nc\\r"


@pytest.mark.usefixtures("_logging")
def test_a_log_line_is_one_line_and_a_traceback_is_indented(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging()
    try:
        raise MarketError(f"exchange said {HOSTILE}")
    except MarketError as error:
        logging.getLogger("ccxt").error("%s of %s", error, HOSTILE, exc_info=True)
    written = capsys.readouterr().out
    assert "exchange said" in written and "Traceback" in written
    assert commanding(written) == []
    first, *more = written.splitlines()
    assert first.endswith(r"all is well\x00") and more and all(line.startswith("  ") for line in more)


@pytest.mark.usefixtures("_logging")
def test_what_libraries_write_by_their_own_handlers_is_harmless_too() -> None:
    make_logs_harmless()
    written = io.StringIO()
    log = logging.Logger("streamlit.made_up")
    log.addHandler(logging.StreamHandler(written))
    log.warning("Rejecting origin=%s", HOSTILE)
    assert "Rejecting" in written.getvalue() and commanding(written.getvalue()) == []
    assert isinstance(logging.makeLogRecord({"msg": "a"}), HarmlessRecord)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_no_text_on_the_console_commands_it(is_terminal: bool) -> None:
    written = io.StringIO()
    console = HarmlessConsole(file=written, force_terminal=is_terminal, color_system=None, width=400)
    table = Table()
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    for shown in (table, Text(HOSTILE, style="red"), f"said {HOSTILE}"):
        console.print(shown, markup=False)
    assert written.getvalue().count("owned") == 4
    assert COMMANDS.findall(written.getvalue()) == []


def test_lines_of_results_and_of_all_else_are_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    print_line(HOSTILE)
    say(HOSTILE.replace("\n", " "))
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == len(said.err.splitlines()) == 1
    assert commanding(said.out + said.err) == []


def test_status_shows_an_event_as_one_line(engine: Engine, books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    with transaction(engine) as connection:
        save_events(connection, 1, [EventRow(1, 1, Severity.ERROR, "ODD", HOSTILE.replace("\0", ""))])
    assert call(["status"]) == 0
    printed = capsys.readouterr().out
    assert "owned" in printed and commanding(printed) == []


def test_the_name_of_a_file_commands_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"{ESCAPE}\n{FORGED}.csv"
    (folder / name).write_text("not candles\n")
    call(["candles", "check", folder])
    said = capsys.readouterr()
    assert "owned" in said.out and commanding(said.out + said.err) == []


@pytest.mark.slow
@pytest.mark.parametrize("module", ["worker status --config", "dashboard.report --config"])
def test_an_error_of_a_command_is_one_line(folder: Path, module: str) -> None:
    name, *more = module.split()
    done = subprocess.run(
        [sys.executable, "-m", name, *more, f"{ESCAPE}\n{FORGED}"],
        cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0 and done.stderr
    assert commanding(done.stdout + done.stderr) == []
