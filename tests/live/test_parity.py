"""The same candles through the live path and the backtest: the same fills, equity and states, to the last bit."""

import numpy as np
import pytest

from shared.enums import Trigger
from shared.units import HOUR_MS, MINUTE_MS
from tests.live.books_check import assert_books
from tests.live.conftest import MakePlace
from tests.live.fake_market import START_MS, STEP_MS, random_bars, without
from tests.live.running import SYMBOLS, Place, assert_parity, backtest, small_settings
from worker.live.worker import LiveWorker
from worker.market.protocol import FinestBars
from worker.research.replay import Replay
from worker.strategies.bars import Bars

BARS = 200
NOON_MS = START_MS + 12 * HOUR_MS


def two_symbols(bars: int = BARS, seed: int = 1) -> dict[str, Bars]:
    """Two random walks, from noon."""
    return {symbol: random_bars(bars, seed + at, start_ms=NOON_MS) for at, symbol in enumerate(SYMBOLS)}


def hold(place: Place, worker: LiveWorker, replay: Replay) -> None:
    """Hold a live run to the backtest, and its tables to the identities."""
    assert_parity(place, worker, replay)
    assert_books(place)


def test_a_live_run_is_the_backtest(make_place: MakePlace) -> None:
    settings, bars = small_settings(), two_symbols()
    place = make_place(settings, bars)
    worker = place.run()
    assert place.steps == BARS
    hold(place, worker, backtest(settings, bars))


@pytest.mark.parametrize("restarts", [(100,), (1, 2, 17, 80, 81, 150, 199)], ids=["one", "several"])
def test_restarts_change_nothing(make_place: MakePlace, restarts: tuple[int, ...]) -> None:
    settings, bars = small_settings(), two_symbols()
    place = make_place(settings, bars)
    worker = place.run(*restarts)
    assert place.steps == BARS
    hold(place, worker, backtest(settings, bars))


VARIANTS = {
    "own timeframe": ["strategies.breakout.timeframe=15m", "strategies.trend_following.timeframe=1h"],
    "netting off": ["risk.netting=false"],
    "ladder": ["risk.ladder=[[0.01, 0.33], [0.02, 0.33], [0.04, 0.34]]"],
    "legacy": ["profile=legacy"],
    "long only": ["portfolio.allow_short=false"],
    "brakes": [
        "risk.portfolio_drawdown=0.010",
        "risk.daily_loss=0.006",
        "risk.sleeve_drawdown=0.018",
        "risk.bot_drawdown=0.02",
    ],
    "score": ["allocation.policy=score", "allocation.rebalance_band=0"],
    "inverse volatility": ["allocation.policy=inverse_volatility"],
    "caps": ["risk.max_portfolio_exposure=0.4", "risk.max_symbol_exposure=0.25"],
}
QUICK = ("own timeframe", "ladder", "brakes")


@pytest.mark.parametrize(
    "overrides",
    [pytest.param(VARIANTS[name], id=name, marks=() if name in QUICK else pytest.mark.slow) for name in VARIANTS],
)
def test_every_rule_is_the_same_in_both(make_place: MakePlace, overrides: list[str]) -> None:
    settings, bars = small_settings(*overrides), two_symbols(seed=4)
    place = make_place(settings, bars)
    worker = place.run(90, 91, 180)
    hold(place, worker, backtest(settings, bars))


def test_the_brakes_of_that_run_did_trip(make_place: MakePlace) -> None:
    settings, bars = small_settings(*VARIANTS["brakes"]), two_symbols(seed=4)
    place = make_place(settings, bars)
    place.run()
    noticed = set(place.rows("SELECT scope_kind, kind FROM event"))
    assert {("PORTFOLIO", "DAILY_LOSS_TRIPPED"), ("PORTFOLIO", "DAILY_LOSS_RELEASED")} <= noticed
    assert {(scope, "DRAWDOWN_TRIPPED") for scope in ("PORTFOLIO", "SLEEVE", "BOT")} <= noticed


