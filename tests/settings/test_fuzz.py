"""A thousand settings files nobody sensible wrote: no traceback, no exit but 78, nothing runs beyond its bounds."""

import contextlib
import random
import tomllib
from pathlib import Path
from typing import Any

import pytest

from shared.errors import ConfigurationError
from shared.settings import PROFILES, BrokerSettings, MarketSettings, Settings, WorkerSettings, load_settings
from tests.settings.random_files import random_files, random_values, verdicts

FILES = 1_000
SEED = 13


def test_no_settings_file_ends_in_a_traceback_or_runs_on_beyond_its_bounds(tmp_path: Path) -> None:
    found = list(verdicts(random_files(SEED, FILES), tmp_path))
    assert [fault for _, fault in found if fault is not None] == []
    # It would prove little if all of them went one way.
    taken = sum(is_taken for is_taken, _ in found)
    assert FILES / 10 < taken < 9 * FILES / 10


class _AnyWait(WorkerSettings):
    wake_after_seconds: float = 2.0


class _AnyStart(MarketSettings):
    start: str = "2026-01-01"


class _AnyCost(BrokerSettings):
    fee_rate: float = 0.001
    slippage: float = 0.0005


class _AnyWaitSettings(Settings):
    worker: _AnyWait = _AnyWait()


class _AnyStartSettings(Settings):
    market: _AnyStart = _AnyStart()


class _AnyCostSettings(Settings):
    broker: _AnyCost = _AnyCost()


def _unchecked_profile(name: Any, _quote: str) -> dict[str, Any]:
    return PROFILES.get(name, {})


def _unchecked_file(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text())


SABOTEURS: dict[str, tuple[str, Any, str]] = {
    "a number without bounds": ("Settings", _AnyWaitSettings, "worker.wake_after_seconds was taken with"),
    "a cost without bounds": ("Settings", _AnyCostSettings, "broker."),
    "a text without a check": ("Settings", _AnyStartSettings, "market.start was taken with"),
    "a profile of any type": ("_profile", _unchecked_profile, "TypeError unhashable"),
    "a file as it comes": ("read_toml", _unchecked_file, "UnicodeDecodeError"),
}


@pytest.mark.parametrize("planted", SABOTEURS)
def test_a_check_that_is_missing_is_found(planted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, instead, expected = SABOTEURS[planted]
    monkeypatch.setattr(f"shared.settings.{name}", instead)
    faults = (fault for _, fault in verdicts(random_files(SEED, FILES), tmp_path))
    assert any(fault is not None and fault.startswith(expected) for fault in faults)


def test_the_environment_and_overrides_are_refused_in_a_sentence_too() -> None:
    draw = random.Random(SEED)
    refused = []
    for name, text in (item for _ in range(FILES // 2) for item in random_values(draw).items()):
        for environment, overrides in (
            ({f"FLOTILLA_{name.upper().replace('.', '__')}": text}, []),
            ({}, [f"{name}={text}"]),
        ):
            with contextlib.suppress(_Taken):
                refused.append(_refusal(environment, overrides))
    assert [sentence for sentence in refused if not sentence.isprintable() or len(sentence) > 1_000] == []
    assert len(refused) > FILES / 10


class _Taken(Exception):
    """Settings were taken where a refusal was asked for."""


def _refusal(environment: dict[str, str], overrides: list[str]) -> str:
    try:
        load_settings(None, environment, overrides)
    except ConfigurationError as error:
        return str(error)
    raise _Taken
