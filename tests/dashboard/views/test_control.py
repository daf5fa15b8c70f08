"""Stopping, step by step: what is asked first, what is written, and what the page says until the worker answers."""

import json
from pathlib import Path
from shutil import copytree

import pytest

from dashboard import loaders
from dashboard.components.progress import unanswered
from dashboard.gate.acts import FILE
from shared.database import sqlite_module
from shared.liveness import ANSWER_MS
from tests.dashboard.views.conftest import Folder, OpenPage, texts
from tests.dashboard.views.grids import grids
from tests.dashboard.views.test_roles import commands, lines


@pytest.fixture
def own(folder: Folder, tmp_path: Path) -> Path:
    return copytree(folder("seeded"), tmp_path / "own")


def asked(root: Path) -> tuple:
    return commands(root)[-1][1:]


def test_no_entries_asks_for_a_reason_and_writes_who_asked(own: Path, open_page: OpenPage) -> None:
    app = open_page(own, "control")
    before = len(commands(own))
    app.button("ask_PAUSE_PORTFOLIO_").click().run()
    assert len(commands(own)) == before, "asking first writes nothing"
    app.text_input("command_reason").set_value("looks odd").run()
    app.button("command_send").click().run()
    assert len(commands(own)) == before + 1
    assert asked(own) == ("PAUSE", "ann", "looks odd")
    written = {name: text for name, text in lines(own)[-1].items() if name not in ("time", "address")}
    said = {"what": "PAUSE", "name": "ann", "role": "operator", "scope": "portfolio", "reason": "looks odd"}
    assert written == {**said, "command": commands(own)[-1][0]}
    assert "could not be written into" not in texts(app)
    assert "**pause (no entries) portfolio** · asked" in texts(app)


def test_a_record_that_takes_no_line_keeps_nobody_from_asking_and_is_said(own: Path, open_page: OpenPage) -> None:
    (own / FILE).mkdir(parents=True)
    app = open_page(own, "control")
    app.button("ask_PAUSE_PORTFOLIO_").click().run()
    app.text_input("command_reason").set_value("looks odd").run()
    app.button("command_send").click().run()
    assert asked(own) == ("PAUSE", "ann", "looks odd")
    assert "could not be written into `logs/acts.log`" in texts(app)


@pytest.mark.parametrize(("kind", "word"), [("FLATTEN", "FLATTEN"), ("FLATTEN", " flatten "), ("HALT", "Halt")])
def test_what_cannot_be_taken_back_is_typed_out(kind: str, word: str, own: Path, open_page: OpenPage) -> None:
    app = open_page(own, "control")
    app.button(f"ask_{kind}_PORTFOLIO_").click().run()
    app.text_input("command_reason").set_value("the news").run()
    assert app.button("command_send").disabled
    app.text_input("command_word").set_value("yes").run()
    assert app.button("command_send").disabled
    app.text_input("command_word").set_value(word).run()
    app.button("command_send").click().run()
    assert asked(own) == (kind, "ann", "the news")


def test_a_halt_with_positions_offers_to_flatten_first(own: Path, open_page: OpenPage) -> None:
    app = open_page(own, "control")
    app.button("ask_HALT_PORTFOLIO_").click().run()
    assert any("without stops" in error.value for error in app.error)
    app.button("flatten_instead").click().run()
    assert app.text_input("command_word").label == "Type FLATTEN to confirm"


def test_a_command_can_be_left_unasked(own: Path, open_page: OpenPage) -> None:
    app = open_page(own, "control")
    before = commands(own)
    app.button("ask_HALT_PORTFOLIO_").click().run()
    app.button("command_leave").click().run()
    assert commands(own) == before
    assert "command_reason" not in [box.key for box in app.text_input]


def test_release_is_offered_only_where_a_person_stopped_something(own: Path, open_page: OpenPage) -> None:
    released = "ask_RELEASE_SLEEVE_breakout"
    app = open_page(own, "control", scope="sleeve breakout")
    assert app.button("ask_PAUSE_SLEEVE_breakout") and released not in [button.key for button in app.button]
    app.button("ask_PAUSE_SLEEVE_breakout").click().run()
    app.text_input("command_reason").set_value("looks odd").run()
    app.button("command_send").click().run()
    loaders.forget()
    app.run()
    assert released in [button.key for button in app.button], "what is asked can be taken back before it is done"


def test_a_brake_is_released_by_its_cause(own: Path, open_page: OpenPage) -> None:
    app = open_page(own, "control")
    held = [button for button in app.button if (button.key or "").startswith("release_")]
    assert held, "the seeded books hold a level"
    held[0].click().run()
    app.text_input("command_reason").set_value("looked at it").run()
    app.button("command_send").click().run()
    assert asked(own)[0] == "RELEASE"


