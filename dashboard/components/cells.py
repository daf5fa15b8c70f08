"""The cells of a table: what stands in each, by which a column is sorted, where a name leads, and the total."""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dashboard.components.answers import names_in_words
from dashboard.components.columns import (
    BASIS_POINTS,
    COUNT,
    EXPOSURE,
    FEE,
    HOURS,
    LONG,
    MONEY,
    NUMBERS,
    PERCENT,
    PRICE,
    QUANTITY,
    RATIO,
    SIGNED,
    SIGNED_PERCENT,
    TIMES,
    UTC_DAY,
    VOCABULARY,
    WALL_TIMES,
    WORDS,
    Number,
)
from dashboard.components.places import PLACES, address
from dashboard.components.words import UNKNOWN, words
from dashboard.components.zone import UTC, zone
from shared.enums import ScopeKind
from shared.money import Money, fixed_price, price_decimals, price_text, quantity_decimals
from shared.units import HOUR_MS

TOTAL = "Total"
# What a price is told from: the rest are levels that are worked out, with more digits than any price has.
_TRADED = ("close", "price", "entry_price", "exit_price")
# Beyond them nobody reads what was measured.
_MEASURED_DIGITS = 6
_FORMS = {
    PERCENT: "{:z.2f}%", SIGNED_PERCENT: "{:+.2f}%", COUNT: "{:,.0f}", EXPOSURE: "{:+z.2f}", RATIO: "{:.2f}",
    HOURS: "{:,.1f}", BASIS_POINTS: "{:+z.1f}",
}  # fmt: skip
# Sentences up to so many characters stand in one line: more would take the room of other columns.
_ONE_LINE = 44


class Decimals(NamedTuple):
    """The decimals that prices and quantities of each symbol are written with."""

    prices: Mapping[str, int]
    quantities: Mapping[str, int]


class Cells(NamedTuple):
    """A column as it is drawn: one text per row, what it is sorted by, where it leads, and its total."""

    title: str
    note: str
    texts: list[str]
    values: list[Any] | None = None
    links: list[str | None] | None = None
    total: str = ""
    is_long: bool = False
    lines: list[list[float]] | None = None

    def drawn(self, name: str) -> dict[str, Any]:
        """Give what the browser draws it from; what is not there is left out."""
        found = {**self._asdict(), "name": name}
        return {key: value for key, value in found.items() if value not in (None, "", False)}


def decimals_of(frame: pd.DataFrame) -> Decimals:
    """Give the decimals of each symbol of a table, from what is in it; of a table of one symbol, that of `""`."""
    groups = frame.groupby("symbol", sort=False) if "symbol" in frame else (("", frame),)
    traded = [name for name in _TRADED if name in frame] or [name for name in frame if _is(name, PRICE)]
    counted = [name for name in frame if _is(name, QUANTITY)]
    prices, quantities = {}, {}
    for symbol, own in groups:
        prices[str(symbol)] = price_decimals(_numbers(own, traded))
        quantities[str(symbol)] = quantity_decimals(_numbers(own, counted))
    return Decimals(prices, quantities)


def cells(frame: pd.DataFrame, name: str, counted: Money, decimals: Decimals, is_free: bool, has_total: bool) -> Cells:
    """Give a column of a frame as it is drawn; `is_free` says that it holds stored text and no closed vocabulary."""
    values = frame[name]
    if name in TIMES or name in WALL_TIMES or name == UTC_DAY:
        return _times(values, name)
    if name == "sparkline":
        lines = [[float(value) for value in line if math.isfinite(value)] for line in values]
        return Cells("Equity", "Its equity over the period.", [""] * len(values), lines=lines)
    if name in NUMBERS and pd.api.types.is_numeric_dtype(values):
        return _number(frame, NUMBERS[name], values, counted, decimals, has_total)
    said = _said(values, name, is_free)
    is_long = (name in LONG or (is_free and name == "reason")) and max(map(len, said), default=0) > _ONE_LINE
    return Cells(WORDS.get(name) or words(name).capitalize(), "", said, links=_links(frame, name), is_long=is_long)


