"""A question is its asker's: it closes where they may not act any more, and where somebody else looks."""

from collections.abc import Mapping

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.components import confirm
from dashboard.gate import person, seal
from tests.dashboard.views.conftest import Folder, OpenPage
from tests.dashboard.views.test_roles import commands

OPEN = ("ask_PAUSE_PORTFOLIO_", "stop_worker_asked")
ANSWERS = {"ask_PAUSE_PORTFOLIO_": "command_send", "stop_worker_asked": "process_close"}


def named(name: str, role: str) -> dict[str, str]:
    return {person.USER_HEADER: name, person.ROLE_HEADER: role, seal.HEADER: seal.SEAL}


OTHERS = {"websocket gone": {}, "viewer by now": named("ann", "viewer"), "another": named("bo", "operator")}


def keys(app: AppTest) -> set[str]:
    return {str(button.key) for button in app.button}


@pytest.mark.slow
@pytest.mark.parametrize("button", OPEN)
@pytest.mark.parametrize("headers", OTHERS.values(), ids=OTHERS)
def test_a_question_left_open_closes_when_its_asker_may_act_no_more(
    button: str, headers: Mapping[str, str], folder: Folder, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page(folder("seeded"), "control")
    assert ANSWERS[button] in keys(app.button(button).click().run()), "it must be open first"
    assert ANSWERS[button] in keys(app.run()), "a refresh must not close it"
    monkeypatch.setattr(person, "_headers", lambda: headers)
    assert ANSWERS[button] not in keys(app.run())
    monkeypatch.setattr(person, "_headers", lambda: named("ann", "operator"))
    assert ANSWERS[button] not in keys(app.run()), "it must not come back with them"


@pytest.mark.parametrize("headers", OTHERS.values(), ids=OTHERS)
def test_an_answer_after_that_writes_nothing(
    headers: Mapping[str, str], folder: Folder, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page(folder("seeded"), "control")
    app.button(OPEN[0]).click().run()
    app.text_input("command_reason").input("by somebody else").run()
    before = commands(folder("seeded"))
    monkeypatch.setattr(person, "_headers", lambda: headers)
    app.button("command_send").click().run()
    assert not app.exception
    assert commands(folder("seeded")) == before


def test_a_part_of_a_question_that_is_drawn_by_itself_closes_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def page() -> None:
        import streamlit as st

        from dashboard.components.confirm import ask_first, only_for_asker

        if st.button("ask", key="ask"):
            ask_first("level")
        if "question" in st.session_state:
            only_for_asker(st.session_state["draw"])("part")

    app = AppTest.from_function(page)
    app.session_state["draw"] = drawn.append
    monkeypatch.setattr(person, "_headers", lambda: named("ann", "operator"))
    app.run().button("ask").click().run()
    assert drawn and confirm._OPEN in app.session_state
    drawn.clear()
    monkeypatch.setattr(person, "_headers", lambda: named("ann", "viewer"))
    app.run()
    assert not drawn and confirm._OPEN not in app.session_state
