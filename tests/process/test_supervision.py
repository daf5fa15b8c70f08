"""supervisord.conf with a fake worker: start, stop, signals, ends, and a supervisor that is killed."""

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.errors import ConfigurationError, FlotillaError
from tests.conftest import ROOT
from tests.process.running import SCRIPT, alive, environment, give_orders, journal, wait_for, workers_in
from worker.process import starting, supervision, supervisor_client
from worker.process.host import owner_of, running_process
from worker.process.supervisor_client import LONGEST_SOCKET_PATH, SHUTDOWN, Supervisor

DIVIDED = "ZeroDivisionError: float division by zero"
REAL_COMMAND = ".venv/bin/python -u -m worker run"
REAL_PAGE = ".venv/bin/python -u -m dashboard.serving.serve"


class Project:
    """A folder with the project's supervisord.conf, whose worker is a fake."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.meanwhile: list[str] = []
        text = (ROOT / "supervisord.conf").read_text()
        assert REAL_COMMAND in text
        assert REAL_PAGE in text
        fake = f'"{sys.executable}" -u "{SCRIPT}" .'
        text = text.replace(REAL_COMMAND, fake).replace(REAL_PAGE, self.page("print('the page is at'); signal.pause()"))
        (root / "supervisord.conf").write_text(text)

    def have_page(self, code: str) -> None:
        """Let the page be another program."""
        conf = self.root / "supervisord.conf"
        usual = self.page("print('the page is at'); signal.pause()")
        assert usual in conf.read_text()
        conf.write_text(conf.read_text().replace(usual, self.page(code)))

    @staticmethod
    def page(code: str) -> str:
        """Give the command of a fake page."""
        return f'"{sys.executable}" -u -c "import signal, sys; {code}"'

    def make(self, action: str) -> tuple[int, str]:
        """Do what `make run` (start) and `make stop` (stop) do; give the exit code and the last line."""
        return self.end_of(self.begin(action))

    def begin(self, action: str) -> subprocess.Popen[str]:
        """Begin to do it."""
        command = [sys.executable, "-m", "worker.process.supervision", action]
        return subprocess.Popen(
            command, cwd=self.root, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def end_of(self, begun: subprocess.Popen[str]) -> tuple[int, str]:
        """Wait for what was begun; what was said before its last line is in `meanwhile`."""
        result, told = begun.communicate(timeout=100)
        *self.meanwhile, last = (told + result).splitlines()
        return begun.returncode, last

    def ctl(self, *arguments: str) -> str:
        """Run supervisorctl as a person would, from the project's folder."""
        command = [str(Path(sys.executable).with_name("supervisorctl")), *arguments]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False).stdout

    @property
    def supervisor(self) -> int:
        return int((self.root / "run" / "supervisord.pid").read_text())

    def living_workers(self) -> list[int]:
        return [process for process in workers_in(self.root) if alive(process)]

    def state(self) -> str:
        return self.ctl("status", "worker").split()[1]

    def log(self) -> str:
        return (self.root / "logs" / "worker.log").read_text()


@pytest.fixture
def project() -> Iterator[Project]:
    # pytest's own folders are longer than a socket's path may be.
    root = Path(tempfile.mkdtemp(prefix="flotilla-", dir="/tmp"))
    project = Project(root)
    give_orders(root, steps=0)
    yield project
    project.make("stop")
    for process in project.living_workers():
        os.kill(process, signal.SIGKILL)
    shutil.rmtree(root)


