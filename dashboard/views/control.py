"""Control: stop and release what trades, see what was asked and by whom, and which settings run."""

import json

import streamlit as st

from dashboard import loaders
from dashboard.components.accounts import accounts_panel
from dashboard.components.answers import in_words, names_in_words
from dashboard.components.asked import COUNTS, asked_in_short, asked_levels, asked_over
from dashboard.components.confirm import STOP_WORKER, asking_button
from dashboard.components.downloads import Books
from dashboard.components.empty import nothing
from dashboard.components.header import COLOURS, header
from dashboard.components.kill_switch import LEVEL_KINDS, kill_switch, level_question, release_button
from dashboard.components.money_controls import money_controls, money_question
from dashboard.components.panels import live, overview_or_nothing, still
from dashboard.components.pickers import named_scope, one_scope_picker
from dashboard.components.progress import progress
from dashboard.components.rows import Rows
from dashboard.components.tables import table
from dashboard.components.tiles import scope_tiles
from dashboard.components.words import words
from dashboard.components.zone import utc_midnight
from dashboard.gate.person import person
from dashboard.queries.control import load_commands, load_settings_versions, settings_table
from dashboard.queries.equity import Scope
from dashboard.queries.levels import load_levels, load_scopes
from shared.enums import Cause, CommandKind, ScopeKind

BRAKES = (Cause.DRAWDOWN.name, Cause.DAILY_LOSS.name)
COMMANDS = (
    "asked_ms", "kind", "scope_kind", "scope", "who", "reason", "status", "answer", "cause", "amount", "taken_ms",
    "answered_ms", "command_id",
)  # fmt: skip
SCOPES = ("scope_kind", "scope", "level", "own_level", "positions", "notional")
TABS = ("Audit trail", "All levels", "Settings", "Worker's process")
VERSIONS = ("last_ms", "first_ms", "digest", "changes")


def switch(scope: Scope) -> None:
    overview = overview_or_nothing()
    if overview is None:
        return
    scopes = loaders.live(load_scopes)
    rows = scopes[(scopes["scope_kind"] == scope.kind.name) & (scopes["scope"] == scope.name)]
    if rows.empty:
        nothing("Nothing is known of it yet", "The worker writes it down at its first step.")
        return
    row = rows.iloc[0]
    scope_tiles(row, overview.counted, asked_over(scope, row["sleeve"]))
    offered = (*LEVEL_KINDS, CommandKind.CLOSE) if scope.kind is ScopeKind.BOT else LEVEL_KINDS
    kill_switch(scope, float(row["notional"]), overview.counted, offered)
    progress()


def held() -> None:
    frame, asked = loaders.live(load_levels), asked_levels()
    if frame.empty and asked.empty:
        nothing(
            "Nothing is stopped",
            "What a person or a brake stops is listed here until it is released.",
            ":material/check:",
        )
        return
    for row in asked.to_dict("records"):
        _waiting(row)
    for number, row in enumerate(frame.to_dict("records")):
        _held(number, row)


def _waiting(row: dict) -> None:
    scope = Scope(ScopeKind[row["scope_kind"]], row["scope"])
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.badge(f"{words(row['level'])}, asked", color=COLOURS[row["level"]], icon=":material/hourglass_top:")
        st.text(f"{named_scope(scope)}, {asked_in_short(row)}: {row['reason']}")
        st.caption(COUNTS)


def _held(number: int, row: dict) -> None:
    scope, cause = Scope(ScopeKind[row["scope_kind"]], row["scope"]), Cause[row["cause"]]
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.badge(words(row["level"]), color=COLOURS[row["level"]])
        st.text(f"{named_scope(scope)}, set by {words(cause.name)}: {_why(row)}")
        if cause is Cause.DAILY_LOSS:
            st.caption(f"releases itself at {utc_midnight(loaders.newest().market_ms)}")
        elif person().is_operator:
            release_button(scope, cause, f"release_{number}")


def _why(row: dict) -> str:
    if row["who"]:
        return f"{row['reason']} ({row['who']})"
    return "its brake" if row["cause"] in BRAKES or not row["reason"] else names_in_words(row["reason"])


def money() -> None:
    overview = overview_or_nothing()
    if overview is not None:
        money_controls(overview)


def audit() -> None:
    frame = loaders.live(load_commands)
    if frame.empty:
        nothing("Nobody has asked for anything yet", "Every command is listed here: who asked, why, and the answer.")
        return
    said = [in_words(command) for command in frame.to_dict("records")]
    shown = frame.assign(answer=said)
    table(shown, COMMANDS, "commands", Books("commands"), free_text=("reason",))


def every_scope() -> None:
    frame = loaders.live(load_scopes)
    table(frame, SCOPES, "scopes", Rows("levels", frame), height=360, total=None)


def settings() -> None:
    versions = loaders.of_books(load_settings_versions)
    if versions.empty:
        nothing("No settings are in force yet", "The worker takes them at its first start.")
        return
    st.caption("In force since the worker's latest start. They are changed in `flotilla.toml`, not here.")
    current = settings_table(json.loads(versions["settings"].iloc[0]))
    table(current, ("setting", "value"), "settings", Rows("settings", current), height=420)
    st.markdown("**History**")
    table(versions, VERSIONS, "versions", Rows("settings_versions", versions))


header("Control", "Stop, release, and see who asked for what.", link_to_control=False)
chosen = one_scope_picker("scope", "Kill switch for")
live(switch, chosen)
live(accounts_panel, False, has_figures=False)
level_question()
money_question()
st.subheader("What is stopped", anchor=False)
live(held)
st.subheader("Money", anchor=False)
live(money)
audit_tab, scopes_tab, settings_tab, process_tab = st.tabs(TABS)
with audit_tab:
    live(audit)
with scopes_tab:
    live(every_scope)
with settings_tab:
    still(settings)
with process_tab:
    st.caption("The worker's process runs under supervisor. What a person stopped stays stopped when it ends.")
    if person().is_operator:
        asking_button(
            "Stop or start the worker's process", "stop_worker_asked", STOP_WORKER, icon=":material/power_settings_new:"
        )
