"""The password file and the command that writes it."""

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.gate.people import LOCAL, People
from shared.cookie_secret import load_secret
from shared.errors import ConfigurationError
from shared.passwords import (
    OPERATOR,
    VIEWER,
    Account,
    checked_name,
    hash_password,
    load_accounts,
    password_matches,
    password_path,
    save_account,
)
from tests.conftest import ROOT
from tests.dashboard.gate.serving import ANNA, BO, HASHES
from tests.kernel.test_cache_folder import give_away


def flotilla(folder: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run `flotilla dashboard …` for a password file in a folder."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("FLOTILLA_")}
    environment = {
        **kept,
        "FLOTILLA_DASHBOARD__PASSWORD_FILE": str(folder / "outside" / "passwords.json"),
        "PYTHONPATH": str(ROOT),
    }
    project = folder / "project"
    project.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "worker", "dashboard", *arguments]
    return subprocess.run(
        command, cwd=project, env=environment, input=typed, capture_output=True, text=True, check=False
    )


def test_a_password_matches_its_own_hash_alone() -> None:
    assert password_matches(ANNA, HASHES[ANNA])
    assert not password_matches(ANNA, HASHES[BO])
    assert not password_matches("", HASHES[ANNA])
    assert not password_matches(ANNA, None)
    assert hash_password(ANNA) != HASHES[ANNA], "each hash has a salt of its own"
    assert ANNA not in HASHES[ANNA]


def test_two_spellings_of_one_letter_are_one_password() -> None:
    assert password_matches("cafe\u0301 au lait noir", hash_password("caf\u00e9 au lait noir"))


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 1025])
def test_a_password_of_a_wrong_length_is_refused(password: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"must have 12 to 1024 characters, had {len(password)}"):
        hash_password(password)


@pytest.mark.parametrize("odd", ["\0", "\x1b", "\n", "\x7f", "\x9b"])
def test_a_password_with_a_control_character_is_refused(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="had a control character"):
        hash_password(f"correct horse{odd}battery")
    hashed: list[bytes] = []
    monkeypatch.setattr("shared.passwords.hashlib.scrypt", lambda spelt, **_: hashed.append(spelt) or b"")
    assert not password_matches(f"{ANNA}\0", HASHES[ANNA]) and not password_matches("\0" * 20, None)
    assert not hashed, "nothing is worked out for it"


def test_the_file_is_for_its_owner_alone_and_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "passwords.json"
    anna, bo = Account("anna", OPERATOR, HASHES[ANNA]), Account("bo@example.com", VIEWER, None)
    save_account(path, anna)
    save_account(path, bo)
    assert load_accounts(path) == {"anna": anna, "bo@example.com": bo}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert sorted(file.name for file in path.parent.iterdir()) == ["passwords.json", "passwords.json.was-set"]


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "passwords.json"
    save_account(path, Account("anna", OPERATOR, HASHES[ANNA]))
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match=r"for its owner alone \(chmod 600\), its mode was 640"):
        load_accounts(path)


def test_a_file_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "passwords.json"
    save_account(path, Account("anna", OPERATOR, None))
    give_away(path, monkeypatch)
    with pytest.raises(ConfigurationError, match="must belong to user"):
        load_accounts(path)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "[]",
        '{"version": 2, "people": {}}',
        '{"version": 1, "people": {"anna": {"role": "owner", "password": null}}}',
        '{"version": 1, "people": {"Anna": {"role": "viewer", "password": null}}}',
        '{"version": 1, "people": {"anna": {"role": "viewer", "password": "correct horse battery"}}}',
        '{"version": 1, "people": {"anna": {"role": "viewer"}}}',
    ],
)
def test_a_file_that_makes_no_sense_is_refused_by_name(tmp_path: Path, written: str) -> None:
    path = tmp_path / "passwords.json"
    path.touch(mode=0o600)
    path.write_text(written)
    with pytest.raises(ConfigurationError, match=str(path)):
        load_accounts(path)


def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "passwords.json"
    os.mkfifo(path, 0o600)
    with pytest.raises(ConfigurationError, match=r"password file .* must be a file, was a named pipe"):
        load_accounts(path)
    with pytest.raises(ConfigurationError, match=r"cookie secret .* must be a file, was a named pipe"):
        load_secret(path)


@pytest.mark.parametrize("name", ["", "two words", "anna\n", "-anna", "ann\u00e4", "x" * 101, "anna;role=operator"])
def test_a_name_that_could_be_read_as_something_else_is_refused(name: str) -> None:
    if name == "anna\n":
        assert checked_name(name) == "anna"
    else:
        with pytest.raises(ConfigurationError, match="a name must be"):
            checked_name(name)


