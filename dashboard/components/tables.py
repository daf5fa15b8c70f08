"""Tables: what each column is called and how its values are written, once for all pages."""

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal

import pandas as pd
import streamlit as st

from dashboard import loaders
from dashboard.components.answers import names_in_words
from dashboard.components.downloads import Source, download
from dashboard.components.words import words
from dashboard.components.zone import UTC, zone
from shared.enums import Side
from shared.money import PRICE_DIGITS, quantity_decimals
from shared.units import HOUR_MS

Height = int | Literal["auto"]
# How a column is written where that depends on what is in the books: by the money they count in, or by its own values.
MONEY, SIGNED, FEE, PRICE, QUANTITY, MEASURED = "money", "signed", "fee", "price", "quantity", "measured"
PERCENT = "%.2f%%"
_SIGNIFICANT = {PRICE: PRICE_DIGITS, MEASURED: 6}
DIRECTIONS = {Side.BUY.name: "long", Side.SELL.name: "short"}

_NUMBERS: dict[str, tuple[str, str, str | None]] = {
    "allocation": ("Allocation", MONEY, "The money it is to hold."),
    "amount": ("Amount", SIGNED, None),
    "allocation_share": ("Share", PERCENT, None),
    "actual_share": ("Holds", PERCENT, "Share of the portfolio's equity it has."),
    "target_share": ("Is to hold", PERCENT, "Share of the portfolio's equity it is to have."),
    "best_fraction": ("Best", PERCENT, "Best excursion from the entry price."),
    "worst_fraction": ("Worst", PERCENT, "Worst excursion from the entry price."),
    "best_price": ("Best price", PRICE, None),
    "worst_price": ("Worst price", PRICE, None),
    "close": ("Last price", PRICE, None),
    "confirmed": ("Confirmed", "%+.2f", "Confirmed exposure, from −1 to 1."),
    "count": ("Count", "%,d", None),
    "crossed": ("Crossed", QUANTITY, "The part that crossed in house."),
    "crossed_notional": ("Crossed in house", MONEY, None),
    "days": ("Days", "%,d", "Days with a mark."),
    "difference": ("Difference", SIGNED, None),
    "difference_fraction": ("Difference %", PERCENT, None),
    "distance_fraction": ("To exit", PERCENT, "How far the price is from the level at which the position is closed."),
    "drawdown_fraction": ("Drawdown now", PERCENT, "Below its highest equity."),
    "entry_price": ("Entry", PRICE, None),
    "equity": ("Equity", MONEY, None),
    "exit_level": ("Exit level", PRICE, "Stop or trailing stop, whichever rules; empty where nothing protects it."),
    "exit_price": ("Exit", PRICE, None),
    "expectancy": ("Expectancy", SIGNED, "Mean profit of a round trip."),
    "fee": ("Fee", FEE, None),
    "fees": ("Fees", MONEY, None),
    "filled_quantity": ("Filled", QUANTITY, None),
    "fills": ("Fills", "%,d", None),
    "first_limit": ("Limit at first", MEASURED, None),
    "first_value": ("Value at first", MEASURED, None),
    "funding": ("Funding", SIGNED, None),
    "gross": ("Gross", MONEY, None),
    "gross_profit": ("Gross profit", SIGNED, "Before fees and funding."),
    "high": ("Band high", "%+.2f", None),
    "last_limit": ("Limit", MEASURED, "What the deciding row asks for."),
    "last_value": ("Value", MEASURED, "What the deciding row measured."),
    "left_fraction": ("Left", PERCENT, None),
    "limit": ("Limit", MEASURED, None),
    "limit_fraction": ("Limit", PERCENT, None),
    "long": ("Long", MONEY, None),
    "low": ("Band low", "%+.2f", None),
    "max_drawdown_fraction": ("Deepest drawdown", PERCENT, "Of the period."),
    "money_in": ("Money in", MONEY, "Deposits and transfers less what was taken out."),
    "net": ("Net", SIGNED, None),
    "notional": ("Notional", MONEY, None),
    "of_equity": ("Of equity", PERCENT, None),
    "open_profit": ("Open profit", SIGNED, None),
    "ordered": ("Ordered", "%,d", "Steps in which an order was made."),
    "position": ("Position", QUANTITY, "Signed, in base currency."),
    "positions": ("Positions", "%,d", None),
    "price": ("Price", PRICE, None),
    "profit": ("Profit", SIGNED, "After fees."),
    "profit_so_far": ("Profit so far", SIGNED, "Since the start, after fees, open positions included."),
    "period_profit": ("Profit in period", SIGNED, "After fees; of open positions what changed in it."),
    "period_fees": ("Fees in period", MONEY, None),
    "profit_factor": ("Profit factor", "%.2f", "Gains over losses."),
    "quantity": ("Quantity", QUANTITY, None),
    "realised_profit": ("Realised", SIGNED, None),
    "reason_limit": ("Limit", MEASURED, None),
    "reason_value": ("Value", MEASURED, None),
    "return_fraction": ("Return", PERCENT, "Deposits and transfers are neither profit nor loss."),
    "risk": ("At risk", MONEY, "Lost if it is closed at its exit level."),
    "round_trips": ("Round trips", "%,d", None),
    "saved": ("Saved", MONEY, "Fees and slippage that crossing in house saved."),
    "share": ("Share", PERCENT, None),
    "short": ("Short", MONEY, None),
    "step": ("Step", "%d", None),
    "steps": ("Steps", "%,d", None),
    "stop_price": ("Stop", PRICE, None),
    "symbol_days": ("Symbol-days", "%,d", "Days with a round trip, per symbol: what fleet-wide intervals count."),
    "traded_notional": ("Traded", MONEY, None),
    "trailing_price": ("Trailing", PRICE, "Empty until it is armed."),
    "trials": ("Counted", "%,d", "What the interval counts: symbol-days, or the round trips of one bot."),
    "value": ("Value", MEASURED, None),
    "value_fraction": ("Now", PERCENT, None),
    "weight": ("Weight", PERCENT, None),
    "win_rate": ("Win rate", PERCENT, None),
    "win_rate_high": ("…at most", PERCENT, "Upper bound of the 95 % interval."),
    "win_rate_low": ("…at least", PERCENT, "Lower bound of the 95 % interval."),
    "wins": ("Wins", "%,d", None),
}  # fmt: skip
_NUMBERS["low_rate"] = _NUMBERS["win_rate_low"]

