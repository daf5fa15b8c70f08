"""Where market time is not wall time, in words: an hour that lasts seconds, and past bars that are caught up with."""

from collections.abc import Mapping
from typing import Any, Protocol

from shared.units import format_duration, timeframe_name

IN_REAL_TIME = "ccxt"


class Progress(Protocol):
    """What the heartbeat says of bars that closed before the worker could step them; `duration_ms` is a step's."""

    @property
    def bars_left(self) -> int: ...
    @property
    def bars_total(self) -> int: ...
    @property
    def duration_ms(self) -> float: ...


def pace(settings: Mapping[str, Any], step_ms: int) -> str:
    """Say how long a bar lasts, `1h = 5 s`, by stored settings; empty where it lasts as long as it says."""
    market = settings.get("market", {})
    seconds = float(market.get("bar_seconds", 0.0))
    if market.get("kind", IN_REAL_TIME) == IN_REAL_TIME or 1000.0 * seconds == step_ms:
        return ""
    return f"{timeframe_name(step_ms)} = {seconds:g} s" if seconds else "as fast as the worker can"


def catching_up(progress: Progress) -> str:
    """Say how far the worker is with past bars and when it will be through; empty where it is up to date."""
    if not progress.bars_left:
        return ""
    done, left = progress.bars_total - progress.bars_left, format_duration(progress.bars_left * progress.duration_ms)
    return f"Replaying past bars: {done:,} of {progress.bars_total:,}, about {left} left"
