"""Random numbers that can be drawn at any place of a stream without drawing those before it.

Philox is counter-based: its bits are a function of (key, counter). The bits are turned into numbers here, because numpy
promises to keep the bits of a generator from release to release, but not what its `Generator` makes of them.
"""

import hashlib
from collections.abc import Iterable
from itertools import accumulate

import numpy as np

_WORD = 2**64 - 1


def stream_key(*names: object) -> tuple[int, int]:
    """Name a stream of random numbers."""
    digest = hashlib.blake2b("|".join(map(str, names)).encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def uniforms(key: tuple[int, int], block: int, count: int) -> np.ndarray:
    """Give the numbers of one block of a stream, inside (0, 1); blocks may be negative."""
    counter = np.array([0, block & _WORD, 0, 0], np.uint64)
    bits = np.random.Philox(key=np.array(key, np.uint64), counter=counter).random_raw(count)
    return ((bits >> np.uint64(11)) + 0.5) * 2.0**-53


def normals(key: tuple[int, int], block: int, count: int) -> np.ndarray:
    """Give the standard normal numbers of one block of a stream (Box and Muller, 1958); `count` is even."""
    uniform = uniforms(key, block, count)
    radius, angle = np.sqrt(-2.0 * np.log(uniform[: count // 2])), 2.0 * np.pi * uniform[count // 2 :]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])


def mean_reverting(start: float, shocks: Iterable[float], end: float, decay: float) -> np.ndarray:
    """Give the path `x ← decay × x + shock` from `start`, bent so that it ends exactly at `end`.

    Given both ends, this is the law of the process itself where `decay ** len(shocks)` is nearly 0: the ends then know
    nothing of each other, which is what lets every stretch of a path be made by itself.
    """
    path = np.array(list(accumulate(shocks, lambda level, shock: decay * level + shock, initial=start)))
    bend = decay ** np.arange(len(path) - 1, -1, -1.0)
    bend[0] = 0.0
    path += bend * (end - path[-1])
    path[-1] = end
    return path