def test_gaps_are_the_same_in_both(make_place: MakePlace) -> None:
    settings, bars = small_settings(), two_symbols(seed=9)
    chance = np.random.default_rng(3)
    first, second = bars
    bars[first] = without(bars[first], np.flatnonzero(chance.random(BARS) < 0.1)[1:])
    bars[second] = without(bars[second], [*range(100, 130), *range(160, 164), 190])
    place = make_place(settings, bars)
    worker = place.run(*range(95, 140, 5), 161, 189, 190, 191)
    hold(place, worker, backtest(settings, bars))
    assert place.value("SELECT count(*) FROM bar_record WHERE status = 'MISSING'") == sum(
        BARS - len(symbol) for symbol in bars.values()
    )
    assert place.value("SELECT count(*) FROM \"order\" WHERE status = 'CANCELLED'") > 0


@pytest.mark.parametrize("timeframe", ["5m", *(pytest.param(one, marks=pytest.mark.slow) for one in ("15m", "1h"))])
def test_restarts_within_gaps_change_nothing_on_any_timeframe(make_place: MakePlace, timeframe: str) -> None:
    timeframes = [f"strategies.{name}.timeframe={timeframe}" for name in ("mean_reversion", "breakout")]
    settings, bars = small_settings(*timeframes, "strategies.trend_following.grid=[[2, 4]]"), two_symbols(300, seed=31)
    first, second = bars
    # The first ends within own bars, the second lacks whole ones and the base bars with which others close.
    bars[first] = without(bars[first], [*range(101, 118), *range(150, 153), 215])
    bars[second] = without(bars[second], [*range(96, 133), *range(11, 300, 12), *range(158, 170)])
    place = make_place(settings, bars)
    worker = place.run(*range(97, 136, 3), 151, 153, 160, 215, 216, 250)
    hold(place, worker, backtest(settings, bars))


def test_a_symbol_that_lists_later_is_the_same_in_both(make_place: MakePlace) -> None:
    settings, bars = small_settings("strategies.breakout.timeframe=15m"), two_symbols(seed=13)
    late = SYMBOLS[1]
    bars[late] = bars[late][131:]
    place = make_place(settings, bars)
    worker = place.run(60, 130, 131, 132, 180)
    hold(place, worker, backtest(settings, bars))


def test_funding_is_the_same_in_both(make_place: MakePlace) -> None:
    settings, bars = small_settings(), two_symbols(seed=17)
    times = NOON_MS + HOUR_MS * np.arange(1, 16, dtype=np.int64)
    funding = {SYMBOLS[0]: (times, np.linspace(-0.002, 0.003, 15)), SYMBOLS[1]: (times + STEP_MS, np.full(15, 1e-4))}
    place = make_place(settings, bars, market={"funding": funding})
    worker = place.run(120)
    hold(place, worker, backtest(settings, bars, funding))
    assert place.value("SELECT count(*) FROM funding") > 10


STYLES = {
    "maker": ("broker.order=maker", "broker.maker_fee_rate=0.0002"),
    "maker that lapses": ("broker.order=maker", "broker.maker_unfilled=lapse", "risk.netting=false"),
    "limit out of reach": ("broker.order=limit", "broker.limit_offset=0.0001"),
}


def minutes_within(bars: Bars, seed: int) -> FinestBars:
    """Give five minutes for each bar of five: a walk from its open to its close within its extremes, some missing."""
    chance = np.random.default_rng(seed)
    count = len(bars)
    ways = bars.low[:, None] + chance.random((count, 4)) * (bars.high - bars.low)[:, None]
    marks = np.column_stack((bars.open, ways, bars.close))
    opens, closes = marks[:, :-1].ravel(), marks[:, 1:].ravel()
    times = (bars.open_ms[:, None] + MINUTE_MS * np.arange(5)).ravel()
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    rows = np.flatnonzero(chance.random(5 * count) > 0.1)
    return FinestBars(Bars(times, opens, high, low, closes, np.zeros(5 * count))[rows], MINUTE_MS)


