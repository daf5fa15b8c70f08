"""Compiled code is taken from a folder only where nobody but its user can have put it there."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.errors import ConfigurationError
from shared.private_folder import make_private_folder, require_private_files
from tests.process.running import environment
from worker import jit
from worker.jit import CACHES_KEPT, kernel_cache, kernel_digest

STRANGER = 4_242
LOOP = """
import json, os, sys
os.umask(int(sys.argv[1], 8))
from worker.jit import compile_loop, kernel_cache

@compile_loop
def loop(value):
    return value + 1

assert loop(1.0) == 2.0
print(json.dumps([loop.stats.cache_path, sum(loop.stats.cache_hits.values()), kernel_cache().trouble]))
"""


def belonging(whose: dict[Path, int]) -> Callable[[Path], os.stat_result]:
    """Give a `lstat` for which some places belong to others."""

    def lstat(place: Path) -> os.stat_result:
        found = list(os.lstat(place))
        found[4] = whose.get(Path(place), found[4])
        return os.stat_result(found)

    return lstat


def give_away(place: Path, patch: pytest.MonkeyPatch) -> None:
    """Let a place belong to somebody else than who looks; only root can give it away."""
    if os.geteuid() == 0:
        os.chown(place, STRANGER, -1)
    else:
        patch.setattr(os, "geteuid", lambda: STRANGER)


@pytest.fixture
def private(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def test_what_is_missing_is_made_for_its_user_alone_whatever_the_umask(private: Path) -> None:
    before = os.umask(0)
    try:
        make_private_folder(private / "a" / "b")
    finally:
        os.umask(before)
    assert [(private / place).stat().st_mode & 0o777 for place in ("a", "a/b")] == [0o700, 0o700]
    make_private_folder(private / "a" / "b")


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
@pytest.mark.parametrize("place", ["a", "a/b", "a/b/c"])
def test_a_folder_that_others_write_in_is_refused_wherever_on_the_way(mode: int, place: str, private: Path) -> None:
    (private / place).mkdir(mode=0o700, parents=True)
    (private / place).chmod(mode)
    with pytest.raises(ConfigurationError, match=rf"{place} must be writable by its owner alone .*was {mode:o}"):
        make_private_folder(private / "a" / "b" / "c")
    assert list((private / place).iterdir()) == [], "nothing is made beyond it"


def test_a_shared_folder_is_passed_through_and_is_not_private_itself(private: Path) -> None:
    private.chmod(0o1777)
    make_private_folder(private / "a")
    with pytest.raises(ConfigurationError, match="writable by its owner alone"):
        make_private_folder(private)


@pytest.mark.parametrize("place", ["a", "a/b", "a/b/file"])
def test_what_belongs_to_somebody_else_is_refused(place: str, private: Path) -> None:
    (private / "a" / "b").mkdir(mode=0o700, parents=True)
    (private / "a" / "b" / "file").write_text("")
    lstat = belonging({private / place: STRANGER})

    def look() -> None:
        make_private_folder(private / "a" / "b", lstat)
        require_private_files(private / "a" / "b", lstat)

    with pytest.raises(ConfigurationError, match=f"{place} must belong to user .*, belonged to {STRANGER}"):
        look()


def test_a_folder_made_first_by_somebody_else_in_a_shared_one_is_refused(private: Path) -> None:
    shared = private / "tmp"
    (shared / "flotilla").mkdir(parents=True)
    shared.chmod(0o1777)
    lstat = belonging({shared: 0, shared / "flotilla": STRANGER})
    with pytest.raises(ConfigurationError, match="flotilla must belong to user"):
        make_private_folder(shared / "flotilla" / "kernel", lstat)
    assert not (shared / "flotilla" / "kernel").exists()


def test_a_real_stranger_is_seen(private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_away(private, monkeypatch)
    with pytest.raises(ConfigurationError, match="must belong to user"):
        make_private_folder(private / "kernel")


def test_a_link_is_followed_and_what_it_leads_through_is_looked_at(private: Path) -> None:
    (private / "real").mkdir(mode=0o700)
    (private / "open").mkdir(mode=0o700)
    (private / "open" / "inner").mkdir(mode=0o700)
    (private / "link").symlink_to("real")
    (private / "up").symlink_to(private / "open" / "inner" / ".." / "inner")
    make_private_folder(private / "link" / "made")
    assert (private / "real" / "made").is_dir()
    make_private_folder(private / "up")
    (private / "open").chmod(0o777)
    with pytest.raises(ConfigurationError, match="open must be writable by its owner alone"):
        make_private_folder(private / "up")
    with pytest.raises(ConfigurationError, match="link must belong to user"):
        make_private_folder(private / "link" / "made", belonging({private / "link": STRANGER}))


def test_links_in_a_circle_and_a_file_in_the_way_are_refused(private: Path) -> None:
    (private / "a").symlink_to("b")
    (private / "b").symlink_to("a")
    (private / "file").write_text("")
    with pytest.raises(ConfigurationError, match="must lead somewhere"):
        make_private_folder(private / "a")
    with pytest.raises(ConfigurationError, match="file must be a folder"):
        make_private_folder(private / "file" / "kernel")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
@pytest.mark.parametrize("name", ["loop.nbi", "loop.1.nbc", "inner/loop.nbi"])
def test_files_that_others_may_write_are_refused(name: str, mode: int, private: Path) -> None:
    (private / name).parent.mkdir(mode=0o700, exist_ok=True)
    (private / name).write_text("")
    (private / name).chmod(0o644)
    require_private_files(private)
    (private / name).chmod(mode)
    with pytest.raises(ConfigurationError, match=f"must be writable by its owner alone .*was {mode:o}"):
        require_private_files(private)


def test_links_and_pipes_among_the_files_are_refused(private: Path) -> None:
    (private / "loop.nbi").symlink_to("/etc/hostname")
    with pytest.raises(ConfigurationError, match="was a link or something else"):
        require_private_files(private)
    (private / "loop.nbi").unlink()
    os.mkfifo(private / "loop.nbi")
    with pytest.raises(ConfigurationError, match="was a link or something else"):
        require_private_files(private)


@pytest.fixture
def cache(private: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a folder for the kernel's cache and forget which one was found before."""
    monkeypatch.setenv("FLOTILLA_CACHE", str(private))
    monkeypatch.setattr(jit, "kernel_cache", kernel_cache.__wrapped__)
    return private / "kernel" / kernel_digest()


