"""A folder of candles, a run over it, and a place without anybody's settings."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.research.runs import run, write_candles


@pytest.fixture(scope="session")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_candles(tmp_path_factory.mktemp("candles"))


@pytest.fixture(autouse=True)
def no_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("FLOTILLA_") and "__" in name]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def finished(candles: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Give the folder and the summary of a run with costs, brakes and rebalances."""
    out = tmp_path_factory.mktemp("out")
    return out, run(candles, out)
