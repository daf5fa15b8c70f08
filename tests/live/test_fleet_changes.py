"""A fleet that changes while it holds positions: bots that leave, come, and come back."""

import pytest

from shared.database import transaction
from shared.errors import ConfigurationError
from tests.live.books_check import assert_books
from tests.live.conftest import MakePlace
from tests.live.fake_market import FakeMarket, random_bars, still_bars
from tests.live.plain_strategies import NO_DEFAULTS, PLAIN_RISK
from tests.live.running import SYMBOLS, Place, show_and_step, small_settings
from worker.market.protocol import Limits
from worker.store.doctor import examine

pytestmark = pytest.mark.usefixtures("plain")

FIRST, SECOND = SYMBOLS
PLAIN = (*NO_DEFAULTS, *PLAIN_RISK, "risk.brakes=false")


def bots(place: Place) -> dict[str, tuple]:
    """Each bot's status, quantity, cash and money put in."""
    rows = place.rows(
        "SELECT name, status, quantity, cash, money_in FROM bot LEFT JOIN bot_state ON bot.id = bot_id ORDER BY bot.id"
    )
    return {name: tuple(row) for name, *row in rows}


def restart(place: Place, bars: int, *overrides: str) -> int:
    """Start with other settings and step up to so many bars."""
    place.settings = small_settings(*overrides)
    with place.open() as worker:
        return show_and_step(place, worker, bars)


def put_in(place: Place) -> float:
    """The money put in and taken out by people."""
    return place.value("SELECT sum(amount) FROM transfer WHERE kind != 'REBALANCE'")


def test_a_bot_that_is_flat_and_no_longer_asked_for_retires_at_the_next_rebalance(make_place: MakePlace) -> None:
    overrides = (*PLAIN, "strategies.steady.grid=[[0.0], [0.5], [1.0]]")
    place = make_place(small_settings(*overrides), FakeMarket({name: still_bars([100.0] * 60) for name in SYMBOLS}))
    restart(place, 20, *overrides)
    gone = "st_aaa_usdt_5m_p1"
    assert bots(place)[gone] == ("ACTIVE", 0.0, 1000.0, 1000.0), "never traded: its money is a whole number"
    restart(place, 26, *PLAIN, "strategies.steady.grid=[[0.5], [1.0]]")
    assert bots(place)[gone] == ("RETIRED", 0.0, 0.0, 0.0)
    note, retired_ms = place.rows("SELECT note, retired_ms FROM bot WHERE name = ?", gone)[0]
    assert (note, retired_ms) == ("no longer in the settings, its money was shared out", place.clock.now_ms())
    assert put_in(place) == 6000.0
    assert_books(place)
    restart(place, 40, *PLAIN, "strategies.steady.grid=[[0.5], [1.0]]")
    assert bots(place)[gone] == ("RETIRED", 0.0, 0.0, 0.0)
    assert place.value("SELECT count(*) FROM event WHERE scope = ?", gone) == 0
    assert_books(place)


@pytest.mark.slow
def test_a_bot_that_holds_a_position_exits_only_and_then_shares_its_money_out(make_place: MakePlace) -> None:
    walks = {name: random_bars(200, 71 + at) for at, name in enumerate(SYMBOLS)}
    place = make_place(small_settings(), FakeMarket(walks))
    restart(place, 60)
    held = [name for name, (_, quantity, *_) in bots(place).items() if quantity != 0.0 and name.startswith("mr_")]
    assert held, "nothing is held by the bots that leave"
    place.settings = small_settings("strategies.mean_reversion.enabled=false")
    with place.open() as worker:
        before = {name: quantity for name, (_, quantity, *_) in bots(place).items()}
        for bars in range(61, 201):
            show_and_step(place, worker, bars)
            for name, (status, quantity, *_) in bots(place).items():
                if name.startswith("mr_"):
                    assert status in ("RETIRING", "RETIRED")
                    assert abs(quantity) <= abs(before[name]) and quantity * before[name] >= 0.0, name
                    before[name] = quantity
        assert_books(place)
    left = {name: row for name, row in bots(place).items() if name.startswith("mr_")}
    assert {row[0] for row in left.values()} == {"RETIRED"}, left
    assert {row[1:3] for row in left.values()} == {(0.0, 0.0)}
    assert put_in(place) == 8000.0
    drawdowns = place.value("SELECT count(*) FROM event WHERE kind LIKE 'DRAWDOWN%' AND scope LIKE 'mr_%'")
    assert drawdowns == 0, "money that moves away is no loss"
    money_in = place.value("SELECT sum(money_in) FROM bot_state") + place.value("SELECT cash FROM portfolio_state")
    assert money_in == pytest.approx(8000.0, abs=1e-9)
    restart(place, 200, "strategies.mean_reversion.enabled=false")
    assert_books(place)


@pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])
def test_a_bot_with_dust_retires_and_its_dust_stays_in_its_books(make_place: MakePlace, side: int) -> None:
    """Dust is flat: the money goes to the others, the dust is marked on, also after a restart."""
    overrides = (*PLAIN, "strategies.steady.grid=[[0.0], [0.5], [1.0]]")
    walk = still_bars([100.0] * 30 + [140.0] * 30)
    place = make_place(small_settings(*overrides), FakeMarket(dict.fromkeys(SYMBOLS, walk)))
    restart(place, 19, *overrides)
    gone, least = "st_aaa_usdt_5m_p1", 1_000_000
    give_dust(place, gone, side * (least - 1))
    place.market._limits = Limits(None, least / 1e8)
    left = (*PLAIN, "strategies.steady.grid=[[0.5], [1.0]]")
    restart(place, 29, *left)
    status, quantity, cash, _ = bots(place)[gone]
    assert (status, quantity) == ("RETIRED", side * 0.00999999)
    # A short's dust keeps what it may cost to buy back.
    assert cash == pytest.approx(0.0 if side > 0 else 2 * 0.00999999 * 100.0, abs=1e-6)
    retired_ms = place.value("SELECT retired_ms FROM bot WHERE name = ?", gone)
    assert_sums(place)
    place.clock.sleep(60.0)
    restart(place, 40, *left)
    equity = place.value("SELECT equity FROM bot_state JOIN bot ON bot.id = bot_id WHERE name = ?", gone)
    cash = bots(place)[gone][2]
    assert equity == pytest.approx(cash + quantity * 140.0) and equity > 0.0
    assert place.value("SELECT retired_ms FROM bot WHERE name = ?", gone) == retired_ms, "once"
    assert_sums(place)


def give_dust(place: Place, bot: str, units: int) -> None:
    """Let a flat bot have bought or sold a little at 100, without a fee."""
    id_, quantity = place.value("SELECT id FROM bot WHERE name = ?", bot), units / 1e8
    place.write(
        "UPDATE bot_state SET units = ?, quantity = ?, cash = cash - ? WHERE bot_id = ?",
        *(units, quantity, quantity * 100.0, id_),
    )
    place.write(
        "INSERT INTO lot (bot_id, number, opened_ms, units, quantity, price, fee) VALUES (?, 0, 1, ?, ?, 100.0, 0.0)",
        *(id_, units, quantity),
    )


def assert_sums(place: Place) -> None:
    """What bots and portfolio are worth must sum; only the fill that was never written is missed."""
    with transaction(place.engine) as connection:
        off = [finding for finding in examine(connection, 1) if not finding.holds]
    missed = ("cash follows", "quantity is", "bots hold")
    assert not [finding for finding in off if not finding.identity.startswith(missed)]


