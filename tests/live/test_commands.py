"""What people ask of a running fleet, and what they are answered."""

import pytest

from shared.enums import Cause, CommandKind
from shared.errors import LeaseError
from shared.words import many
from tests.live.books_check import assert_books
from tests.live.conftest import MakePlace
from tests.live.fake_market import START_MS, STEP_MS, FakeMarket, random_bars, still_bars, without
from tests.live.plain_strategies import NO_DEFAULTS, PLAIN_RISK
from tests.live.running import SYMBOLS, Place, show_and_step, small_settings
from worker.strategies.bars import Bars

pytestmark = pytest.mark.usefixtures("plain")

FIRST, SECOND = SYMBOLS
HELD = 18
# On each symbol two bots: one long, one short by half.
PLAIN = (*NO_DEFAULTS, *PLAIN_RISK, "risk.netting=false", "strategies.steady.grid=[[1.0], [-0.5]]")
LONG, SHORT = "st_aaa_usdt_5m_p1", "st_aaa_usdt_5m_p2"


def prices(bars: int = 60) -> dict[str, Bars]:
    """Prices that stand."""
    return {symbol: still_bars([100.0] * bars, wobble=0.001) for symbol in SYMBOLS}


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    """Four bots that hold their positions."""
    place = make_place(small_settings(*PLAIN), FakeMarket(prices()))
    with place.open() as worker:
        show_and_step(place, worker, HELD)
    assert len(held(place)) == 4
    return place


def held(place: Place) -> dict[str, float]:
    """The positions that are open."""
    return dict(place.rows("SELECT name, quantity FROM bot_state JOIN bot ON bot.id = bot_id WHERE quantity != 0"))


SCOPES = {"portfolio": ("", 4), "sleeve": ("sleeve:steady", 4), "bot": (f"bot:{LONG}", 1)}
by_scope = pytest.mark.parametrize(("scope", "bots"), SCOPES.values(), ids=SCOPES)


@by_scope
def test_flatten_acts_at_once_and_says_what_it_closed(place: Place, scope: str, bots: int) -> None:
    with place.open() as worker:
        before = held(place)
        status, said = place.ask_and_answer(worker, CommandKind.FLATTEN, scope)
        assert status == "DONE"
        assert len(held(place)) == 4 - bots, "between two bars"
        worth = sum(abs(quantity) for name, quantity in before.items() if name not in held(place))
        closes = place.rows("SELECT price * abs(quantity) FROM fill WHERE trigger = 'FLATTEN'")
        assert len(closes) == bots
        assert (
            said == f"closed {many(bots, 'position')} worth {sum(worth for (worth,) in closes):,.2f} at the last price"
        )
        assert worth == pytest.approx(sum(price for (price,) in closes) / 100.0, rel=1e-3)
        assert place.value("SELECT step FROM portfolio_state") == HELD + 1, "a step of its own"
    assert_books(place)
    place.market.show(30)
    with place.open() as worker:
        worker.step_due(lambda: False)
    assert len(held(place)) == 4 - bots, "nothing enters again"
    assert_books(place)


@by_scope
def test_pause_keeps_what_is_held_and_lets_nothing_in(make_place: MakePlace, scope: str, bots: int) -> None:
    place = make_place(small_settings(*PLAIN), FakeMarket(prices()))
    with place.open() as worker:
        show_and_step(place, worker, 10)
        status, said = place.ask_and_answer(worker, CommandKind.PAUSE, scope)
        where = scope.replace(":", " ") or "portfolio"
        assert (status, said) == ("DONE", f"{where} is at NO_ENTRIES")
    with place.open() as worker:
        show_and_step(place, worker, 40)
    assert len(held(place)) == 4 - bots
    reasons = place.rows("SELECT DISTINCT reason FROM bot_state WHERE quantity = 0")
    assert reasons == [("NO_ENTRIES",)]