_WORDS: dict[str, str] = {
    "answer": "Answer",
    "brake": "Brake",
    "bot": "Bot",
    "cause": "Cause",
    "changes": "Changed",
    "digest": "Digest",
    "exit_reason": "Exit",
    "kind": "Kind",
    "label": "Group",
    "leg": "Leg",
    "limit_said": "Limit",
    "meaning": "When it stops",
    "level": "Level",
    "message": "What happened",
    "own_level": "Own level",
    "parameters": "Parameters",
    "reason": "Reason",
    "scope": "Name",
    "scope_kind": "Scope",
    "setting": "Setting",
    "severity": "Severity",
    "side": "Side",
    "sleeve": "Sleeve",
    "status": "Status",
    "symbol": "Symbol",
    "trigger": "Trigger",
    "value": "Value",
    "what": "What",
    "who": "Who",
}
_TIMES: dict[str, str] = {
    "answered_ms": "Answered",
    "asked_ms": "Asked",
    "closed_ms": "Closed",
    "decided_ms": "Decided",
    "done_ms": "Done",
    "first_ms": "First start",
    "from_ms": "From",
    "last_fill_ms": "Last fill",
    "last_ms": "Latest start",
    "open_ms": "Bar opened",
    "opened_ms": "Opened",
    "sent_ms": "Sent",
    "since_ms": "Since",
    "taken_ms": "Taken",
    "time_ms": "Time",
    "until_ms": "Until",
    "wall_ms": "Wall clock",
}
# Of the closed vocabularies, shown as words; names and free text stay as they are.
_VOCABULARY = (
    "brake",
    "cause",
    "exit_reason",
    "kind",
    "leg",
    "level",
    "own_level",
    "reason",
    "scope_kind",
    "severity",
    "side",
    "status",
    "trigger",
    "what",
)
_LONG = ("answer", "changes", "meaning", "message")
# Tall enough for Streamlit to break lines.
TALL_ROW_PX = 62
# Wide enough for the name of most zones in the title.
LONG_TIME_PX = 190
# Below it JavaScript writes a number as a power of ten.
SMALLEST_PLAIN = 1e-6
_UTC_DAY = "day_ms"
_DURATIONS = {"duration_ms": "Held, h", "late_ms": "Late, h"}


