"""Set up .venv, say how far it is, and say what to do where it fails. Standard library alone: nothing else is there.

With MARK alone it makes .venv with the Python it runs on; with MARK and LOCKFILE it installs what the lock file names,
and with `--project` the project itself. It touches MARK at its end, runs in the project's folder, and waits for another
one that is at work there.
"""

import argparse
import fcntl
import os
import pwd
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TextIO

LOG = Path("logs/install.log")
LOCK = Path("run/install.lock")
ENVIRONMENT = Path(".venv")
PYTHON = ENVIRONMENT / "bin" / "python"
# While it is there, packages are half installed: pip would take some of them for whole.
UNFINISHED = ENVIRONMENT / "unfinished"
LOOK_SECONDS = 0.2
SAY_SECONDS = 5.0
INTERRUPTED = 130
DISK = "1.3 GB"
# The scripts in .venv/bin name their Python in a shell's double quotes, and PATH is split at colons.
FORBIDDEN = {'"': "a double quote", "$": "a dollar sign", "`": "a backquote", "\\": "a backslash", ":": "a colon"}

_FOUND = re.compile(r"^(?:Collecting|Processing|Requirement already satisfied:) ", re.MULTILINE)
_IGNORED = re.compile(r"^Ignoring \S+: markers ", re.MULTILINE)
_INSTALLING = re.compile(r"^Installing collected packages: (.+)$", re.MULTILINE)
_REQUIRED = re.compile(r"^[A-Za-z0-9][^=\s]*==", re.MULTILINE)
_RETRYING = "after connection broken by"


class SetUpFailed(Exception):
    """The set-up cannot go on; the sentence says why and what to do."""


class Cause(NamedTuple):
    """What pip says in one kind of failure, and the sentence for it."""

    pattern: re.Pattern[str]
    sentence: str


