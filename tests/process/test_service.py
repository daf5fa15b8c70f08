"""The worker as a process: signals, ends, the lock, crashes; with a fake worker in a real process."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.process.running import (
    SCRIPT,
    environment,
    give_orders,
    journal,
    run_worker,
    start_worker,
    wait_for,
    workers_in,
)
from worker.process import service
from worker.process.crashes import BRAKE_AT
from worker.process.host import process_files

# They start a page or a worker of their own, or draw every page.
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_stop_during_a_step_finishes_that_step_and_exits_0(tmp_path: Path, number: signal.Signals) -> None:
    give_orders(tmp_path, steps=1000, step_seconds=1)
    process = start_worker(tmp_path)
    wait_for(lambda: "step begins" in journal(tmp_path))
    stopped_at = time.monotonic()
    process.send_signal(number)
    log, _ = process.communicate(timeout=10)
    assert process.returncode == 0, log
    assert time.monotonic() - stopped_at < 5.0
    lines = journal(tmp_path)
    assert lines.count("step begins") == lines.count("step ends") == 1
    assert lines[-1] == "closes"


def test_a_stop_while_idle_is_obeyed_at_once(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=0)
    process = start_worker(tmp_path)
    wait_for(lambda: "answers" in journal(tmp_path))
    stopped_at = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert time.monotonic() - stopped_at < 1.0


def test_a_stop_during_a_slow_start_exits_0_within_seconds_and_says_that_it_was_starting(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=1, start_seconds=60)
    process = start_worker(tmp_path)
    wait_for(lambda: "recovered brake=False" in journal(tmp_path))
    stopped_at = time.monotonic()
    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=15)
    assert process.returncode == 0, log
    assert time.monotonic() - stopped_at < 6.0
    assert "told to stop while it was starting" in log
    assert "step" not in log.replace("steps", "")
    # It was told to: that is no crash.
    give_orders(tmp_path, steps=0)
    assert "crashes" not in run_worker(tmp_path, "--until-end", SUPERVISOR_ENABLED="1")[1]


def test_a_stop_during_a_start_that_ends_in_time_closes_it(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=1, start_seconds=1)
    process = start_worker(tmp_path)
    wait_for(lambda: "recovered brake=False" in journal(tmp_path))
    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=15)
    assert process.returncode == 0
    assert "told to stop while it was starting" in log
    assert journal(tmp_path)[-1] == "closes"


def test_a_stop_that_comes_while_the_process_ends_begins_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(service.os, "_exit", ended.append)
    monkeypatch.setattr(service, "STARTING_SECONDS", 0.0)
    monkeypatch.setattr(service, "STOP_SECONDS", 0.0)
    cut_off = service.CutOff()
    cut_off.cancel()
    cut_off.start()
    cut_off.is_starting = False
    cut_off.start()
    time.sleep(0.2)
    assert ended == []


@pytest.mark.parametrize(("is_starting", "code"), [(True, 0), (False, 70)])
def test_a_stop_that_nothing_ends_is_cut_off(is_starting: bool, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(service.os, "_exit", ended.append)
    monkeypatch.setattr(service, "STARTING_SECONDS", 0.0)
    monkeypatch.setattr(service, "STOP_SECONDS", 0.0)
    cut_off = service.CutOff()
    cut_off.is_starting = is_starting
    cut_off.start()
    wait_for(lambda: ended)
    cut_off.cancel()
    assert ended[0] == code


@pytest.mark.slow
def test_a_step_that_hangs_in_a_library_is_cut_off_all_the_same(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=1, step_hangs=60)
    process = start_worker(tmp_path)
    wait_for(lambda: "step begins" in journal(tmp_path))
    stopped_at = time.monotonic()
    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=30)
    assert time.monotonic() - stopped_at < 12.0
    assert process.returncode == 70
    assert "cut off" in log


@pytest.mark.parametrize("place", ["recovery", "step"])
def test_a_full_disk_is_waited_for_and_said_once(place: str, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.touch()
    give_orders(tmp_path, steps=1, only_while=full, **{f"{place}_fails": "full"})
    process = start_worker(tmp_path)
    wait_for(lambda: journal(tmp_path).count("closes") == 2)
    assert journal(tmp_path).count("recovered brake=False") == 2
    full.unlink()
    wait_for(lambda: "step ends" in journal(tmp_path))
    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=10)
    assert process.returncode == 0, log
    assert workers_in(tmp_path) == [process.pid]
    assert log.count("must have room to grow, had none") == 1
    assert "Traceback" not in log


def test_a_stop_is_obeyed_while_there_is_no_room(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=1, step_fails="full")
    process = start_worker(tmp_path)
    wait_for(lambda: journal(tmp_path).count("closes") == 2)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=5)
    assert process.returncode == 0


def test_a_worker_that_stays_up_after_crashes_ends_where_its_database_has_changed(tmp_path: Path) -> None:
    crashes = process_files(tmp_path, "sqlite:///state/flotilla.db", "flotilla").crashes
    crashes.parent.mkdir()
    now_ms = int(time.time() * 1000)
    crashes.write_text(json.dumps({"running": False, "crashes_ms": [now_ms] * BRAKE_AT, "outages_ms": []}))
    give_orders(tmp_path, steps=1, step_fails="changed")
    code, log = run_worker(tmp_path)
    assert code == 69
    assert "recovered brake=True" in journal(tmp_path)
    assert "the database was moved" in log.splitlines()[-1]


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=3)
    command = [sys.executable, "-u", str(SCRIPT), str(tmp_path), "--until-end"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, env=environment(), stdout=full, stderr=full, timeout=30, check=False)
    assert done.returncode == 0
    assert journal(tmp_path).count("step ends") == 3


@pytest.mark.slow
def test_a_step_that_hangs_is_cut_off_within_10_seconds_of_the_stop(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=1, step_seconds=60)
    process = start_worker(tmp_path)
    wait_for(lambda: "step begins" in journal(tmp_path))
    stopped_at = time.monotonic()
    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=15)
    assert time.monotonic() - stopped_at < 10.0
    assert process.returncode == 70
    assert "cut off" in log


def test_a_hangup_reloads_the_settings_and_the_log_says_what_changed(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=1000, step_seconds=0.2)
    process = start_worker(tmp_path)
    wait_for(lambda: "step ends" in journal(tmp_path))
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: "reloads" in journal(tmp_path))
    steps = journal(tmp_path).count("step ends")
    wait_for(lambda: journal(tmp_path).count("step ends") > steps)
    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "risk.stop is 0.05 now" in log
    assert "portfolio.timeframe was refused" in log


def test_a_hangup_with_broken_settings_leaves_the_worker_running_and_recorded(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=0, reload_fails="configuration")
    process = start_worker(tmp_path)
    wait_for(lambda: "answers" in journal(tmp_path))
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: any(line.startswith("records the settings were left") for line in journal(tmp_path)))
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)


def test_commands_are_answered_between_the_steps_of_a_long_catch_up(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=30, step_seconds=0.05)
    assert run_worker(tmp_path, "--until-end")[0] == 0
    lines = journal(tmp_path)
    answered_between = lines[lines.index("step begins") : len(lines) - lines[::-1].index("step ends")].count("answers")
    assert 4 <= answered_between <= 12


def test_a_replay_that_ended_keeps_the_worker_up_and_says_so(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=2)
    process = start_worker(tmp_path)
    wait_for(lambda: journal(tmp_path).count("step ends") == 2 and journal(tmp_path)[-1] in ("answers", "beats"))
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=10)
    assert log.count("the replay has ended; commands are still answered") == 1


def test_until_end_exits_0_when_the_replay_has_ended(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=3)
    code, log = run_worker(tmp_path, "--until-end")
    assert code == 0, log
    assert journal(tmp_path).count("step ends") == 3


def test_steps_come_right_after_each_bar_close_of_a_market_on_the_wall_clock(tmp_path: Path) -> None:
    give_orders(tmp_path, wall_bar_ms=2000)
    process = start_worker(tmp_path)
    wait_for(lambda: len(booked(tmp_path)) == 2)
    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=10)
    assert process.returncode == 0, log
    assert [bars for bars, _ in booked(tmp_path)] == [1, 1]
    # The alarm rings at 50 ms; the loop would see an overdue bar by itself a second later.
    assert min(late_ms for _, late_ms in booked(tmp_path)) < 300
    assert "apscheduler" not in log.lower()


@pytest.mark.slow
def test_a_machine_that_was_suspended_catches_up_every_bar_once(tmp_path: Path) -> None:
    give_orders(tmp_path, wall_bar_ms=1000)
    process = start_worker(tmp_path)
    wait_for(lambda: booked(tmp_path))
    process.send_signal(signal.SIGSTOP)
    time.sleep(3.0)
    process.send_signal(signal.SIGCONT)
    wait_for(lambda: sum(bars for bars, _ in booked(tmp_path)) >= 4, seconds=2.0)
    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=10)
    assert process.returncode == 0, log
    assert max(bars for bars, _ in booked(tmp_path)) >= 2


@pytest.mark.slow
def test_a_bar_that_the_alarm_missed_is_stepped_a_second_later_all_the_same(tmp_path: Path) -> None:
    give_orders(tmp_path, wall_bar_ms=2000, alarm_bar_ms=3_600_000)
    process = start_worker(tmp_path)
    wait_for(lambda: len(booked(tmp_path)) == 2)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert all(1000 <= late_ms < 1500 for _, late_ms in booked(tmp_path))


def booked(root: Path) -> list[tuple[int, int]]:
    """Give each booking: how many bars, and how many milliseconds after the last close."""
    words = [line.split() for line in journal(root) if line.startswith("booked")]
    return [(int(line[1]), int(line[3])) for line in words]


@pytest.mark.parametrize(
    ("place", "failure", "code", "said"),
    [
        ("settings", "configuration", 78, "risk.stop must be below 1, was 3"),
        ("recovery", "configuration", 78, "risk.stop must be below 1, was 3"),
        ("recovery", "lease", 75, "another worker holds the lease"),
        ("step", "lease", 75, "another worker holds the lease"),
        ("step", "database", 69, "the database is away"),
        ("step", "changed", 69, "the database was moved"),
        ("recovery", "market", 69, "the exchange is away"),
    ],
)
def test_an_expected_failure_is_one_sentence_and_its_exit_code(
    tmp_path: Path, place: str, failure: str, code: int, said: str
) -> None:
    give_orders(tmp_path, steps=1, **{f"{place}_fails": failure})
    exit_code, log = run_worker(tmp_path)
    assert exit_code == code
    assert said in log.splitlines()[-1]
    assert "Traceback" not in log


def test_an_unexpected_failure_leaves_its_traceback_and_exits_70(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=1, step_fails="unexpected")
    code, log = run_worker(tmp_path)
    assert code == 70
    assert "Traceback" in log
    assert "ZeroDivisionError" in log
    assert journal(tmp_path)[-1] == "closes"


def test_a_market_that_is_away_in_a_step_is_recorded_and_tried_again_with_patience(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=1, step_fails="market")
    process = start_worker(tmp_path)
    wait_for(lambda: journal(tmp_path).count("step begins") == 2)
    assert "records the exchange is away" in journal(tmp_path)
    time.sleep(0.5)
    assert journal(tmp_path).count("step begins") == 2
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_a_second_worker_on_the_same_books_refuses_and_names_the_first(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=0)
    first = start_worker(tmp_path)
    wait_for(lambda: "answers" in journal(tmp_path))
    code, log = run_worker(tmp_path)
    assert code == 75
    assert f"process {first.pid}, since 20" in log
    assert first.poll() is None
    assert workers_in(tmp_path) == [first.pid]
    first.kill()
    first.communicate(timeout=10)
    second = start_worker(tmp_path)
    wait_for(lambda: second.pid in workers_in(tmp_path))
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=10)


def test_under_a_supervisor_a_second_worker_waits_for_the_first_to_end(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=0)
    first = start_worker(tmp_path)
    wait_for(lambda: "answers" in journal(tmp_path))
    second = start_worker(tmp_path, SUPERVISOR_ENABLED="1")
    assert second.stdout is not None
    assert f"process {first.pid}" in (said := second.stdout.readline())
    assert "waiting for that" in said
    assert second.pid not in workers_in(tmp_path)
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=10)
    wait_for(lambda: second.pid in workers_in(tmp_path))
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=10)
    assert second.returncode == 0


def test_a_lock_that_cannot_be_written_is_a_configuration_error(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=0)
    (tmp_path / "state" / "flotilla.db.flotilla.lock").mkdir(parents=True)
    code, log = run_worker(tmp_path)
    assert code == 78
    assert "flotilla.lock must be writable, was not" in log


def test_a_file_in_the_place_of_the_state_is_a_configuration_error(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=0)
    (tmp_path / "state").write_text("a file where the folder should be")
    code, log = run_worker(tmp_path)
    assert code == 78
    assert "state must be a folder, was none" in log


@pytest.mark.slow
def test_the_fifth_crash_in_ten_minutes_stays_up_with_the_brake_on(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=1, step_fails="unexpected")
    for _ in range(5):
        assert run_worker(tmp_path)[0] == 70
    assert journal(tmp_path).count("recovered brake=False") == 5
    process = start_worker(tmp_path)
    wait_for(lambda: "recovered brake=True" in journal(tmp_path))
    begun = journal(tmp_path).count("step begins")
    wait_for(lambda: journal(tmp_path).count("recovered brake=True") == 2, seconds=15)
    answered = journal(tmp_path).count("answers")
    wait_for(lambda: journal(tmp_path).count("answers") > answered + 2)
    assert process.poll() is None
    assert journal(tmp_path).count("step begins") <= begun + 1, "steps are held back after a crash under the brake"
    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=10)
    assert process.returncode == 0, log
    assert "staying up without entries after 5 crashes" in log


def test_a_clean_stop_forgets_the_crashes(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=1, step_fails="unexpected")
    assert run_worker(tmp_path)[0] == 70
    crashes = process_files(tmp_path, "sqlite:///state/flotilla.db", "flotilla").crashes
    assert '"crashes_ms": [1' in crashes.read_text()
    give_orders(tmp_path, steps=0)
    process = start_worker(tmp_path)
    wait_for(lambda: journal(tmp_path)[-1] == "answers")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert '"crashes_ms": []' in crashes.read_text()


@pytest.mark.slow
def test_a_restart_under_a_supervisor_waits_after_a_crash_and_one_by_hand_does_not(tmp_path: Path) -> None:
    give_orders(tmp_path, steps=1, step_fails="unexpected")
    assert "starting in" not in run_worker(tmp_path)[1]
    assert "starting in" not in run_worker(tmp_path)[1]
    started_at = time.monotonic()
    code, log = run_worker(tmp_path, SUPERVISOR_ENABLED="1")
    assert code == 70
    assert "starting in 2 s, after 2 crashes" in log
    assert time.monotonic() - started_at > 2.0
