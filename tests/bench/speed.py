"""How fast signals, the compiled replay and the whole command are, and the same rules in plain Python beside them."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.document import table
from tests.bench.fleets import fleet, history
from tests.conftest import ROOT, candles_folder
from worker.fleet.plan import open_fleet
from worker.research.columns import make_columns
from worker.research.replay import replay_fleet
from worker.step.replay import load_bands, load_bar
from worker.step.step import close_bar, open_bar

TITLE = "Speed of a backtest"
TIMEFRAME = "5m"
# Brakes on that never trip, so that every rule works to the end.
NEVER_TRIP = tuple(
    f"risk.{limit}=1.0" for limit in ("portfolio_drawdown", "daily_loss", "sleeve_drawdown", "bot_drawdown")
)
TIMES = 7
PLAIN_BARS = 1_500


def measure() -> str:
    """Measure in this process, then the command as a person starts it."""
    folder = candles_folder("spot-5m")
    return "\n\n".join([_rates(folder), _commands(folder)])


def _rates(folder: Path) -> str:
    settings, plan = fleet([f"portfolio.timeframe={TIMEFRAME}", *NEVER_TRIP])
    grid = history(folder, TIMEFRAME).grid
    bot_bars = len(plan.bots) * len(grid.open_ms)
    runs = [replay_fleet(settings, plan, grid, {}, {}).seconds for _ in range(TIMES)]
    signals = bot_bars / min(run["signals"] for run in runs) / 1e6
    replay = bot_bars / min(run["replay"] for run in runs) / 1e6
    plain = _plain_rate(folder) / 1e6
    rows = [
        ["signals of 27 bots", f"{signals:.1f}", "15"],
        ["replay with every rule, compiled", f"{replay:.1f}", "20"],
        ["the same rules in plain Python", f"{plain:.3f}", ""],
    ]
    header = ["million bot-bars per second, one core", "measured", "at least"]
    return (
        f"27 bots × {len(grid.open_ms):,} {TIMEFRAME} bars of spot-5m, brakes on with limits that never trip, best of "
        f"{TIMES}.\n\n{table(header, rows)}\n\nCompiled is {replay / plain:,.0f} times as fast as the same functions "
        "called from Python, as the live worker calls them."
    )


def _plain_rate(folder: Path) -> float:
    """Step the same fleet in plain Python over bars in which all strategies are warm."""
    settings, plan = fleet([f"portfolio.timeframe={TIMEFRAME}", *NEVER_TRIP])
    columns = make_columns(settings, plan, history(folder, TIMEFRAME).grid, {})
    books = open_fleet(settings, plan, {})
    first = 1_000
    for t in range(first):
        load_bands(books, columns, t)
    began = time.perf_counter()
    for t in range(first, first + PLAIN_BARS):
        load_bar(books, columns, t)
        open_bar(books, int(columns.open_ms[t]))
        close_bar(books, int(columns.open_ms[t]))
        books.journal.fills = books.journal.notices = 0
    return len(plan.bots) * PLAIN_BARS / (time.perf_counter() - began)


def _commands(folder: Path) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "out"
        year = ["--simulated", "365", "--set", "portfolio.timeframe=1m", "--out", str(out)]
        real = ["--candles", str(folder), "--set", f"portfolio.timeframe={TIMEFRAME}", "--out", str(out)]
        whole = [word for limit in NEVER_TRIP for word in ("--set", limit)]
        cold = {"FLOTILLA_CACHE": str(Path(scratch) / "cache")}
        rows = [
            ["27 bots × 119,520 bars of spot-5m, first start: compiles", *_words([*real, *whole], cold), "", ""],
            ["the same, second start", *_words([*real, *whole], cold, 3), "3", "1.0"],
            ["the same with the default brakes", *_words(real, cold, 3), "3", "1.0"],
            ["27 bots × 525,600 simulated 1m bars", *_words([*year, *whole], cold, 2), "12", "2.0"],
        ]
    header = ["whole command, all files written", "seconds", "GB", "seconds at most", "GB at most"]
    return table(header, rows)


def _words(options: Sequence[str], environment: dict[str, str], times: int = 1) -> list[str]:
    measured = [_command(options, environment) for _ in range(times)]
    return [f"{min(seconds for seconds, _ in measured):.2f}", f"{max(memory for _, memory in measured):.2f}"]


# A process starts with the most memory its parent ever held as its own, so a small one stands between.
LAUNCHER = """
import os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), time.perf_counter() - began, used.ru_maxrss, flush=True)
os._exit(0)
"""


def _command(options: Sequence[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run the command as a process of its own; give its seconds and the GB it held at most."""
    launched = subprocess.run(
        [sys.executable, "-c", LAUNCHER, sys.executable, "-m", "worker", "backtest", *options],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    code, seconds, memory = launched.stdout.split()
    if code != "0":
        raise RuntimeError(f"backtest {' '.join(options)} must succeed, ended with {code}")
    memory_bytes = int(memory) * (1 if sys.platform == "darwin" else 1024)
    return float(seconds), memory_bytes / 1e9
