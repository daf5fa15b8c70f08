"""What a halt leaves open, and the one way out of it that needs no release: flatten, by the page's own command."""

from pathlib import Path
from shutil import copytree

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import loaders
from shared.database import sqlite_module
from shared.enums import CommandKind, Level, ScopeKind
from tests.dashboard import seeding
from tests.dashboard.views.books import SETTINGS_FILE, set_alive
from tests.dashboard.views.conftest import Folder, OpenPage, texts
from tests.dashboard.views.grids import grids
from tests.dashboard.views.test_pages import PAGES
from tests.dashboard.views.test_roles import commands

SLEEVE = "trend_following"
CLOSE_ALL = "close_PORTFOLIO_"


@pytest.fixture
def own(folder: Folder, tmp_path: Path) -> Path:
    return copytree(folder("halted"), tmp_path / "own")


def rows(root: Path, sql: str) -> list[tuple]:
    connection = sqlite_module().connect(root / seeding.FILE)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def answer(root: Path) -> None:
    """Let a worker take up the books and answer what waits."""
    books = seeding.Books(root, seeding.seeded().settings)
    books.write("UPDATE heartbeat SET lease_pid = NULL, lease_host = NULL, lease_renewed_ms = NULL")
    seeding.run(books, lambda session: session.worker.answer_commands())
    set_alive(books)
    loaders.forget()


def close(app: AppTest, key: str) -> AppTest:
    """Press a button that leads to the question on Control, and follow it there as a browser does."""
    app.button(key).click().run()
    assert not app.exception
    assert "Kill switch for" in [box.label for box in app.selectbox], "the question is asked on Control"
    assert app.text_input("command_word").label == "Type FLATTEN to confirm"
    return app.switch_page("views/control.py").run()


def send(app: AppTest, reason: str, word: str) -> AppTest:
    app.text_input("command_reason").set_value(reason).run()
    app.text_input("command_word").set_value(word).run()
    return app.button("command_send").click().run()


def red(app: AppTest) -> str:
    return "\n".join(error.value for error in app.error).replace("\\", "")


OPEN = "SELECT count(*) FROM bot_state WHERE abs(quantity) > 0"


def test_one_click_leads_from_any_page_to_the_question_and_the_worker_closes_everything(
    own: Path, open_page: OpenPage
) -> None:
    assert rows(own, OPEN) != [(0,)], "the halted books must hold positions"
    app = close(open_page(own, "overview"), CLOSE_ALL)
    send(app, "out of here", "FLATTEN")
    assert commands(own)[-1][1:] == ("FLATTEN", "ann", "out of here")
    answer(own)
    ((status, said),) = rows(own, "SELECT status, answer FROM command ORDER BY id DESC LIMIT 1")
    assert status == "DONE" and said.startswith("closed ") and not said.startswith("closed 0")
    assert rows(own, OPEN) == [(0,)]
    app.run()
    assert "HALTED" not in red(app) and "no stop either" not in red(app)
    assert "Nothing is open." in texts(app)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_no_page_asks_for_a_release_before_a_flatten(page: str, folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("halted"), page)
    assert "Flatten closes them, out of the halt" in red(app)
    assert "elease, then flatten" not in texts(app)
    assert app.button(CLOSE_ALL).label == "Flatten the whole portfolio"


def test_filters_in_the_address_bar_do_not_stand_in_the_way(folder: Folder, open_page: OpenPage) -> None:
    close(open_page(folder("halted"), "trades", rows="Fills", period="All", sides="long"), CLOSE_ALL)
    close(open_page(folder("halted"), "decisions", bot="bo_eth_usdt_1h_p2", day="2026-01-06", at="12:00"), CLOSE_ALL)


def test_a_viewer_is_told_but_not_asked(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("halted"), "overview", role="viewer")
    assert "no stop either" in red(app)
    assert CLOSE_ALL not in [button.key for button in app.button]