def _is(name: str, style: str) -> bool:
    return name in NUMBERS and NUMBERS[name].style == style


def _numbers(frame: pd.DataFrame, names: list[str]) -> list[float]:
    return np.unique(frame[names].to_numpy(np.float64)).tolist() if names else []


def _times(values: pd.Series, name: str) -> Cells:
    times_ms = values.astype("float64")
    shown_in = UTC if name == UTC_DAY else zone()
    stamps = pd.to_datetime(times_ms, unit="ms", utc=True).dt.tz_convert(shown_in)
    texts = stamps.dt.strftime("%Y-%m-%d" if name == UTC_DAY else "%Y-%m-%d %H:%M").fillna(UNKNOWN)
    if name in WALL_TIMES:
        title, note = (
            f"{WALL_TIMES[name]}, wall clock {shown_in}",
            "By the clock on the wall, not by that of the market.",
        )
    else:
        title, note = f"{TIMES.get(name, 'Day')}, {shown_in}", "By the time of the market's bars."
    return Cells(title, note, texts.tolist(), _known(times_ms.tolist()))


def _number(
    frame: pd.DataFrame, number: Number, values: pd.Series, counted: Money, decimals: Decimals, has_total: bool
) -> Cells:
    scale = {PERCENT: 100.0, SIGNED_PERCENT: 100.0, BASIS_POINTS: 1e4, HOURS: 1.0 / HOUR_MS}.get(number.style, 1.0)
    shown = (values.to_numpy(np.float64) * scale).tolist()
    written = _texts(frame, number, shown, counted, decimals)
    texts = [UNKNOWN if math.isnan(value) else text for value, text in zip(shown, written, strict=True)]
    total = ""
    if has_total and number.adds_up and _is_one_money(frame, number):
        total = _written(number.style, counted)(math.fsum(value for value in shown if not math.isnan(value)))
    return Cells(number.title, number.note, texts, _known(shown), total=total)


def _texts(
    frame: pd.DataFrame, number: Number, shown: list[float], counted: Money, decimals: Decimals
) -> Iterable[str]:
    if number.style not in (PRICE, QUANTITY):
        return map(_written(number.style, counted), shown)
    symbols = frame["symbol"].tolist() if "symbol" in frame else [""] * len(frame)
    places = decimals.prices if number.style == PRICE else decimals.quantities
    return [fixed_price(value, places[symbol]) for value, symbol in zip(shown, symbols, strict=True)]


def _written(style: str, counted: Money) -> Callable[[float], str]:
    """Give what writes a number of a style, of which a total can be drawn."""
    if style in _FORMS:
        # Of a zero with a sign it takes the sign.
        return lambda value: _FORMS[style].format(value + 0.0)
    amounts = {MONEY: counted.amount, SIGNED: counted.gain, FEE: counted.finer(2).amount}
    return amounts[style] if style in amounts else partial(price_text, digits=_MEASURED_DIGITS)


def _is_one_money(frame: pd.DataFrame, number: Number) -> bool:
    return number.style != FEE or "fee_currency" not in frame or frame["fee_currency"].nunique() < 2


def _said(values: pd.Series, name: str, is_free: bool) -> list[str]:
    if name in VOCABULARY and not is_free:
        spelled = {value: words(value) for value in values.unique() if isinstance(value, str)}
        return [spelled.get(value, UNKNOWN) or UNKNOWN for value in values]
    told = names_in_words if name == "message" else str
    return [UNKNOWN if value is None or value != value or value == "" else told(value) for value in values]


def _links(frame: pd.DataFrame, name: str) -> list[str | None] | None:
    if name in PLACES:
        return [address(name, value) if value else None for value in frame[name]]
    if name == "scope" and "scope_kind" in frame:
        kinds = {ScopeKind.SLEEVE.name: "sleeve", ScopeKind.BOT.name: "bot"}
        rows = zip(frame["scope_kind"], frame["scope"], strict=True)
        return [address(kinds[kind], value) if kind in kinds and value else None for kind, value in rows]
    return None


def _known(values: list[float]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values]