@by_scope
def test_halt_leaves_positions_and_sends_no_order_at_all(place: Place, scope: str, bots: int) -> None:
    with place.open() as worker:
        before = held(place)
        status, said = place.ask_and_answer(worker, CommandKind.HALT, scope)
        where = scope.replace(":", " ") or "portfolio"
        assert (status, said) == ("DONE", f"{where} is at HALTED; {many(bots, 'position')} without stops")
    with place.open() as worker:
        show_and_step(place, worker, 40)
    assert held(place) == before


@by_scope
def test_release_lets_a_scope_trade_again(place: Place, scope: str, bots: int) -> None:
    with place.open() as worker:
        place.ask_and_answer(worker, CommandKind.FLATTEN, scope)
        status, said = place.ask_and_answer(worker, CommandKind.RELEASE, scope)
        where = scope.replace(":", " ") or "portfolio"
        assert (status, said) == ("DONE", f"{where} released, cause PERSON")
        show_and_step(place, worker, 30)
    assert len(held(place)) == 4
    assert_books(place)


def test_a_level_is_latched_across_restarts(place: Place) -> None:
    with place.open() as worker:
        place.ask_and_answer(worker, CommandKind.HALT, "bot:" + LONG)
        place.ask_and_answer(worker, CommandKind.PAUSE, "sleeve:steady")
    for bars in (20, 22, 30):
        with place.open() as worker:
            show_and_step(place, worker, bars)
    levels = dict(place.rows("SELECT name, level FROM bot_state JOIN bot ON bot.id = bot_id"))
    assert levels.pop(LONG) == "HALTED"
    assert set(levels.values()) == {"NO_ENTRIES"}


REFUSED = {
    "unknown sleeve": (CommandKind.PAUSE, "sleeve:stady", None, None, "sleeve must be one of steady, was 'stady'"),
    "unknown bot": (CommandKind.HALT, "bot:st_x", None, None, "bot must be a running bot, was 'st_x'"),
    "lower level": (
        CommandKind.PAUSE,
        "",
        None,
        None,
        "portfolio is at HALTED already, which is more; release it first",
    ),
    "nothing held": (CommandKind.RELEASE, "sleeve:steady", None, None, "sleeve steady is held by nothing of its own"),
    "other cause": (CommandKind.RELEASE, "", None, Cause.CRASHES, "portfolio is not held by CRASHES"),
    "negative deposit": (CommandKind.DEPOSIT, "", -5.0, None, "amount must be at least 0.01, was -5.0"),
    "deposit beyond what sums exactly": (
        CommandKind.DEPOSIT,
        "",
        1e12,
        None,
        "equity must stay below 8,589,934,592.00, for books that sum exactly; was to become 1,000,000,003,995.50",
    ),
    "dust": (CommandKind.DEPOSIT, "", 1e-9, None, "amount must be at least 0.01, was 1e-09"),
    "no amount": (CommandKind.WITHDRAW, "", None, None, "amount must be at least 0.01, was None"),
    "scoped deposit": (
        CommandKind.DEPOSIT,
        "sleeve:steady",
        5.0,
        None,
        "deposit must be for the portfolio, was for sleeve steady",
    ),
}


