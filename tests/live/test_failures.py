"""What goes wrong around a live fleet: strategies that fail, workers in the way, bars that are late or do not come."""

import os

import pytest

from shared.clock import ManualClock
from shared.database import open_writer, transaction
from shared.enums import Cause, CommandKind
from shared.errors import ConfigurationError, LeaseError, MarketError, NotAsked
from shared.liveness import liveness
from tests.live.books_check import assert_books
from tests.live.conftest import MakePlace
from tests.live.fake_market import START_MS, STEP_MS, FakeMarket, random_bars, still_bars, without
from tests.live.plain_strategies import NO_DEFAULTS, PLAIN_RISK, fragile_from, make_strategy
from tests.live.running import (
    SYMBOLS,
    URL,
    Place,
    backtest,
    live_fills,
    replay_fills,
    show_and_step,
    small_settings,
    step,
)
from tests.live.tables import assert_same, content
from worker.live.worker import LiveWorker
from worker.market.protocol import Limits
from worker.store import lease
from worker.store.overview import load_overview
from worker.strategies.bars import Bars
from worker.strategies.registry import STRATEGIES

pytestmark = pytest.mark.usefixtures("plain")

FIRST, SECOND = SYMBOLS


def walks(bars: int = 120) -> dict[str, Bars]:
    """Two random walks."""
    return {symbol: random_bars(bars, 51 + at) for at, symbol in enumerate(SYMBOLS)}


