"""What the README and its companions say can be done, can be."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.settings import Settings, load_settings
from tests.conftest import ROOT
from worker.process.service import STOP_SECONDS

README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)
EVERYTHING = "\n".join(document.read_text() for document in DOCUMENTS)
FENCES = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def command_lines() -> list[str]:
    """Give the command lines of the README, comments left out."""
    lines = [line for language, block in FENCES if language == "sh" for line in block.splitlines()]
    return [shlex.join(shlex.split(line, comments=True)) for line in lines]


def environment_of(line: str) -> dict[str, str]:
    """Give the settings a command line makes by its environment."""
    return dict(word.split("=", 1) for word in shlex.split(line) if word.startswith("FLOTILLA_"))


def line_with(setting: str) -> str:
    found = [line for line in command_lines() if setting in line]
    assert len(found) == 1, f"expected one line with {setting} in the README, was {found}"
    return found[0]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def flotilla(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "worker", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_two_commands_start_the_fleet_and_prove_it() -> None:
    assert command_lines()[:2] == ["make run", "make test"]


def test_every_make_target_that_is_named_exists() -> None:
    named = set(re.findall(r"`make ([a-z-]+)", EVERYTHING)) | set(
        re.findall(r"^make ([a-z-]+)", EVERYTHING, re.MULTILINE)
    )
    assert len(named) >= 8
    assert named <= make_targets()


def test_every_make_target_is_phony_or_it_would_do_nothing_once_such_a_file_exists() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert make_targets() == set(phony[1].split())


@pytest.mark.slow
def test_every_flotilla_command_that_is_named_exists() -> None:
    named = set(re.findall(r"flotilla ((?:config diff|candles check|db upgrade)|[a-z]+(?:-[a-z]+)*)", EVERYTHING))
    named = {
        command for command in named if f"`flotilla {command}" in EVERYTHING or f"bin/flotilla {command}" in EVERYTHING
    }
    assert len(named) >= 10
    for command in sorted(named):
        asked = flotilla(*command.split(), "--help")
        assert asked.returncode == 0, f"flotilla {command}: {asked.stderr}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_a_document_links_to_exists(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_paper_on_real_prices_is_a_setting_and_takes_other_books() -> None:
    line = line_with("MARKET__KIND")
    settings = load_settings(ROOT / "flotilla.toml", environment_of(line))
    assert settings.market.kind == "ccxt"
    assert settings.broker.kind == "paper"
    assert settings.database.url != load_settings(ROOT / "flotilla.toml", {}).database.url
    assert line.endswith("make run")


def test_a_symbol_is_one_word_more() -> None:
    line = line_with("PORTFOLIO__SYMBOLS")
    settings = load_settings(ROOT / "flotilla.toml", environment_of(line))
    assert settings.portfolio.symbols == (*Settings().portfolio.symbols, "XRP/USDT")
    assert line.endswith(".venv/bin/flotilla config diff")


def test_a_strategy_is_one_file_and_one_line(tmp_path: Path) -> None:
    for package in ("shared", "worker"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    blocks = dict(FENCES)
    (tmp_path / "worker/strategies/momentum.py").write_text(blocks["python"])
    (tmp_path / "flotilla.toml").write_text((ROOT / "flotilla.toml").read_text() + "\n" + blocks["toml"])
    registry = tmp_path / "worker/strategies/registry.py"
    assert '`"momentum",`' in README
    registry.write_text(
        registry.read_text().replace('    "trend_following",\n', '    "trend_following",\n    "momentum",\n')
    )
    check = """
import numpy as np
from pathlib import Path
from shared.settings import load_settings
from worker.strategies.bars import make_bars
from worker.strategies.registry import find_strategy
sleeve = load_settings(Path("flotilla.toml"), {}).strategies.sleeves["momentum"]
strategy = find_strategy("momentum")
close = 100.0 + np.array([0, 1, 2, 3, 2, 1, 0, 0], dtype=float)
bars = make_bars(np.arange(8) * 3_600_000, close, close, close, close, np.ones(8))
bands = strategy.bands(bars, 2)
assert np.array_equal(bands.low, [np.nan, np.nan, 1, 1, 0, -1, -1, -1], equal_nan=True), bands.low
print(strategy.prefix, [strategy.checked(parameters) for parameters in sleeve.grid])
"""
    done = subprocess.run([sys.executable, "-c", check], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "mo [(24,), (72,)]\n", done.stderr


def test_live_trading_is_refused_by_its_line() -> None:
    settings = environment_of(line_with("BROKER__KIND"))
    assert load_settings(ROOT / "flotilla.toml", settings).broker.kind == "ccxt"
    refused = flotilla("run", **settings)
    assert refused.returncode == 78
    assert "broker.kind" in refused.stdout + refused.stderr


def test_the_settings_file_says_the_defaults_and_makes_27_bots() -> None:
    settings = load_settings(ROOT / "flotilla.toml", {})
    assert settings == Settings()
    bots = sum(len(sleeve.grid) for sleeve in settings.strategies.sleeves.values()) * len(settings.portfolio.symbols)
    assert bots == 27
    assert f"{bots} paper bots" in README


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert re.search(r"^timeout .*\d+ make test ", script.read_text(), re.MULTILINE)
    assert "FLOTILLA_REQUIRE_ALL=1" in script.read_text()


def test_supervisor_waits_longer_for_a_stop_than_the_worker_takes() -> None:
    text = (ROOT / "supervisord.conf").read_text()
    wait = re.search(r"^stopwaitsecs=(\d+)$", text, re.MULTILINE)
    assert wait is not None
    assert int(wait[1]) > STOP_SECONDS + 10


@pytest.mark.parametrize("name", ["requirements.lock", "tests/requirements.lock"])
def test_the_lock_files_hold_exact_versions_with_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "index-url" not in text
    requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(requirements) > 40
    for line in requirements:
        assert re.match(r"[a-z0-9._-]+==\S+ ", line), line
    assert text.count("--hash=sha256:") >= len(requirements)


def test_what_the_worker_writes_is_not_in_the_repository() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"/state/", "/logs/", "/run/", "/.venv/"} <= set(ignored)
