"""The bare loop trades as its rules are written, and the bench says what is short of its limit."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.bench import bare_loop, ratios

BARS = 600


def random_prices(seed: int) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    closes = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.01, BARS)))
    opens = closes * np.exp(random.normal(0.0, 0.002, BARS))
    return opens, np.maximum(opens, closes) * 1.001, np.minimum(opens, closes) * 0.999, closes


def wants_of_mean_reversion(prices: tuple[np.ndarray, ...], t: int, want: float, bars: int, width: float) -> float:
    window = prices[3][t + 1 - bars : t + 1]
    close, mean = window[-1], window.mean()
    reach = width * np.abs(window - mean).mean()
    if abs(close - mean) > reach:
        return -float(np.sign(close - mean))
    return want if want * (close - mean) < 0.0 else 0.0


def wants_of_breakout(prices: tuple[np.ndarray, ...], t: int, want: float, bars: int, _: float) -> float:
    close = prices[3][t]
    if t < bars:
        return want
    return 1.0 if close > max(prices[1][t - bars : t]) else -1.0 if close < min(prices[2][t - bars : t]) else want


def wants_of_trend(prices: tuple[np.ndarray, ...], t: int, want: float, fast: int, slow: float) -> float:
    closes = prices[3][: t + 1]
    return float(np.sign(closes[-fast:].mean() - closes[-int(slow) :].mean())) or want


def plain(wants: Callable[..., float], prices: tuple[np.ndarray, ...], first: int, more: float) -> tuple[int, float]:
    money, held, want, trades = bare_loop.MONEY, 0.0, 0.0, 0
    for t in range(BARS):
        if want != held:
            price = prices[0][t] * (1.0 + np.sign(want - held) * bare_loop.SLIPPAGE)
            money -= (want - held) * price + bare_loop.FEE_RATE * abs(want - held) * price
            held, trades = want, trades + (want != 0.0)
        if t + 1 >= max(first, more):
            want = wants(prices, t, want, first, more)
    return trades, money + held * prices[3][-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strategy", "parameters", "wants"),
    [
        ("mean_reversion", (21, 1.5), wants_of_mean_reversion),
        ("breakout", (13,), wants_of_breakout),
        ("trend_following", (5, 30), wants_of_trend),
    ],
)
def test_the_bare_loop_trades_as_its_rule_says(
    strategy: str, parameters: tuple[float, ...], wants: Callable[..., float]
) -> None:
    for seed in range(3):
        prices = random_prices(seed)
        trades, money = bare_loop.run(strategy, parameters, prices)
        expected = plain(wants, prices, int(parameters[0]), float(parameters[1]) if len(parameters) > 1 else 0.0)
        assert trades == expected[0] > 5
        assert money == pytest.approx(expected[1], abs=1e-5)


@pytest.mark.slow
def test_ratios_and_sizes_are_measured() -> None:
    assert "| replay | " in ratios._against_bare(days=2, pairs=1)
    assert "| 9 | 2,880 | " in ratios._by_size(((1, 2),))


def test_what_is_short_of_its_limit_stands_in_bold() -> None:
    assert ratios._ratio("replay", [0.5, 0.7, 0.9], 0.6) == ["replay", "0.70", "0.50 to 0.90", "0.6"]
    assert ratios._ratio("replay", [0.5, 0.5, 0.9], 0.6) == ["replay", "**0.50**", "0.50 to 0.90", "0.6"]
