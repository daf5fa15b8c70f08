"""What every strategy and every signal must hold. Each raises AssertionError; each has saboteurs it must catch."""

from collections.abc import Callable, Iterable
from dataclasses import fields

import numpy as np

from shared.money import price_text
from shared.units import HOUR_MS
from worker.strategies.bars import Bars
from worker.strategies.sentences import SAYS, sentence
from worker.strategies.signals import OwnBars, SignalColumns
from worker.strategies.strategy import Strategy

# How much candles older than the warm-up may change a band.
MEMORY_TOLERANCE = 1e-6

MakeSignal = Callable[[Bars], SignalColumns]


def check_bands(strategy: Strategy, parameters: tuple[float, ...], bars: Bars) -> None:
    """A band is float64 of the bars' length, within [−1, 1], low ≤ high, and there once its warm-up is over."""
    bands = strategy.bands(bars, *parameters)
    for name, column in (("low", bands.low), ("high", bands.high)):
        assert column.dtype == np.float64 and column.shape == (len(bars),), f"{strategy.name} {name} has a wrong shape"
    known = ~np.isnan(bands.low)
    assert np.array_equal(known, ~np.isnan(bands.high)), f"{strategy.name} knows one side of a band only"
    late = np.flatnonzero(~known[strategy.warmup_bars(*parameters) - 1 :])
    assert not len(late), f"{strategy.name} is NaN after its warm-up"
    low, high = bands.low[known], bands.high[known]
    assert np.all((low >= -1.0) & (low <= high) & (high <= 1.0)), (
        f"{strategy.name} says a band outside of −1 ≤ low ≤ high ≤ 1"
    )
    for name, column in (("stop", bands.stop), ("target", bands.target)):
        if column is not None:
            assert column.dtype == np.float64 and column.shape == (len(bars),), (
                f"{strategy.name} {name} has a wrong shape"
            )
            assert np.all(np.isnan(column) | ((column >= 0.0) & (column < 1.0))), (
                f"{strategy.name} {name} is no fraction"
            )


def check_cut_future(strategy: Strategy, parameters: tuple[float, ...], bars: Bars, cuts: Iterable[int]) -> None:
    """The prefix of the result is the result of the prefix, bit for bit."""
    whole = strategy.bands(bars, *parameters)
    for cut in cuts:
        part = strategy.bands(bars[:cut], *parameters)
        for name in ("low", "high", "stop", "target"):
            before, after = getattr(part, name), getattr(whole, name)
            same = before is after is None or np.array_equal(before, after[:cut], equal_nan=True)
            assert same, f"{strategy.name} {name} changed when candles after row {cut} were added"


def check_cut_past(strategy: Strategy, parameters: tuple[float, ...], bars: Bars, starts: Iterable[int]) -> None:
    """Candles older than the declared warm-up change no band by more than 1e-6."""
    whole, warm = strategy.bands(bars, *parameters), strategy.warmup_bars(*parameters) - 1
    compared = 0
    for start in starts:
        part = strategy.bands(bars[start:], *parameters)
        for name in ("low", "high", "stop", "target"):
            cut, full = getattr(part, name), getattr(whole, name)
            if full is not None:
                compared += len(cut[warm:])
                same = np.allclose(cut[warm:], full[start + warm :], rtol=0.0, atol=MEMORY_TOLERANCE, equal_nan=True)
                assert same, f"{strategy.name} {name} changed when the {start} oldest candles were removed"
    assert compared, "nothing was compared: more bars than the warm-up are needed"


def check_lines(strategy: Strategy, parameters: tuple[float, ...], bars: Bars, cuts: Iterable[int]) -> None:
    """Lines are float64 of the bars' length, there once the warm-up is over, and do not change when candles are added
    or those older than the warm-up go.
    """
    whole, warm = strategy.bands(bars, *parameters).lines(), strategy.warmup_bars(*parameters) - 1
    for name, line in whole.items():
        assert line.dtype == np.float64 and line.shape == (len(bars),), f"{strategy.name} {name} has a wrong shape"
        assert not np.isnan(line[warm:]).any(), f"{strategy.name} {name} is NaN after its warm-up"
    for cut in cuts:
        before, after = (strategy.bands(part, *parameters).lines() for part in (bars[:cut], bars[cut:]))
        for name, line in whole.items():
            same = np.array_equal(before[name], line[:cut], equal_nan=True)
            assert same, f"{strategy.name} {name} changed when candles after row {cut} were added"
            same = np.allclose(after[name][warm:], line[cut + warm :], rtol=MEMORY_TOLERANCE, atol=0.0)
            assert same, f"{strategy.name} {name} changed when the {cut} oldest candles were removed"


def check_sentences(strategy: Strategy, parameters: tuple[float, ...], bars: Bars) -> set[tuple[float, float]]:
    """Every band there is can be told; gives the bands that were."""
    seen = OwnBars(bars, HOUR_MS, HOUR_MS).seen(strategy, parameters)
    told = set()
    for row in range(len(bars)):
        band = (float(seen.low[row]), float(seen.high[row]))
        if not np.isnan(band[0]):
            assert band in strategy.sentences or not strategy.sentences, f"{strategy.name} has no sentence for {band}"
            told.add(band)
        try:
            said = sentence(strategy, parameters, seen, row, band, price_text)
        except (KeyError, IndexError, ValueError) as error:
            raise AssertionError(f"{strategy.name} cannot tell {band}: {error!r}") from error
        assert said.endswith(SAYS.get(band, "")), f"{strategy.name} tells another band than {band}: {said}"
    return told


def check_signal_cut_future(make: MakeSignal, bars: Bars, cuts: Iterable[int]) -> None:
    """The columns of a signal at a base bar's close do not change when later candles are added."""
    whole = make(bars)
    for cut in cuts:
        part = make(bars[:cut])
        for field in fields(SignalColumns):
            before, after = getattr(part, field.name), getattr(whole, field.name)
            assert len(before) == cut, f"{field.name} must have {cut} rows, was {len(before)}"
            same = np.array_equal(before, after[:cut], equal_nan=True)
            assert same, f"{field.name} changed when candles after row {cut} were added"


def check_signal_window(make: MakeSignal, bars: Bars, window_bars: int, ends: Iterable[int]) -> None:
    """The last row over the live window is that over the full history."""
    whole = make(bars)
    for end in ends:
        assert end > window_bars, f"a window of {window_bars} bars ending at {end} cuts nothing"
        live = make(bars[end - window_bars : end])
        for field in fields(SignalColumns):
            last, full = getattr(live, field.name)[-1], getattr(whole, field.name)[end - 1]
            same = np.isclose(last, full, rtol=0.0, atol=MEMORY_TOLERANCE, equal_nan=True)
            assert same, f"{field.name} at row {end - 1} is {full}, over the live window {last}"