# The first that fits: a full disk makes other errors follow, and a connection that broke once may have come back.
CAUSES = (
    Cause(
        re.compile("No space left on device|Disk quota exceeded"),
        f"the disk is full: the packages take {DISK} in .venv, and what is downloaded 0.3 GB beside them",
    ),
    Cause(
        re.compile("DO NOT MATCH THE HASHES|Hashes are required"),
        "a package is not the one that the lock file names, so nothing was installed: try again; if it stays "
        "so, somebody changed the package or the lock file",
    ),
    Cause(
        re.compile("Permission denied"),
        "a file or folder belongs to somebody else: .venv, or pip's own cache of downloads",
    ),
    Cause(
        re.compile(
            f"{_RETRYING}|ConnectTimeout|ReadTimeout|NewConnectionError|NameResolutionError|SSLError|ProxyError"
        ),
        "the package index did not answer: look at the network, or at the proxy it needs; what was downloaded is kept",
    ),
    Cause(
        re.compile("No matching distribution|Failed to build|Failed building wheel|subprocess-exited-with-error"),
        "a package is not made for this machine and this Python: Flotilla runs on Linux and macOS with CPython 3.11 to "
        "3.14, and PYTHON=/path/to/python names another one",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one step of the set-up; give its exit code."""
    asked = _parser().parse_args(arguments)
    try:
        _require_usable(Path.cwd())
        with _alone():
            if not _done(asked.mark, asked.lockfile):
                _make_environment() if asked.lockfile is None else _install(asked.lockfile, asked.project)
                asked.mark.touch()
    except SetUpFailed as failure:
        _tell(f"Flotilla could not be set up: {failure}.", sys.stderr)
        return 1
    except OSError as error:
        where = Path(error.filename or ENVIRONMENT)
        why = f"it belongs to {_owner_of(where)}" if isinstance(error, PermissionError) else error.strerror
        _tell(f"Flotilla could not be set up: {where} must be one that can be written: {why}.", sys.stderr)
        return 1
    except KeyboardInterrupt:
        _tell("Interrupted; the same command goes on from here.", sys.stderr)
        return INTERRUPTED
    return 0


def progress(said: str, wanted: int, installed: int) -> str:
    """Tell how far pip is by what it has said, the requirements of the lock file and the packages it has installed."""
    installing = _INSTALLING.search(said)
    if installing:
        total = len(installing[1].split(","))
        return f"installing: {max(0, min(installed, total))} of {total} packages"
    found = f"downloading: {len(_FOUND.findall(said))} of {wanted - len(_IGNORED.findall(said))} packages"
    silent = _RETRYING in said.rstrip().rpartition("\n")[2]
    return f"{found}; the package index does not answer, trying again" if silent else found


def failure(said: str) -> str:
    """Say why pip failed, and what to do, by what it said."""
    lines = [line for line in said.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if line.startswith("ERROR:")), lines[-1] if lines else "nothing")
    known = next((cause.sentence for cause in CAUSES if cause.pattern.search(said)), "")
    word = f"its last word was: {last.removeprefix('ERROR:').strip().rstrip('.')} ({LOG} has the rest)"
    return f"{known}; {word}" if known else word


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mark", type=Path)
    parser.add_argument("lockfile", type=Path, nargs="?")
    parser.add_argument("--project", action="store_true")
    return parser


def _require_usable(folder: Path) -> None:
    """Refuse a folder in whose path a character stands that tools of Python's do not survive."""
    path = str(folder)
    named = [name for character, name in FORBIDDEN.items() if character in path]
    named += ["a line break or another control character"] if any(ord(character) < 32 for character in path) else []
    if named:
        raise SetUpFailed(f"the path of the project must hold no {named[0].partition(' ')[2]}, was {path!r}")


@contextmanager
def _alone() -> Iterator[None]:
    """Wait for a set-up that is under way; two at once would write over each other."""
    for folder in (LOCK.parent, LOG.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    with open(LOCK, "a", opener=_private) as lock:
        _wait_for(lock)
        # pip holds it too: it may outlive this process when that is killed.
        os.set_inheritable(lock.fileno(), True)
        yield


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _wait_for(lock: TextIO) -> None:
    began = time.monotonic()
    said_at = -SAY_SECONDS
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = time.monotonic() - began
            if waited - said_at >= SAY_SECONDS:
                said_at = waited
                _tell(f"Another command is setting up .venv; waiting for it, {waited:.0f} s.")
            time.sleep(LOOK_SECONDS)


def _owner_of(path: Path) -> str:
    for place in (path, *path.absolute().parents):
        with suppress(OSError):
            user = place.stat().st_uid
            with suppress(KeyError):
                return pwd.getpwuid(user).pw_name
            return f"user {user}"
    return "somebody else"


def _done(mark: Path, lockfile: Path | None) -> bool:
    """Tell whether somebody else did it while this one waited."""
    sources = [lockfile, Path("pyproject.toml")] if lockfile is not None else []
    if not mark.exists() or UNFINISHED.exists() or not _runs():
        return False
    return all(source.stat().st_mtime <= mark.stat().st_mtime for source in sources)


def _runs() -> bool:
    try:
        return subprocess.run([PYTHON, "-c", "import pip"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _make_environment() -> None:
    _tell(f"Setting up .venv with Python {sys.version.split()[0]}: once, 1 to 3 minutes, {DISK}; {LOG} has every word.")
    LOG.unlink(missing_ok=True)
    _run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], 0)


def _install(lockfile: Path, project: bool) -> None:
    pip: list[str | Path] = [
        PYTHON,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "install",
        "--progress-bar",
        "off",
    ]
    _run([*pip, "--require-hashes", "-r", lockfile], len(_REQUIRED.findall(lockfile.read_text())))
    if project:
        _tell("  installing Flotilla itself")
        _run([*pip, "--no-deps", "--no-build-isolation", "--editable", "."], 0)
    UNFINISHED.unlink(missing_ok=True)


def _run(command: Sequence[str | Path], wanted: int) -> None:
    """Run a command into the log and tell every few seconds how far it is."""
    environment = {name: value for name, value in os.environ.items() if name != "PIP_QUIET"} | {"PYTHONUNBUFFERED": "1"}
    began, before, told_at = time.monotonic(), _installed(), time.monotonic()
    with open(LOG, "a", opener=_private) as log:
        start = log.tell()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, close_fds=False
        )
        try:
            while process.poll() is None:
                time.sleep(LOOK_SECONDS)
                said = _since(start)
                if _INSTALLING.search(said):
                    UNFINISHED.touch()
                if wanted and time.monotonic() - told_at >= SAY_SECONDS:
                    told_at = time.monotonic()
                    _tell(f"  {progress(said, wanted, _installed() - before)}, {told_at - began:.0f} s")
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode:
        raise SetUpFailed(failure(_since(start)))
    if wanted:
        _tell(f"  {progress(_since(start), wanted, wanted)}, {time.monotonic() - began:.0f} s")


def _since(start: int) -> str:
    with LOG.open(errors="replace") as log:
        log.seek(start)
        return log.read()


def _installed() -> int:
    return sum(1 for _ in ENVIRONMENT.glob("lib/python*/site-packages/*.dist-info"))


def _tell(sentence: str, where: TextIO | None = None) -> None:
    # A path may hold what a terminal in another encoding cannot show.
    where = where or sys.stdout
    where.write(sentence.encode(where.encoding, "backslashreplace").decode(where.encoding) + "\n")
    where.flush()


if __name__ == "__main__":
    sys.exit(main())