@pytest.mark.parametrize(
    ("style", "patience"),
    [
        pytest.param("maker", 120, id="maker"),
        pytest.param("maker", 300, id="maker all through the bar", marks=pytest.mark.slow),
        pytest.param("maker that lapses", 60, id="maker that lapses", marks=pytest.mark.slow),
        pytest.param("limit out of reach", 120, id="limit", marks=pytest.mark.slow),
    ],
)
def test_every_order_style_is_the_same_in_both(make_place: MakePlace, style: str, patience: int) -> None:
    settings, bars = small_settings(*STYLES[style], f"broker.maker_patience={patience}"), two_symbols(seed=4)
    first = SYMBOLS[0]
    finest = {symbol: minutes_within(bars[symbol], at) for at, symbol in enumerate(bars)}
    bars[first] = without(bars[first], [31, 32, 90, *range(120, 126), 170])
    place = make_place(settings, bars, market={"finest": finest})
    worker = place.run(*range(20, 60), 90, 91, 150, 180)
    replay = backtest(settings, bars, finest=finest)
    hold(place, worker, replay)
    statuses = dict(place.rows('SELECT status, count(*) FROM "order" GROUP BY status'))
    assert statuses["FILLED"] > 20
    if style == "maker that lapses":
        assert place.value("SELECT count(*) FROM \"order\" WHERE reason = 'not filled in its time'") > 0


def test_what_rested_and_what_was_taken_are_both_in_that_run(make_place: MakePlace) -> None:
    settings, bars = small_settings(*STYLES["maker"], "broker.maker_patience=120"), two_symbols(seed=4)
    finest = {symbol: minutes_within(bars[symbol], at) for at, symbol in enumerate(bars)}
    fills = backtest(settings, bars, finest=finest).fills
    signals = fills[(fills["trigger"] == Trigger.SIGNAL) & (fills["crossed_units"] == 0)]
    rested = np.isclose(signals["fee"], np.abs(signals["quantity"] * signals["price"]) * 0.0002)
    assert 0.1 < rested.mean() < 0.9
    assert np.array_equal(rested, signals["slippage"] == 0.0)


# Two bots on few rules, for the tests that must outlast a whole window.
FEW = ["strategies.breakout.enabled=false", "strategies.trend_following.enabled=false"]


@pytest.mark.slow
def test_a_gap_longer_than_the_window_leaves_the_last_close_standing(make_place: MakePlace) -> None:
    settings, bars = small_settings(*FEW), two_symbols(800, seed=21)
    silent = SYMBOLS[1]
    bars[silent] = without(bars[silent], list(range(120, 790)))
    place = make_place(settings, bars)
    worker = place.run(750)
    hold(place, worker, backtest(settings, bars))


@pytest.mark.parametrize(
    "restarts",
    [pytest.param((700,), marks=pytest.mark.slow), (880,), pytest.param((700, 880, 881), marks=pytest.mark.slow)],
    ids=["within", "after", "both"],
)
def test_a_restart_reads_back_over_gaps_as_far_as_its_window_needs(
    make_place: MakePlace, restarts: tuple[int, ...]
) -> None:
    settings, bars = small_settings(*FEW, "strategies.mean_reversion.grid=[[400, 0.5]]"), two_symbols(1000, seed=35)
    silent = SYMBOLS[1]
    bars[silent] = without(bars[silent], [*range(450, 870), *range(100, 400, 3)])
    place = make_place(settings, bars)
    worker = place.run(*restarts)
    hold(place, worker, backtest(settings, bars))


@pytest.mark.slow
def test_a_restart_whose_window_begins_within_a_gap_changes_nothing(make_place: MakePlace) -> None:
    settings = small_settings(*FEW, "strategies.mean_reversion.grid=[[650, 0.5]]")
    bars = two_symbols(760, seed=25)
    gapped = SYMBOLS[0]
    bars[gapped] = without(bars[gapped], list(range(30, 70)))
    place = make_place(settings, bars)
    worker = place.run(700, 714)
    hold(place, worker, backtest(settings, bars))
