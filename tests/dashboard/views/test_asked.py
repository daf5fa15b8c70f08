"""A stop that was asked and not taken counts already: every place that says a level says so."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from shared.clock import SystemClock
from shared.units import MINUTE_MS
from tests.dashboard import seeding
from tests.dashboard.views.books import SETTINGS_FILE, set_alive
from tests.dashboard.views.conftest import OpenPage, texts
from tests.dashboard.views.grids import grids

SLEEVE = "trend_following"
BOT = "bo_eth_usdt_1h_p2"


@pytest.fixture
def books(tmp_path: Path) -> seeding.Books:
    """Books of a worker that lives, at no level but that trading is allowed."""
    made = seeding.seeded(tmp_path / "own")
    for table in ("portfolio_state", "sleeve_state", "bot_state"):
        causes = ("person", "drawdown", "daily_loss", "crashes", "reconciliation")
        made.write(
            f"UPDATE {table} SET level = 'RUNNING', " + ", ".join(f"level_{name} = 'RUNNING'" for name in causes)
        )
    set_alive(made)
    (made.root / "flotilla.toml").write_text(SETTINGS_FILE)
    return made


def ask(books: seeding.Books, kind: str, scope_kind: str = "PORTFOLIO", scope: str = "", ago_ms: int = 0) -> None:
    """Write a command that no worker takes."""
    now_ms = SystemClock().now_ms()
    books.write(
        "INSERT INTO command (portfolio_id, kind, scope_kind, scope, reason, who, asked_ms, status) "
        "VALUES (1, ?, ?, ?, 'the news', 'anna', ?, 'ASKED')",
        *(kind, scope_kind, scope, now_ms - ago_ms),
    )


def worth(books: seeding.Books, where: str = "1 = 1") -> tuple[int, float]:
    with books.reader().connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT count(*), sum(abs(bot_state.quantity * market_state.close)) FROM bot "
            "JOIN bot_state ON bot_id = bot.id JOIN sleeve ON sleeve.id = bot.sleeve_id "
            "JOIN market_state ON market_state.symbol = bot.symbol AND market_state.account = sleeve.account "
            f"WHERE abs(bot_state.quantity) > 0 AND {where}"
        )
        count, notional = rows.one()
    assert count, "positions must be open"
    return count, notional


def said(app: AppTest) -> str:
    return texts(app).replace("\\", "")


def red(app: AppTest) -> str:
    return "\n".join(error.value for error in app.error).replace("\\", "")


def badges(app: AppTest) -> list[str]:
    return [markdown.value.replace("\\", "") for markdown in app.markdown if "-badge[" in markdown.value]


def test_running_is_green_while_the_worker_lives_and_nothing_waits(books: seeding.Books, open_page: OpenPage) -> None:
    app = open_page(books.root, "control")
    running = [badge for badge in badges(app) if "trading allowed" in badge]
    assert len(running) == 2 and all(":green-badge" in badge for badge in running), "above and beside the page"
    assert "not taken yet" not in said(app)
    assert "Nothing is stopped" in said(app)


@pytest.mark.parametrize("page", ["overview", "control"])
def test_a_halt_that_waits_is_told_in_red_with_what_it_leaves_open(
    page: str, books: seeding.Books, open_page: OpenPage
) -> None:
    ask(books, "HALT")
    app = open_page(books.root, page)
    count, notional = worth(books)
    assert f"{count} positions worth {notional:,.2f}" in red(app)
    assert "Halt asked by anna: the news, not taken yet" in red(app)
    assert not [badge for badge in badges(app) if ":green-badge" in badge]
    waiting = [badge for badge in badges(app) if "halt asked by anna, not taken yet" in badge]
    assert len(waiting) == 2 and all(":red-badge" in badge for badge in waiting), "above and beside the page"


def test_control_says_what_waits_where_the_level_stands(books: seeding.Books, open_page: OpenPage) -> None:
    ask(books, "PAUSE")
    ask(books, "FLATTEN")
    app = open_page(books.root, "control")
    level = next(metric for metric in app.metric if metric.label == "Level")
    assert level.value == "flatten, asked"
    assert (
        "trading allowed at the last step; flatten asked by anna, not taken yet; pause (no entries) asked by anna"
        in said(app)
    )
    assert "Portfolio, flatten asked by anna, not taken yet: the news" in said(app)
    assert "Nothing is stopped" not in said(app)
    assert "no stop either" not in red(app), "only a halt leaves positions without stops"
    warned = "\n".join(warning.value for warning in app.warning)
    assert "Positions stay open until the worker takes it" in warned


def test_a_halt_of_a_sleeve_that_waits_counts_for_its_bots_alone(books: seeding.Books, open_page: OpenPage) -> None:
    ask(books, "HALT", "SLEEVE", SLEEVE)
    app = open_page(books.root, "control", scope=f"sleeve {SLEEVE}")
    count, notional = worth(books, f"sleeve.name = '{SLEEVE}'")
    assert f"{count} positions worth {notional:,.2f}" in red(app)
    assert next(metric for metric in app.metric if metric.label == "Level").value == "halted, asked"
    app = open_page(books.root, "control", scope=f"bot {BOT}")
    assert next(metric for metric in app.metric if metric.label == "Level").value == "trading allowed"
    assert [badge for badge in badges(app) if ":green-badge" in badge], "the portfolio itself runs"


def test_what_was_answered_waits_no_more(books: seeding.Books, open_page: OpenPage) -> None:
    ask(books, "HALT")
    books.write("UPDATE command SET status = 'REFUSED', answered_ms = asked_ms")
    app = open_page(books.root, "control")
    assert "not taken yet" not in said(app) and "no stop either" not in red(app)


@pytest.mark.parametrize("page", ["overview", "bot"])
def test_no_badge_is_green_while_the_worker_does_not_answer(
    page: str, books: seeding.Books, open_page: OpenPage
) -> None:
    ask(books, "EXPLAIN", "BOT", BOT, ago_ms=MINUTE_MS)
    app = open_page(books.root, page, bot=BOT)
    assert red(app).count("The worker has not answered for 6") == 2, "above and beside the page"
    running = [badge for badge in badges(app) if "trading allowed" in badge]
    assert running and not [badge for badge in running if ":green-badge" in badge]


def test_levels_and_causes_are_not_shouted(books: seeding.Books, open_page: OpenPage) -> None:
    books.write("UPDATE command SET answer = 'portfolio is at NO_ENTRIES; released, cause PERSON' WHERE kind = 'PAUSE'")
    app = open_page(books.root, "control")
    trail = next(frame.value for frame in grids(app) if "answer" in frame.value.columns)
    assert "portfolio is at no entries; released, cause person" in set(trail["answer"])
    assert "pause (no entries)" in set(trail["kind"])
