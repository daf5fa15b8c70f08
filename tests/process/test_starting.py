"""What is said of a start: supervisor is a fake, the logs are files, and no process is there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from worker.process import starting
from worker.process.host import RUNNING_FILE
from worker.process.logs import Log
from worker.process.starting import Fleet, Page, WorkerEnded
from worker.process.supervisor_client import End, Process

UP = Process("RUNNING", 11)
PAGE = Process("RUNNING", 12)
SAYS = "2026-11-28 04:00:00,123 INFO the page is at http://127.0.0.1:8501\n"
REFUSED = "risk.stop must be below 1, was 3\n"
BEGINS = "2026-11-28 04:00:00,123 INFO the page is starting (process 12)\n"


class FakeSupervisor:
    """A supervisor whose programs are what the test says; what it does between two looks is in `then`."""

    def __init__(self, end: End | None = None) -> None:
        self.programs = {"worker": UP, "dashboard": PAGE}
        self.end = end or End()
        self.then: list[Callable[[], object]] = []

    def process(self, program: str) -> Process:
        if program == "worker" and self.then:
            self.then.pop(0)()
        return self.programs[program]

    def end_of(self, program: str) -> End:
        return self.end


class Project:
    """A project's folder with a fake supervisor."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.supervisor = FakeSupervisor()
        self.said: list[str] = []
        for name in ("run", "logs"):
            (root / name).mkdir()

    def log(self, program: str, text: str) -> None:
        with (self.root / "logs" / f"{program}.log").open("a") as file:
            file.write(text)

    def worker_runs(self, process: int = 11) -> None:
        (self.root / RUNNING_FILE).write_text(str(process))

    def fleet(self, page_was_up: bool = False) -> Fleet:
        dashboard = self.supervisor.programs["dashboard"]
        self.supervisor.programs["dashboard"] = dashboard if page_was_up else Process("EXITED")
        fleet = Fleet(self.root, self.supervisor)
        self.supervisor.programs["dashboard"] = dashboard
        return fleet

    def wait(self, fleet: Fleet) -> starting.Start:
        return fleet.wait(self.said.append)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name, seconds in (("WORKER_SECONDS", 0.2), ("PAGE_SECONDS", 0.2), ("LOOK_SECONDS", 0.01)):
        monkeypatch.setattr(starting, name, seconds)
    monkeypatch.setattr(starting, "PAGE_BESIDE_SECONDS", 0.2)
    return Project(tmp_path)


def test_a_worker_that_has_its_books_and_a_page_that_listens_are_running(project: Project) -> None:
    fleet = project.fleet()
    project.worker_runs()
    project.log("dashboard", BEGINS + SAYS)
    assert project.wait(fleet) == (True, "", Page.READY, "http://127.0.0.1:8501")


def test_a_worker_that_only_exists_is_still_starting_and_its_last_word_is_given(project: Project) -> None:
    fleet = project.fleet()
    project.worker_runs(10)  # what the worker before it left
    project.log("worker", "2026-11-28T04:00:00Z INFO reading the history of 3 symbols\n")
    project.log("dashboard", BEGINS + SAYS)
    found = project.wait(fleet)
    assert (found.worker_runs, found.worker_word) == (False, "reading the history of 3 symbols")
    assert project.said[0] == "  worker: reading the history of 3 symbols"


def test_it_is_said_every_few_seconds_that_it_goes_on(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "SAY_SECONDS", 0.05)
    project.wait(project.fleet())
    assert project.said[0] == "  the worker is still starting, 0 s"


def test_a_page_without_a_word_is_still_starting(project: Project) -> None:
    fleet = project.fleet()
    project.worker_runs()
    project.log("dashboard", BEGINS)
    assert project.wait(fleet).page is Page.STARTING


def test_what_the_page_of_another_run_said_is_not_believed(project: Project) -> None:
    project.worker_runs()
    project.log("dashboard", SAYS)
    assert project.wait(project.fleet()).page is Page.STARTING
    project.log("dashboard", BEGINS)
    assert project.wait(project.fleet(page_was_up=True)).page is Page.STARTING, "it was begun anew, and not said yet"
    project.log("dashboard", SAYS)
    assert project.wait(project.fleet(page_was_up=True)).page is Page.READY


@pytest.mark.parametrize("fails", starting.PAGE_FAILS)
def test_a_page_that_will_end_is_ended_though_its_process_is_there(project: Project, fails: str) -> None:
    fleet = project.fleet()
    project.worker_runs()
    project.log("dashboard", f"{BEGINS}port 8501 {fails}, was taken: set dashboard.port\n")
    found = project.wait(fleet)
    assert found.page is Page.ENDED
    assert found.page_word == f"port 8501 {fails}, was taken: set dashboard.port"


def test_a_page_that_ended_is_ended(project: Project) -> None:
    fleet = project.fleet()
    project.worker_runs()
    project.log("dashboard", "dashboard.port must be below 65536, was 70000\n")
    project.supervisor.programs["dashboard"] = Process("EXITED")
    assert project.wait(fleet)[2:] == (Page.ENDED, "dashboard.port must be below 65536, was 70000")


