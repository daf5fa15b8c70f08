"""Python's collection of garbage, kept out of the steps.

Left to itself Python collects whenever enough was made, which is in the middle of a step; with a thousand bots that
took 60 to 145 ms of it. What a start has made stays until the end, so it is not looked at again; the rest is small, and
is looked through where nobody waits.
"""

import gc
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

# As often as Python itself looks at what has outlived one collection, and several.
OLDER_EVERY, OLDEST_EVERY = 10, 100

_collections = itertools.count(1)


@contextmanager
def kept_out_of_steps() -> Iterator[None]:
    """Collect only by `collect` meanwhile; afterwards it is as it was before, however this ends."""
    was_enabled = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def collect() -> None:
    """Collect what was made since the last time; now and then also what had outlived that."""
    number = next(_collections)
    gc.collect(2 if number % OLDEST_EVERY == 0 else 1 if number % OLDER_EVERY == 0 else 0)
