"""TA-Lib for arrays alone: where it finds pandas it wraps its functions for that, which takes 0.2 s and 33 MB."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _unseen(module: str) -> Iterator[None]:
    modules: dict[str, Any] = sys.modules
    if module in modules:
        yield
        return
    modules[module] = None
    try:
        yield
    finally:
        del modules[module]


with _unseen("pandas"):
    import talib

__all__ = ["talib"]