def as_another_user(closed: Path, action: Callable[[Path, Callable[[str], None]], str], root: Path) -> str:
    """Give what is said to a user to whom a folder is closed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # Root may look everywhere.
        if os.geteuid() == 0:
            os.setuid(65534)
        else:
            closed.chmod(0)
        said = "something else went wrong"
        try:
            said = action(root, print)
        except ConfigurationError as error:
            said = str(error)
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        said = told.read()
    os.waitpid(child, 0)
    return said


def without_token(said: str) -> str:
    """Each start gives another link to sign in by."""
    return re.sub(r"login\?link=[\w-]{43}", "login?link=…", said)


def test_the_fleet_starts_says_where_to_look_and_stops(project: Project) -> None:
    code, said = project.make("start")
    assert code == 0, said
    assert "flotilla status" in said
    assert "http://127.0.0.1:8501" in said
    assert "make stop" in said
    assert project.meanwhile[0] == "Starting the worker and the page."
    wait_for(lambda: "beats" in journal(project.root))

    again = project.make("start")
    assert again[0] == 0 and without_token(again[1]) == without_token(said), "a second start changes nothing"
    assert project.meanwhile == []
    assert len(project.living_workers()) == 1

    project.ctl("signal", "HUP", "worker")
    wait_for(lambda: "reloads" in journal(project.root))

    project.ctl("restart", "worker")
    wait_for(lambda: len(workers_in(project.root)) == 2)
    assert project.state() == "RUNNING"

    project.ctl("stop", "worker")
    assert project.state() == "STOPPED"
    assert journal(project.root)[-1] == "closes"
    assert project.make("start")[0] == 0, "a stopped worker is started under the supervisor that is there"
    assert project.meanwhile[0] == "Starting the worker."
    wait_for(lambda: len(project.living_workers()) == 1)

    assert project.make("stop") == (0, "Flotilla has stopped.")
    assert project.living_workers() == []
    assert project.make("stop") == (0, "Flotilla is not running.")


@pytest.mark.slow
def test_a_page_that_does_not_start_is_said_and_keeps_nobody_from_the_fleet(project: Project) -> None:
    project.have_page("print('no'); sys.exit(78)")
    code, said = project.make("start")
    assert code == 0, said
    assert "the page did not start: no" in said
    assert project.state() == "RUNNING"
    assert project.ctl("status", "dashboard").split()[1] == "EXITED"


@pytest.mark.slow
def test_a_page_that_says_it_fails_is_not_waited_for(project: Project) -> None:
    project.have_page("print('boom'); print('the page could not start; the lines above say why'); signal.pause()")
    began = time.monotonic()
    code, said = project.make("start")
    assert code == 0, said
    assert time.monotonic() - began < starting.PAGE_SECONDS
    assert "(the page did not start: boom; logs/dashboard.log has the rest)" in said


@pytest.mark.slow
def test_a_page_that_is_slow_is_waited_for_and_its_words_are_passed_on(project: Project) -> None:
    warning = "2026-11-28 04:00:00,123 WARNING port 8501 is taken; waiting for it"
    waits, then = f"print('{warning}'); time.sleep(2)", "print('the page is at'); signal.pause()"
    project.have_page(f"import time; print('of no interest'); {waits}; {then}")
    code, said = project.make("start")
    assert code == 0
    assert said.startswith("Flotilla is running: look with `.venv/bin/flotilla status`")
    assert "(no link to the page was made: nothing answers at http://127.0.0.1:" in said, (
        "it only says that it is there"
    )
    assert "  page: port 8501 is taken; waiting for it" in project.meanwhile
    assert "of no interest" not in project.meanwhile


@pytest.mark.slow
def test_a_worker_that_ends_while_the_page_is_waited_for_is_what_is_said(project: Project) -> None:
    project.have_page("import time; time.sleep(60)")
    begun = project.begin("start")
    wait_for(lambda: running_process(project.root))
    project.ctl("signal", "KILL", "worker")
    code, said = project.end_of(begun)
    assert code == 70
    assert said.startswith("The worker has ended (SIGKILL): ")
    assert "Supervisor starts it again and again" in said


@pytest.mark.slow
def test_a_page_that_runs_elsewhere_than_the_settings_of_now_say_is_named_where_it_runs(project: Project) -> None:
    project.have_page("print('the page is at http://127.0.0.1:8599'); signal.pause()")
    for _ in range(2):
        said = project.make("start")[1]
        assert "nothing answers at http://127.0.0.1:8599, so there is no link" in said
        assert "login?link" not in said


@pytest.mark.slow
def test_a_stop_while_the_start_waits_is_what_is_said(project: Project) -> None:
    project.have_page("import time; time.sleep(60)")
    begun = project.begin("start")
    wait_for(lambda: running_process(project.root))
    assert project.make("stop") == (0, "Flotilla has stopped.")
    assert project.end_of(begun) == (75, "Flotilla was stopped meanwhile: the worker is not running.")


@pytest.mark.slow
def test_a_start_while_flotilla_stops_waits_for_that(project: Project) -> None:
    give_orders(project.root, steps=1000, step_seconds=2)
    project.make("start")
    wait_for(lambda: "step begins" in journal(project.root))
    stopping = project.begin("stop")
    wait_for(lambda: project.state() != "RUNNING")
    code, said = project.make("start")
    assert code == 0, said
    assert project.end_of(stopping) == (0, "Flotilla has stopped.")
    assert len(project.living_workers()) == 1


@pytest.mark.slow
def test_two_stops_at_once_both_say_that_it_has_stopped(project: Project) -> None:
    give_orders(project.root, steps=1000, step_seconds=5)
    project.make("start")
    wait_for(lambda: "step begins" in journal(project.root))
    stopping = project.begin("stop")
    wait_for(lambda: Supervisor(project.root).state() == SHUTDOWN)
    # Here and not as a process: that may take longer to begin than the step to end.
    assert supervision.stop(project.root, print) == "Flotilla has stopped."
    assert project.end_of(stopping) == (0, "Flotilla has stopped.")


@pytest.mark.slow
def test_two_starts_at_once_start_one_fleet_and_say_the_same(project: Project) -> None:
    begun = [project.begin("start") for _ in range(3)]
    ends = [project.end_of(each) for each in begun]
    assert [code for code, _ in ends] == [0, 0, 0]
    assert len({without_token(said) for _, said in ends}) == 1
    assert ends[0][1].startswith("Flotilla is running")
    assert len(project.living_workers()) == 1


@pytest.mark.slow
def test_only_the_owner_can_open_the_socket(project: Project) -> None:
    project.make("start")
    for path in (project.root / "run" / "supervisor.sock", project.root / "run"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in (project.root / "logs").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.slow
def test_a_configuration_error_is_said_and_not_tried_again(project: Project) -> None:
    give_orders(project.root, settings_fails="configuration")
    code, said = project.make("start")
    assert code == 78
    assert said.startswith("The worker has ended (exit code 78): risk.stop must be below 1, was 3; logs/worker.log has")
    time.sleep(1.0)
    assert project.state() == "EXITED"
    assert project.log().count("risk.stop must be below 1") == 1

    give_orders(project.root, steps=0)
    code, said = project.make("start")
    assert code == 0
    assert said.startswith("Flotilla is running"), "what was mended is not said again"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("failure", "code", "word"),
    [
        ("database", 69, "the database is away"),
        ("market", 69, "the exchange is away"),
        ("lease", 75, "another worker holds the lease"),
        (
            "unexpected",
            70,
            f"unexpected error: {DIVIDED} (please report it with logs/worker.log)",
        ),
    ],
)
def test_a_worker_that_cannot_take_its_books_up_ends_the_start_with_its_own_code(
    project: Project, failure: str, code: int, word: str
) -> None:
    give_orders(project.root, recovery_fails=failure)
    ended, said = project.make("start")
    assert ended == code
    assert said.startswith(f"The worker has ended (exit code {code}): {word}; logs/worker.log has the rest. Supervisor")


@pytest.mark.parametrize("name", ["run", "logs", "state"])
def test_a_file_where_a_folder_must_be_is_named(project: Project, name: str) -> None:
    (project.root / name).write_text("")
    code, said = project.make("start")
    assert code == 78
    assert said == f"{project.root / name} must be a folder that can be written: File exists"
    (project.root / name).unlink()


@pytest.mark.slow
def test_settings_that_are_refused_while_the_fleet_runs_on_are_said_with_what_runs(project: Project) -> None:
    project.have_page("print('the page is at http://127.0.0.1:8599'); signal.pause()")
    project.make("start")
    (project.root / "flotilla.toml").write_text("[dashboard]\nport = 70000\n")
    code, said = project.make("start")
    assert code == 0
    assert said.startswith(
        "Flotilla is running with the settings it was started with, its page is http://127.0.0.1:8599. "
        "What is set now is refused: "
    )
    assert "dashboard.port" in said and "70000" in said
    assert said.endswith(". Mend that, or stop with `make stop`.")


@pytest.mark.slow
def test_a_page_to_which_no_link_can_be_made_runs_all_the_same(project: Project) -> None:
    code, said = project.make("start")
    assert code == 0
    assert said.startswith("Flotilla is running: look with `.venv/bin/flotilla status`")
    assert "(no link to the page was made: nothing answers at " in said, "what only says that it listens proves nothing"


@pytest.mark.slow
def test_a_supervisor_that_hangs_is_said_to_hang(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.make("start")
    monkeypatch.setattr(supervisor_client, "ANSWER_SECONDS", 0.5)
    process = project.supervisor
    os.kill(process, signal.SIGSTOP)
    try:
        for action in (supervision.start, supervision.stop):
            with pytest.raises(FlotillaError, match=r"supervisor must answer within 0 s, did not; it was left alone"):
                action(project.root, print)
    finally:
        os.kill(process, signal.SIGCONT)


@pytest.mark.slow
def test_a_supervisor_that_does_not_come_up_is_no_stop(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = project.root / "supervisord.conf"
    kept = conf.read_text()
    conf.write_text(kept.replace("file=run/supervisor.sock", "file=run/other.sock"))
    monkeypatch.setattr(supervision, "ANSWER_SECONDS", 2.0)
    try:
        with pytest.raises(
            FlotillaError, match="supervisor must be RUNNING by now, was not there; logs/supervisord.log"
        ):
            supervision.start(project.root, print)
    finally:
        os.kill(project.supervisor, signal.SIGTERM)


@pytest.mark.slow
def test_whose_flotilla_it_is_is_said_to_another_user(project: Project) -> None:
    project.make("start")
    project.root.chmod(0o755)
    folder, owner = project.root / "run", owner_of(project.root)
    assert as_another_user(folder, supervision.start, project.root) == (
        f"{folder} must be a folder that can be written: it is closed to this user, and belongs to {owner}"
    )
    assert as_another_user(folder, supervision.stop, project.root) == (
        f"{folder / 'supervisor.sock'} is for its owner alone: only {owner} can start and stop Flotilla here"
    )
    (project.root / "run").chmod(0o700)


@pytest.mark.slow
def test_books_that_were_moved_away_with_their_folder_are_waited_for_and_no_others_begun(project: Project) -> None:
    state, away, gone = (project.root / name for name in ("state", "away", "gone"))
    give_orders(project.root, steps=1000, step_seconds=0.1, step_fails="changed", only_while=gone)
    assert project.make("start")[0] == 0
    wait_for(lambda: "step ends" in journal(project.root))
    state.rename(away)
    gone.touch()
    wait_for(lambda: f"folder {state} must be there, for the books were in it, was not: bring it back" in project.log())
    assert len(workers_in(project.root)) == 1
    assert not state.exists()
    gone.unlink()
    away.rename(state)
    wait_for(lambda: len(workers_in(project.root)) == 2)
    assert len(project.living_workers()) == 1

    shutil.rmtree(state)
    gone.touch()
    wait_for(lambda: not project.living_workers())
    gone.unlink()
    assert project.make("stop")[0] == 0
    assert project.make("start")[0] == 0, "after a stop others may be begun"
    assert state.exists()


@pytest.mark.slow
def test_a_crash_is_started_again_after_a_growing_delay(project: Project) -> None:
    give_orders(project.root, steps=1, step_fails="unexpected")
    project.make("start")
    wait_for(lambda: "starting in 2 s, after 2 crashes" in project.log())
    assert "starting in 1 s, after 1 crashes" in project.log()
    give_orders(project.root, steps=0)
    wait_for(lambda: len(workers_in(project.root)) == 3 and project.state() == "RUNNING")


@pytest.mark.slow
def test_a_worker_that_is_killed_is_started_again(project: Project) -> None:
    project.make("start")
    wait_for(lambda: project.living_workers())
    os.kill(project.living_workers()[0], signal.SIGKILL)
    wait_for(lambda: len(workers_in(project.root)) == 2)
    assert len(project.living_workers()) == 1


@pytest.mark.slow
def test_a_killed_supervisor_leaves_no_worker_and_the_next_runs_exactly_one(project: Project) -> None:
    give_orders(project.root, steps=1000, step_seconds=1)
    project.make("start")
    wait_for(lambda: "step begins" in journal(project.root))
    os.kill(project.supervisor, signal.SIGKILL)
    code, said = project.make("start")
    assert code == 0, said
    assert len(project.living_workers()) <= 1, "the second waits while the first finishes its step"
    wait_for(lambda: len(workers_in(project.root)) == 2)
    first, second = workers_in(project.root)
    assert not alive(first)
    assert project.living_workers() == [second]
    lines = (project.root / "journal").read_text().splitlines()
    assert lines.index(f"{second} recovered brake=False") > lines.index(f"{first} closes")


def test_a_worker_whose_supervisor_died_before_it_looked_ends_too(project: Project) -> None:
    # What a supervisor leaves of itself is the broken pipe of standard input.
    reading, writing = os.pipe()
    os.close(writing)
    worker = subprocess.run(
        [sys.executable, str(SCRIPT), str(project.root)],
        env=environment(SUPERVISOR_ENABLED="1"),
        stdin=reading,
        capture_output=True,
        timeout=20,
        check=False,
    )
    os.close(reading)
    assert worker.returncode == 0
    assert journal(project.root) == []


def test_a_path_too_long_for_a_socket_is_one_clear_sentence(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 60) / ("b" * 60)
    deep.mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"must be at most \d\d characters long, .*, was \d+"):
        supervision.start(deep, print)
    assert not (deep / "run").exists()


@pytest.mark.slow
def test_the_longest_path_it_accepts_works() -> None:
    base = Path(tempfile.mkdtemp(prefix="flotilla-", dir="/tmp"))
    most = LONGEST_SOCKET_PATH - len("/run/supervisor.sock") - len(str(base)) - 1
    root = base / ("c" * most)
    root.mkdir()
    project = Project(root)
    give_orders(root, steps=0)
    try:
        assert project.make("start")[0] == 0
        assert project.make("stop")[0] == 0
    finally:
        shutil.rmtree(base)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a space", "50%", "%(here)s", "it's", "#1; no", "grüße 船隊"])
def test_a_folder_of_any_name_works(name: str) -> None:
    base = Path(tempfile.mkdtemp(prefix=f"{name} ", dir="/tmp"))
    project = Project(base)
    give_orders(base, steps=0)
    try:
        assert project.make("start")[0] == 0
        wait_for(lambda: project.living_workers())
        assert project.make("stop")[0] == 0
    finally:
        shutil.rmtree(base)