def test_other_parameters_are_a_new_bot_under_the_next_name_funded_at_the_next_rebalance(make_place: MakePlace) -> None:
    place = make_place(
        small_settings(*PLAIN, "strategies.steady.grid=[[0.25], [0.5]]"),
        FakeMarket({name: still_bars([100.0] * 60) for name in SYMBOLS}),
    )
    restart(place, 21, *PLAIN, "strategies.steady.grid=[[0.25], [0.5]]")
    restart(place, 24, *PLAIN, "strategies.steady.grid=[[0.25], [0.75]]")
    new = [f"st_{name}_usdt_5m_p3" for name in ("aaa", "bbb")]
    assert [bots(place)[name] for name in new] == [("ACTIVE", 0.0, 0.0, 0.0)] * 2, "no money before the rebalance"
    restart(place, 25, *PLAIN, "strategies.steady.grid=[[0.25], [0.75]]")
    assert all(bots(place)[name][3] > 400.0 for name in new)
    restart(place, 40, *PLAIN, "strategies.steady.grid=[[0.25], [0.75]]")
    assert all(bots(place)[name][1] > 0.0 for name in new), "they trade"
    assert put_in(place) == 4000.0
    assert_books(place)


def test_a_bot_that_returns_is_the_same_bot(make_place: MakePlace) -> None:
    both, one = "strategies.steady.grid=[[0.25], [0.5]]", "strategies.steady.grid=[[0.5]]"
    place = make_place(small_settings(*PLAIN, both), FakeMarket({name: still_bars([100.0] * 90) for name in SYMBOLS}))
    restart(place, 12, *PLAIN, both)
    restart(place, 31, *PLAIN, one)
    name = "st_aaa_usdt_5m_p1"
    assert bots(place)[name] == ("RETIRED", 0.0, 0.0, 0.0)
    restart(place, 60, *PLAIN, both)
    status, quantity, _, money_in = bots(place)[name]
    assert status == "ACTIVE"
    assert quantity > 0.0
    assert money_in > 500.0
    assert len(bots(place)) == 4
    assert place.value("SELECT level FROM bot_state JOIN bot ON bot.id = bot_id WHERE name = ?", name) == "RUNNING"
    assert_books(place)


def test_a_bot_that_returns_while_it_retires_goes_on(make_place: MakePlace) -> None:
    both, one = "strategies.steady.grid=[[0.25], [0.5]]", "strategies.steady.grid=[[0.5]]"
    place = make_place(small_settings(*PLAIN, both), FakeMarket({name: still_bars([100.0] * 90) for name in SYMBOLS}))
    restart(place, 20, *PLAIN, both)
    held = bots(place)["st_aaa_usdt_5m_p1"][1]
    assert held > 0.0
    restart(place, 23, *PLAIN, one)
    assert bots(place)["st_aaa_usdt_5m_p1"][:2] == ("RETIRING", held)
    restart(place, 60, *PLAIN, both)
    assert bots(place)["st_aaa_usdt_5m_p1"][:2] == ("ACTIVE", held)
    assert_books(place)


def test_a_symbol_that_is_added_starts_with_its_own_history(make_place: MakePlace) -> None:
    market = FakeMarket({name: still_bars([100.0] * 60) for name in SYMBOLS})
    alone = (*PLAIN, "portfolio.symbols=['AAA/USDT']", "strategies.steady.grid=[[0.5]]")
    place = make_place(small_settings(*alone), market)
    restart(place, 30, *alone)
    restart(place, 36, *PLAIN, "strategies.steady.grid=[[0.5]]")
    assert bots(place)["st_bbb_usdt_5m_p1"][1] > 0.0, "its ATR was warm from the bars before"
    assert_books(place)


def test_the_timeframe_of_books_with_steps_does_not_change(make_place: MakePlace) -> None:
    place = make_place(small_settings(), FakeMarket({name: still_bars([100.0] * 20) for name in SYMBOLS}))
    place.run()
    place.settings = small_settings("portfolio.timeframe=15m")
    with pytest.raises(ConfigurationError, match=r"portfolio.timeframe must stay 5m"), place.open():
        pass
