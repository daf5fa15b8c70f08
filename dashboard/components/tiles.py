"""Tiles: one figure each, with what it is measured against."""

from typing import Any, Literal

import pandas as pd
import streamlit as st

from dashboard.components.asked import asked_in_short
from dashboard.components.meanings import means
from dashboard.components.words import (
    UNKNOWN,
    basis_points,
    days_of_risk,
    duration,
    many,
    percent,
    plain,
    ratio,
    signed_percent,
    when,
    words,
)
from dashboard.components.zone import UTC, zone
from dashboard.queries.overview import Overview, WinRate
from dashboard.queries.returns import ReturnFigures
from dashboard.queries.round_trips import TripFigures
from dashboard.queries.slippage import Slippage, slippage_of
from shared.enums import Level
from shared.money import Money

# At which marks a drawdown was looked for, by `Resolution`.
MARKED = {
    "STEP": "at every step",
    "HOUR": "by the lowest and highest of each hour",
    "DAY": "by the lowest and highest of each day",
}


def tile(label: str, value: str, note: str, about: str = "", change: str | None = None) -> None:
    """Draw a tile: `note` is what it means, one hover away; `about` goes on; `change` is coloured by its sign."""
    with st.container(border=True, height="stretch", gap="xxsmall"):
        colour: Literal["normal", "off"] = "normal" if change and change.strip("+-0.,% ") else "off"
        st.metric(label, value, change, delta_color=colour, help=note)
        if about:
            st.caption(about)


def tiles(*drawn: tuple[Any, ...]) -> None:
    """Draw tiles in rows of up to four, two on a phone, each given as the arguments of `tile`."""
    grid = st.grid(min(len(drawn), 4), min_column_width=150)
    for arguments in drawn:
        with grid:
            tile(*arguments)


def overview_tiles(overview: Overview, wins: WinRate) -> None:
    """Draw the tiles of the portfolio."""
    quote, counted = plain(overview.quote), overview.counted
    tiles(
        (
            f"Equity, {quote}",
            counted.amount(overview.equity),
            means("Equity"),
            f"on {counted.amount(overview.money_in)} put in",
            counted.gain(overview.profit),
        ),
        (
            "Profit today, UTC",
            counted.gain(overview.today_profit),
            means("Profit today, UTC", local=_local_start(overview.day_start_ms)),
            f"{_left(overview.daily_loss_left_fraction)} to the daily limit",
            signed_percent(overview.today_fraction),
        ),
        (
            "Drawdown now",
            percent(overview.drawdown_fraction),
            means("Drawdown now"),
            f"{_left(overview.drawdown_left_fraction)} to the brake at {percent(overview.drawdown_limit, 0)}",
        ),
        (
            "Open profit",
            counted.gain(overview.open_profit),
            means("Open profit"),
            f"{many(overview.positions, 'bot', overview.bots)} in a position",
        ),
        ("Win rate so far", *_win_rate(wins.rate, wins.low, wins.high, wins.count, wins.trials)[1:]),
        (
            "Exposure",
            percent(overview.exposure_fraction, 1),
            means("Exposure"),
            f"{counted.amount(overview.gross_exposure)} held, {counted.gain(overview.net_exposure)} net",
        ),
        (
            "Fees today",
            counted.amount(overview.fees_today),
            means("Fees today"),
            f"{many(overview.fills_today, 'fill')}{_others(overview)}; {counted.amount(overview.fees)} since the start",
        ),
        (
            "Saved by netting so far",
            counted.amount(overview.saved_quote),
            means("Saved by netting so far"),
            "by bots that traded with one another",
        ),
    )


def trip_tiles(figures: TripFigures, counted: Money) -> None:
    """Draw the tiles of a set of round trips."""
    tiles(
        _win_rate(figures.win_rate, figures.win_rate_low, figures.win_rate_high, figures.count, figures.trials),
        (
            "Profit",
            counted.gain(figures.profit),
            means("Profit"),
            f"{counted.gain(figures.gross_profit)} before {counted.amount(figures.fees)} of fees",
        ),
        (
            "Profit factor",
            ratio(figures.profit_factor),
            means("Profit factor"),
            f"{counted.amount(figures.gains)} gained, {counted.amount(figures.losses)} lost",
        ),
        (
            "Expectancy",
            counted.gain(figures.expectancy),
            means("Expectancy"),
            f"best {counted.gain(figures.best)}, worst {counted.gain(figures.worst)}, "
            f"held {duration(figures.mean_duration_ms)}",
        ),
    )


def return_tiles(figures: ReturnFigures) -> None:
    """Draw the tiles of a stretch of daily returns."""
    tiles(
        (
            "Return",
            signed_percent(figures.total_return),
            means("Return"),
            f"{signed_percent(figures.annual_return)} a year",
        ),
        (
            "Sharpe ratio",
            ratio(figures.sharpe_ratio),
            means("Sharpe ratio"),
            f"Sortino {ratio(figures.sortino_ratio)}, Calmar {ratio(figures.calmar_ratio)}",
        ),
        (
            "Deepest drawdown",
            percent(figures.max_drawdown),
            means("Deepest drawdown", marked=MARKED[figures.drawdown_of]),
            "equity never fell" if figures.max_drawdown == 0.0 else f"lasted {duration(figures.max_drawdown_ms)}",
        ),
        (
            "Value at risk, one day",
            percent(figures.value_at_risk),
            means("Value at risk, one day", days=days_of_risk(figures.days).capitalize()),
            f"volatility {percent(figures.annual_volatility, 1)} a year, {many(figures.days, 'day')}",
        ),
    )