@pytest.mark.parametrize(
    ("end", "code", "how"),
    [
        (End(78), 78, "exit code 78"),
        (End(69), 69, "exit code 69"),
        (End(None, "SIGKILL"), 70, "SIGKILL"),
        (End(), 70, "no exit code"),
    ],
)
def test_a_worker_that_ended_gives_its_code_and_its_sentence_of_this_run(
    project: Project, end: End, code: int, how: str
) -> None:
    project.log("worker", "2026-11-28T03:00:00Z ERROR an old error, mended since\n")
    fleet = project.fleet()
    project.log("worker", "2026-11-28T04:00:00Z ERROR risk.stop must be below 1, was 3\n")
    project.supervisor.end = end
    project.supervisor.programs["worker"] = Process("EXITED")
    with pytest.raises(WorkerEnded) as ended:
        project.wait(fleet)
    assert ended.value.exit_code == code
    sentence = f"The worker has ended ({how}): risk.stop must be below 1, was 3; logs/worker.log has the rest."
    assert str(ended.value).startswith(sentence)
    assert ("Supervisor starts it again" in str(ended.value)) is (code != 78)


@pytest.mark.parametrize(
    ("page", "logged", "said"),
    [
        (PAGE, BEGINS + SAYS, "Supervisor and page stay up"),
        (PAGE, BEGINS, "Supervisor stays up, the page is still starting"),
        (Process("EXITED"), BEGINS + REFUSED, "Supervisor stays up, the page has ended for the same reason"),
        (
            Process("EXITED"),
            BEGINS + "port 8501 must be free for the page, was taken\n",
            "Supervisor stays up, the page has ended too (port 8501 must be free for the page, was taken)",
        ),
    ],
)
def test_what_stays_up_beside_a_worker_that_ended_is_what_there_is(
    project: Project, page: Process, logged: str, said: str
) -> None:
    fleet = project.fleet()
    project.log("worker", f"2026-11-28T04:00:00Z ERROR {REFUSED}")
    project.log("dashboard", logged)
    project.supervisor.end = End(78)
    project.supervisor.programs = {"worker": Process("EXITED"), "dashboard": page}
    with pytest.raises(WorkerEnded) as ended:
        project.wait(fleet)
    assert str(ended.value).endswith(f" {said}: mend it and `make run` again, or `make stop`.")


def test_a_worker_that_supervisor_has_started_again_already_has_ended(project: Project) -> None:
    fleet = project.fleet()
    project.worker_runs()
    project.supervisor.then = [
        lambda: None,
        lambda: None,
        lambda: project.supervisor.programs.update(worker=Process("RUNNING", 13)),
    ]
    project.supervisor.end = End(70)
    with pytest.raises(WorkerEnded, match="exit code 70"):
        project.wait(fleet)


@pytest.mark.parametrize("state", ["", "STOPPED", "STOPPING"])
def test_a_stop_meanwhile_is_said_as_such(project: Project, state: str) -> None:
    fleet = project.fleet()
    project.supervisor.programs["worker"] = Process(state)
    with pytest.raises(WorkerEnded, match="Flotilla was stopped meanwhile") as ended:
        project.wait(fleet)
    assert ended.value.exit_code == 75


def test_the_last_word_is_the_last_error(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    path.write_text("2026-11-28T04:00:00Z ERROR before\n")
    log = Log(path)
    assert log.last_word() == "see worker.log"
    with path.open("a") as file:
        file.write("2026-11-28T04:00:00Z ERROR unexpected error: KeyError: 'a'\n  Traceback:\n  KeyError: 'a'\n")
        file.write("2026-11-28T04:00:01Z WARNING starting in 2 s, after 2 crashes\n")
    assert log.last_word() == "unexpected error: KeyError: 'a'"
    assert log.news() == ["unexpected error: KeyError: 'a'", "starting in 2 s, after 2 crashes"]
    assert log.news() == []


def test_a_line_without_a_level_keeps_all_of_its_words(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.log"
    log = Log(path)
    path.write_text("2026-11-28 04:00:00.123 Port 8501 is not available\n")
    assert log.news(only_trouble=True) == []
    assert log.last_word() == "Port 8501 is not available"


def test_a_log_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    log = Log(tmp_path)
    assert (log.said(), log.news(), log.last_word()) == ("", [], f"see {tmp_path.name}")


def test_of_a_worker_that_runs_only_trouble_is_news(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    log = Log(path)
    path.write_text("2026-11-28T04:00:00Z INFO step 2: 9 fills\n2026-11-28T04:00:01Z WARNING no room\nStarted\n")
    assert log.news(only_trouble=True) == ["no room"]


def test_a_log_that_was_put_away_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    path.write_text("x" * 100 + "\n")
    log = Log(path)
    path.write_text("ImportError: no module\nhalf a li")
    assert log.news() == ["ImportError: no module"]
    assert log.last_word() == "half a li"