@pytest.mark.parametrize(("kind", "scope", "amount", "cause", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    place: Place, kind: CommandKind, scope: str, amount: float | None, cause: Cause | None, sentence: str
) -> None:
    with place.open() as worker:
        place.ask_and_answer(worker, CommandKind.HALT)
        before = place.rows("SELECT * FROM portfolio_state"), place.rows("SELECT * FROM transfer")
        assert place.ask_and_answer(worker, kind, scope, amount, cause) == ("REFUSED", sentence)
    assert (place.rows("SELECT * FROM portfolio_state"), place.rows("SELECT * FROM transfer")) == before
    ((severity, message),) = place.rows("SELECT severity, message FROM event WHERE kind LIKE '%REFUSED'")
    assert severity == "INFO"
    assert sentence in message


def test_the_daily_loss_brake_is_not_released_by_hand(make_place: MakePlace) -> None:
    bars = {symbol: still_bars([100.0] * HELD + [60.0] * 10, wobble=0.001) for symbol in SYMBOLS}
    place = make_place(small_settings(*PLAIN, "strategies.steady.grid=[[1.0]]"), FakeMarket(bars))
    with place.open() as worker:
        show_and_step(place, worker, HELD + 2)
        assert place.value("SELECT level_daily_loss FROM portfolio_state") == "NO_ENTRIES"
        status, said = place.ask_and_answer(worker, CommandKind.RELEASE, cause=Cause.DAILY_LOSS)
        assert (status, said) == (
            "REFUSED",
            "the daily loss brake releases itself at 00:00 UTC; it is not released by hand",
        )
        status, said = place.ask_and_answer(worker, CommandKind.RELEASE)
        assert (status, said) == ("REFUSED", "portfolio is held by drawdown, daily_loss: say which with --cause")


def test_more_than_is_free_is_not_paid_out(place: Place) -> None:
    with place.open() as worker:
        status, said = place.ask_and_answer(worker, CommandKind.WITHDRAW, amount=3900.0)
    assert status == "REFUSED"
    assert said.startswith("withdrawal must be at most the free 9")
    assert said.endswith(", was 3,900.00")


@pytest.mark.parametrize(("kind", "amount"), [(CommandKind.DEPOSIT, 2000.0), (CommandKind.WITHDRAW, 600.0)], ids=str)
def test_a_flow_is_no_drawdown_and_no_return_and_no_trade(
    make_place: MakePlace, kind: CommandKind, amount: float
) -> None:
    walks = {symbol: random_bars(80, 3 + at) for at, symbol in enumerate(SYMBOLS)}
    place = make_place(small_settings(*PLAIN, "risk.brakes=false"), FakeMarket(walks))
    columns = "equity, high_water, day_start_equity"
    with place.open() as worker:
        show_and_step(place, worker, 33)
        ((equity, high, start),) = place.rows(f"SELECT {columns} FROM portfolio_state")
        of_bots = place.rows("SELECT bot_id, equity / high_water FROM bot_state")
        fills = place.value("SELECT count(*) FROM fill")
        status, _ = place.ask_and_answer(worker, kind, amount=amount)
        assert status == "DONE"
        ((after, after_high, after_start),) = place.rows(f"SELECT {columns} FROM portfolio_state")
        assert after - equity == pytest.approx(amount if kind is CommandKind.DEPOSIT else -amount, abs=1e-9)
        assert after / after_high == pytest.approx(equity / high, rel=1e-12)
        assert after / after_start == pytest.approx(equity / start, rel=1e-12)
        for (bot, share), (_, before) in zip(
            place.rows("SELECT bot_id, equity / high_water FROM bot_state"), of_bots, strict=True
        ):
            assert share == pytest.approx(before, rel=1e-12), bot
        # The next step's returns are measured from the equity after the flow.
        for table in ("portfolio_state", "sleeve_state", "bot_state"):
            gaps = place.rows(f"SELECT settled_equity - equity FROM {table}")
            assert gaps == [(0.0,)] * len(gaps), table
        assert place.value("SELECT count(*) FROM fill") == fills
        assert_books(place)
        show_and_step(place, worker, 80)
    assert_books(place)
    moved = place.rows(
        "SELECT sum(amount), count(*) FROM transfer WHERE kind = ? AND command_id IS NOT NULL",
        "DEPOSIT" if kind is CommandKind.DEPOSIT else "WITHDRAWAL",
    )
    assert moved[0][0] == pytest.approx(amount if kind is CommandKind.DEPOSIT else -amount, abs=1e-9)


def test_a_level_that_is_asked_but_not_taken_stops_orders_at_the_gateway(make_place: MakePlace) -> None:
    place = make_place(small_settings(*PLAIN), FakeMarket(prices()))
    with place.open() as worker:
        show_and_step(place, worker, 13)
        worker.answer_commands = lambda: 0
        place.ask(CommandKind.PAUSE, f"bot:{LONG}")
        show_and_step(place, worker, HELD)
        assert set(held(place)) == {SHORT, *(name.replace("aaa", "bbb") for name in (LONG, SHORT))}
    assert_books(place)


def test_commands_taken_before_a_crash_are_answered_after_it(place: Place) -> None:
    command = place.ask(CommandKind.FLATTEN)
    place.write("UPDATE command SET status = 'TAKEN', taken_ms = 1 WHERE id = ?", command)
    with place.open() as worker:
        assert worker.answer_commands() == 1
        assert worker.answer_commands() == 0
    assert place.answer(command)[0] == "DONE"
    assert not held(place)


def test_every_command_leaves_its_trail(place: Place) -> None:
    with place.open() as worker:
        place.ask_and_answer(worker, CommandKind.PAUSE, f"bot:{LONG}", reason="nervous")
    ((kind, who, why, asked, taken, answered, status),) = place.rows(
        "SELECT kind, who, reason, asked_ms, taken_ms, answered_ms, status FROM command"
    )
    assert (kind, who, why, status) == ("PAUSE", "ann", "nervous", "DONE")
    assert asked <= taken <= answered
    said = "SELECT scope_kind, scope, message FROM event WHERE kind = 'PAUSE_DONE'"
    ((scope_kind, scope, message),) = place.rows(said)
    assert (scope_kind, scope) == ("BOT", LONG)
    assert message == f"ann: pause bot {LONG} (nervous): bot {LONG} is at NO_ENTRIES"


def test_levels_are_taken_before_money(place: Place) -> None:
    deposit, halt = place.ask(CommandKind.DEPOSIT, amount=10.0), place.ask(CommandKind.HALT)
    with place.open() as worker:
        assert worker.answer_commands() == 2
    order = [int(kind == "HALT_DONE") for (kind,) in place.rows("SELECT kind FROM event ORDER BY id")]
    assert order == [1, 0]
    assert {place.answer(deposit)[0], place.answer(halt)[0]} == {"DONE"}


def test_flatten_before_the_first_bar_leaves_market_time_alone(make_place: MakePlace) -> None:
    place = make_place(small_settings(*PLAIN), FakeMarket(prices()))
    place.market.show(0)
    with place.open() as worker:
        assert place.ask_and_answer(worker, CommandKind.FLATTEN) == ("DONE", "nothing is open before the first bar")
    with place.open() as worker:
        assert place.market.began[-1] is None
        assert show_and_step(place, worker, 20) == 20
    assert place.value("SELECT min(time_ms) FROM equity_point WHERE resolution = 'STEP'") == START_MS + STEP_MS


# Bars of the first symbol that do not come, so that its orders of the bar before wait.
GAP = 15


@pytest.fixture
def waiting(make_place: MakePlace) -> Place:
    """Entries on both symbols that wait, because one symbol's next bar has not begun."""
    bars = prices()
    bars[FIRST] = without(bars[FIRST], [GAP])
    place = make_place(small_settings(*PLAIN, "risk.netting=true"), FakeMarket(bars))
    with place.open() as worker:
        show_and_step(place, worker, GAP)
    assert place.value("SELECT count(*) FROM \"order\" WHERE status = 'INTENT'") == 2
    return place


def orders(place: Place) -> list[tuple]:
    """All orders: symbol, side, status, quantity, filled, reason."""
    return place.rows('SELECT symbol, side, status, round(quantity, 4), round(filled_quantity, 4), reason FROM "order"')


@pytest.mark.parametrize("restarts", [False, True], ids=["at once", "after a restart"])
def test_a_pause_changes_the_order_that_waits(waiting: Place, restarts: bool) -> None:
    place = waiting
    with place.open() as worker:
        place.ask_and_answer(worker, CommandKind.PAUSE, "bot:" + LONG.replace("aaa", "bbb"))
        if not restarts:
            show_and_step(place, worker, GAP + 2)
    if restarts:
        with place.open() as worker:
            show_and_step(place, worker, GAP + 2)
    assert held(place)[SHORT.replace("aaa", "bbb")] < 0.0
    by_symbol = {row[0]: row for row in orders(place)[:2]}
    assert by_symbol[FIRST][2:] == ("CANCELLED", by_symbol[FIRST][3], 0.0, "the bar to fill in is missing")
    assert by_symbol[SECOND][1:3] == ("SELL", "FILLED")
    assert by_symbol[SECOND][3] == by_symbol[SECOND][4]
    assert_books(place)


@pytest.mark.parametrize("restarts", [False, True], ids=["at once", "after a restart"])
def test_a_halt_takes_back_the_orders_that_wait(waiting: Place, restarts: bool) -> None:
    place = waiting
    with place.open() as worker:
        place.ask_and_answer(worker, CommandKind.HALT)
        fates = {(status, filled, reason) for *_, status, _, filled, reason in orders(place)}
        assert fates == {("CANCELLED", 0.0, "taken back: a level rose")}
        if not restarts:
            show_and_step(place, worker, 30)
    if restarts:
        with place.open() as worker:
            show_and_step(place, worker, 30)
    assert not held(place)
    assert place.value("SELECT count(*) FROM fill") == 0
    assert_books(place)


@pytest.mark.parametrize("restarts", [False, True], ids=["at once", "after a restart"])
def test_a_flatten_of_one_bot_lets_the_orders_of_the_others_wait_on(waiting: Place, restarts: bool) -> None:
    place = waiting
    place.market.shown_to_ms += STEP_MS // 2
    with place.open() as worker:
        assert place.ask_and_answer(worker, CommandKind.FLATTEN, "bot:" + SHORT.replace("aaa", "bbb"))[0] == "DONE"
        if not restarts:
            show_and_step(place, worker, GAP + 1)
    if restarts:
        with place.open() as worker:
            show_and_step(place, worker, GAP + 1)
    assert set(held(place)) == {LONG.replace("aaa", "bbb")}
    assert_books(place)


def test_a_crash_brake_takes_back_the_entries_that_wait(waiting: Place) -> None:
    place = waiting
    with place.open(crash_brake=True) as worker:
        show_and_step(place, worker, 30)
    assert not held(place)
    assert place.rows("SELECT severity FROM event WHERE kind = 'CRASHES_TRIPPED'") == [("ERROR",)]
    assert_books(place)
    with place.open() as worker:
        assert place.ask_and_answer(worker, CommandKind.RELEASE)[0] == "DONE"
        show_and_step(place, worker, 34)
    assert len(held(place)) == 4


def test_a_lost_lease_answers_no_command(place: Place) -> None:
    with place.open() as worker:
        command = place.ask(CommandKind.HALT)
        place.write("UPDATE heartbeat SET lease_token = lease_token + 1")
        with pytest.raises(LeaseError, match="taken over by process"):
            worker.answer_commands()
    assert place.answer(command) == ("ASKED", None)
    assert place.value("SELECT level_person FROM portfolio_state") == "RUNNING"


@pytest.mark.slow
def test_money_is_taken_from_the_account_that_was_named(make_place: MakePlace) -> None:
    walks = {symbol: random_bars(80, 3 + at) for at, symbol in enumerate(SYMBOLS)}
    accounts = ("accounts.one.fee_rate=0.001", "accounts.two.fee_rate=0.002", "strategies.breakout.account=two")
    place = make_place(small_settings(*accounts, "strategies.breakout.enabled=true"), FakeMarket(walks))
    cash = "SELECT sum(cash) FROM bot_state JOIN bot ON bot.id = bot_id JOIN sleeve ON sleeve.id = sleeve_id "
    with place.open() as worker:
        show_and_step(place, worker, 2)
        status, said = place.ask_and_answer(worker, CommandKind.WITHDRAW, amount=300.0)
        assert (status, said) == (
            "REFUSED",
            "account must be one of one, two, was not said: say which with --account",
        )
        before = [place.value(f"{cash} WHERE sleeve.account = '{name}'") for name in ("one", "two")]
        status, said = place.ask_and_answer(worker, CommandKind.WITHDRAW, amount=300.0, detail="two")
        assert status == "DONE", said
        after = [place.value(f"{cash} WHERE sleeve.account = '{name}'") for name in ("one", "two")]
        assert after == [before[0], pytest.approx(before[1] - 300.0)]
        status, said = place.ask_and_answer(worker, CommandKind.WITHDRAW, amount=1e6, detail="two")
        assert "of account two, was" in said