def test_a_cache_that_is_not_private_is_not_used_and_stays_as_it_was(cache: Path) -> None:
    assert jit.kernel_cache() == (cache, "")
    planted = cache / "loop.nbi"
    planted.write_bytes(b"planted")
    planted.chmod(0o666)
    found = jit.kernel_cache()
    assert found.folder is None
    assert "is not used, so it is compiled anew" in found.trouble and "loop.nbi must be writable" in found.trouble
    assert planted.read_bytes() == b"planted"


def test_a_folder_that_cannot_be_made_is_trouble_and_no_failure(cache: Path) -> None:
    cache.parent.write_text("a file")
    found = jit.kernel_cache()
    assert found.folder is None and "kernel must be a folder, was none" in found.trouble


def test_only_old_caches_are_removed(cache: Path) -> None:
    caches = cache.parent
    for name in ("linux-6.1", "0123456789abcdeg", "notes"):
        (caches / name).mkdir(mode=0o700, parents=True)
        os.utime(caches / name, (0, 0))
    for number in range(5):
        (caches / f"{number:016x}").mkdir(mode=0o700)
        os.utime(caches / f"{number:016x}", (number + 1, number + 1))
    assert jit.kernel_cache().folder == cache
    left = {path.name for path in caches.iterdir()}
    assert {"linux-6.1", "0123456789abcdeg", "notes", cache.name} <= left
    assert len(left) == 3 + CACHES_KEPT


