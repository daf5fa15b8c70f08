"""Putting money in and taking it out: two buttons that ask for the amount, the reason and a typed word."""

import streamlit as st

from dashboard import actions, loaders
from dashboard.components.confirm import asking_button, close_question, question
from dashboard.components.meanings import means
from dashboard.components.progress import follow
from dashboard.components.tiles import tiles
from dashboard.components.words import plain
from dashboard.gate.person import person
from dashboard.queries.fleet import load_members
from dashboard.queries.overview import Overview
from shared.enums import CommandKind, ScopeKind
from shared.errors import FlotillaError
from shared.money import Money

MONEY_QUESTION = "money"
FLOWS = {
    CommandKind.DEPOSIT: (
        "Deposit",
        ":material/add_card:",
        "It is in the portfolio's own cash first; bots get it at a rebalance. It changes no drawdown and is no profit.",
    ),
    CommandKind.WITHDRAW: (
        "Withdraw",
        ":material/payments:",
        "Free money only: the portfolio's own cash first, then what bots hold free. It closes nothing, changes no "
        "drawdown and is no loss.",
    ),
}


def money_controls(overview: Overview) -> None:
    """Draw what there is and the buttons that ask to change it; no button for a viewer."""
    counted, quote = overview.counted, plain(overview.quote)
    tiles(
        (f"Put in, {quote}", counted.amount(overview.money_in), means("Put in"), "less what was taken out"),
        (
            f"Equity, {quote}",
            counted.amount(overview.equity),
            means("Equity"),
            "at the last price",
            counted.gain(overview.profit),
        ),
    )
    if not person().is_operator:
        st.caption(":material/visibility: You can look as a viewer; only an operator can put money in and take it out.")
        return
    with st.container(horizontal=True):
        for kind, (label, icon, about) in FLOWS.items():
            asking_button(
                label, f"ask_{kind}", MONEY_QUESTION, {"kind": kind, "counted": counted}, icon=icon, help=about
            )


def money_question() -> None:
    """Draw the question that is open, if one is."""
    question(MONEY_QUESTION, "How much?", _ask)


def _ask(kind: CommandKind, counted: Money) -> None:
    label, icon, about = FLOWS[kind]
    st.markdown(f"{icon} **{label}** for **the whole portfolio**. {about}")
    account = _account() if kind is CommandKind.WITHDRAW else None
    amount = st.number_input(
        f"Amount, {plain(counted.quote)}", min_value=0.0, value=None, step=counted.smallest,
        format=f"%.{counted.digits}f", key="money_amount",
    )  # fmt: skip
    reason = st.text_input(
        "Reason, for the audit trail",
        key="money_reason",
        max_chars=actions.LONGEST_REASON,
        live=True,
        placeholder="needed",
    )
    word = st.text_input(f"Type {kind} to confirm", key="money_word", live=True)
    is_typed = (word or "").strip().upper() == kind
    with st.container(horizontal=True):
        certain = bool(amount and (reason or "").strip() and is_typed)
        if st.button(f"{label} now", type="primary", key="money_send", disabled=not certain, icon=icon):
            _send(kind, float(amount or 0.0), reason or "", account)
        if st.button("Cancel", key="money_leave"):
            close_question()
            st.rerun()


def _account() -> str | None:
    """Ask which account money is taken from, where there are several."""
    accounts = list(dict.fromkeys(loaders.of_books(load_members)["account"]))
    return st.selectbox("Account", accounts, key="money_account") if len(accounts) > 1 else None


def _send(kind: CommandKind, amount: float, reason: str, account: str | None) -> None:
    try:
        follow(actions.ask(kind, ScopeKind.PORTFOLIO, "", reason, amount=amount, detail=account))
    except FlotillaError as error:
        st.error(plain(error))
        return
    close_question()
    st.rerun()