def test_the_kill_switch_of_a_halted_scope_puts_flatten_first(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("halted"), "control")
    asking = [button for button in app.button if (button.key or "").startswith("ask_") and "PORTFOLIO" in button.key]
    assert [(button.label, button.disabled) for button in asking] == [
        ("Flatten", False),
        ("No entries", True),
        ("Halt", True),
        ("Release", False),
    ]


def test_a_bot_is_flattened_where_the_halt_is(folder: Folder, open_page: OpenPage) -> None:
    ((bot,),) = rows(
        folder("halted"),
        "SELECT name FROM bot JOIN bot_state ON bot_id = bot.id WHERE abs(quantity) > 0 ORDER BY bot.id LIMIT 1",
    )
    app = open_page(folder("halted"), "control", scope=f"bot {bot}")
    assert "What rules here is the whole portfolio, which is halted" in red(app)
    app.button(f"ask_FLATTEN_BOT_{bot}").click().run()
    assert "**Flatten** for **the whole portfolio**" in texts(app)


@pytest.fixture
def sleeve_halted(tmp_path: Path) -> Path:
    """Books in which one sleeve is halted, and the portfolio runs."""
    root = tmp_path / "sleeve"
    books = seeding.seeded(root)
    seeding.run(books, lambda session: session.ask(CommandKind.HALT, ScopeKind.SLEEVE, SLEEVE, "it went mad", "bea"))
    set_alive(books)
    (root / "flotilla.toml").write_text(SETTINGS_FILE)
    return root


def test_a_halted_sleeve_is_told_in_red_although_the_portfolio_runs(sleeve_halted: Path, open_page: OpenPage) -> None:
    held = rows(
        sleeve_halted,
        "SELECT count(*), sum(abs(bot_state.quantity * market_state.close)) FROM bot JOIN bot_state ON bot_id = bot.id "
        "JOIN sleeve ON sleeve.id = bot.sleeve_id JOIN market_state ON market_state.symbol = bot.symbol "
        f"AND market_state.account = sleeve.account WHERE sleeve.name = '{SLEEVE}' AND abs(bot_state.quantity) > 0",
    )
    ((count, notional),) = held
    assert count, "the sleeve must hold positions"
    app = open_page(sleeve_halted, "overview")
    assert f"{count} positions worth {notional:,.2f}" in red(app)
    assert "it went mad" in red(app)
    app = close(app, f"close_SLEEVE_{SLEEVE}")
    send(app, "out", "FLATTEN")
    answer(sleeve_halted)
    assert rows(sleeve_halted, "SELECT status FROM command ORDER BY id DESC LIMIT 1") == [("DONE",)]
    app.run()
    assert "no stop either" not in red(app)


def test_what_could_not_be_closed_is_named_with_its_worth(own: Path, open_page: OpenPage) -> None:
    app = close(open_page(own, "overview"), CLOSE_ALL)
    send(app, "out of here", "FLATTEN")
    # Answered, but an exchange did not fill: the positions are still there.
    connection = sqlite_module().connect(own / seeding.FILE)
    with connection:
        connection.execute(
            "UPDATE command SET status = 'DONE', answer = 'closed 0 positions', taken_ms = asked_ms, "
            "answered_ms = asked_ms WHERE id = (SELECT max(id) FROM command)"
        )
    connection.close()
    loaders.forget()
    app.run()
    warned = "\n".join(warning.value for warning in app.warning).replace("\\", "")
    ((bot,),) = rows(
        own, "SELECT name FROM bot JOIN bot_state ON bot_id = bot.id WHERE abs(quantity) > 0 ORDER BY bot.id LIMIT 1"
    )
    assert "Still open, " in warned and bot in warned


def test_what_happened_is_told_in_the_words_of_the_pages(own: Path, open_page: OpenPage) -> None:
    tables = [frame.value for frame in grids(open_page(own, "overview"))]
    said = " ".join(message for shown in tables if "message" in shown for message in shown["message"])
    assert "halted" in said
    assert not [level.name for level in Level if level.name in said], "in the tables names stand in capitals"
