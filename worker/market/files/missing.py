"""How much may be missing: a time that is far from all others asks for a grid of gigabytes."""

from collections.abc import Mapping

import numpy as np

from shared.errors import ConfigurationError
from shared.units import format_time
from worker.market.impossible import show_time
from worker.strategies.bars import Bars


def refuse_gaps(time_ms: np.ndarray, timeframe_ms: int, most: float) -> tuple[int, str] | None:
    """Give the row after the largest gap, and a sentence, where more than `most` bars are missing for each there is."""
    missing = (int(time_ms[-1]) - int(time_ms[0])) // timeframe_ms + 1 - len(time_ms)
    if missing <= most * len(time_ms):
        return None
    row = int(np.argmax(np.diff(time_ms))) + 1
    last, here = show_time(int(time_ms[row - 1])), show_time(int(time_ms[row]))
    return row, (
        f"timestamp must leave at most {most * len(time_ms):,.0f} bars missing (market.max_missing {most:g} times the "
        f"{len(time_ms):,} there are), was {here} after {last}: {missing:,} are missing"
    )


def refuse_far_apart(bars_of: Mapping[str, Bars], timeframe_ms: int, most: float) -> None:
    """Raise ConfigurationError where symbols lie so far apart that most of their common grid is empty for all."""
    filled = {symbol: bars for symbol, bars in bars_of.items() if len(bars)}
    if not filled:
        return
    first = min(filled, key=lambda symbol: int(filled[symbol].open_ms[0]))
    last = max(filled, key=lambda symbol: int(filled[symbol].open_ms[-1]))
    first_ms, last_ms = int(filled[first].open_ms[0]), int(filled[last].open_ms[-1])
    longest = max(len(bars) for bars in filled.values())
    missing = (last_ms - first_ms) // timeframe_ms + 1 - longest
    if missing > most * longest:
        raise ConfigurationError(
            f"candles must leave at most {most * longest:,.0f} bars missing (market.max_missing {most:g} times the "
            f"{longest:,} of the longest symbol), were from {format_time(first_ms)} ({first}) to "
            f"{format_time(last_ms)} ({last}): {missing:,} are missing"
        )
