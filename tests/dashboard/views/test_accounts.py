"""Where orders go and how that stands, as Overview and Control say it; on paper it is one line."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from shared.clock import SystemClock
from tests.dashboard import seeding
from tests.dashboard.seeding import HOSTILE, Books
from tests.dashboard.views import books as states
from tests.dashboard.views.conftest import Folder, OpenPage, texts
from tests.dashboard.views.test_control import asked

BOTH = ("overview", "control")


@pytest.fixture
def own(tmp_path: Path) -> Books:
    """Live books of a test's own, of a worker that lives."""
    states.make("live", tmp_path / "own")
    return Books(tmp_path / "own", seeding.settings_of())


def said(app: AppTest) -> str:
    assert [error.message for error in app.exception] == []
    return texts(app).replace("\\", "")


@pytest.mark.parametrize("page", BOTH)
def test_on_paper_it_is_one_line(page: str, folder: Folder, open_page: OpenPage) -> None:
    words = said(open_page(folder("seeded"), page))
    assert words.count("Paper · account paper") == 1
    for live in ("econcil", "rate budget", "on its way", "first orders"):
        assert live not in words


@pytest.mark.parametrize("page", BOTH)
def test_mode_account_reconciliation_and_budget_are_said(page: str, own: Books, open_page: OpenPage) -> None:
    words = said(open_page(own.root, page))
    assert "Live on a testnet" in words
    assert "**main** · binance spot · limit 27,000.00 USDT" in words
    assert "difference 0 · may use 10% of its limit · rate budget 120 of 6,000" in words
    how = "25% of its limit, may be taken now, while nothing is unresolved: `ramp = 0.25` of account main"
    assert (how in words) == (page == "control")
    assert "No order is on its way." in words
    assert "not reconciled" not in words
    assert "Paper ·" not in words


@pytest.mark.slow
def test_real_money_is_told_from_a_testnet_and_from_an_exchange_of_this_machine(
    tmp_path: Path, open_page: OpenPage
) -> None:
    real, local = {"testnet": False}, {"endpoint": "http://127.0.0.1:8765"}
    for name, mode, changes in (("real", "Live, real money", real), ("local", "Live on a local exchange", local)):
        root = tmp_path / name
        seeding.live(root, **changes)
        (root / "flotilla.toml").write_text(states.SETTINGS_FILE)
        assert mode in said(open_page(root, "control"))


@pytest.mark.slow
def test_orders_on_their_way_are_told_with_state_and_age(own: Books, open_page: OpenPage) -> None:
    now_ms = SystemClock().now_ms()
    part = {"filled_units": 20_000_000, "filled_quantity": 0.2}
    seeding.order_under_way(own, "wpart", "PARTLY_FILLED", now_ms - 300_000, **part)
    words = said(open_page(own.root, "control"))
    assert "order wpart on main: buy 0.5 BTC/USDT (signal), partly filled for 5 min, 0.2 of it filled" in words
    assert "1 order on the way" in said(open_page(own.root, "overview"))


@pytest.mark.parametrize("page", [pytest.param("overview", marks=pytest.mark.slow), "control"])
def test_an_order_of_which_nothing_is_known_is_red_with_what_is_done(
    page: str, own: Books, open_page: OpenPage
) -> None:
    now_ms = SystemClock().now_ms()
    more = {"looks": 5, "look_ms": now_ms + 300_000, "reason": f"timeout {HOSTILE}"}
    seeding.order_under_way(own, "wlost", "UNKNOWN", now_ms - 40_000, **more)
    app = open_page(own.root, page)
    (lost,) = [error.value.replace("\\", "") for error in app.error if "wlost" in error.value]
    assert "unknown for 4" in lost
    assert "looked up 5 times so far, next in 5 min, until its fate is proved; alarm after 60 s" in lost
    assert "timeout" in lost
    own.write("UPDATE \"order\" SET sent_ms = ? WHERE client_order_id = 'wlost'", now_ms - 120_000)
    assert "alarm since" in said(open_page(own.root, page))


