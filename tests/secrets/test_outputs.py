"""Secrets planted in the database's address are in nothing that comes out: page, files, exports, logs, the database."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.place import find_place
from dashboard.report.books import ReportBooks
from shared.clock import SystemClock
from shared.database import open_reader
from shared.tables.export_filters import Filters
from shared.tables.exports import KINDS
from tests.dashboard import seeding
from tests.dashboard.shown_files import follow
from tests.dashboard.views.conftest import OpenPage, open_page
from tests.dashboard.views.test_downloads import shown_links
from tests.dashboard.views.test_pages import PAGES
from tests.process.running import environment, wait_for
from tests.research.runs import call
from tests.secrets.planted import (
    IN_USERINFO,
    OF_ENVIRONMENT,
    PLANT_IN_PROCESS,
    URL,
    leaks,
    make,
    plant_in_files,
    sent,
)

__all__ = ["open_page"]
SOURCES = ("file", "environment")
COMMANDS = (
    ("status",),
    ("status", "--json"),
    ("doctor",),
    ("doctor", "--json"),
    ("config", "diff"),
    ("config", "diff", "--json"),
    ("db", "upgrade"),
    ("backtest", "--simulated", "1", "--json"),
    ("backtest", "--simulated", "1", "--set", f"database.url={URL}"),
    *(("export", kind, "--format", form) for kind in KINDS for form in ("csv", "json")),
)
# Whom nobody answers, in the forms libpq knows.
AWAY = (
    "postgresql://planteduser:plantedpassword@127.0.0.1:1/books",
    "postgresql://127.0.0.1:1/books?user=planteduser&password=plantedquery&sslpassword=planted&passfile=/planted",
    "postgresql://planteduser:pl%61nted@127.0.0.1:1/books?options=-c%20planted.x%3Dplanted",
    "postgresql://planteduser:plantedpassword@127.0.0.1:1,127.0.0.1:2/books",
    "postgresql://planteduser:planted@password@127.0.0.1:1/books",
    "mysql://planteduser:plantedpassword@127.0.0.1:1/books",
    "host=127.0.0.1 password=plantedpassword",
)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        plant_in_files(patch)
        return make(tmp_path_factory.mktemp("planted") / "project")


@pytest.fixture(params=SOURCES)
def project(request: pytest.FixtureRequest, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a project whose address comes from the settings file or from the environment."""
    folder = tmp_path / "project"
    shutil.copytree(made, folder)
    monkeypatch.chdir(folder)
    plant_in_files(monkeypatch)
    if request.param == "environment":
        (folder / "flotilla.toml").write_text("[risk]\nstop = 0.03\n")
        monkeypatch.setenv("FLOTILLA_DATABASE__URL", OF_ENVIRONMENT)
    assert leaks(find_place().settings.database.url.reveal()), "they are planted"
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("project", ["file"], indirect=True)
@pytest.mark.parametrize("page", PAGES)
def test_no_page_and_no_download_of_a_page_holds_them(page: str, project: Path, open_page: OpenPage) -> None:
    app = open_page(project, page, bot=seeding.PAUSED_BOT, role="viewer")
    assert [error.message for error in app.exception] == []
    assert b"flotilla" in sent(app).lower()
    assert leaks(sent(app)) == []
    files = {address: follow(address) for address in shown_links(app)}
    assert [address for address, file in files.items() if file.status_code != 200 or leaks(file.content)] == []


def test_the_settings_are_on_the_page_and_in_its_downloads_without_them(project: Path, open_page: OpenPage) -> None:
    app = open_page(project, "control", role="viewer")
    assert leaks(sent(app)) == []
    files = [follow(address).text for address in shown_links(app)]
    assert len([text for text in files if f"sqlite:///{seeding.FILE}" in text]) >= 2, "settings and their versions"