@pytest.mark.parametrize("file", ["passwords.json", "state/../passwords.json"])
def test_passwords_are_not_kept_in_the_project(tmp_path: Path, file: str) -> None:
    with pytest.raises(ConfigurationError, match=r"dashboard.password_file must be outside the project"):
        password_path(Path(file), tmp_path)
    assert password_path(tmp_path.parent / "passwords.json", tmp_path) == tmp_path.parent / "passwords.json"


@pytest.mark.slow
def test_the_command_adds_changes_lists_and_removes_people(tmp_path: Path) -> None:
    added = flotilla(tmp_path, "password", "Anna", "--role", "operator", typed=f"{ANNA}\n")
    assert (added.returncode, added.stderr) == (0, "")
    assert "anna may sign in as operator" in added.stdout
    assert ANNA not in added.stdout
    account = load_accounts(tmp_path / "outside" / "passwords.json")["anna"]
    assert password_matches(ANNA, account.password)

    assert flotilla(tmp_path, "password", "bo@example.com", "--role", "viewer", "--oidc").returncode == 0
    assert json.loads(flotilla(tmp_path, "people", "--json").stdout) == [
        {"name": "anna", "role": "operator", "signs_in_by": "password"},
        {"name": "bo@example.com", "role": "viewer", "signs_in_by": "oidc"},
    ]
    assert flotilla(tmp_path, "remove", "anna").returncode == 0
    assert set(load_accounts(tmp_path / "outside" / "passwords.json")) == {"bo@example.com"}
    refused = flotilla(tmp_path, "remove", "anna")
    assert refused.returncode == 78
    assert "name must be one of bo@example.com, was 'anna'" in refused.stderr


@pytest.mark.slow
def test_the_command_takes_all_names_back_once_it_is_told_to(tmp_path: Path) -> None:
    assert flotilla(tmp_path, "unguard", "--yes").returncode == 78, "there is nothing to take back"
    path = tmp_path / "outside" / "passwords.json"
    save_account(path, Account("anna", OPERATOR, HASHES[ANNA]))
    path.with_name("cookie-secret").write_text("")
    refused = flotilla(tmp_path, "unguard")
    assert refused.returncode == 78 and "--yes must be given" in refused.stderr and path.exists()
    path.unlink()
    for command in (["people"], ["link"]):
        told = flotilla(tmp_path, *command)
        assert told.returncode == 78 and "for passwords were set, was missing" in told.stderr
    done = flotilla(tmp_path, "unguard", "--yes")
    assert (done.returncode, done.stderr) == (0, "") and "restart the page" in done.stdout
    assert list(path.parent.iterdir()) == []
    assert "nobody yet" in flotilla(tmp_path, "people").stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (["password", "anna"], "short\n", "12 to 1024 characters, had 5"),
        (["password", "anna", "--role", "owner"], f"{ANNA}\n", "a role must be one of viewer, operator, was 'owner'"),
        (["password", "two words"], f"{ANNA}\n", "a name must be"),
        (["password", "anna", "--oidc"], "", "must be an e-mail address with --oidc, was 'anna'"),
    ],
)
def test_what_makes_no_sense_is_one_sentence_and_writes_nothing(
    tmp_path: Path, arguments: list[str], typed: str, sentence: str
) -> None:
    refused = flotilla(tmp_path, *arguments, typed=typed)
    assert refused.returncode == 78
    assert sentence in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "outside").exists()


def test_a_file_that_came_and_went_between_two_looks_shuts_the_door(tmp_path: Path) -> None:
    people = People(tmp_path / "passwords.json")
    assert not people.guarded() and people.find(LOCAL.name) is LOCAL
    save_account(people.path, Account("anna", OPERATOR, HASHES[ANNA]))
    people.path.unlink()
    assert people.guarded() and people.find(LOCAL.name) is None and people.find("anna") is None


def test_a_fault_that_passes_locks_nobody_out_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = People(tmp_path / "passwords.json")
    save_account(people.path, Account("anna", OPERATOR, HASHES[ANNA]))

    def out_of_files(*_: object) -> str:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr("shared.passwords.read_regular", out_of_files)
        assert people.find("anna") is None and people.find("anna") is None
    assert people.find("anna") == Account("anna", OPERATOR, HASHES[ANNA])


def test_a_file_that_is_a_link_to_nowhere_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "passwords.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="must be a file, leads to none"):
        People(tmp_path / "passwords.json").require_good()
