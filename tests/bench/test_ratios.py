"""The bare loop trades as its rules are written, and the bench says what is short of its limit or not to be had."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.bench import bare_loop, ratios
from tests.bench.vectorbt_place import NotInstalledError, Ran, interpreter

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
    found = ratios._against_others(days=2, pairs=1)
    assert "| replay, of the bare loop's | " in found
    assert "| signals and replay, of the bare loop's | " in found
    assert ratios.ASK in found
    assert "| 9 | 2,880 | " in ratios._by_size(((1, 2),))


@pytest.mark.slow
def test_an_environment_is_made_once_for_what_it_is_to_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOTILLA_CACHE", str(tmp_path))
    nothing = tmp_path / "nothing.txt"
    nothing.write_text("")
    python = interpreter(nothing)
    subprocess.run([python, "-c", "import sys; assert sys.prefix != sys.base_prefix"], check=True)
    mark = python.parent / "mark"
    mark.touch()
    assert interpreter(nothing) == python and mark.exists(), "it must not be made again"
    nothing.write_text("# something else")
    assert interpreter(nothing) != python


@pytest.mark.slow
def test_why_vectorbt_cannot_be_installed_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOTILLA_CACHE", str(tmp_path / "cache"))
    missing = tmp_path / "missing.txt"
    missing.write_text(f"{tmp_path}/missing.whl --hash=sha256:{'0' * 64}\n")
    for _ in range(2):
        with pytest.raises(NotInstalledError, match="vectorbt could not be installed: ERROR: .*missing.whl"):
            interpreter(missing)


def test_what_does_not_trade_alike_is_not_compared() -> None:
    ratios._refuse_others(Ran(1.0, 10_001, 5e8 + 100.0), 10_000, 5e8)
    for other in (Ran(1.0, 10_011, 5e8), Ran(1.0, 10_000, 5e8 + 501.0)):
        with pytest.raises(RuntimeError, match="vectorbt must make 10000 trades and 500000000.00 as the bare loop"):
            ratios._refuse_others(other, 10_000, 5e8)


def test_what_is_short_of_its_limit_stands_in_bold() -> None:
    assert ratios._ratio("replay", [0.5, 0.7, 0.9], 0.6) == ["replay", "0.70", "0.50 to 0.90", "0.6"]
    assert ratios._ratio("replay", [0.5, 0.5, 0.9], 0.6) == ["replay", "**0.50**", "0.50 to 0.90", "0.6"]
