"""The band a strategy says, the lines it was made from, and the two ways it is narrowed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

# Prices by name, each with a value per bar.
Lines = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Bands:
    """The exposures a strategy is content with at each bar: float64 arrays of the bars' length.

    −1 ≤ low ≤ high ≤ 1, both NaN while it warms up. `stop` and `target` are its own protective levels as fractions of
    the entry price in [0, 1), 0 or NaN where it names none. `lines` gives the prices the close was compared with; it is
    called only for somebody who looks, never in a step.
    """

    low: np.ndarray
    high: np.ndarray
    stop: np.ndarray | None = None
    target: np.ndarray | None = None
    lines: Callable[[], Lines] = dict


def after_warmup(low: np.ndarray, high: np.ndarray, first: int, lines: Callable[[], Lines] = dict) -> Bands:
    """Build bands out of arrays whose rows before `first` are not known yet; takes the arrays over."""
    low[:first] = np.nan
    high[:first] = np.nan
    return Bands(low, high, lines=lines)


def narrowed(bands: Bands, hold: bool, allow_short: bool) -> Bands:
    """Give what settings leave of bands: the plain exposure without `hold`, none below 0 without `allow_short`."""
    bands = bands if hold else plain(bands)
    return bands if allow_short else long_only(bands)


def plain(bands: Bands) -> Bands:
    """Give the plain exposure, without holding: +1 where the band is [1, 1], −1 where [−1, −1], else 0; NaN stays."""
    exposure = (bands.low == 1.0).astype(np.float64) - (bands.high == -1.0)
    exposure[np.isnan(bands.low)] = np.nan
    return Bands(exposure, exposure, bands.stop, bands.target)


def long_only(bands: Bands) -> Bands:
    """Clip bands to [0, 1]; NaN stays."""
    return Bands(np.maximum(bands.low, 0.0), np.maximum(bands.high, 0.0), bands.stop, bands.target)
