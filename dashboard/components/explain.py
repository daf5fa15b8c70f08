"""The verdict of every row of the gate on a bot as it stands: asked of the worker, for it alone has the bars."""

import json
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import actions, loaders
from dashboard.components.panels import live
from dashboard.components.progress import NOT_RECORDED, unanswered
from dashboard.components.reasons import meaning_of
from dashboard.components.rows import Rows
from dashboard.components.tables import table
from dashboard.components.words import UNKNOWN, plain, words
from dashboard.gate.person import person
from shared.clock import SystemClock
from shared.enums import CommandKind, CommandStatus, Reason, ScopeKind
from shared.errors import FlotillaError

_ASKED = "explained"
COLUMNS = ("reason", "stops", "measured", "limit_said", "meaning")


def explain(bot: str) -> None:
    """Draw the button that asks for the verdicts, and what the worker answered."""
    if not person().is_operator:
        st.caption("An operator can ask the worker what every rule says.")
        return
    if st.button("What every rule says now", icon=":material/rule:", key="explain"):
        try:
            asked_for = actions.ask(CommandKind.EXPLAIN, ScopeKind.BOT, bot, "explain")
        except FlotillaError as error:
            st.error(plain(error))
            return
        st.session_state[_ASKED] = (bot, asked_for)
    asked = st.session_state.get(_ASKED)
    if asked is not None and asked[0] == bot:
        if not asked[1].is_recorded:
            st.warning(NOT_RECORDED)
        live(_answer, asked[1].command_id, has_figures=False)


def _answer(command_id: int) -> None:
    command = loaders.command(command_id)
    if command is None:
        return
    if command["status"] == CommandStatus.REFUSED.name:
        st.error(plain(command["answer"]))
    elif command["status"] == CommandStatus.DONE.name:
        answer = json.loads(command["answer"])
        st.caption(f"After step {answer['step']:,}, confirmed exposure {answer['confirmed']:+.2f}.")
        verdicts = _verdicts(answer["rows"])
        table(verdicts, COLUMNS, "verdicts", Rows("verdicts", verdicts), free_text=("reason",), total=None)
    elif unanswered(command, SystemClock().now_ms()):
        st.warning("The worker has not answered yet; it will when it is back.")
    else:
        st.caption(":material/hourglass_top: waiting for the worker")


def _verdicts(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([_verdict(row) for row in rows], columns=list(COLUMNS))


def _verdict(row: dict[str, Any]) -> dict[str, str]:
    meaning = meaning_of(Reason[row["reason"]], row["value"], row["limit"])
    said = [UNKNOWN if row[name] is None else meaning.said(row[name], loaders.counted()) for name in ("value", "limit")]
    return {
        "reason": words(row["reason"]),
        "stops": "stops" if row["stops"] else "",
        "measured": f"{meaning.value} {said[0]}".strip(),
        "limit_said": f"{meaning.limit} {said[1]}".strip(),
        "meaning": meaning.sentence,
    }
