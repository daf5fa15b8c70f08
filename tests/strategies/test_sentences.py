"""What a strategy saw, in a sentence: it follows the arrays the band was made of, whatever makes them change."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from shared.settings import DEFAULT_GRIDS
from shared.units import HOUR_MS
from tests.strategies.candles import bars_at, random_bars
from tests.strategies.checkers import check_sentences
from worker.strategies.bands import Bands
from worker.strategies.bars import Bars
from worker.strategies.registry import STRATEGIES
from worker.strategies.sentences import could_decide, sentence
from worker.strategies.signals import OwnBars, SeenColumns
from worker.strategies.strategy import Strategy

# A channel of 90 to 110 over 8 bars, of 95 to 105 over the nearer 4, and a last close.
CHANNEL = [100.0, 110.0, 90.0, 100.0, 105.0, 95.0, 105.0, 95.0]
DEFAULTS = [
    pytest.param(STRATEGIES[name], tuple(parameters), id=f"{STRATEGIES[name].prefix}-{parameters}")
    for name, sleeve in DEFAULT_GRIDS.items()
    for parameters in sleeve["grid"]
]


def whole(price: float) -> str:
    return f"{price:,.0f}"


def seen_by(strategy: Strategy, parameters: Sequence[float], closes: Sequence[float]) -> SeenColumns:
    return OwnBars(bars_at(closes), HOUR_MS, HOUR_MS).seen(strategy, parameters)


def said_by(strategy: Strategy, parameters: Sequence[float], closes: Sequence[float]) -> str:
    seen = seen_by(strategy, parameters, closes)
    return sentence(strategy, parameters, seen, -1, (seen.low[-1], seen.high[-1]), whole)


@pytest.mark.parametrize(
    ("close", "said"),
    [
        (111.0, "close 111 is above the 8-bar channel 90 to 110: be long"),
        (110.0, "close 110 lies inside the 8-bar channel 90 to 110, but above its nearer half, 95 to 105: "
                "no shorts, a long may stay"),
        (100.0, "close 100 lies inside the 8-bar channel 90 to 110: no opinion, keep what you have"),
        (94.0, "close 94 lies inside the 8-bar channel 90 to 110, but below its nearer half, 95 to 105: "
               "no longs, a short may stay"),
        (89.0, "close 89 is below the 8-bar channel 90 to 110: be short"),
    ],
)  # fmt: skip
def test_breakout_tells_its_channel(close: float, said: str) -> None:
    assert said_by(STRATEGIES["breakout"], (8,), [*CHANNEL, close]) == said


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (0.5, "close 104 is above the band 100 to 102, 0.5 mean deviations either side of the 4-bar average 101: "
              "be short"),
        (4.0, "close 104 lies inside the band 95 to 107, 4 mean deviations either side of the 4-bar average 101, "
              "above it: no longs, a short may stay"),
    ],
)  # fmt: skip
def test_mean_reversion_tells_its_band(width: float, said: str) -> None:
    assert said_by(STRATEGIES["mean_reversion"], (4, width), [100.0, 100.0, 100.0, 104.0]) == said


def test_trend_following_tells_its_averages() -> None:
    closes = [100.0] * 30 + [101.0, 103.0, 106.0, 110.0]
    assert said_by(STRATEGIES["trend_following"], (2, 8), closes) == (
        "the 2-bar average 108 is above 103, half an ATR over the 8-bar average 102: be long"
    )
    assert said_by(STRATEGIES["trend_following"], (2, 8), [100.0] * 40).startswith("the 2-bar average 100 equals")


def test_a_rule_of_another_channel_tells_another_channel() -> None:
    own = STRATEGIES["breakout"]
    shorter = replace(own, rule=lambda bars, window_bars: own.rule(bars, window_bars // 2))
    assert said_by(own, (8,), [*CHANNEL, 107.0]).startswith("close 107 lies inside the 8-bar channel 90 to 110, but")
    assert said_by(shorter, (8,), [*CHANNEL, 107.0]) == "close 107 is above the 8-bar channel 95 to 105: be long"


@pytest.mark.parametrize(("strategy", "parameters"), DEFAULTS)
def test_the_lines_say_what_the_band_says(strategy: Strategy, parameters: tuple[float, ...]) -> None:
    bars = random_bars(21, 2000)
    seen = OwnBars(bars, HOUR_MS, HOUR_MS).seen(strategy, parameters)
    warm = slice(strategy.warmup_bars(*parameters), None)
    low, high, close = seen.low[warm], seen.high[warm], seen.close[warm]
    line = {name: values[warm] for name, values in seen.lines.items()}
    if strategy.name == "trend_following":
        long, short = line["fast_average"] > line["unclear_high"], line["fast_average"] < line["unclear_low"]
    else:
        upper, lower = (line.get(f"band_{end}", line.get(f"channel_{end}")) for end in ("high", "low"))
        long, short = (close > upper, close < lower) if strategy.name == "breakout" else (close < lower, close > upper)
    assert long.any() and short.any()
    assert np.array_equal(low == 1.0, long) and np.array_equal(high == -1.0, short)


@pytest.mark.parametrize(("strategy", "parameters"), DEFAULTS)
def test_every_band_can_be_told(strategy: Strategy, parameters: tuple[float, ...]) -> None:
    still = [100.3, 99.1, 103.7, 98.9] * 160 + [101.37] * 700
    told = check_sentences(strategy, parameters, random_bars(22, 900)) | check_sentences(
        strategy, parameters, bars_at(still)
    )
    assert told == set(strategy.sentences), "a sentence for a band that never comes is none"


def _follows(bars: Bars, window_bars: int) -> Bands:
    exposure = np.sign(bars.close - bars.open)
    return Bands(exposure, exposure, lines=lambda: {"the_open": bars.open})


PLAIN = Strategy("plain", "pl", STRATEGIES["breakout"].parameters, _follows, lambda _: 1, lambda _: 1)


def test_without_sentences_close_and_lines_are_told() -> None:
    assert said_by(PLAIN, (4,), [100.0, 104.0]) == "close 104, the open 100: be long"


@pytest.mark.parametrize("form", ["{nothing}", "{close", "{}"])
def test_a_sentence_that_names_what_is_not_there_is_caught(form: str) -> None:
    wrong = replace(PLAIN, sentences={(1.0, 1.0): form, (-1.0, -1.0): form, (0.0, 0.0): form})
    with pytest.raises(AssertionError, match="plain cannot tell"):
        check_sentences(wrong, (4,), random_bars(23, 50))


def test_a_band_without_a_sentence_is_caught() -> None:
    silent = replace(PLAIN, sentences={(1.0, 1.0): "close {close}"})
    with pytest.raises(AssertionError, match=r"plain has no sentence for \(-1.0, -1.0\)"):
        check_sentences(silent, (4,), random_bars(23, 50))


def test_what_settings_narrow_is_told_and_what_they_cannot_is_seen() -> None:
    own = STRATEGIES["breakout"]
    seen = seen_by(own, (8,), [*CHANNEL, 89.0])
    said = sentence(own, (8,), seen, -1, (0.0, 0.0), whole)
    assert said.endswith("be short; the settings narrow that to: be flat")
    assert [could_decide(seen, 8, band) for band in ((-1.0, -1.0), (0.0, 0.0), (1.0, 1.0), (-1.0, 0.0))] == [
        True, True, False, False,
    ]  # fmt: skip


def test_warming_up_is_said_with_what_it_needs() -> None:
    said = said_by(STRATEGIES["breakout"], (8,), CHANNEL)
    assert said == "close 95: warming up, for which it needs 9 bars"


def test_between_two_closes_of_its_own_bars_the_last_ones_stand() -> None:
    bars = bars_at([*np.linspace(100.0, 104.0, 20), 90.0])
    seen = OwnBars(bars, HOUR_MS, 4 * HOUR_MS).seen(STRATEGIES["breakout"], (4,))
    assert seen.close[-1] == bars.close[-2] and len(seen.lines["channel_high"]) == len(bars)
    assert could_decide(seen, -1 + len(bars), (1.0, 1.0))
