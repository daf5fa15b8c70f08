"""Work done side by side by threads, as many as the machine has processors for."""

import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def processors() -> int:
    """Give how many processors this process may use."""
    # macOS does not say which ones a process may use.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(work: Callable[[Item], Result], items: Collection[Item], threads: int) -> list[Result]:
    """Give what `work` makes of each item, in their order; raises what it raises for the first that fails."""
    threads = min(threads, len(items))
    if threads < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads, "work") as pool:
        return list(pool.map(work, items))