def test_the_audit_trail_and_the_settings_are_there(own: Path, open_page: OpenPage) -> None:
    frames = [frame.value for frame in grids(open_page(own, "control"))]
    trail = next(frame for frame in frames if "answer" in frame.columns)
    assert {"ann", "bea"} <= set(trail["who"])
    settings = next(frame for frame in frames if "setting" in frame.columns)
    assert dict(zip(settings["setting"], settings["value"], strict=True))["risk.stop"] == "0.04"


def test_five_seconds_without_an_answer_are_too_long() -> None:
    command = {"status": "ASKED", "asked_ms": 1_000}
    assert not unanswered(command, 1_000 + ANSWER_MS)
    assert unanswered(command, 1_001 + ANSWER_MS)
    assert unanswered({"status": "TAKEN", "asked_ms": 1_000}, 1_001 + ANSWER_MS)
    assert not unanswered({"status": "DONE", "asked_ms": 1_000}, 1_001 + ANSWER_MS)


def test_without_an_answer_the_page_offers_to_stop_the_process(own: Path, open_page: OpenPage) -> None:
    app = open_page(own, "control")
    app.button("ask_PAUSE_PORTFOLIO_").click().run()
    app.text_input("command_reason").set_value("x").run()
    app.button("command_send").click().run()
    age_commands(own)
    app.run()
    assert any("has not answered" in error.value for error in app.error)
    stop = next(button for button in app.button if (button.key or "").startswith("stop_for_"))
    stop.click().run()
    assert any("supervisor must answer" in warning.value.replace("\\", "") for warning in app.warning)


def age_commands(root: Path) -> None:
    """Let all commands have been asked a minute earlier."""
    connection = sqlite_module().connect(root / "flotilla.db")
    with connection:
        connection.execute("UPDATE command SET asked_ms = asked_ms - 60000")
    connection.close()


def test_the_verdict_of_every_row_is_asked_of_the_worker_and_shown(own: Path, open_page: OpenPage) -> None:
    app = open_page(own, "decisions", bot="bo_eth_usdt_1h_p2")
    app.button("explain").click().run()
    assert asked(own)[:2] == ("EXPLAIN", "ann")
    assert "waiting for the worker" in texts(app)
    rows = [{"reason": "COST", "stops": True, "value": 0.001, "limit": 0.006}, *WARMUP]
    answer_last(own, json.dumps({"step": 288, "confirmed": 1.0, "rows": rows}))
    app.run()
    verdicts = next(frame.value for frame in grids(app) if "stops" in frame.value.columns)
    assert list(verdicts["stops"]) == ["stops", ""]
    assert list(verdicts["measured"]) == ["expected move 0.100%", ""]
    assert verdicts["limit_said"].iloc[0] == "needed 0.600%"


@pytest.mark.parametrize(
    ("value", "limit", "measured", "limit_said", "meaning"),
    [
        (1.25, 0.8, "exposure of equity 125.000%", "cap 80.000%", "Exposure would have exceeded a cap."),
        (0.2, None, "exposure of equity 20.000%", "cap –", "Exposure would have exceeded a cap."),
        (-5.125, 0.0, "equity -5.12", "must be above 0.00", "There was no money for a larger position."),
        (0.0, 0.0, "equity 0.00", "must be above 0.00", "There was no money for a larger position."),
        (
            1_222_504_590.8, 90_071_992.54740992, "coins 1,222,504,590.8", "at most 90,071,992.54740992",
            "It wanted more coins than can be told from one another.",
        ),
    ],
)  # fmt: skip
def test_a_cap_is_told_of_what_it_capped(
    own: Path, open_page: OpenPage, value: float, limit: float | None, measured: str, limit_said: str, meaning: str
) -> None:
    app = open_page(own, "decisions", bot="bo_eth_usdt_1h_p2")
    app.button("explain").click().run()
    rows = [{"reason": "CAP", "stops": True, "value": value, "limit": limit}]
    answer_last(own, json.dumps({"step": 288, "confirmed": 1.0, "rows": rows}))
    app.run()
    verdict = next(frame.value for frame in grids(app) if "stops" in frame.value.columns).iloc[0]
    assert list(verdict[["measured", "limit_said", "meaning"]]) == [measured, limit_said, meaning]


