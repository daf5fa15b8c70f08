"""Commands that replay nothing compile nothing: what they ask of the rules they ask in plain Python."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.running import environment, wait_for
from tests.research.runs import write_candles
from worker.cli import COMMANDS

# Runs commands one after another; prints the exit code of each and whether it compiled anything.
WATCHED = """
import contextlib, io, json, sys
from worker.cli import main
from worker.jit import compiling

def code(words):
    try:
        main(words)
    except SystemExit as ended:
        return ended.code or 0

told = []
for words in json.loads(sys.argv[1]):
    compiled = []
    with contextlib.redirect_stdout(io.StringIO()), compiling(lambda: compiled.append(words), lambda: None):
        told.append([code(words), bool(compiled)])
print(json.dumps(told))
"""
BECAUSE = ("--reason", "to see what it compiles")


def watched(folder: Path, words: list[list[str]]) -> list[tuple[int, bool]]:
    """Run commands in a process that finds nothing compiled before."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, json.dumps(words)], cwd=folder, capture_output=True, text=True, check=False,
        env=environment(FLOTILLA_CACHE=str(folder / "cache")),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [(code, compiled) for code, compiled in json.loads(done.stdout.splitlines()[-1])]


def words_of(bot: str, candles: str) -> dict[str, list[str]]:
    """Give words with which each command does what it is for."""
    return {
        "status": [],
        "pause": [*BECAUSE],
        "flatten": [*BECAUSE],
        "close": [bot, *BECAUSE],
        "halt": [*BECAUSE],
        "release": [*BECAUSE],
        "explain": [bot],
        "deposit": ["5", *BECAUSE],
        "withdraw": ["5", *BECAUSE],
        "write-off": [bot, "--price", "0", "--yes", *BECAUSE],
        "reconcile": ["unattributed", "--symbol", "BTC/USDT", *BECAUSE],
        "export": ["fills"],
        "doctor": [],
        "config": ["diff"],
        "dashboard": ["people"],
        "db": ["upgrade"],
        "candles": ["check", candles],
    }


@pytest.fixture
def running(folder: Path) -> Iterator[None]:
    """Let a worker step a small fleet, with a cache of its own."""
    write_candles(folder / "candles", days=2)
    with (folder / "flotilla.toml").open("a") as settings:
        settings.write(
            '[market]\nkind = "replay"\ncandles = "candles"\nbar_seconds = 0.1\n[portfolio]\ntimeframe = "1h"\n'
        )
    with subprocess.Popen(
        [sys.executable, "-m", "worker", "run"], cwd=folder, env=environment(FLOTILLA_CACHE=str(folder / "worker's")),
    ) as worker:  # fmt: skip
        try:
            wait_for(lambda: watched(folder, [["export", "equity"], ["status"]]) == [(0, False)] * 2)
            yield
        finally:
            worker.terminate()


@pytest.mark.slow
@pytest.mark.usefixtures("running")
def test_commands_compile_nothing_but_a_backtest(folder: Path) -> None:
    words = words_of("mr_btc_usdt_1h_p1", "candles")
    assert set(words) == set(COMMANDS) - {"run", "backtest"}
    found = dict(zip(words, watched(folder, [[name, *more] for name, more in words.items()]), strict=True))
    # 65: refused by what the books hold.
    assert {code for code, _ in found.values()} <= {0, 65}
    assert [name for name, (_, compiled) in found.items() if compiled] == []
    assert watched(folder, [["backtest", "--candles", "candles"]]) == [(0, True)]
