"""A thousand reloads of settings files that nobody sensible wrote, by the loop that a hangup wakes."""

import copy
import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from shared.settings import FILE_NAME, PROFILES, Settings, WorkerSettings, settings_reader
from tests.live.conftest import MakePlace
from tests.live.fake_market import FakeMarket
from tests.live.running import SMALL_FLEET, Place, show_and_step, small_settings
from tests.live.test_failures import walks
from tests.settings.random_files import as_file, fault_of_settings, random_file
from worker.live.reload import RELOADABLE
from worker.live.worker import LiveWorker
from worker.process.host import Wakes, signals_to
from worker.process.loop import Loop

RELOADS = 1_000
SEED = 10
SMALL = {name: value for name, _, value in (line.partition("=") for line in SMALL_FLEET)}
SMALL["database.url"] = f'"{SMALL["database.url"]}"'
SMALL["portfolio.timeframe"] = f'"{SMALL["portfolio.timeframe"]}"'
# What a running worker may take over, and so what is drawn most.
TAKEN_OVER = ("broker.fee_rate", "broker.slippage", "risk.stop", "risk.leverage", "risk.ladder", "allocation.bot_low")


class _OneRound(Wakes):
    """Lets the loop go round once."""

    def __init__(self) -> None:
        super().__init__()
        self._rounds = 0

    def stopping(self) -> bool:
        self._rounds += 1
        return self._rounds > 1


def hang_up(place: Place, worker: LiveWorker) -> None:
    """Let the worker's loop hear a hangup, as the process does."""
    wakes = _OneRound()
    with signals_to(wakes, on_stop=lambda: None):
        signal.raise_signal(signal.SIGHUP)
    # No step meanwhile, and no other look for commands than the first.
    Loop(worker, WorkerSettings(), wakes, place.clock).run(hold_seconds=1e6)


def _put(draw: random.Random, file: Path) -> None:
    """Put something in the file's place: mostly a file."""
    file.unlink(missing_ok=True) if not file.is_dir() else shutil.rmtree(file)
    odds = draw.random()
    if odds < 0.03:
        return
    if odds < 0.06:
        file.mkdir()
        return
    name = draw.choice(TAKEN_OVER) if draw.random() < 0.5 else None
    file.write_bytes(random_file(draw, name, SMALL))


def _standing(worker: LiveWorker) -> tuple[Any, ...]:
    fleet = worker._fleet
    return copy.deepcopy((worker._settings, fleet.rules, fleet.ladder, fleet.bots, fleet.sleeves, fleet.markets))


def _faults_of(place: Place, worker: LiveWorker, before: tuple[Any, ...], outcome: str) -> list[str]:
    """Say what a reload did that none may."""
    if outcome == "refused":
        return [] if _standing(worker) == before else ["a refused reload changed what runs"]
    settings: Settings = worker._settings
    moved = [name for name in type(settings).model_fields if getattr(settings, name) != getattr(before[0], name)]
    fault = fault_of_settings(settings, place.root)
    return [f"{name} was taken over" for name in moved if name not in RELOADABLE] + ([fault] if fault else [])


def _last_event(place: Place) -> tuple[int, str, str]:
    ((number, kind, message),) = place.rows("SELECT id, kind, message FROM event ORDER BY id DESC LIMIT 1")
    return number, kind, message


def reloads(place: Place, count: int) -> Iterator[tuple[str, list[str]]]:
    """Give how each reload went, and what it did that none may; the books are stepped before and after."""
    draw = random.Random(SEED)
    file = place.root / FILE_NAME
    file.write_bytes(as_file(SMALL))
    with place.open() as worker:
        worker._load_settings = settings_reader(file)
        worker._load_settings()
        show_and_step(place, worker, 60)
        for _ in range(count):
            _put(draw, file)
            yield _reloaded(place, worker)
        assert show_and_step(place, worker, 80) == 20


def _reloaded(place: Place, worker: LiveWorker) -> tuple[str, list[str]]:
    before, seen = _standing(worker), _last_number(place)
    try:
        hang_up(place, worker)
    except Exception as error:  # noqa: BLE001 - the loop would end: that is what is looked for
        return "ended", [f"{type(error).__name__} {error}"]
    outcome = _outcome(place, seen)
    return outcome, _faults_of(place, worker, before, outcome)


def _last_number(place: Place) -> int:
    return int(place.value("SELECT coalesce(max(id), 0) FROM event"))


def _outcome(place: Place, seen: int) -> str:
    events = place.rows("SELECT kind, message FROM event WHERE id > ?", seen)
    if any(message.startswith("the settings were left as they are: ") for _, message in events):
        return "refused"
    return "changed" if any(kind == "SETTINGS_CHANGED" for kind, _ in events) else "as before"


def _careless(engine: Engine) -> None:
    """A disk that is not waited for makes the same books sooner."""
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA synchronous=OFF")


@pytest.fixture
def place(make_place: MakePlace, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in [name for name in os.environ if name.startswith("FLOTILLA_")]:
        monkeypatch.delenv(name)
    return make_place(small_settings(), FakeMarket(walks(80)), engine_hook=_careless)


@pytest.mark.parametrize("count", [200, pytest.param(RELOADS, marks=pytest.mark.slow)])
def test_no_reload_ends_the_worker_and_a_refused_one_changes_nothing(place: Place, count: int) -> None:
    found = list(reloads(place, count))
    assert [fault for _, faults in found for fault in faults] == []
    # It would prove little if all of them went one way.
    counts = Counter(outcome for outcome, _ in found)
    assert counts["refused"] > count / 10 and counts["changed"] > count / 20


def _unchecked_profile(name: Any, _quote: str) -> Mapping[str, Any]:
    return PROFILES.get(name, {})


def _taken_before_it_is_checked(real: Callable[..., Any]) -> Callable[..., Any]:
    def reload(worker: LiveWorker) -> list[str]:
        worker._settings = worker._settings.model_copy(update={"risk": worker._load_settings().risk})
        return list(real(worker))

    return reload


@pytest.mark.slow
def test_a_reload_that_ends_the_worker_is_found(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.settings._profile", _unchecked_profile)
    assert any("unhashable" in fault for _, faults in reloads(place, RELOADS) for fault in faults)


def test_a_reload_that_takes_before_it_checks_is_found(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveWorker, "reload", _taken_before_it_is_checked(LiveWorker.reload))
    assert any("a refused reload changed what runs" in faults for _, faults in reloads(place, RELOADS))


def test_a_file_that_has_gone_leaves_the_settings_as_they_are_and_is_an_event(place: Place) -> None:
    file = place.root / FILE_NAME
    file.write_bytes(as_file({**SMALL, "risk.stop": "0.05"}))
    with place.open() as worker:
        worker._load_settings = settings_reader(file)
        hang_up(place, worker)
        file.unlink()
        before = _standing(worker)
        hang_up(place, worker)
        assert _standing(worker) == before and worker._settings.risk.stop == 0.05
    _, kind, message = _last_event(place)
    assert kind == "WORKER_NOTE"
    assert message == f"the settings were left as they are: settings file {file} must exist, was not found"
