"""The simulated prices: pure, possible, and shaped like those of real coins."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.market.fakes import DAY_MS, HOUR_MS, MINUTE_MS, START_MS, same_bars
from worker.market.noise import mean_reverting, normals, stream_key, uniforms
from worker.market.price_model import ERA_DAYS, PriceModel, coin_of
from worker.strategies.bars import Bars, make_bars, resample

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
FIRST_DAY = START_MS // DAY_MS
COLUMNS = ("open_ms", "open", "high", "low", "close", "volume")


def days(model: PriceModel, symbol: str, first: int, count: int) -> Bars:
    parts = [model.day_bars(symbol, day) for day in range(first, first + count)]
    return make_bars(*(np.concatenate([getattr(part, column) for part in parts]) for column in COLUMNS))


@pytest.fixture(scope="module")
def year() -> dict[str, Bars]:
    model = PriceModel(7, HOUR_MS)
    return {symbol: days(model, symbol, FIRST_DAY, 365) for symbol in SYMBOLS}


def log_returns(bars: Bars) -> np.ndarray:
    return np.diff(np.log(bars.close))


def autocorrelation(values: np.ndarray, lag: int) -> float:
    return float(np.corrcoef(values[lag:], values[:-lag])[0, 1])


def order_changes_nothing(make_day: Callable[[], Callable[[str, int], Bars]], wanted: list[tuple[str, int]]) -> bool:
    """Say whether days come out the same whatever was asked for before them, and by whom."""
    forwards, backwards = make_day(), make_day()
    first = {(symbol, day): forwards(symbol, day) for symbol, day in wanted}
    return all(same_bars(first[symbol, day], backwards(symbol, day)) for symbol, day in reversed(wanted))


day_lists = st.lists(
    st.tuples(st.sampled_from((*SYMBOLS, "ANY/USDT")), st.integers(-3 * ERA_DAYS, 20 * ERA_DAYS)),
    min_size=2,
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(wanted=day_lists, seed=st.integers(-(2**40), 2**40))
def test_a_day_is_the_same_whatever_was_asked_for_before(wanted: list[tuple[str, int]], seed: int) -> None:
    assert order_changes_nothing(lambda: PriceModel(seed, HOUR_MS).day_bars, wanted)


def test_the_check_of_purity_catches_a_market_that_walks_from_what_was_asked_before() -> None:
    def walking() -> Callable[[str, int], Bars]:
        model, asked = PriceModel(7, HOUR_MS), [0]

        def day_bars(symbol: str, day: int) -> Bars:
            asked[0] += 1
            bars = model.day_bars(symbol, day)
            return make_bars(bars.open_ms, *(getattr(bars, name) * (1 + asked[0] / 1e9) for name in COLUMNS[1:]))

        return day_bars

    assert not order_changes_nothing(walking, [("BTC/USDT", 20_000), ("ETH/USDT", 20_001)])


def test_another_process_makes_the_same_candles() -> None:
    code = (
        "from worker.market.price_model import PriceModel; import hashlib;"
        "bars = PriceModel(7, 60_000).day_bars('SOL/USDT', 20_100);"
        "print(hashlib.sha256(bars.close.tobytes() + bars.high.tobytes() + bars.volume.tobytes()).hexdigest())"
    )
    digests = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(digests) == 1 and len(digests.pop().strip()) == 64


def test_seeds_and_symbols_make_different_markets() -> None:
    closes = {
        PriceModel(seed, HOUR_MS).day_bars(symbol, FIRST_DAY).close[0] / coin_of(symbol).price
        for seed in (7, 8)
        for symbol in ("BTC/USDT", "XRP/USDT", "ADA/USDT")
    }
    assert len(closes) == 6


@pytest.mark.parametrize(
    ("symbol", "price"),
    [
        ("BTC/USDT", 65_000.0), ("ETH/EUR", 3_400.0), ("ETH/BTC", 3_400.0 / 65_000.0),
        ("ETH/BTC:BTC", 3_400.0 / 65_000.0), ("BTC/ETH", 65_000.0 / 3_400.0),
        ("XRP/SOL", coin_of("XRP/USDT").price / 160.0),
    ],
)  # fmt: skip
def test_prices_in_a_known_coin_are_those_in_dollars_divided(symbol: str, price: float) -> None:
    assert coin_of(symbol).price == pytest.approx(price, rel=1e-12)
    close = PriceModel(7, HOUR_MS).day_bars(symbol, FIRST_DAY).close
    assert (np.abs(np.log(close / price)) < 2.3).all()
    assert len(set(close)) > 20, "the tick is fine enough"


@pytest.mark.parametrize("step_ms", [5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, DAY_MS])
def test_coarser_candles_are_exactly_those_of_the_minutes(step_ms: int) -> None:
    fine = resample(days(PriceModel(7, MINUTE_MS), "ETH/USDT", FIRST_DAY, 3), step_ms)
    coarse = days(PriceModel(7, step_ms), "ETH/USDT", FIRST_DAY, 3)
    for column in COLUMNS[:5]:
        assert np.array_equal(getattr(fine, column), getattr(coarse, column)), column
    np.testing.assert_allclose(fine.volume, coarse.volume, rtol=1e-12)


@pytest.mark.parametrize("step_ms", [1_000, 90_000])
def test_timeframes_of_no_whole_minutes_agree_with_all_others_at_midnight(step_ms: int) -> None:
    odd = PriceModel(7, step_ms).day_bars("BTC/USDT", FIRST_DAY)
    usual = PriceModel(7, HOUR_MS).day_bars("BTC/USDT", FIRST_DAY)
    assert len(odd) == DAY_MS // step_ms
    assert (odd.open[0], odd.close[-1]) == (usual.open[0], usual.close[-1])


@settings(max_examples=20, deadline=None)
@given(
    base=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=8),
    seed=st.integers(0, 2**62),
    day=st.integers(-10_000, 100_000),
)
def test_every_candle_of_every_symbol_is_possible(base: str, seed: int, day: int) -> None:
    bars = days(PriceModel(seed, 15 * MINUTE_MS), f"{base}/USDT", day, 2)
    assert (bars.low > 0.0).all() and np.isfinite(bars.high).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (bars.volume >= 0.0).all() and bars.volume.sum() > 0.0
    assert np.array_equal(bars.open[1:], bars.close[:-1])
    assert (np.diff(bars.open_ms) == 15 * MINUTE_MS).all()


def test_days_and_eras_join_without_a_jump() -> None:
    model = PriceModel(7, HOUR_MS)
    border = (FIRST_DAY // ERA_DAYS + 1) * ERA_DAYS
    for day in (FIRST_DAY, border - 1):
        before, after = model.day_bars("SOL/USDT", day), model.day_bars("SOL/USDT", day + 1)
        assert before.close[-1] == after.open[0]


def test_known_coins_trade_near_their_usual_prices(year: dict[str, Bars]) -> None:
    for symbol, low, high in (("BTC/USDT", 15_000, 200_000), ("ETH/USDT", 600, 15_000), ("SOL/USDT", 20, 1_000)):
        assert low < year[symbol].low.min() and year[symbol].high.max() < high


def test_returns_are_uncorrelated_in_time(year: dict[str, Bars]) -> None:
    for bars in year.values():
        returns = log_returns(bars)
        assert all(abs(autocorrelation(returns, lag)) < 0.05 for lag in (1, 2, 3, 24))


def test_returns_have_fat_tails(year: dict[str, Bars]) -> None:
    for bars in year.values():
        returns = log_returns(bars)
        assert (returns**4).mean() / (returns**2).mean() ** 2 > 4.5


def test_volatility_clusters_for_hours_and_days(year: dict[str, Bars]) -> None:
    for bars in year.values():
        sizes = np.abs(log_returns(bars))
        assert (
            autocorrelation(sizes, 1) > 0.1 and autocorrelation(sizes, 24) > 0.1 and autocorrelation(sizes, 72) > 0.05
        )


def test_symbols_move_together_but_not_as_one(year: dict[str, Bars]) -> None:
    correlations = np.corrcoef([log_returns(bars) for bars in year.values()])[np.triu_indices(3, 1)]
    assert correlations.min() > 0.5 and correlations.max() < 0.8


def test_regimes_change_the_volatility_of_months(year: dict[str, Bars]) -> None:
    monthly = np.array_split(log_returns(year["BTC/USDT"]), 12)
    spreads = [float(np.std(month)) for month in monthly]
    assert max(spreads) > 1.5 * min(spreads)


def test_candles_range_about_as_far_as_real_ones(year: dict[str, Bars]) -> None:
    # Of a random walk the mean range is twice the mean move from open to close.
    for bars in year.values():
        ratio = (bars.high - bars.low).mean() / np.abs(bars.close - bars.open).mean()
        assert 1.6 < ratio < 2.4


def test_prices_do_not_run_away_over_decades() -> None:
    model = PriceModel(7, DAY_MS)
    for symbol in SYMBOLS:
        close = np.array([model.day_bars(symbol, day).close[0] for day in range(FIRST_DAY, FIRST_DAY + 40 * 365, 30)])
        assert (np.abs(np.log(close / coin_of(symbol).price)) < 2.3).all()
        halves = np.log(close[: len(close) // 2]).mean(), np.log(close[len(close) // 2 :]).mean()
        assert abs(halves[0] - halves[1]) < 0.5


def test_draws_are_uniform_normal_and_independent_between_blocks() -> None:
    key = stream_key(7, "any")
    flat = np.concatenate([uniforms(key, block, 1000) for block in range(-10, 10)])
    bell = np.concatenate([normals(key, block, 1000) for block in range(-10, 10)])
    assert flat.min() > 0.0 and flat.max() < 1.0 and abs(flat.mean() - 0.5) < 0.01 and len(set(flat)) == len(flat)
    assert abs(bell.mean()) < 0.03 and abs(bell.std() - 1.0) < 0.02 and abs((bell**4).mean() - 3.0) < 0.2


def test_a_mean_reverting_path_meets_both_ends() -> None:
    path = mean_reverting(1.0, [0.1, -0.2, 0.3], 5.0, 0.5)
    assert (path[0], path[-1], len(path)) == (1.0, 5.0, 4)
    # 1 → 0.6 → 0.1 → 0.35, then bent by 4.65 × (¼, ½, 1)
    assert path[1] == pytest.approx(0.6 + 4.65 / 4) and path[2] == pytest.approx(0.1 + 4.65 / 2)
