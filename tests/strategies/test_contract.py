"""Cut the future, cut the past: what every strategy of the registry must hold, and saboteurs that do not."""

from dataclasses import replace
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.settings import DEFAULT_GRIDS
from shared.units import HOUR_MS
from tests.conftest import candles_folder
from tests.strategies.candles import bars_at, load_bars, random_bars
from tests.strategies.checkers import check_bands, check_cut_future, check_cut_past, check_lines
from tests.strategies.saboteurs import FORGETFUL, LEAKING, UNFIT, UNFIT_LINES
from worker.strategies.bars import Bars, no_bars
from worker.strategies.registry import STRATEGIES
from worker.strategies.strategy import Strategy

DEFAULTS = [
    pytest.param(STRATEGIES[name], tuple(parameters), id=f"{STRATEGIES[name].prefix}-{parameters}")
    for name, sleeve in DEFAULT_GRIDS.items()
    for parameters in sleeve["grid"]
]
every_default = pytest.mark.parametrize(("strategy", "parameters"), DEFAULTS)


def _cuts_inside_and_after_warmup(bars: Bars, horizon_bars: int) -> list[int]:
    return [*range(horizon_bars + 16), *range(horizon_bars + 16, len(bars), 37), len(bars)]


def _starts(strategy: Strategy, parameters: tuple[float, ...], bars: Bars) -> range:
    spare_bars = len(bars) - strategy.warmup_bars(*parameters)
    return range(1, spare_bars, max(1, spare_bars // 40))


def test_every_strategy_of_the_registry_has_a_default_grid() -> None:
    assert set(STRATEGIES) == set(DEFAULT_GRIDS)


@every_default
def test_bands_are_bands(strategy: Strategy, parameters: tuple[float, ...]) -> None:
    for bars in (
        random_bars(1, 900),
        random_bars(2, 900, tick=0.5),
        bars_at([100.0] * 700),
        random_bars(3, 5),
        no_bars(),
    ):
        check_bands(strategy, parameters, bars)


@every_default
def test_the_prefix_of_the_result_is_the_result_of_the_prefix(
    strategy: Strategy, parameters: tuple[float, ...]
) -> None:
    bars = random_bars(4, 700, tick=0.1)
    check_cut_future(
        strategy, parameters, bars, _cuts_inside_and_after_warmup(bars, strategy.horizon_bars(*parameters))
    )


@every_default
def test_candles_older_than_the_warmup_do_not_matter(strategy: Strategy, parameters: tuple[float, ...]) -> None:
    for bars in (random_bars(5, 2000), random_bars(6, 2000, tick=0.5)):
        check_cut_past(strategy, parameters, bars, _starts(strategy, parameters, bars))


@every_default
@given(seed=st.integers(0, 2**32), tick=st.sampled_from([0.0, 0.01, 1.0]), cut=st.integers(0, 900))
@settings(max_examples=15, deadline=None)
def test_no_random_market_lets_a_strategy_see_ahead_or_remember_too_much(
    strategy: Strategy, parameters: tuple[float, ...], seed: int, tick: float, cut: int
) -> None:
    bars = random_bars(seed, 900, tick=tick)
    check_bands(strategy, parameters, bars)
    check_cut_future(strategy, parameters, bars, [cut])
    check_cut_past(strategy, parameters, bars, [1 + cut % 200])


@every_default
def test_real_candles_agree_too(strategy: Strategy, parameters: tuple[float, ...]) -> None:
    bars = load_bars(candles_folder("spot-5m"), "SOL_USDT", HOUR_MS)
    check_bands(strategy, parameters, bars)
    check_cut_future(strategy, parameters, bars, range(0, len(bars), 499))
    check_cut_past(strategy, parameters, bars, _starts(strategy, parameters, bars))


@every_default
def test_a_market_that_stands_still_says_the_same_however_long_it_has(
    strategy: Strategy, parameters: tuple[float, ...]
) -> None:
    bars = bars_at([100.3, 99.1, 103.7, 98.9] * 60 + [101.37] * 1500)
    check_cut_past(strategy, parameters, bars, range(1, len(bars) - strategy.warmup_bars(*parameters), 7))


def test_without_the_tolerance_a_market_that_stands_still_is_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.strategies.mean_reversion.TIE_FRACTION", 0.0)
    bars = bars_at([100.3, 99.1, 103.7, 98.9] * 60 + [101.37] * 1500)
    with pytest.raises(AssertionError, match="mean_reversion .* oldest candles were removed"):
        check_cut_past(STRATEGIES["mean_reversion"], (20, 2.0), bars, range(1, 1700, 7))


@pytest.mark.parametrize("saboteur", LEAKING, ids=lambda saboteur: saboteur.name)
def test_a_strategy_that_sees_the_future_is_caught(saboteur: Strategy) -> None:
    bars = random_bars(7, 300)
    with pytest.raises(AssertionError, match=f"{saboteur.name} .* changed when candles after row"):
        check_cut_future(saboteur, (20,), bars, _cuts_inside_and_after_warmup(bars, 20))


@pytest.mark.parametrize("saboteur", FORGETFUL, ids=lambda saboteur: saboteur.name)
def test_a_strategy_that_remembers_more_than_it_declares_is_caught(saboteur: Strategy) -> None:
    bars = random_bars(8, 600)
    with pytest.raises(AssertionError, match=f"{saboteur.name} .* oldest candles were removed"):
        check_cut_past(saboteur, (20,), bars, _starts(saboteur, (20,), bars))


@every_default
def test_half_of_a_declared_warmup_is_caught(strategy: Strategy, parameters: tuple[float, ...]) -> None:
    longest = strategy.horizon_bars(*parameters)
    forgetful = replace(strategy, warmup=lambda *_: longest // 2)
    with pytest.raises(AssertionError, match="oldest candles were removed"):
        check_cut_past(forgetful, parameters, random_bars(9, 900), range(1, 200, 9))


def test_an_undeclared_memory_of_wilders_average_is_caught() -> None:
    forgetful = replace(STRATEGIES["trend_following"], warmup=lambda fast_bars, slow_bars: slow_bars)
    with pytest.raises(AssertionError, match="oldest candles were removed"):
        check_cut_past(forgetful, (10, 20), random_bars(10, 3000), range(1, 2900, 3))


@pytest.mark.parametrize("saboteur", UNFIT, ids=lambda saboteur: saboteur.name)
def test_a_band_that_is_none_is_caught(saboteur: Strategy) -> None:
    with pytest.raises(AssertionError, match=saboteur.name):
        check_bands(saboteur, (20,), random_bars(11, 200))


@every_default
def test_lines_neither_see_ahead_nor_remember_too_much(strategy: Strategy, parameters: tuple[float, ...]) -> None:
    assert strategy.bands(no_bars(), *parameters).lines(), "every strategy that ships draws lines"
    for bars in (random_bars(13, 900), random_bars(14, 900, tick=0.5)):
        check_lines(strategy, parameters, bars, [*range(1, 60), *range(60, 280, 17)])


@pytest.mark.parametrize(("saboteur", "said"), UNFIT_LINES, ids=[saboteur.name for saboteur, _ in UNFIT_LINES])
def test_a_line_that_is_none_is_caught(saboteur: Strategy, said: str) -> None:
    with pytest.raises(AssertionError, match=f"{saboteur.name} .*{said}"):
        check_lines(saboteur, (20,), random_bars(15, 200), range(1, 100))


def test_a_check_of_nothing_fails() -> None:
    with pytest.raises(AssertionError, match="nothing was compared"):
        check_cut_past(STRATEGIES["breakout"], (20,), random_bars(12, 15), [1])


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_is_named_like_its_file_and_has_its_own_prefix(name: str) -> None:
    strategy = STRATEGIES[name]
    assert strategy.name == name and import_module(f"worker.strategies.{name}").STRATEGY is strategy
    assert [other.prefix for other in STRATEGIES.values()].count(strategy.prefix) == 1
