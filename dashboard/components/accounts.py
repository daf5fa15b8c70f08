"""Where orders go and how that stands: accounts, what differs there, orders on their way, and what a person must do."""

from collections.abc import Sequence

import streamlit as st

from dashboard import loaders
from dashboard.components.header import CONTROL
from dashboard.components.kill_switch import release_button
from dashboard.components.words import duration, many, plain, when, words
from dashboard.components.zone import zone
from dashboard.gate.person import person
from dashboard.queries.equity import PORTFOLIO
from dashboard.queries.levels import load_levels
from dashboard.queries.orders import Orders, Place, load_orders_under_way
from shared.clock import SystemClock
from shared.enums import Cause
from shared.state_folder import KILL_FILE, state_folder
from shared.tables.under_way import AccountNow, Difference, OrderNow
from shared.under_way import (
    budget_words,
    difference_words,
    first_orders_words,
    is_unreconciled,
    look_words,
    next_ramp,
    order_words,
    ramp_words,
    reconciled_words,
    silence_words,
)

# So many orders, and so many differences, are named one by one.
MOST_NAMED = 12
MOST_IN_SHORT = 3
UNKNOWN_MEANS = "Their bots enter nothing there until that is proved, and no order is sent twice."
NOT_ASKED = "Nothing is asked there meanwhile, and no order leaves, exits neither."
NO_ENTRIES = "No bot enters anything there until it is resolved."
RESOLVE = (
    f"{NO_ENTRIES} Trades that are found explain most differences within a pass. Else say what it is, in the terminal "
    "(`docs/live.md`, Reconciliation), one line for each:"
)


def accounts_panel(link_to_control: bool) -> None:
    """Draw where orders go; on paper that is one line. Pages other than Control link to what is to be done there."""
    overview = loaders.overview()
    if overview is None:
        return
    found = loaders.of_beat(load_orders_under_way)
    if not found.is_live:
        st.caption(f":material/description: Paper · {_named(found.places)}")
        return
    now_ms = SystemClock().now_ms()
    known = {account.account: account for account in found.under_way.accounts}
    _killed()
    for place in found.places:
        _account(place, known.get(place.account), found, now_ms, link_to_control)
    _orders(found, now_ms, is_short=link_to_control)
    if not link_to_control:
        _first_orders(found)


def _named(places: Sequence[Place]) -> str:
    names = ", ".join(plain(place.account) for place in places)
    return f"account{'' if len(places) == 1 else 's'} {names}"


def _killed() -> None:
    place = loaders.place()
    file = state_folder(place.root, place.settings.database.url) / KILL_FILE
    if file.exists():
        st.error(f"No order leaves: there is a file {plain(file)}. Remove it to go on.", icon=":material/dangerous:")


def _account(place: Place, account: AccountNow | None, found: Orders, now_ms: int, link_to_control: bool) -> None:
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            _mode(place)
            st.markdown(f"**{plain(place.account)}** · {_where(place)}", width="content")
            if account is not None:
                st.caption(plain(_standing(account, found, now_ms)), width="content")
        if account is None:
            st.caption("The worker has not opened it yet.")
        else:
            _troubles(account, found, now_ms, link_to_control)
            if not link_to_control:
                _ramp(account, now_ms)


def _mode(place: Place) -> None:
    if place.endpoint:
        st.badge("Live on a local exchange", color="orange", icon=":material/bolt:")
    elif place.is_testnet:
        st.badge("Live on a testnet", color="orange", icon=":material/bolt:")
    else:
        st.badge("Live, real money", color="red", icon=":material/bolt:")


def _where(place: Place) -> str:
    counted = loaders.counted()
    limit = "" if place.limit is None else f"limit {counted.amount(place.limit)} {counted.quote}"
    said = (f"{place.exchange} {place.type}".strip(), f"at {place.endpoint}" if place.endpoint else "", limit)
    return " · ".join(plain(part) for part in said if part)


def _standing(account: AccountNow, found: Orders, now_ms: int) -> str:
    said = (
        reconciled_words(account, now_ms),
        ramp_words(account),
        budget_words(account),
        first_orders_words(account, found.first_orders),
    )
    return " · ".join(filter(None, said))


def _ramp(account: AccountNow, now_ms: int) -> None:
    """Say how an account may use more of its limit, and from when on."""
    following = next_ramp(account)
    if following is None:
        return
    share, from_ms = following
    begins = "may be taken now" if from_ms <= now_ms else f"may be taken from {when(from_ms)} on"
    st.caption(
        f"The next step of its ramp, {share:.0%} of its limit, {begins}, while nothing is unresolved: "
        f"`ramp = {share:g}` of account {plain(account.account)} in `flotilla.toml`, then "
        "`.venv/bin/supervisorctl signal HUP worker`."
    )