@pytest.mark.slow
def test_a_difference_has_both_numbers_and_the_commands_that_resolve_it(own: Books, open_page: OpenPage) -> None:
    own.write("UPDATE account_state SET differs = 1")
    coin = "INSERT INTO account_coin (portfolio_id, account, coin, baseline, explained, expected, found, checked_ms) "
    own.write(f"{coin} VALUES (1, 'main', 'BTC', '0', '0', '0.5', '0.6', 0)")
    own.write(f"{coin} VALUES (1, 'main', 'USDT', '0', '0', '700', '650.5', 0)")
    app = open_page(own.root, "control")
    words = said(app)
    assert "BTC: 0.5 expected, 0.6 found, difference +0.1" in words
    assert "USDT: 700 expected, 650.5 found, difference -49.5" in words
    (ways,) = [code.value for code in app.code if "reconcile" in code.value]
    for way in ("unattributed --symbol BTC ", "adopt --symbol BTC/USDT --bot BOT", "withdraw --symbol USDT"):
        assert f".venv/bin/flotilla reconcile {way}" in ways
    overview = open_page(own.root, "overview")
    assert "BTC: 0.5 expected, 0.6 found" in said(overview)
    assert not [code for code in overview.code if "reconcile" in code.value]


@pytest.mark.slow
@pytest.mark.parametrize("page", BOTH)
def test_an_account_that_is_not_read_any_more_is_red_with_the_reason(
    page: str, own: Books, open_page: OpenPage
) -> None:
    then_ms = SystemClock().now_ms() - 600_000
    own.write(
        "UPDATE account_state SET reconciled_ms = ?, message = ?", then_ms, f"the last pass failed: no route {HOSTILE}"
    )
    app = open_page(own.root, page)
    (away,) = [error.value.replace("\\", "") for error in app.error if "pass failed" in error.value]
    assert "The last full pass was 10 min ago; one is due every 60.0 s. The last pass failed: no route" in away
    own.write("UPDATE account_state SET reconciled_ms = 0")
    assert "No bot enters anything before the first pass has agreed" in said(open_page(own.root, page))


@pytest.mark.slow
@pytest.mark.parametrize("page", BOTH)
def test_a_ban_says_until_when(page: str, own: Books, open_page: OpenPage) -> None:
    own.write("UPDATE account_state SET silent_until_ms = ?", SystemClock().now_ms() + 600_000)
    app = open_page(own.root, page)
    (ban,) = [
        error.value.replace("\\", "") for error in app.error if "Account main was told to wait until" in error.value
    ]
    assert "min from now. Nothing is asked there meanwhile" in ban


def test_a_file_that_stops_all_orders_is_told(own: Books, open_page: OpenPage) -> None:
    (own.root / "KILL").touch()
    assert "No order leaves: there is a file" in said(open_page(own.root, "overview"))


@pytest.mark.slow
def test_first_orders_are_confirmed_on_control_by_an_operator(own: Books, open_page: OpenPage) -> None:
    own.write("UPDATE account_state SET is_confirmed = 0")
    own.write("UPDATE portfolio_state SET level = 'NO_ENTRIES', level_first_orders = 'NO_ENTRIES'")
    assert "its first 10 orders wait for a person's word" in said(open_page(own.root, "overview"))
    assert "confirm_first_orders" not in [button.key for button in open_page(own.root, "control", role="viewer").button]
    app = open_page(own.root, "control")
    assert "Compare what was sent" in said(app)
    app.button("confirm_first_orders").click().run()
    assert "compared with the exchange's own page" in said(app)
    app.text_input("command_reason").set_value("as on the exchange").run()
    app.button("command_send").click().run()
    assert asked(own.root) == ("RELEASE", "ann", "as on the exchange")


@pytest.mark.slow
def test_fills_carry_slippage_and_sum_it_up(own: Books, open_page: OpenPage) -> None:
    own.write("UPDATE \"order\" SET reference_price = price / 1.001 WHERE side = 'BUY'")
    app = open_page(own.root, "trades", rows="Fills", period="All")
    tiles = {metric.label: metric.value for metric in app.metric}
    # What crossed in house is a part of some of them, at the open.
    assert float(tiles["Slippage against sending"].removesuffix(" bp")) == pytest.approx(10, abs=0.5)
    assert tiles["Slippage against the open"].startswith("+")
    assert "fills" in said(app)


def test_on_paper_there_is_no_slippage_against_sending(folder: Folder, open_page: OpenPage) -> None:
    tiles = {metric.label: metric.value for metric in open_page(folder("seeded"), "trades", rows="Fills").metric}
    assert tiles["Slippage against sending"] == "–"