@pytest.mark.parametrize(("measured", "said"), [
    ((3.0, 0.8, 1.25, 0.8), "**exposure of equity 300.000%, cap 80.000%** at first, **exposure of equity 125.000%"),
    ((-5.0, 0.0, -5.0, 0.0), "**equity -5.00, must be above 0.00**"),
    ((2e9, 90_071_992.54740992, -5.0, 0.0), "**coins 2,000,000,000, at most 90,071,992.54740992** at first, **equity"),
])  # fmt: skip
def test_the_card_of_a_decision_tells_a_cap_of_what_it_capped(
    own: Path, open_page: OpenPage, measured: tuple[float, ...], said: str
) -> None:
    connection = sqlite_module().connect(own / "flotilla.db")
    with connection:
        for kept in ("decision", "open_decision"):
            connection.execute(
                f"UPDATE {kept} SET reason = 'CAP', first_value = ?, first_limit = ?, last_value = ?, last_limit = ?",
                measured,
            )
    connection.close()
    assert said in texts(open_page(own, "decisions", bot="bo_eth_usdt_1h_p2")).replace("\\", "")


WARMUP = [{"reason": "WARMUP", "stops": False, "value": None, "limit": None}]


def answer_last(root: Path, answer: str) -> None:
    """Answer the newest command as the worker would."""
    connection = sqlite_module().connect(root / "flotilla.db")
    with connection:
        connection.execute(
            "UPDATE command SET status = 'DONE', answer = ?, taken_ms = asked_ms, answered_ms = asked_ms "
            "WHERE id = (SELECT max(id) FROM command)",
            (answer,),
        )
    connection.close()


def test_an_explanation_is_no_act_of_the_audit_trail(own: Path, open_page: OpenPage) -> None:
    open_page(own, "decisions", bot="bo_eth_usdt_1h_p2").button("explain").click().run()
    assert asked(own)[0] == "EXPLAIN"
    trail = next(frame.value for frame in grids(open_page(own, "control")) if "answer" in frame.value.columns)
    assert {"pause (no entries)", "withdraw"} <= set(trail["kind"]) and "explain" not in set(trail["kind"])
    assert "refused" in set(trail["status"])


@pytest.mark.parametrize(("kind", "word"), [("DEPOSIT", "deposit"), ("WITHDRAW", "WITHDRAW")])
def test_money_moves_with_an_amount_a_reason_and_a_typed_word(
    kind: str, word: str, own: Path, open_page: OpenPage
) -> None:
    app = open_page(own, "control")
    app.button(f"ask_{kind}").click().run()
    app.text_input("money_reason").set_value("rent").run()
    app.text_input("money_word").set_value(word).run()
    assert app.button("money_send").disabled, "no amount yet"
    app.number_input("money_amount").set_value(250.5).run()
    app.text_input("money_word").set_value("yes").run()
    assert app.button("money_send").disabled
    app.text_input("money_word").set_value(word).run()
    app.button("money_send").click().run()
    assert asked(own) == (kind, "ann", "rent")
    assert "waiting for the worker" in texts(app)
    answer_last(own, "250.50 moved")
    app.run()
    assert "250.50 moved" in [box.value.replace("\\", "") for box in app.success]
    assert amount(own) == 250.5


def amount(root: Path) -> float:
    connection = sqlite_module().connect(root / "flotilla.db")
    try:
        return float(connection.execute("SELECT amount FROM command ORDER BY id DESC LIMIT 1").fetchone()[0])
    finally:
        connection.close()


@pytest.mark.parametrize("page", ["bot", "control"])
def test_one_position_is_closed_with_a_typed_word(page: str, own: Path, open_page: OpenPage) -> None:
    bot = next(name for name, units in positions(own).items() if units)
    query = {"bot": bot} if page == "bot" else {"scope": f"bot {bot}"}
    app = open_page(own, page, **query)
    app.button(f"ask_CLOSE_BOT_{bot}").click().run()
    app.text_input("command_reason").set_value("too long in it").run()
    assert app.button("command_send").disabled
    app.text_input("command_word").set_value("close").run()
    app.button("command_send").click().run()
    assert asked(own) == ("CLOSE", "ann", "too long in it")


def test_where_nothing_is_held_there_is_nothing_to_close(own: Path, open_page: OpenPage) -> None:
    bot = next(name for name, units in positions(own).items() if not units)
    assert open_page(own, "bot", bot=bot).button(f"ask_CLOSE_BOT_{bot}").disabled


def positions(root: Path) -> dict[str, int]:
    """Give what each bot holds."""
    connection = sqlite_module().connect(root / "flotilla.db")
    try:
        held = "SELECT name, units FROM bot_state JOIN bot ON bot.id = bot_id"
        return dict(connection.execute(held).fetchall())
    finally:
        connection.close()
