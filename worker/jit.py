"""The only module that knows numba, with `jit_rules`, which it is made of.

`rule` marks a plain Python function that the compiled replay may call; the live worker calls it as it is.
`compile_loop` and `compile_in_place` compile a loop over whole arrays once per change of the kernel: numba's disk cache
looks at the changed file only, so its folder is named after a digest of every kernel source, the libraries and the
interpreter. A strategy's loop is compiled anew when a file beside it changes, and that alone. What the cache holds is
code that runs (its files are pickles), so it is used only where nobody else can have written it.
"""

import fcntl
import functools
import hashlib
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import platformdirs
from numba import config, njit
from numba.core.caching import FunctionCache
from numba.core.event import Event, Listener, install_listener, start_event
from numba.extending import register_jitable

from shared.errors import ConfigurationError
from shared.private_files import private_files
from shared.private_folder import make_private_folder, require_private_files
from worker.jit_rules import RuleCompiler

Function = TypeVar("Function", bound=Callable[..., Any])

KERNEL_FOLDERS = ("worker/step", "worker/risk", "worker/allocation", "worker/brokers", "shared")
CACHES_KEPT = 3
OUR_FOLDER_ALONE = "numba.core.caching.UserProvidedCacheLocator"
# Longer than any compiling takes: then the other one is stuck, and this one compiles for itself.
LONGEST_WAIT_SECONDS = 120.0
WAITS = "flotilla:waits for a loop"
# Nothing else is ever removed from the folder they stand in.
_DIGEST = re.compile("[0-9a-f]{16}")


class KernelCache(NamedTuple):
    """Where compiled loops are kept; without a folder, why they are not."""

    folder: Path | None
    trouble: str = ""


def kernel_digest(root: Path | None = None) -> str:
    """Name the kernel by the hash of its sources and of what compiles them."""
    root = root or Path(__file__).parents[1]
    compilers = [f"{library}={version(library)}" for library in ("numba", "llvmlite", "numpy")]
    sources = [path for folder in KERNEL_FOLDERS for path in sorted((root / folder).glob("*.py"))]
    return _digest([*sorted(Path(__file__).parent.glob("jit*.py")), *sources], *compilers, sys.version)


@functools.cache
def _folder_digest(folder: Path) -> str:
    return _digest(sorted(folder.glob("*.py")))


def _digest(files: Iterable[Path], *words: str) -> str:
    digest = hashlib.sha256(";".join(words).encode())
    # An editor's lock is a link to nothing.
    for path in filter(Path.is_file, files):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Give the folder for what can be made again: `FLOTILLA_CACHE`, or that of the user's caches."""
    named = os.environ.get("FLOTILLA_CACHE")
    return Path(os.path.expanduser(named)) if named else platformdirs.user_cache_path("flotilla")


@functools.cache
def kernel_cache() -> KernelCache:
    """Give the folder compiled loops are kept in, if it is private."""
    caches = cache_folder() / "kernel"
    folder = caches / kernel_digest()
    try:
        make_private_folder(folder)
        require_private_files(folder)
        os.utime(folder)
        _remove_old(caches)
    except (ConfigurationError, OSError) as error:
        return KernelCache(None, f"the kernel's cache {folder} is not used, so it is compiled anew: {error}")
    return KernelCache(folder)


def _remove_old(caches: Path) -> None:
    digests = [path for path in caches.iterdir() if _DIGEST.fullmatch(path.name) and not path.is_symlink()]
    for old in sorted(digests, key=lambda path: path.stat().st_mtime)[:-CACHES_KEPT]:
        if old.stat().st_uid == os.geteuid():
            shutil.rmtree(old, ignore_errors=True)


def rule(function: Function) -> Function:
    """Let compiled loops call a plain function, inlined; calling it from Python stays plain Python."""
    how: dict[str, Any] = {
        "error_model": "numpy",
        "forceinline": True,
        "no_cfunc_wrapper": True,
        "pipeline_class": RuleCompiler,
    }
    return register_jitable(**how)(function)


def compile_loop(function: Function) -> Function:
    """Compile a loop over whole arrays; division by zero gives inf or NaN as in numpy."""
    return _compile(function)


def compile_in_place(function: Function) -> Function:
    """Compile a loop that makes no array, but writes into those it is given; to make one is an error when it compiles.

    numba counts who holds an array at every function that is handed one, inlined or not: a fifth of a replay's time,
    and as much of its compiling. `_nrt` is an option of numba's own that may go without notice; a test says when.
    """
    return _compile(function, _nrt=False)


def _compile(function: Function, **options: Any) -> Function:
    how: dict[str, Any] = {"error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True, **options}
    compiled: Any = njit(**how)(function)
    if kernel_cache().folder is not None:
        # Not by `cache=True`, which takes what the environment or a file in the working folder names. numba raises
        # RuntimeError where it cannot write there, as on a full disk.
        with suppress(RuntimeError):
            compiled._cache = _PrivateCache(function)
    return compiled


class _PrivateCache(FunctionCache):
    """numba's cache in our folder and in no other, its files for their owner alone whatever the umask.

    Of several processes that need a loop one compiles it, and the others wait for that. A lock ends with its process,
    and numba moves whole files to where they are read, so a process that is killed leaves nothing half.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        vars(config).update(CACHE_DIR=str(kernel_cache().folder), CACHE_LOCATOR_CLASSES=OUR_FOLDER_ALONE)
        with private_files():
            super().__init__(function)
        # By this numba tells whether what is kept is of the source as it is; its own looks at one file.
        self._cache_file._source_stamp = _folder_digest(Path(function.__code__.co_filename).parent)
        self._lock: int | None = None

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Take a loop from the cache, after whoever compiles it; None where this process is to compile it."""
        found = super().load_overload(sig, target_context)
        if found is None:
            self._wait_for_others()
            found = super().load_overload(sig, target_context)
        if found is not None:
            self._let_others()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled; where the disk is full it goes on all the same."""
        try:
            with private_files(), suppress(OSError):
                super().save_overload(sig, data)
        finally:
            self._let_others()

    def _wait_for_others(self) -> None:
        if self._lock is not None:
            return
        with private_files(), suppress(OSError):
            os.makedirs(self.cache_path, exist_ok=True)
            self._lock = os.open(
                Path(self.cache_path) / f"{self._impl.filename_base}.lock", os.O_CREAT | os.O_RDWR, 0o600
            )
            if not _locked(self._lock):
                start_event(WAITS)
                give_up = time.monotonic() + LONGEST_WAIT_SECONDS
                while not _locked(self._lock) and time.monotonic() < give_up:
                    time.sleep(0.1)

    def _let_others(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Once(Listener):
    def __init__(self, say: Callable[[], None]) -> None:
        self._say = say
        self._said = False

    def on_start(self, event: Event) -> None:
        if not self._said:
            self._said = True
            self._say()

    def on_end(self, event: Event) -> None:
        pass


@contextmanager
def compiling(say: Callable[[], None], say_waits: Callable[[], None]) -> Iterator[None]:
    """Call `say` once when something must be compiled meanwhile because the cache does not have it.

    `say_waits` is called once when another process is compiling that, and this one waits for it.
    """
    with install_listener("numba:compile", _Once(say)), install_listener(WAITS, _Once(say_waits)):
        yield