def risk_tiles(overview: Overview, figures: ReturnFigures | None, held: pd.DataFrame) -> None:
    """Draw the tiles of what a bad day would cost; `held` are the open positions."""
    tiles(
        (
            "Drawdown now",
            percent(overview.drawdown_fraction),
            means("Drawdown now"),
            f"{_left(overview.drawdown_left_fraction)} to the brake",
        ),
        (
            "Loss today, UTC",
            percent(overview.daily_loss_fraction),
            means("Loss today, UTC"),
            f"{_left(overview.daily_loss_left_fraction)} to the limit",
        ),
        (
            "Value at risk, one day",
            percent(figures.value_at_risk) if figures else UNKNOWN,
            means("Value at risk, one day", days="It needs two days at least"),
            days_of_risk(figures.days) if figures else "needs two days",
        ),
        (
            "Lost if every stop is hit",
            overview.counted.amount(held["risk"].sum()),
            means("Lost if every stop is hit"),
            f"{many(int(held['exit_level'].isna().sum()), 'position', len(held))} without a stop",
        ),
    )


def slippage_tiles(fills: pd.DataFrame, counted: Money) -> None:
    """Draw what slippage took of fills; `fills` are rows of `load_slipped_fills`."""
    tiles(
        _slippage("Slippage against sending", slippage_of(fills, "sending_slippage"), len(fills), counted),
        _slippage("Slippage against the open", slippage_of(fills, "open_slippage"), len(fills), counted),
    )


def _slippage(label: str, found: Slippage, fills: int, counted: Money) -> tuple[Any, ...]:
    amount = f"{counted.gain(found.amount)} {plain(counted.quote)} over " if found.count else ""
    return label, basis_points(found.fraction), means(label), f"{amount}{many(found.count, 'fill', fills)}"


def bot_tiles(bot: dict, counted: Money) -> None:
    """Draw the tiles of one bot; `bot` is what `load_bot` gives of the period on show."""
    tiles(
        (
            "Equity",
            counted.amount(bot["equity"]),
            means("Equity"),
            f"on {counted.amount(bot['money_in'])} put in, {counted.gain(bot['open_profit'])} of it open",
        ),
        (
            "Profit in the period",
            counted.gain(bot["period_profit"]),
            means("Profit in the period"),
            f"after {counted.amount(bot['period_fees'])} of fees",
            signed_percent(bot["return_fraction"]),
        ),
        _win_rate(bot["win_rate"], bot["win_rate_low"], bot["win_rate_high"], bot["round_trips"], bot["round_trips"]),
        (
            "Drawdown now",
            percent(bot["drawdown_fraction"]),
            means("Drawdown now"),
            f"from its highest so far; within the period alone {percent(bot['max_drawdown_fraction'])} at most",
        ),
    )


def scope_tiles(scope: pd.Series, counted: Money, asked: pd.DataFrame) -> None:
    """Draw what a scope is allowed to do and what it holds; `scope` is a row of `load_scopes`.

    `asked` are the levels asked for it and not set yet, the highest first: one above its level counts already.
    """
    tiles(
        _level(scope, asked[[Level[level] > Level[scope["level"]] for level in asked["level"]]]),
        ("Open positions", f"{scope['positions']:,}", means("Open positions"), "at the last step"),
        (
            f"Worth of open positions, {plain(counted.quote)}",
            counted.amount(scope["notional"]),
            means("Worth of open positions"),
            "at the last price",
        ),
    )


def _level(scope: pd.Series, higher: pd.DataFrame) -> tuple[Any, ...]:
    own = f"its own: {words(scope['own_level'])}"
    if higher.empty:
        return "Level", words(scope["level"]), means("Level"), own
    waiting = "; ".join(plain(asked_in_short(row)) for row in higher.to_dict("records"))
    now = f"{words(scope['level'])} at the last step; {waiting}"
    return "Level", f"{words(higher['level'].iloc[0])}, asked", means("Level"), now


def _win_rate(rate: float, low: float, high: float, count: int, trials: int) -> tuple[Any, ...]:
    about = f"{percent(low, 0)} – {percent(high, 0)}, {many(count, 'round trip')}"
    counted = "over the round trips"
    if trials != count:
        counted = f"over {many(trials, 'symbol-day')}, for bots on one symbol win and lose together"
    return "Win rate", percent(rate, 1), means("Win rate", counted=counted), about


def _others(overview: Overview) -> str:
    count = overview.other_fees_today
    return f", {count:,} paid in another currency and not in the sum" if count else ""


def _local_start(day_start_ms: int) -> str:
    return f", {when(day_start_ms)}" if zone() != UTC else ""


def _left(fraction: float | None) -> str:
    return f"{percent(fraction)} left" if fraction is not None else "no limit"