@pytest.fixture
def fragile(make_place: MakePlace, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A fleet with two bots whose strategy fails from bar 60 on."""
    monkeypatch.setitem(STRATEGIES, "fragile", make_strategy("fragile", fragile_from(START_MS + 60 * STEP_MS)))
    return make_place(small_settings("strategies.fragile.grid=[[1.0]]", *APART), FakeMarket(walks()))


# Nothing that one sleeve does reaches another: no netting, no transfers, no shared brakes.
APART = ("risk.netting=false", "risk.brakes=false", "allocation.rebalance_every=1000", "risk.risk_per_trade=1")


def test_a_strategy_that_raises_stops_its_bots_and_no_other(fragile: Place) -> None:
    place = fragile
    place.run(70, 90)
    failed = place.rows("SELECT name, level_crashes, level FROM bot_state JOIN bot ON bot.id = bot_id WHERE failed = 1")
    assert failed == [(f"fr_{name}_usdt_5m_p1", "NO_ENTRIES", "NO_ENTRIES") for name in ("aaa", "bbb")]
    events = place.rows("SELECT time_ms, severity, scope_kind, scope, message FROM event WHERE kind = 'BOT_FAILED'")
    assert len(events) == 2, "once per bot, however often it failed and the worker was started"
    at_ms = START_MS + 61 * STEP_MS
    assert events[0] == (
        at_ms,
        "ERROR",
        "BOT",
        "fr_aaa_usdt_5m_p1",
        "bot fr_aaa_usdt_5m_p1 stopped: its signal failed with ZeroDivisionError: nothing to divide by",
    )
    assert_books(place)
    without_it = replay_fills(backtest(small_settings(*APART), walks()))
    others = [fill for fill in live_fills(place) if not fill[1].startswith("fr_")]
    assert others == without_it
    assert others
    assert not place.value(
        "SELECT count(*) FROM fill JOIN bot ON bot.id = bot_id WHERE name LIKE 'fr_%' AND leg = 'OPEN' AND time_ms > ?",
        at_ms,
    )


def test_a_failed_bot_that_is_released_and_fails_again_is_said_again(fragile: Place) -> None:
    place = fragile
    with place.open() as worker:
        show_and_step(place, worker, 65)
        bot = "bot:fr_aaa_usdt_5m_p1"
        status, said = place.ask_and_answer(worker, CommandKind.RELEASE, bot, cause=Cause.CRASHES)
        assert (status, said) == ("DONE", "bot fr_aaa_usdt_5m_p1 released, cause CRASHES")
        show_and_step(place, worker, 67)
    assert place.value("SELECT count(*) FROM event WHERE kind = 'BOT_FAILED'") == 3
    assert place.value("SELECT count(*) FROM bot_state WHERE level_crashes = 'NO_ENTRIES'") == 2


def test_a_second_worker_is_refused_and_told_who_holds_the_books(make_place: MakePlace) -> None:
    place = make_place(small_settings(), FakeMarket(walks()))
    with place.open():
        other = lease.this_process()
        # The parent of this process lives as long as the test.
        parent = os.getppid()
        place.write("UPDATE heartbeat SET lease_pid = ?, lease_started = ?", parent, lease.started(parent))
        second = LiveWorker(
            place.settings, place.market, open_writer(URL, place.root), place.clock, lambda: place.settings, False
        )
        before = content(place)
        expected = rf"process {parent} on {other.host}\) holds the lease since 2027-01-15 08:00 UTC.*left alone"
        with pytest.raises(LeaseError, match=expected):
            second.recover(False)
        second.close()
        assert_same(content(place), before)
        assert place.value("SELECT lease_pid FROM heartbeat") == parent


def test_a_worker_that_lost_its_lease_commits_nothing_more(make_place: MakePlace) -> None:
    place = make_place(small_settings(), FakeMarket(walks()))
    with place.open() as worker:
        step(worker, 40)
        place.write("UPDATE heartbeat SET lease_token = lease_token + 1, lease_pid = 1, lease_host = 'elsewhere'")
        before = content(place)
        with pytest.raises(LeaseError, match=r"taken over by process 1 on elsewhere; nothing of this step was kept"):
            step(worker)
        place.ask(CommandKind.HALT)
        before = content(place)
        for call in (worker.beat, worker.answer_commands):
            with pytest.raises(LeaseError):
                call()
        assert_same(content(place), before)
    assert place.value("SELECT lease_host FROM heartbeat") == "elsewhere", "it does not release what it does not hold"


def test_a_lease_taken_between_deciding_and_committing_rolls_the_step_back(make_place: MakePlace) -> None:
    place = make_place(small_settings(), FakeMarket(walks()))
    with place.open() as worker:
        step(worker, 40)
        before = content(place)
        send = worker._gateway.send

        def send_and_lose(connection, *sent):
            send(connection, *sent)
            connection.exec_driver_sql("UPDATE heartbeat SET lease_token = lease_token + 1")

        worker._gateway.send = send_and_lose
        with pytest.raises(LeaseError):
            step(worker)
        assert_same(content(place), before)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["bars", "opens", "funding", f"funding {SECOND}", f"bars {SECOND}"])
def test_a_market_that_fails_costs_no_step_and_doubles_none(make_place: MakePlace, what: str) -> None:
    settings = small_settings()
    quiet, troubled = (make_place(settings, FakeMarket(walks(60))) for _ in range(2))
    quiet.run()
    with troubled.open() as worker:
        for bars in range(20, 61, 10):
            troubled.market.failing = {what}
            troubled.market.show(bars)
            for _ in range(3):
                with pytest.raises(MarketError):
                    step(worker)
            troubled.market.failing.clear()
            step(worker)
    assert_same(content(troubled), content(quiet))


# A market in real time: bars close by the clock.


def real_time(make_place: MakePlace, bars: dict[str, Bars], *overrides: str) -> Place:
    """A place whose market time is the clock's; the first bar is about to close."""
    clock = ManualClock(START_MS)
    settings = small_settings(*overrides)
    return make_place(settings, FakeMarket(bars, clock=clock), clock=clock, real_time=True)


STEADY = (*NO_DEFAULTS, *PLAIN_RISK, "strategies.steady.grid=[[1.0]]", "risk.brakes=false")


def test_a_symbol_the_exchange_fails_for_stops_only_its_own_bots(make_place: MakePlace) -> None:
    place = real_time(make_place, walks(60))
    with place.open() as worker:
        close_bars(place, worker, 30)
        place.market.failing = {f"bars {SECOND}"}
        assert close_bars(place, worker, 33, after_ms=40_000) > 0
        reasons = dict(place.rows("SELECT b.symbol, d.reason FROM open_decision d JOIN bot b ON b.id = d.bot_id"))
    assert reasons.pop(SECOND) == "STALE"
    assert reasons
    assert "STALE" not in reasons.values()


def close_bars(place: Place, worker: LiveWorker, bars: int, after_ms: int = 2_000) -> int:
    """Move the clock to shortly after the close of so many bars from the first, one by one, and step each."""
    steps = 0
    while place.clock.now_ms() < START_MS + bars * STEP_MS:
        place.clock.advance_ms(STEP_MS - place.clock.now_ms() % STEP_MS + after_ms)
        steps += step(worker)
    return steps


def test_bars_that_come_too_late_are_caught_up_without_entries(make_place: MakePlace) -> None:
    bars = {symbol: still_bars([100.0] * 60) for symbol in SYMBOLS}
    place = real_time(make_place, bars, *STEADY)
    with place.open() as worker:
        assert close_bars(place, worker, 10) == 10
        # The worker sleeps through twelve bars, in which the ATR has warmed up.
        place.clock.advance_ms(12 * STEP_MS)
        assert step(worker) == 12
    late = place.rows("SELECT symbol, status, step FROM bar_record WHERE symbol = ? ORDER BY step", FIRST)
    assert late == [(FIRST, "LATE", number) for number in range(11, 21)], "the last two are within two bars"
    assert {reason for (reason,) in place.rows("SELECT DISTINCT reason FROM decision")} >= {"STALE", "WARMUP"}
    first_fill = place.value("SELECT min(step) FROM fill")
    assert first_fill == 21
    assert place.value("SELECT lateness_ms FROM heartbeat") < STEP_MS
    assert_books(place)


def test_protective_exits_work_in_late_bars(make_place: MakePlace) -> None:
    closes = [100.0] * 25 + [90.0] * 35
    place = real_time(make_place, {symbol: still_bars(closes) for symbol in SYMBOLS}, *STEADY, "risk.stop=0.08")
    with place.open() as worker:
        close_bars(place, worker, 20)
        assert place.value("SELECT count(*) FROM bot_state WHERE quantity > 0") == 2
        place.clock.advance_ms(12 * STEP_MS)
        step(worker)
    assert place.rows("SELECT DISTINCT trigger FROM fill WHERE step = 26") == [("STOP",)]
    assert place.value("SELECT count(*) FROM bar_record WHERE step = 26 AND status = 'LATE'") == 2
    assert_books(place)


def test_a_bar_that_may_still_come_is_waited_for(make_place: MakePlace) -> None:
    place = real_time(make_place, {symbol: still_bars([100.0] * 60) for symbol in SYMBOLS}, *STEADY)
    with place.open() as worker:
        close_bars(place, worker, 5)
        place.market.silent = {SECOND}
        assert close_bars(place, worker, 6) == 0
        place.clock.advance_ms(20_000)
        assert step(worker) == 0
        place.market.silent.clear()
        assert step(worker) == 1
    assert place.value("SELECT count(*) FROM bar_record") == 0


def test_a_bar_that_does_not_come_is_missing_after_half_a_minute(make_place: MakePlace) -> None:
    place = real_time(make_place, {symbol: still_bars([100.0] * 60) for symbol in SYMBOLS}, *STEADY)
    with place.open() as worker:
        close_bars(place, worker, 20)
        place.market.silent = {SECOND}
        assert close_bars(place, worker, 21) == 0
        place.clock.advance_ms(30_000)
        assert step(worker) == 1
    assert place.rows("SELECT symbol, status, step, reason FROM bar_record") == [(SECOND, "MISSING", 21, "no bar came")]
    assert dict(place.rows("SELECT symbol, reason FROM bot_state JOIN bot ON bot.id = bot_id")) == {
        FIRST: "HOLD",
        SECOND: "STALE",
    }
    assert_books(place)


def told(place: Place) -> list[tuple[str, str]]:
    return place.rows("SELECT kind, message FROM event WHERE kind LIKE 'SYMBOL_%' ORDER BY id")


def test_a_symbol_that_is_refused_is_gone_on_without_after_the_patience_and_told_of_once(make_place: MakePlace) -> None:
    place = real_time(make_place, {symbol: still_bars([100.0] * 60) for symbol in SYMBOLS}, *STEADY)
    with place.open() as worker:
        close_bars(place, worker, 20)
        place.market.refused = {SECOND}
        assert close_bars(place, worker, 21) == 0, "it may have been a mistake"
        place.clock.advance_ms(30_000)
        assert step(worker) == 1
        assert close_bars(place, worker, 25) == 4, "the bars after are not waited for"
        place.market.refused = set()
        assert close_bars(place, worker, 26) == 1
    (missing, why), back = told(place)
    assert missing == "SYMBOL_MISSING"
    assert why.startswith(
        f"{SECOND} has no bar: bars {SECOND} is not known; st_bbb_usdt_5m_p1 hold it, valued at its last"
    )
    assert back == ("SYMBOL_BACK", f"{SECOND} has bars again, after 30 min")
    assert place.value("SELECT count(*) FROM bar_record WHERE status = 'MISSING'") == 5
    assert_books(place)


def test_a_fleet_of_nothing_but_refused_symbols_goes_on(make_place: MakePlace) -> None:
    place = real_time(make_place, {symbol: still_bars([100.0] * 60) for symbol in SYMBOLS}, *STEADY)
    with place.open() as worker:
        close_bars(place, worker, 20)
        place.market.refused = set(SYMBOLS)
        assert close_bars(place, worker, 22, after_ms=31_000) == 2
    with place.open() as worker:
        assert close_bars(place, worker, 23, after_ms=31_000) == 1, "it starts, too"
        place.market.refused = set()
        assert close_bars(place, worker, 24) == 1
    assert {status for (status,) in place.rows("SELECT status FROM market_state")} == {"FRESH"}
    assert_books(place)


def test_an_outage_of_the_whole_exchange_is_waited_for(make_place: MakePlace) -> None:
    place = real_time(make_place, {symbol: still_bars([100.0] * 60) for symbol in SYMBOLS}, *STEADY)
    with place.open() as worker:
        close_bars(place, worker, 20)
        place.market.refused, place.market.failing = {FIRST}, {f"bars {SECOND}"}
        place.clock.advance_ms(STEP_MS + 200_000)
        for _ in range(3):
            with pytest.raises(MarketError, match=f"bars {SECOND} must be answered"):
                step(worker)
        place.market.failing = set()
        assert step(worker) == 1
    assert place.rows("SELECT symbol FROM bar_record WHERE status = 'MISSING'") == [(FIRST,)]


def test_a_symbol_that_was_read_and_others_that_fail_later_make_a_step_after_the_patience(
    make_place: MakePlace,
) -> None:
    place = real_time(make_place, {symbol: still_bars([100.0] * 60) for symbol in SYMBOLS}, *STEADY)
    with place.open() as worker:
        close_bars(place, worker, 20)
        place.market.silent = {SECOND}
        assert close_bars(place, worker, 21) == 0
        place.market.silent, place.market.failing = set(), {f"bars {FIRST}", f"bars {SECOND}"}
        assert step(worker) == 0
        place.clock.advance_ms(30_000)
        assert step(worker) == 1
    assert place.rows("SELECT symbol FROM bar_record") == [(SECOND,)]


def test_what_was_not_asked_is_asked_first_at_the_next_try_and_waited_for(make_place: MakePlace) -> None:
    """An exchange that hangs for one symbol: the others are never missing because of it."""
    place = real_time(make_place, {symbol: still_bars([100.0] * 60) for symbol in SYMBOLS}, *STEADY)
    asked, fetch = [], place.market.fetch_bars

    def hang(symbol: str, start_ms: int, end_ms: int) -> Bars:
        asked.append(symbol)
        if symbol == FIRST:
            place.clock.advance_ms(21_000)
            raise MarketError("silence")
        if asked[-2:] == [FIRST, SECOND]:
            raise NotAsked("what failed before took long")
        return fetch(symbol, start_ms, end_ms)

    with place.open() as worker:
        close_bars(place, worker, 20)
        place.market.fetch_bars = hang
        with pytest.raises(MarketError, match="silence"):
            close_bars(place, worker, 21)
        assert asked == [FIRST, SECOND]
        asked.clear()
        assert step(worker) == 1
        assert asked == [SECOND, FIRST]
    assert place.rows("SELECT symbol FROM bar_record") == [(FIRST,)]


def test_a_clock_that_is_set_back_keeps_no_bar_and_is_told_of(make_place: MakePlace) -> None:
    place = make_place(small_settings(*STEADY), FakeMarket({symbol: still_bars([100.0] * 60) for symbol in SYMBOLS}))
    with place.open() as worker:
        step(worker, 10)
        before_ms, due_ms = place.rows("SELECT wall_ms, due_ms FROM heartbeat")[0]
        place.clock.advance_ms(4_000)
        place.clock.set_wall_ms(place.clock.now_ms() - 3_600_000)
        worker.beat()
        assert place.rows("SELECT wall_ms, due_ms FROM heartbeat") == [(before_ms - 3_600_000, due_ms - 3_600_000)]
        worker.beat()
        with transaction(place.engine) as connection:
            overview = load_overview(connection, 1)
        assert overview is not None
        assert liveness(overview, place.clock.now_ms()).age_ms == 4_000
        place.clock.set_wall_ms(place.clock.now_ms() + 7_200_000)
        step(worker, 1)
        assert place.value("SELECT wall_ms FROM heartbeat") == place.clock.now_ms()
        worker.beat()
        assert place.value("SELECT wall_ms FROM heartbeat") == place.clock.now_ms(), "moved once"
    assert [message for (message,) in place.rows("SELECT message FROM event WHERE kind = 'CLOCK_SET'")] == [
        "this machine's clock was set back by 60 min; bars close all the same",
        "this machine's clock was set forward by 2.0 h; bars close all the same",
    ]


def test_an_order_waits_for_the_first_price_and_is_cancelled_without_one(make_place: MakePlace) -> None:
    bars = {symbol: still_bars([100.0] * 40) for symbol in SYMBOLS}
    bars[SECOND] = without(bars[SECOND], [15])
    place = make_place(small_settings(*STEADY), FakeMarket(bars))
    place.run(15)
    rows = place.rows('SELECT symbol, status, reason FROM "order" ORDER BY decided_ms, symbol')
    assert rows == [
        (FIRST, "FILLED", None),
        (SECOND, "CANCELLED", "the bar to fill in is missing"),
        (SECOND, "FILLED", None),
    ]
    assert_books(place)


# Settings read again while running.


def test_a_reload_takes_over_risk_and_refuses_the_rest(make_place: MakePlace) -> None:
    place = make_place(small_settings(*STEADY), FakeMarket({symbol: still_bars([100.0] * 60) for symbol in SYMBOLS}))
    with place.open() as worker:
        show_and_step(place, worker, 18)
        place.settings = small_settings(*STEADY, "risk.stop=0.05", "broker.fee_rate=0.002", "market.seed=8")
        assert set(worker.reload()) == {
            "broker: fee_rate 0.001 → 0.002",
            "risk: stop 0.0 → 0.05",
            "market needs a restart and was left as it was",
        }
        rules = worker._fleet.rules
        fee_rates = {market.fee_rate for market in worker._fleet.markets}
        assert (rules.stop, fee_rates) == (0.05, {0.002})
        show_and_step(place, worker, 30)
    assert place.value("SELECT count(*) FROM settings_version") == 2
    ((message,),) = place.rows("SELECT message FROM event WHERE kind = 'SETTINGS_CHANGED'")
    assert "risk: stop 0.0 → 0.05" in message
    assert place.value("SELECT broker_label FROM portfolio").startswith("paper, fee 0.2000%")
    assert_books(place)


@pytest.mark.parametrize(("said", "before", "after"), [(None, 5.0, 1.0), (7.0, 7.0, 7.0)])
def test_a_reload_changes_the_exchanges_minimum_only_where_the_exchange_does_not_say_it(
    make_place: MakePlace, said: float | None, before: float, after: float
) -> None:
    market = FakeMarket({symbol: still_bars([100.0] * 40) for symbol in SYMBOLS}, limits=Limits(min_notional=said))
    place = make_place(small_settings(*STEADY, "risk.min_notional=100"), market)
    with place.open() as worker:
        show_and_step(place, worker, 18)
        assert {market.min_notional for market in worker._fleet.markets} == {before}
        place.settings = small_settings(*STEADY, "risk.min_notional=20")
        worker.reload()
        assert {market.min_notional for market in worker._fleet.markets} == {after}
    with place.open() as worker:
        assert {market.min_notional for market in worker._fleet.markets} == {after}


def test_a_limit_that_changes_nothing_is_an_event_at_the_start_and_at_a_reload(make_place: MakePlace) -> None:
    bars = {symbol: still_bars([100.0] * 40) for symbol in SYMBOLS}
    place = make_place(small_settings(*STEADY, "risk.leverage=3"), FakeMarket(bars))
    idle = "SELECT message FROM event WHERE kind = 'SETTING_IDLE' AND severity = 'WARNING'"
    with place.open() as worker:
        ((message,),) = place.rows(idle)
        assert message.startswith("risk.leverage 3 enlarges no position")
        place.settings = small_settings(*STEADY, "risk.max_position=5")
        worker.reload()
        assert place.rows(idle)[1][0].startswith("risk.max_position 5 never binds")
        place.settings = small_settings(*STEADY)
        worker.reload()
    assert len(place.rows(idle)) == 2


def test_a_reload_changes_the_step_as_a_restart_would(make_place: MakePlace) -> None:
    changes = (
        "risk.ladder=[[0.005, 0.3], [0.01, 0.3], [0.015, 0.2], [0.02, 0.2]]",
        "allocation.policy=fixed",
        "allocation.rebalance_band=0",
        "allocation.sleeve_weights={breakout = 3.0}",
        "allocation.bot_weights={bo_aaa_usdt_5m_p1 = 2.0}",
    )
    reloaded, restarted = (make_place(small_settings(), FakeMarket(walks(160))) for _ in range(2))
    for place in (reloaded, restarted):
        place.market.show(60)
    with reloaded.open() as worker:
        step(worker)
        reloaded.settings = small_settings(*changes)
        assert worker.reload()
        show_and_step(reloaded, worker, 160)
    restarted.run()
    restarted.settings = small_settings(*changes)
    restarted.market.show(160)
    restarted.run()
    assert live_fills(reloaded) == live_fills(restarted)
    assert "LADDER" in {fill[7] for fill in live_fills(reloaded)}
    assert reloaded.rows("SELECT * FROM bot_state") == restarted.rows("SELECT * FROM bot_state")


def test_impossible_settings_leave_a_running_fleet_as_it_is(make_place: MakePlace) -> None:
    place = make_place(small_settings(), FakeMarket(walks()))
    with place.open() as worker:
        step(worker, 20)
        place.settings = small_settings("allocation.sleeve_low=0.5", "allocation.sleeve_high=0.6", "risk.stop=0.5")
        with pytest.raises(ConfigurationError, match=r"allocation.sleeve_low must be at most 1/3"):
            worker.reload()
        assert worker._fleet.rules.stop == 0.08
        step(worker)
    assert place.value("SELECT count(*) FROM settings_version") == 1


def test_bounds_that_leave_no_room_are_said_at_the_start_and_after_a_reload(make_place: MakePlace) -> None:
    place = make_place(small_settings(f"allocation.sleeve_low={1 / 3}"), FakeMarket(walks()))
    said = "SELECT severity, message FROM event WHERE kind = 'SETTING_IDLE' ORDER BY id"
    with place.open() as worker:
        step(worker, 5)
        (first,) = place.rows(said)
        place.settings = small_settings(f"allocation.bot_high={1 / 2}")
        worker.reload()
    assert first[0] == "WARNING" and "allocation.sleeve_low 0.333333 leaves the 3 sleeves no room" in first[1]
    later = [message for _, message in place.rows(said)[1:]]
    assert [message.split(" no room")[0] for message in later] == [
        f"allocation.bot_high 0.5 leaves the 2 bots of {name}" for name in ("breakout", "trend_following")
    ]
