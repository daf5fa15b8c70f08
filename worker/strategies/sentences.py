"""What a strategy saw at a bar, in a sentence made of the arrays its band was made of."""

import math
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from worker.strategies.bands import Bands, narrowed
from worker.strategies.signals import SeenColumns
from worker.strategies.strategy import Strategy

# A band in words, as docs/strategies.md has them.
SAYS = {
    (1.0, 1.0): "be long",
    (-1.0, -1.0): "be short",
    (0.0, 0.0): "be flat",
    (-1.0, 0.0): "no longs, a short may stay",
    (0.0, 1.0): "no shorts, a long may stay",
    (-1.0, 1.0): "no opinion, keep what you have",
}
# How much longer memory than that of a live window may change a band.
_TOLERANCE = 1e-6


def sentence(
    strategy: Strategy,
    parameters: Sequence[float],
    seen: SeenColumns,
    row: int,
    decided: tuple[float, float],
    written: Callable[[float], str],
) -> str:
    """Say what a strategy saw at a row and what it made of it; `written` writes a price.

    `decided` is the band the bot had, which settings may have narrowed.
    """
    said = (float(seen.low[row]), float(seen.high[row]))
    if math.isnan(said[0]):
        return f"close {written(seen.close[row])}: warming up, for which it needs {_warmup(strategy, parameters)}"
    narrowing = "" if _is_same(said, decided) else f"; the settings narrow that to: {band_in_words(*decided)}"
    return f"{_saw(strategy, parameters, seen, row, said, written)}: {band_in_words(*said)}{narrowing}"


def band_in_words(low: float, high: float) -> str:
    """Write a band as what it asks of a bot."""
    return SAYS.get((low, high)) or f"exposure {low:+.2f} to {high:+.2f}"


def could_decide(seen: SeenColumns, row: int, decided: tuple[float, float]) -> bool:
    """Say whether a band is what a strategy said at a row, or what some settings leave of it."""
    said = Bands(seen.low[[row]], seen.high[[row]])
    left = (narrowed(said, hold, allow_short) for hold, allow_short in product((True, False), repeat=2))
    return any(_is_same((float(bands.low[0]), float(bands.high[0])), decided) for bands in left)


def _saw(
    strategy: Strategy,
    parameters: Sequence[float],
    seen: SeenColumns,
    row: int,
    said: tuple[float, float],
    written: Callable[[float], str],
) -> str:
    prices = {"close": seen.close, **seen.lines}
    numbers = {name: written(float(values[row])) for name, values in prices.items()}
    form = strategy.sentences.get(said)
    if form is None:
        return ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in numbers.items())
    own = {parameter.name: f"{value:g}" for parameter, value in zip(strategy.parameters, parameters, strict=True)}
    return form.format(**own, **numbers)


def _warmup(strategy: Strategy, parameters: Sequence[float]) -> str:
    return f"{strategy.warmup_bars(*parameters):,} bars"


def _is_same(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return bool(np.allclose(one, other, rtol=0.0, atol=_TOLERANCE, equal_nan=True))
