"""Strategies that cheat, one way each; the checkers must catch them."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import talib

from worker.strategies.bands import Bands
from worker.strategies.bars import Bars
from worker.strategies.strategy import Strategy, window


def _sign(values: np.ndarray) -> Bands:
    exposure = np.sign(values)
    return Bands(exposure, exposure.copy())


def _saboteur(name: str, rule: Callable[[Bars, int], Bands], warmup_bars: int) -> Strategy:
    def declared(_window_bars: int) -> int:
        return warmup_bars

    return Strategy(name, "xx", (window("window_bars"),), rule, horizon=declared, warmup=declared)


def _peeks_one_bar(bars: Bars, window_bars: int) -> Bands:
    return _sign(pd.Series(bars.close).shift(-1).to_numpy() - talib.SMA(bars.close, window_bars))


def _fills_warmup_backward(bars: Bars, window_bars: int) -> Bands:
    return _sign(bars.close - pd.Series(talib.SMA(bars.close, window_bars)).bfill().to_numpy())


def _knows_the_mean_of_all(bars: Bars, window_bars: int) -> Bands:
    return _sign(talib.SMA(bars.close, window_bars) - np.sum(bars.close) / max(len(bars), 1))


def _remembers_twice_its_warmup(bars: Bars, window_bars: int) -> Bands:
    return _sign(bars.close - talib.SMA(bars.close, 2 * window_bars))


def _never_forgets(bars: Bars, window_bars: int) -> Bands:
    return _sign(bars.close - pd.Series(bars.close).ewm(alpha=1 / window_bars, adjust=False).mean().to_numpy())


def _stop_knows_tomorrow(bars: Bars, window_bars: int) -> Bands:
    exposure = np.sign(bars.close - talib.SMA(bars.close, window_bars))
    worst = pd.Series(bars.low).shift(-1).to_numpy() / bars.close
    return Bands(exposure, exposure, stop=np.clip(1.0 - worst, 0.0, 0.5))


def _upside_down(bars: Bars, window_bars: int) -> Bands:
    known = talib.SMA(bars.close, window_bars) * 0.0
    return Bands(known + 1.0, known - 1.0)


def _too_eager(bars: Bars, window_bars: int) -> Bands:
    known = talib.SMA(bars.close, window_bars) * 0.0
    return Bands(known, known + 2.0)


def _late(bars: Bars, window_bars: int) -> Bands:
    return _sign(bars.close - talib.SMA(bars.close, 3 * window_bars))


def _line_knows_tomorrow(bars: Bars, window_bars: int) -> Bands:
    mean = talib.SMA(bars.close, window_bars)
    exposure = np.sign(bars.close - mean)
    return Bands(exposure, exposure, lines=lambda: {"mean": pd.Series(mean).shift(-1).ffill().to_numpy()})


def _line_never_forgets(bars: Bars, window_bars: int) -> Bands:
    exposure = np.sign(bars.close - talib.SMA(bars.close, window_bars))
    return Bands(exposure, exposure, lines=lambda: {"mean": np.cumsum(bars.close)})


def _line_comes_late(bars: Bars, window_bars: int) -> Bands:
    exposure = np.sign(bars.close - talib.SMA(bars.close, window_bars))
    return Bands(exposure, exposure, lines=lambda: {"mean": talib.SMA(bars.close, 2 * window_bars)})


LEAKING = (
    _saboteur("peeks_one_bar", _peeks_one_bar, 20),
    _saboteur("fills_warmup_backward", _fills_warmup_backward, 20),
    _saboteur("knows_the_mean_of_all", _knows_the_mean_of_all, 20),
    _saboteur("stop_knows_tomorrow", _stop_knows_tomorrow, 20),
)
FORGETFUL = (
    _saboteur("remembers_twice_its_warmup", _remembers_twice_its_warmup, 20),
    _saboteur("never_forgets", _never_forgets, 20),
)
UNFIT = (
    _saboteur("upside_down", _upside_down, 20),
    _saboteur("too_eager", _too_eager, 20),
    _saboteur("late", _late, 20),
)
UNFIT_LINES = (
    (_saboteur("line_knows_tomorrow", _line_knows_tomorrow, 20), "mean changed when candles after row"),
    (_saboteur("line_never_forgets", _line_never_forgets, 20), "oldest candles were removed"),
    (_saboteur("line_comes_late", _line_comes_late, 20), "is NaN after its warm-up"),
)