def test_the_search_would_find_them_on_a_page(project: Path, open_page: OpenPage) -> None:
    books = seeding.Books(project, find_place().settings)
    books.write(
        "UPDATE settings_version SET settings = replace(settings, 'sqlite:///', ?)", f"sqlite://{IN_USERINFO}@/"
    )
    app = open_page(project, "control")
    assert leaks(sent(app)) == ["planted"]
    assert [address for address in shown_links(app) if leaks(follow(address).content)]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_says_them(
    arguments: tuple[str, ...], project: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert call(arguments) == 0
    said = capsys.readouterr()
    assert said.out
    assert leaks(said.out + said.err + caplog.text) == []


def test_nothing_has_changed_where_only_the_secrets_are_others(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = []
    for url in (URL, OF_ENVIRONMENT, f"sqlite:///{seeding.FILE}"):
        monkeypatch.setenv("FLOTILLA_DATABASE__URL", url)
        assert call(["config", "diff", "--json"]) == 0
        changes.append(json.loads(capsys.readouterr().out)["settings"])
    assert changes[0] == changes[1] == changes[2]
    assert "database.url" not in changes[0]


def test_a_backtest_writes_none_of_them(project: Path) -> None:
    assert call(["backtest", "--simulated", "1", "--out", project / "run"]) == 0
    summary = json.loads((project / "run" / "summary.json").read_text())
    assert summary["settings"]["database"]["url"] == f"sqlite:///{seeding.FILE}"
    assert [path.name for path in (project / "run").rglob("*") if path.is_file() and leaks(path.read_bytes())] == []


def test_the_report_holds_none_of_them(project: Path) -> None:
    books = ReportBooks(find_place(), SystemClock())
    try:
        assert leaks(b"".join(books.make(Filters()))) == []
    finally:
        books.close()


def test_the_database_itself_holds_none_of_them(project: Path) -> None:
    files = [path for path in project.rglob("*") if path.is_file() and path.name != "flotilla.toml"]
    assert project / seeding.FILE in files
    assert [path.name for path in files if leaks(path.read_bytes()) or leaks(str(path))] == []
    engine = open_reader(find_place().settings.database.url, project)
    assert not leaks(repr(engine.url))
    engine.dispose()


@pytest.mark.slow
@pytest.mark.parametrize("project", ["environment"], indirect=True)
def test_a_worker_that_runs_says_none_of_them(project: Path) -> None:
    log = project / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", PLANT_IN_PROCESS, "worker", "run"],
            cwd=project,
            env=environment(FLOTILLA_DATABASE__URL=OF_ENVIRONMENT),
            stdout=stream,
            stderr=stream,
        )
    try:
        wait_for(lambda: log.stat().st_size > 0 or process.poll() is not None, 60.0)
        process.send_signal(signal.SIGHUP)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert log.read_text() and "Traceback" not in log.read_text()
    files = [path for path in project.rglob("*") if path.is_file()]
    assert [path.name for path in files if leaks(path.read_bytes()) or leaks(str(path))] == []


@pytest.mark.parametrize("url", AWAY)
def test_a_connection_that_fails_is_told_without_them(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLOTILLA_DATABASE__URL", url)
    monkeypatch.setenv("PGPASSWORD", "plantedenvironment")
    for arguments in (("status", "--json"), ("config", "diff"), ("db", "upgrade"), ("export", "fills"), ("doctor",)):
        assert call(arguments) in (69, 78)
        said = capsys.readouterr()
        assert "database" in said.err and said.err.count("\n") == 1
        assert leaks(said.out + said.err) == []


@pytest.mark.parametrize("url", [AWAY[1], AWAY[3]])
def test_a_page_without_a_connection_is_told_without_them(
    url: str, tmp_path: Path, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOTILLA_DATABASE__URL", url)
    app = open_page(tmp_path, "control")
    assert [error.message for error in app.exception] == []
    assert b"database" in sent(app)
    assert leaks(sent(app)) == []


@pytest.mark.parametrize("url", [AWAY[0], pytest.param(AWAY[4], marks=pytest.mark.slow)])
@pytest.mark.parametrize("module", [("worker", "run"), ("dashboard.report",)], ids=" ".join)
def test_a_process_that_cannot_connect_logs_none_of_them(module: tuple[str, ...], url: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=tmp_path,
        env=environment(FLOTILLA_DATABASE__URL=url, PGPASSWORD="plantedenvironment"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode in (69, 78), ended.stderr
    said = ended.stdout + ended.stderr
    assert "database" in said and "Traceback" not in said
    assert leaks(said) == []