def table(
    frame: pd.DataFrame,
    columns: Iterable[str],
    key: str,
    source: Source,
    *more: Source,
    select: str | None = None,
    on_select: Callable[[], None] | None = None,
    height: Height = "auto",
    pinned: str | None = None,
    free_text: Iterable[str] = (),
    of_trips: bool = False,
    row_height: int | None = None,
) -> Any:
    """Draw columns of a frame, in this order, as they are called and written everywhere, and the download of its rows.

    `select` is `single-row`, `multi-row` or `single-cell`; what is given back then has what was picked, and
    `on_select` is called before the page is drawn again. `free_text` names columns
    whose values are stored text though elsewhere their name is a closed vocabulary. `of_trips` says that a side is that
    of a round trip: a BUY was a long. `row_height` (TALL_ROW_PX) lets long text take several lines.
    """
    shown = [name for name in columns if name in frame.columns]
    prepared = frame[shown].copy()
    if of_trips and "side" in shown:
        prepared["side"] = prepared["side"].map(DIRECTIONS)
    config = {}
    for name in shown:
        prepared[name], config[name] = _column(prepared[name], name, name == pinned, name in set(free_text))
    options: dict[str, Any] = {"on_select": on_select or "rerun", "selection_mode": select} if select else {}
    picked = st.dataframe(
        prepared, key=f"{key}_rows", hide_index=True, column_config=config, height=height, row_height=row_height,
        placeholder="–", **options,
    )  # fmt: skip
    download(key, source, *more)
    return picked


def _column(values: pd.Series, name: str, pinned: bool, is_free: bool) -> tuple[pd.Series, Any]:
    pin = True if pinned else None
    if name in _TIMES or name == _UTC_DAY:
        times = pd.to_datetime(values.astype("Float64"), unit="ms", utc=True)
        if name == _UTC_DAY:
            return times, st.column_config.DatetimeColumn("Day, UTC", format="YYYY-MM-DD", timezone=UTC, pinned=pin)
        title = f"{_TIMES[name]}, {zone()}"
        return times, st.column_config.DatetimeColumn(
            title, format="YYYY-MM-DD HH:mm", timezone=zone(), pinned=pin, width=None if zone() == UTC else LONG_TIME_PX
        )
    if name in _DURATIONS:
        return values / HOUR_MS, st.column_config.NumberColumn(_DURATIONS[name], format="%.1f")
    if name == "sparkline":
        return values, st.column_config.LineChartColumn("Equity", width="small")
    if name in _NUMBERS and pd.api.types.is_numeric_dtype(values):
        title, style, note = _NUMBERS[name]
        values = values * 100.0 if style == PERCENT else values
        return values, st.column_config.NumberColumn(title, format=_written(style, values), help=note, pinned=pin)
    text = values
    if name in _VOCABULARY and not is_free:
        text = values.map(_said)
    elif name == "message":
        text = values.map(_told)
    return text, st.column_config.TextColumn(
        _WORDS.get(name, words(name).capitalize()), width="large" if name in _LONG else None, pinned=pin
    )


def _written(style: str, values: pd.Series) -> str:
    """Give how a column is written, as printf does."""
    counted = loaders.counted()
    if style in _SIGNIFICANT:
        return _significant(values, _SIGNIFICANT[style], "" if style == MEASURED else ",")
    if style == QUANTITY:
        return f"%,.{quantity_decimals(values.dropna())}f"
    amounts = {MONEY: counted.form, SIGNED: counted.signed_form, FEE: counted.finer(2).form}
    return f"%{amounts[style]}" if style in amounts else style


def _significant(values: pd.Series, digits: int, thousands: str) -> str:
    """Give so many significant digits; fixed decimals where a browser would write powers of ten."""
    sizes = values.abs()
    smallest = float(sizes[sizes > 0.0].min()) if (sizes > 0.0).any() else 1.0
    if smallest >= SMALLEST_PLAIN:
        return f"%{thousands}.{digits}g"
    return f"%{thousands}.{digits - 1 - math.floor(math.log10(smallest))}f"


def _said(value: Any) -> Any:
    return words(value) if isinstance(value, str) else value


def _told(value: Any) -> Any:
    return names_in_words(value) if isinstance(value, str) else value
