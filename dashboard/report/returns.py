"""Equity, drawdown, months, rolling Sharpe ratio, and what holding the symbols would have made."""

import math

import numpy as np
from pandas import DataFrame

from dashboard.components.words import signed_percent, words
from dashboard.figures.equity import benchmark_figure, drawdown_figure, equity_figure
from dashboard.figures.returns import MONTHS, sharpe_figure
from dashboard.queries.returns import monthly_returns, rolling_sharpe
from dashboard.report.facts import Facts
from dashboard.report.html import Html, element
from dashboard.report.parts import Column, chart, missing, section, signed, table
from dashboard.report.selection import selection_words
from shared.enums import ScopeKind
from shared.units import format_time

# Returns beyond this have the deepest colour.
FULL_COLOUR_FRACTION = 0.1
SHARPE_DAYS = 30
SUMMED = (
    "The equity of {bots} bots added up {each}. Money that went from one to another cancels out; what came from the "
    "rest of the portfolio is no profit. The drawdown is that of these sums, from the beginning of the period: the "
    "books keep none of such a selection, and no brake is set on it."
)
PROFIT = "Equity less the money put in, since the books began; open positions at the last close."
# Symbols named beside the line of all in equal parts.
MOST_SYMBOLS = 6


def curves(facts: Facts) -> Html:
    """Make the sections about money over time; nothing where the period has no days."""
    if not facts.has_days:
        return Html("")
    return Html(_equity(facts) + _benchmark(facts) + _months(facts.daily) + _sharpe(facts.daily))


def _equity(facts: Facts) -> Html:
    overview, limit, scope = facts.overview, facts.limit_fraction, facts.selection.scope
    if limit is not None:
        about = (
            f"Below the highest since the books began; the dashed line is where the brake trips, by the settings that "
            f"ran last: {limit:.1%} below it."
        )
    elif scope is None:
        unit = words(str(facts.curve["resolution"].iloc[0]))
        about = SUMMED.format(bots=facts.selection.bots, each=f"{unit} by {unit}")
    else:
        about = "Below the highest since the books began. No brake limits it."
    money_in = facts.curve["money_in"]
    # A deposit would dwarf what was earned, and is none of it.
    moved = len(money_in) > 0 and float(money_in.max() - money_in.min()) > 0.0
    drawn = equity_figure(facts.curve, "profit" if moved else "equity", overview.counted, overview.name, False)
    drawdown = drawdown_figure(facts.curve, limit, overview.name)
    return section(
        "Profit and drawdown" if moved else "Equity and drawdown",
        chart(drawn, "Profit over time" if moved else "Equity over time", PROFIT if moved else None),
        chart(drawdown, "Drawdown over time, with the limit of the brake", about),
    )


def _benchmark(facts: Facts) -> Html:
    if not len(facts.benchmark):
        return section(
            "Against buy and hold",
            missing("No candles are kept for this period", "The worker keeps the bars it steps, from its start on."),
        )
    grown = facts.daily["flow_free_equity"].to_numpy(np.float64)
    own = DataFrame(
        {
            "scope_kind": ScopeKind.PORTFOLIO.name,
            "scope": selection_words(facts.selection),
            "time_ms": facts.daily["time_ms"],
            "return_fraction": grown / grown[0] - 1.0 if grown[0] > 0.0 else np.full(len(grown), np.nan),
        }
    )
    return section(
        "Against buy and hold",
        chart(
            benchmark_figure(own, facts.benchmark),
            "Return against holding the same symbols",
            f"{_held(facts)} Deposits and withdrawals are neither gain nor loss.",
        ),
    )


def _held(facts: Facts) -> str:
    parts = [f"{symbol} {signed_percent(made)}" for symbol, made in facts.held.items()]
    shown = ", ".join(parts[:MOST_SYMBOLS]) + (" …" if len(parts) > MOST_SYMBOLS else "")
    bought_ms = int(facts.benchmark["time_ms"].iloc[0])
    since = (
        "at the beginning" if bought_ms == facts.span_ms[0] else f"on {format_time(bought_ms)}, when all had prices,"
    )
    return f"Bought {since} and held, without costs: {shown}."


def _months(daily: DataFrame) -> Html:
    months = monthly_returns(daily)
    columns = [Column("Year", False), *(Column(month) for month in MONTHS), Column("Whole year")]
    rows = []
    for year, own in months.groupby("year"):
        known = dict(zip(own["month"].tolist(), own["return_fraction"].tolist(), strict=True))
        whole = float(np.prod(1.0 + own["return_fraction"].to_numpy(np.float64))) - 1.0
        cells = [_month(known.get(month)) for month in range(1, 13)]
        rows.append([element("strong", str(year)), *cells, signed(signed_percent(whole), whole)])
    partly = "A month that was only partly in the period counts its days in it."
    return section("Months", table(columns, rows, "Return of each month"), about=partly)


def _month(returned: float | None) -> Html:
    if returned is None or not math.isfinite(returned):
        return element("span", "–", class_="none")
    share = min(abs(returned) / FULL_COLOUR_FRACTION, 1.0)
    side = "gain" if returned > 0.0 else "loss"
    return element("span", signed_percent(returned), class_=f"month {side}-ground", style=f"--share:{share:.2f}")


def _sharpe(daily: DataFrame) -> Html:
    rolled = rolling_sharpe(daily, SHARPE_DAYS)
    title = f"Sharpe ratio of {SHARPE_DAYS} days"
    if not rolled["sharpe_ratio"].notna().any():
        have = len(daily) - 1
        said = f"It needs {SHARPE_DAYS} daily returns that vary; the period has {have}."
        return section(title, missing("No rolling Sharpe ratio yet", said))
    return section(title, chart(sharpe_figure(rolled), "Rolling Sharpe ratio"))
