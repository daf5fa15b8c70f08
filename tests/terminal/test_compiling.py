"""What a person is told while rules are compiled."""

import logging
import re
import sys

import numba
import pytest
from numba.core.event import start_event

from worker.jit import WAITS
from worker.terminal.compiling import compiling_logged, compiling_said


def compile_something() -> None:
    assert numba.njit(lambda number: number + 1)(1) == 2


def test_it_is_one_line_when_it_begins_and_one_when_it_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    with compiling_said():
        compile_something()
        compile_something()
    said = capsys.readouterr()
    assert said.out == ""
    assert re.fullmatch(
        r"Compiling the rules, once per version: about 12 s\.\nThe rules were ready after \d+ s\.\n", said.err
    )


def test_nothing_is_said_where_nothing_is_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    compiled = numba.njit(lambda number: number + 1)
    compiled(1)
    with compiling_said():
        compiled(2)
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_the_seconds_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with compiling_said():
        compile_something()
    said = capsys.readouterr().err
    assert "0:00:00" in said
    assert said.endswith("The rules were ready after 0 s.\n")


def test_the_worker_logs_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), compiling_logged():
        compile_something()
    assert caplog.messages == ["compiling rules, once per version"]


def test_a_command_that_waits_for_another_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with compiling_said():
        start_event(WAITS)
    said = capsys.readouterr().err
    assert said.startswith("Another command is compiling the rules, once per version; waiting for it.\n")
    assert said.endswith("The rules were ready after 0 s.\n")