def _troubles(account: AccountNow, found: Orders, now_ms: int, link_to_control: bool) -> None:
    if account.silent_until_ms > now_ms:
        said = f"Account {account.account} was {silence_words(account, now_ms, zone())}"
        st.error(f"{plain(said)}. {NOT_ASKED}", title="The exchange wants silence", icon=":material/timer:")
    if account.differs:
        _differs(account, link_to_control)
    if account.silent_until_ms <= now_ms and is_unreconciled(account, found.every_ms, now_ms):
        _unreconciled(account, found.every_ms, now_ms)


def _unreconciled(account: AccountNow, every_ms: int, now_ms: int) -> None:
    """Say that passes are missing: nobody knows whether the books are what the account holds."""
    failure = _failure(account)
    why = f" {plain(failure[:1].upper() + failure[1:])}." if failure else ""
    if account.reconciled_ms:
        ages = f"The last full pass was {duration(now_ms - account.reconciled_ms)} ago; one is due every"
        title = f"Account {plain(account.account)} is not reconciled"
        st.error(f"{ages} {duration(every_ms)}.{why}", title=title, icon=":material/cloud_off:")
    else:
        st.warning(f"No bot enters anything before the first pass has agreed.{why}", title="Not reconciled yet")


def _failure(account: AccountNow) -> str:
    """Give why the last pass failed; what differs is said by itself."""
    return "" if account.differs else account.message or ""


def _differs(account: AccountNow, link_to_control: bool) -> None:
    said = [f"- {plain(difference_words(difference))}" for difference in account.differences[:MOST_NAMED]]
    if len(account.differences) > MOST_NAMED:
        said.append(f"- {len(account.differences) - MOST_NAMED} more")
    title = f"Account {plain(account.account)} differs from the books"
    means = NO_ENTRIES if link_to_control else RESOLVE
    st.error("\n".join((*said, "", means)), title=title, icon=":material/difference:")
    if link_to_control:
        st.page_link(CONTROL, label="How to resolve it, on Control", icon=":material/tune:")
    else:
        ways = [way for difference in account.differences[:MOST_IN_SHORT] for way in _commands(difference)]
        st.code("\n".join(ways), language="sh", wrap_lines=True)


def _commands(difference: Difference) -> list[str]:
    """Give what resolves a difference, for a person to choose from."""
    quote = loaders.counted().quote
    symbol = difference.coin if "/" in difference.coin else f"{difference.coin}/{quote}"
    ways = [f"unattributed --symbol {difference.coin}", f"adopt --symbol {symbol} --bot BOT"]
    if difference.coin == quote:
        ways = [f"{'deposit' if difference.gap > 0 else 'withdraw'} --symbol {quote}", ways[0]]
    return [f'.venv/bin/flotilla reconcile {way} --reason "…"' for way in ways]


def _orders(found: Orders, now_ms: int, is_short: bool) -> None:
    orders, count = found.under_way.orders, found.under_way.count
    unknown = [order for order in orders if order.is_unknown][: MOST_IN_SHORT if is_short else MOST_NAMED]
    if unknown:
        _unknown(unknown, found, now_ms)
    named = [] if is_short else [order for order in orders if not order.is_unknown][:MOST_NAMED]
    if named:
        st.caption(f"{many(count, 'order')} on the way")
    for order in named:
        st.text(order_words(order, now_ms))
    left = count - len(unknown) - len(named)
    if not count:
        st.caption("No order is on its way.")
    elif left:
        st.caption(f"{many(left, 'order')} on the way" if left == count else f"and {left:,} more")


def _unknown(orders: Sequence[OrderNow], found: Orders, now_ms: int) -> None:
    """Say in red of which orders nothing is known, and what is being done about them."""
    said = []
    for order in orders:
        looked = look_words(order, found.alarm_ms, now_ms, zone())
        why = f". {plain(order.reason)}" if order.reason else ""
        said.append(f"- {plain(order_words(order, now_ms))}: {plain(looked)}{why}")
    st.error("\n".join((*said, "", UNKNOWN_MEANS)), title="Unknown whether an order was taken", icon=":material/help:")


def _first_orders(found: Orders) -> None:
    """Ask for a person's word on the first orders where the worker waits for it; every page says that it does."""
    levels = loaders.live(load_levels)
    if not ((levels["cause"] == Cause.FIRST_ORDERS.name) & (levels["scope"] == "")).any():
        return
    st.warning(
        f"A new account has sent its first {many(found.first_orders, 'order')}, and no bot enters anything more. "
        "Compare what was sent (Trades, *Orders*) with the exchange's own page; if it is the same, say so.",
        title=f"Waiting for a person: {words(Cause.FIRST_ORDERS.name)}",
        icon=":material/rule:",
    )
    if person().is_operator:
        release_button(PORTFOLIO, Cause.FIRST_ORDERS, "confirm_first_orders", "They look right")
