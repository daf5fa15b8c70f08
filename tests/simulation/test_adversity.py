"""Adversity by name: what each must end in, held against the exchange's own record and the books."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from shared.enums import Cause, CommandKind
from shared.errors import ConfigurationError, DatabaseError, DiskFull, LeaseError
from tests.live.plain_strategies import make_strategy, plain
from tests.simulation.adversity import LATER_BAR, MINUTE_MS, Trial, make_trial, places_order
from tests.simulation.crash_matrix import walk
from tests.simulation.troubles import Away, FullAt, Nap, is_mark
from tests.simulation.world import ACCOUNT, START_MS, STEP_MS, Process
from worker.orders.gateway import Gateway, Verdict
from worker.orders.live_order import LiveOrder
from worker.strategies.bands import Bands
from worker.strategies.bars import Bars
from worker.strategies.registry import STRATEGIES

__all__ = ["plain"]

FOR_EVER = 10**9


def _later(bars: Bars, exposure: float) -> Bands:
    wanted = np.where(bars.open_ms >= START_MS + LATER_BAR * STEP_MS, exposure, 0.0)
    return Bands(wanted, wanted)


def _trial(root: Path, venue: str = "binance swap") -> Trial:
    return make_trial(root, venue, "broker.reconcile_seconds=300")


def _running(trial: Trial) -> Process:
    assert trial.process is not None
    return trial.process


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch, plain: None) -> None:
    """Let settings name the strategy `later`, too."""
    monkeypatch.setitem(STRATEGIES, "later", make_strategy("later", _later))


def _outage(trial: Trial, fault: str, since: float, until: float, path: str = "*") -> None:
    """Let requests fail from one minute to another."""
    rule = trial.world.desk.faults.add(fault, path, times=FOR_EVER, code=503)
    rule.since_ms, rule.until_ms = (START_MS + round(minutes * MINUTE_MS) for minutes in (since, until))


@pytest.mark.slow
@pytest.mark.parametrize(("venue", "fault"), [("binance swap", "hang"), ("binance spot", "status")])
def test_an_outage_of_an_hour_in_positions(tmp_path: Path, venue: str, fault: str) -> None:
    trial, seen = _trial(tmp_path, venue), []
    trial.before_sending = lambda: seen.extend(trial.rows("SELECT reconciled_ms FROM account_state"))
    _outage(trial, fault, 80, 140)
    # What is open there can be read later still.
    _outage(trial, fault, 80, 155, "*penOrders*")
    trial.market.is_down = lambda: 80 <= trial.minutes() < 140
    # Stops are reached within the outage; the later bots want to enter at the close of minute 135, within it too.
    trial.fall(95)
    trial.run(180)
    entries, exits, later = trial.placed()[:2], trial.placed()[2:4], trial.placed()[4:]
    assert [one.minutes for one in entries] == pytest.approx([15, 15], abs=0.1)
    # Exits at once: no later than the longest wait between two tries. Entries after a whole pass.
    assert all(one.side == "sell" and 140 <= one.minutes <= 141.1 for one in exits)
    assert [(one.side, round(one.minutes)) for one in later] == [("buy", 165), ("buy", 165)]
    assert all(reconciled_ms > START_MS + 155 * MINUTE_MS for (reconciled_ms,) in seen[-2:])
    assert "RECONCILIATION" in trial.reasons("later")
    (said,) = trial.events("RECONCILIATION_FAILED")
    assert said.endswith("no entries there until a pass agrees")
    assert trial.ends == []
    assert not trial.broken()


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before sending", "before the outcome"])
@pytest.mark.parametrize("minutes", [1, 10])
def test_a_database_that_stops_answering(tmp_path: Path, when: str, minutes: float) -> None:
    trial = _trial(tmp_path)
    trial.database.words = "unable to open database file"

    def begins(statement: str) -> bool:
        return is_mark(statement) if when == "before sending" else bool(trial.requests())

    trial.database.fails = Away(trial, begins, minutes)
    trial.run(34)
    sent = trial.requests()
    assert trial.database.failures > 3
    assert set(trial.ends) == {DatabaseError.exit_code}
    # Nothing leaves while nothing can be committed: of two orders, the one whose mark was there before, at most.
    assert sum(minute < 15 + minutes for minute in sent) == (0 if when == "before sending" else 1)
    # A young intention leaves after all, under its name; an old one is cancelled, and wanted anew at the next bar.
    statuses = [(status, reason) for _, status, reason in trial.orders()]
    filled, expired = ("FILLED", None), ("CANCELLED", "EXPIRED_INTENT")
    lost = 2 if when == "before sending" else 1
    assert statuses == ([filled] * 2 if minutes == 1 else [filled] * (2 - lost) + [expired] * lost + [filled] * lost)
    assert len(sent) == len(trial.placed()) == 2
    assert all(trial.held().values())
    assert not trial.broken()


@pytest.mark.slow
def test_a_database_that_stops_answering_between_two_bars(tmp_path: Path) -> None:
    trial = _trial(tmp_path)
    trial.database.words = "unable to open database file"
    trial.database.fails = Away(trial, lambda statement: trial.minutes() > 20 and "FROM command" in statement, 10)
    trial.run(34)
    # Something outside is not there: no crash, of which five would stop entries.
    assert set(trial.ends) == {DatabaseError.exit_code}
    assert len(trial.placed()) == 2
    assert not trial.broken()


@pytest.mark.slow
def test_two_workers_at_once(tmp_path: Path) -> None:
    trial = _trial(tmp_path)
    world = trial.world

    def second() -> None:
        _running(trial).worker.beat()
        with pytest.raises(LeaseError, match="holds the lease since"):
            world.start(machine="two")

    def fall_asleep() -> None:
        """The first sleeps with its first exit in hand, until the second has taken over and stepped a bar."""
        if trial.minutes() < 100 or len(world.leased_ms) > 1:
            return
        world.clock.sleep(11)
        taker = world.start(machine="two")
        walk(world, taker, START_MS + 122 * MINUTE_MS)
        world.end(taker)

    trial.at(40, second)
    trial.before_sending = fall_asleep
    trial.fall(95)
    trial.run(150)
    # The exit that the first had in hand is proved absent and asked anew, the one that waited behind it leaves later.
    # The second sent nothing while the first had the lease, and the first nothing from when it was taken over on.
    assert [sent.process for sent in world.sent if places_order(sent)] == [0, 0, 2, 2, 3, 3]
    assert [round(one.minutes) for one in trial.placed()] == [15, 15, 105, 120, 135, 135]
    assert [status for minute, status, _ in trial.orders() if minute == 105] == ["ABSENT", "FILLED"]
    assert trial.ends == [LeaseError.exit_code]
    assert not trial.broken()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_disk_that_is_full_at_any_commit_of_a_step(tmp_path: Path) -> None:
    trial = _trial(tmp_path / "undisturbed")
    commits = FullAt(trial, 0, 0)
    trial.database.fails = commits
    trial.run(32)
    places, end = commits.seen, (trial.booked(), trial.held())
    assert places >= 6
    for number in range(1, places + 1):
        trial = _trial(tmp_path / str(number))
        # For so short that intentions leave after all, and for so long that they are too old by then.
        trial.database.fails = FullAt(trial, number, 1 if number % 2 else 6)
        trial.run(32)
        assert trial.database.failures > 0
        assert trial.ends == []
        assert (trial.booked(), trial.held()) == end, f"commit {number} of {places}"
        assert not trial.broken(), f"commit {number} of {places}"


@pytest.mark.slow
def test_one_that_sends_what_it_could_not_commit_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit = Gateway.submit

    def heedless(self: Gateway, order: LiveOrder, price: Decimal, is_confirmed: bool) -> Verdict:
        try:
            return submit(self, order, price, is_confirmed)
        except DiskFull:
            return Verdict(leave_by_ms=trial.world.clock.monotonic_ms() + 1_000)

    monkeypatch.setattr(Gateway, "submit", heedless)
    trial = _trial(tmp_path)
    trial.database.fails = Away(trial, is_mark, 6)
    trial.database.words = "database or disk is full"
    trial.run(32)
    assert any("left and was not in the books" in said for said in trial.broken())


@pytest.mark.slow
def test_a_state_folder_that_cannot_be_written(tmp_path: Path) -> None:
    # Folders stand where files are to be.
    for name in ("flotilla.installation.new", "flotilla.db.flotilla.last.json"):
        (tmp_path / name).mkdir(parents=True)
    trial = _trial(tmp_path)
    trial.fall(95)
    trial.run(122)
    (said,) = trial.events("ACCOUNT")
    assert said.startswith("the installation id must be kept in the state folder, for flatten --direct, was not")
    assert [round(one.minutes) for one in trial.placed()] == [15, 15, 105, 105]
    assert not any(trial.held().values())
    assert not trial.broken()


@pytest.mark.slow
@pytest.mark.parametrize(("set_by_ms", "words"), [(60_000, "60 s ahead of it"), (-60_000, "60 s behind it")])
def test_a_clock_that_is_60_s_off(tmp_path: Path, set_by_ms: int, words: str) -> None:
    trial = _trial(tmp_path)
    clock = trial.world.clock
    trial.at(50, lambda: clock.set_wall_ms(clock.now_ms() + set_by_ms))
    trial.at(125, lambda: clock.set_wall_ms(clock.now_ms() - set_by_ms))
    trial.fall(95)
    trial.run(150)
    # Exits were due at minute 105; they leave at the first close at which the clock is right, entries after them.
    assert [(round(one.minutes), one.side) for one in trial.placed()[2:]] == [(135, "sell")] * 2 + [(135, "buy")] * 2
    refused = {reason for minute, _, reason in trial.orders() if 100 < minute < 130}
    (sentence,) = refused
    assert sentence.endswith(words)
    assert trial.events("CLOCK_OFF") == [f"no order leaves: {sentence}"]
    assert len(trial.requests()) == 6
    assert not trial.broken()


@pytest.mark.slow
@pytest.mark.parametrize("set_by_ms", [20_000, -20_000])
def test_a_clock_that_is_20_s_off_is_corrected(tmp_path: Path, set_by_ms: int) -> None:
    trial = _trial(tmp_path)
    clock = trial.world.clock
    trial.at(50, lambda: clock.set_wall_ms(clock.now_ms() + set_by_ms))
    trial.fall(95)
    trial.run(122)
    # The exchange takes no request whose time is more than 5 s old, or more than 1 s ahead.
    assert [round(one.minutes) for one in trial.placed()] == [15, 15, 105, 105]
    assert trial.rows("SELECT skew_ms FROM account_state")[0][0] == pytest.approx(-set_by_ms, abs=50)
    assert {status for _, status, _ in trial.orders()} == {"FILLED"}
    assert not trial.broken()


@pytest.mark.slow
def test_a_key_is_revoked(tmp_path: Path) -> None:
    trial = _trial(tmp_path)
    key = trial.world.account.key
    trial.at(96, lambda: setattr(key, "is_active", False))
    trial.fall(97)
    trial.run(112)
    # An exit that leaves is refused, and that is said, once; nothing is entered any more, by a level of its own.
    assert len(trial.placed()) == 2
    (said,) = trial.events("KEY_TRIPPED")
    assert said.startswith("no entries until a person releases the cause RECONCILIATION: AuthenticationError")
    assert {status for minute, status, _ in trial.orders() if minute > 100} == {"REJECTED"}
    trial.run(118)
    assert trial.ends == [ConfigurationError.exit_code]
    key.is_active = True
    trial.run(138)
    # With the key back: reconciled, exits leave, entries wait for a person's word.
    assert [(round(one.minutes), one.side) for one in trial.placed()[2:]] == [(120, "sell"), (120, "sell")]
    ((reconciled_ms, differs),) = trial.rows("SELECT reconciled_ms, differs FROM account_state")
    assert reconciled_ms > START_MS + 118 * MINUTE_MS
    assert differs == 0
    trial.world.ask(CommandKind.RELEASE, cause=Cause.RECONCILIATION)
    trial.run(155)
    assert [(round(one.minutes), one.side) for one in trial.placed()[4:]] == [(150, "buy"), (150, "buy")]
    assert not trial.broken()


@pytest.mark.slow
@pytest.mark.parametrize("status", [418, 429])
def test_a_ban_is_obeyed_by_everything_and_over_a_restart(tmp_path: Path, status: int) -> None:
    trial = _trial(tmp_path)
    exchange = trial.world.exchange

    def ban() -> None:
        exchange.ban_status, exchange.banned_until_ms = status, START_MS + 130 * MINUTE_MS

    trial.at(91, ban)
    trial.fall(95)
    trial.run(112)
    trial.run(150)
    # The first request is told so; none follows until the time that it was told is over.
    told, *later = [minute for minute in trial.asked() if minute >= 91]
    assert told < 97
    assert later[0] > 130
    assert {reason.partition(":")[0] for minute, _, reason in trial.orders() if minute == 105} == {"EXPIRED_INTENT"}
    # Exits that were due leave at once then.
    assert [(round(one.minutes), one.side) for one in trial.placed()[2:]] == [(130, "sell")] * 2 + [(135, "buy")] * 2
    assert not trial.broken()


@pytest.mark.slow
def test_exits_have_what_is_kept_back_of_the_rate_budget(tmp_path: Path) -> None:
    trial = _trial(tmp_path)

    def spend() -> None:
        budget = _running(trial).orders.senders[ACCOUNT].client.budget
        budget.heard_used(0.85 * budget.limit)

    trial.at(134.9, spend)
    # The stop of one is reached when the later ones want to enter.
    trial.fall(125, "ETHUSDT")
    trial.run(150)
    exit_, *entries = trial.placed()[2:]
    assert (exit_.symbol, exit_.side) == ("ETHUSDT", "sell")
    assert exit_.minutes == pytest.approx(135, abs=0.1)
    # The exchange's minute is over by then.
    assert [one.minutes for one in entries] == pytest.approx([135.9, 135.9], abs=0.2)
    assert not trial.broken()


@pytest.mark.slow
@pytest.mark.parametrize("where", ["within the commit", "before the request"])
def test_a_worker_sleeps_for_10_minutes_between_commit_and_request(tmp_path: Path, where: str) -> None:
    trial = _trial(tmp_path)
    nap = Nap(trial, 100, 600)
    if where == "within the commit":
        trial.database.fails = nap.at_the_commit_of_a_mark
    else:
        trial.before_sending = nap
    trial.fall(95)
    trial.run(134)
    # What was asked at minute 105 does not leave; the exits are asked anew, and leave when it wakes up.
    late, other, *anew = trial.orders()[2:]
    assert late[1:] == ("CANCELLED", "EXPIRED_INTENT: not sent: it had to leave 599000 ms before")
    assert other[1:] == ("CANCELLED", "EXPIRED_INTENT")
    assert [status for _, status, _ in anew] == ["FILLED", "FILLED"]
    assert [(round(one.minutes), one.side) for one in trial.placed()[2:]] == [(115, "sell")] * 2
    assert not any(trial.held().values())
    assert len(trial.requests()) == 4
    assert not trial.broken()


@pytest.mark.slow
@pytest.mark.parametrize("venue", ["binance spot", "binance swap"])
def test_a_symbol_is_delisted_while_it_is_held(tmp_path: Path, venue: str) -> None:
    trial, bot = _trial(tmp_path, venue), "st_btc_usdt_15m_p1"

    def delist() -> None:
        trial.world.exchange.delist("BTCUSDT")
        trial.market.gone = frozenset({"BTC/USDT"})

    trial.at(40, delist)
    trial.fall(95)
    trial.run(100)
    # It starts again all the same.
    trial.run(155)
    held = trial.booked()[bot]
    # Coins stay where they are, frozen; a position was settled by the exchange: what it was is the books' alone now.
    assert held > 0
    assert bool(trial.held()["BTCUSDT"]) == (venue == "binance spot")
    # The symbol is left alone, and told of; the others go on: exits at once, entries when they are due.
    assert [(one.symbol, one.side, round(one.minutes)) for one in trial.placed()[2:]] == [
        ("ETHUSDT", "sell", 105),
        ("ETHUSDT", "buy", 135),
    ]
    assert all("BTC/USDT cannot be reconciled" in said for said in trial.events("RECONCILIATION_REFUSED"))
    assert any(f"{bot} hold it" in said for said in trial.events("SYMBOL_MISSING"))
    assert trial.ends == []
    # What a person writes off at the price of the settlement is the bot's.
    trial.world.ask(CommandKind.WRITE_OFF, f"bot:{bot}", 57_000.0)
    trial.run(160)
    assert trial.booked()[bot] == 0
    unsold = "BTC/USDT: the books hold 0.0, the exchange 0.0831168"
    assert trial.broken() == ([f"quantities: {unsold}"] if venue == "binance spot" else [])


@pytest.mark.slow
def test_balances_vanish_and_trading_is_suspended(tmp_path: Path) -> None:
    trial = _trial(tmp_path, "binance spot")
    world, worth = trial.world, "SELECT cash, units FROM bot_state ORDER BY bot_id"

    def break_in() -> None:
        world.exchange.flows.vanish(world.account, "BTC")
        world.exchange.flows.vanish(world.account, "USDT", Decimal("0.5"))
        for listing in world.exchange.listings:
            listing.status = "BREAK"

    trial.at(40, break_in)
    # The stops are reached, and the later ones want to enter.
    trial.fall(95)
    trial.run(39)
    before = trial.rows(worth)
    trial.run(155)
    # Nothing was taken by the exchange, nothing entered, and no bot lost or won by what is gone.
    assert len(trial.placed()) == 2
    assert "RECONCILIATION" in trial.reasons("later")
    assert trial.rows(worth) == before
    assert {status for minute, status, _ in trial.orders() if minute > 100} == {"REJECTED"}
    gone = {"BTC": Decimal("-0.0831168"), "USDT": Decimal("-45007.8412635")}
    assert trial.differences() == gone
    (said,) = trial.events("RECONCILIATION_DIFFERS")
    assert "BTC: 0.0831168 expected, 0 found, difference -0.0831168" in said
    # By a person's word it is nobody's: shown as explained otherwise, in no bot's books.
    for coin in ("BTC/USDT", "USDT"):
        world.ask(CommandKind.RECONCILE, detail=f"{coin} unattributed")
    trial.run(160)
    assert trial.differences() == {}
    explained = trial.rows("SELECT coin, explained FROM account_coin WHERE explained != '0'")
    assert {coin: Decimal(amount) for coin, amount in explained} == gone
    assert trial.rows(worth) == before
    assert trial.rows("SELECT count(*) FROM round_trip") == [(0,)]
    assert trial.broken() == ["quantities: BTC/USDT: the books hold 0.0831168, the exchange 0.0"]
