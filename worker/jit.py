"""The only module that knows numba.

`rule` marks a plain Python function that the compiled replay may call; the live worker calls it as it is.
`compile_loop` compiles a loop over whole arrays once per change of the kernel: numba's disk cache looks at the changed
file only, so its folder is named after a digest of every kernel source, the libraries and the interpreter.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

Function = TypeVar("Function", bound=Callable[..., Any])

KERNEL_FOLDERS = ("worker/step", "worker/risk", "worker/allocation", "worker/brokers", "shared")
CACHES_KEPT = 3


def kernel_digest(root: Path | None = None) -> str:
    """Name the kernel by the hash of its sources and of what compiles them."""
    root = root or Path(__file__).parents[1]
    digest = hashlib.sha256()
    for library in ("numba", "llvmlite", "numpy"):
        digest.update(f"{library}={version(library)};".encode())
    digest.update(sys.version.encode())
    sources = [path for folder in KERNEL_FOLDERS for path in sorted((root / folder).glob("*.py"))]
    for path in [Path(__file__), *sources]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _use_cache_folder() -> None:
    caches = Path(os.environ.get("FLOTILLA_CACHE") or platformdirs.user_cache_path("flotilla")) / "kernel"
    folder = caches / kernel_digest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        stale = sorted(caches.iterdir(), key=lambda path: path.stat().st_mtime)[:-CACHES_KEPT]
    except OSError:
        return
    for old in stale:
        shutil.rmtree(old, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


_use_cache_folder()

from numba import njit  # noqa: E402 - numba reads the cache folder when it is imported
from numba.core.event import Event, Listener, install_listener  # noqa: E402
from numba.extending import register_jitable  # noqa: E402


def rule(function: Function) -> Function:
    """Let compiled loops call a plain function, inlined; calling it from Python stays plain Python."""
    return register_jitable(error_model="numpy", forceinline=True)(function)


def compile_loop(function: Function) -> Function:
    """Compile a loop over whole arrays; division by zero gives inf or NaN as in numpy."""
    compiled: Any = njit(cache=True, error_model="numpy", nogil=True)(function)
    return compiled


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
def compiling(say: Callable[[], None]) -> Iterator[None]:
    """Call `say` once when something must be compiled meanwhile because the cache does not have it."""
    with install_listener("numba:compile", _Once(say)):
        yield