def run_loop(folder: Path, mask: str = "022", loop: str = LOOP, **more: str) -> tuple[str | None, int, str]:
    """Run a compiled loop in a process of its own; give where it is kept, how often it was found there, the trouble."""
    (folder / "loop.py").write_text(loop)
    done = subprocess.run(
        [sys.executable, "loop.py", mask], cwd=folder, capture_output=True, text=True, check=False,
        env=environment(FLOTILLA_CACHE=str(folder / "cache"), **more),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    place, hits, trouble = json.loads(done.stdout)
    return place, hits, trouble


def test_what_is_kept_is_for_its_user_alone_and_is_found_again(private: Path) -> None:
    (place, hits, trouble), (_, hits_again, _) = run_loop(private, "000"), run_loop(private, "000")
    assert (hits, hits_again, trouble) == (0, 1, "")
    kept = list((private / "cache").rglob("*"))
    assert {".nbi", ".nbc"} <= {path.suffix for path in kept}
    assert [path for path in kept if path.stat().st_mode & 0o077] == []
    assert place is not None and Path(place).is_relative_to(private / "cache")


@pytest.mark.slow
def test_a_loop_is_compiled_anew_when_a_file_beside_it_changes(private: Path) -> None:
    beside = private / "beside.py"
    beside.write_text("from worker.jit import rule\n\n@rule\ndef called(value):\n    return value + 1\n")
    (private / ".#beside.py").symlink_to("an editor's lock")
    loop = "from beside import called\n" + LOOP.replace("value + 1", "called(value)").replace("2.0", "called(1.0)")
    assert [run_loop(private, loop=loop)[1] for _ in range(2)] == [0, 1]
    beside.write_text(beside.read_text().replace("value + 1", "value + 2"))
    assert [run_loop(private, loop=loop)[1] for _ in range(2)] == [0, 1]


KILLED = LOOP.replace(
    "assert loop",
    """
import signal
from worker.jit import compiling

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

with compiling(kill, kill):
    loop(1.0)
assert loop""",
)


@pytest.mark.slow
def test_of_two_processes_one_compiles_and_the_other_waits_for_it(private: Path) -> None:
    place, _, _ = run_loop(private)
    kept = {path: path.read_bytes() for path in Path(place or "").glob("*.nb?")}
    for path in kept:
        path.unlink()
    (lock,) = Path(place or "").glob("*.lock")
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = subprocess.Popen(
            [sys.executable, "loop.py", "022"], cwd=private, stdout=subprocess.PIPE, text=True,
            env=environment(FLOTILLA_CACHE=str(private / "cache")),
        )  # fmt: skip
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(2.5)
        assert list(lock.parent.glob("*.nb?")) == [], "it must not compile beside the other one"
        for path, code in kept.items():
            path.write_bytes(code)
            path.chmod(0o600)
    said, _ = waiting.communicate(timeout=60)
    assert json.loads(said)[1] == 1, "it must take what the other one made"


@pytest.mark.slow
def test_a_process_killed_while_it_compiles_leaves_nothing_in_the_way(private: Path) -> None:
    (private / "loop.py").write_text(KILLED)
    killed = subprocess.run(
        [sys.executable, "loop.py", "022"], cwd=private, check=False,
        env=environment(FLOTILLA_CACHE=str(private / "cache")),
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    (_, hits, trouble), (_, hits_again, _) = run_loop(private), run_loop(private)
    assert (hits, hits_again, trouble) == (0, 1, "")


@pytest.mark.slow
def test_nothing_planted_runs_and_a_loop_is_compiled_without_a_cache(private: Path) -> None:
    place, _, _ = run_loop(private)
    (index,) = Path(place or "").glob("*.nbi")
    # A pickle that leaves a file behind when it is read.
    planted = b"cposix\nsystem\n(S'touch ran'\ntR."
    index.write_bytes(planted)
    run_loop(private)
    assert (private / "ran").exists(), "whoever writes the index runs code"
    (private / "ran").unlink()
    index.write_bytes(planted)
    index.chmod(0o666)
    place, hits, trouble = run_loop(private)
    assert (place, hits) == (None, 0) and f"{index.name} must be writable by its owner alone" in trouble
    assert not (private / "ran").exists() and index.read_bytes() == planted


@pytest.mark.slow
def test_no_other_word_of_the_environment_names_the_cache(private: Path) -> None:
    elsewhere = private / "elsewhere"
    place, _, _ = run_loop(private, NUMBA_CACHE_DIR=str(elsewhere), NUMBA_CACHE_LOCATOR_CLASSES="InTreeCacheLocator")
    assert place is not None and Path(place).is_relative_to(private / "cache")
    assert not elsewhere.exists() and not (private / "__pycache__").exists()
