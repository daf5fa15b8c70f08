"""Accounts and orders on their way in words: terminal and page say the same."""

from shared.accounts import RAMP, RAMP_STEP_MS
from shared.money import quantity_text
from shared.tables.under_way import AccountNow, Difference, OrderNow
from shared.units import SECOND_MS, format_duration, format_time
from shared.words import many, words

# A pass that is late by more was not made: the exchange does not answer, or the worker does not ask.
PASSES_MISSED = 3


def reconciled_words(account: AccountNow, now_ms: int) -> str:
    """Say when an account was last reconciled, and what differed then."""
    if not account.reconciled_ms:
        return "not reconciled yet"
    found = "it differs" if account.differs else "difference 0"
    return f"reconciled {_ago(account.reconciled_ms, now_ms)}, {found}"


def difference_words(difference: Difference) -> str:
    """Say what differs, with both numbers."""
    gap = difference.gap.normalize()
    return f"{difference.coin}: {difference.expected} expected, {difference.found} found, difference {gap:+f}"


def is_unreconciled(account: AccountNow, every_ms: int, now_ms: int) -> bool:
    """Say whether passes that should have agreed were missed; `every_ms` is how often one is made."""
    return now_ms - max(account.reconciled_ms, 0) > PASSES_MISSED * every_ms


def budget_words(account: AccountNow) -> str:
    """Say how much of its rate budget an account uses; empty before anything was asked."""
    return f"rate budget {account.used_weight:,.0f} of {account.weight_limit:,.0f}" if account.weight_limit else ""


def silence_words(account: AccountNow, now_ms: int, zone: str = "UTC") -> str:
    """Say until when the exchange wants nothing asked; empty where it does not."""
    left_ms = account.silent_until_ms - now_ms
    if left_ms <= 0:
        return ""
    return f"told to wait until {format_time(account.silent_until_ms, zone)}, {format_duration(left_ms)} from now"


def order_words(order: OrderNow, now_ms: int) -> str:
    """Say what an order wants, where it stands and for how long: since it left, or since it was decided."""
    since_ms = order.decided_ms if order.sent_ms is None else order.sent_ms
    filled = f", {quantity_text(order.filled_quantity)} of it filled" if order.filled_quantity else ""
    return (
        f"order {order.client_order_id} on {order.account}: {order.side.lower()} {quantity_text(order.quantity)} "
        f"{order.symbol} ({words(order.trigger)}), {words(order.status)} for {_lasted(since_ms, now_ms)}{filled}"
    )


def look_words(order: OrderNow, alarm_ms: int, now_ms: int, zone: str = "UTC") -> str:
    """Say what is being done about an order of which nothing is known, and whether that lasts for too long."""
    due_ms = order.look_ms - now_ms
    next_look = f"next in {format_duration(due_ms)}" if due_ms >= SECOND_MS else "the next is due"
    since_ms = order.decided_ms if order.sent_ms is None else order.sent_ms
    alarm = f"alarm after {alarm_ms / 1000:g} s"
    if now_ms - since_ms >= alarm_ms:
        alarm = f"alarm since {format_time(since_ms + alarm_ms, zone)}"
    return f"looked up {many(order.looks, 'time')} so far, {next_look}, until its fate is proved; {alarm}"


def ramp_words(account: AccountNow) -> str:
    """Say how much of its limit an account may use; empty before the worker has settled it."""
    return f"may use {account.ramp:.0%} of its limit" if account.ramp else ""


def next_ramp(account: AccountNow) -> tuple[float, int] | None:
    """Give the next share of its limit that an account may use, and from when on; none where it may use all."""
    following = [share for share in RAMP if share > account.ramp]
    return (following[0], account.ramp_since_ms + RAMP_STEP_MS) if account.ramp and following else None


def first_orders_words(account: AccountNow, first_orders: int) -> str:
    """Say how far an account's first orders are; empty once a person has said that they look right."""
    if account.is_confirmed or not first_orders:
        return ""
    if account.orders_sent < first_orders:
        return f"{account.orders_sent:,} of the first {many(first_orders, 'order')} sent"
    return f"its first {many(first_orders, 'order')} wait for a person's word"


def _ago(time_ms: int, now_ms: int) -> str:
    return f"{_lasted(time_ms, now_ms)} ago"


def _lasted(since_ms: int, now_ms: int) -> str:
    return format_duration(max(now_ms - since_ms, 0))
