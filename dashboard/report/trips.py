"""Round trips: how they are spread, how often each kind won, and the largest of them."""

from typing import Any

from pandas import DataFrame

from dashboard.components.words import duration, many, percent, ratio, signed_percent, words
from dashboard.figures.round_trips import distribution_figure
from dashboard.queries.round_trips import MOST_TRIPS, Dimension, distribution, win_rates
from dashboard.report.facts import Facts
from dashboard.report.html import Html, element
from dashboard.report.parts import Column, chart, interval, note, section, signed, table
from dashboard.report.selection import SIDES
from shared.money import Money
from shared.units import format_time

DIMENSIONS = (Dimension.SLEEVE, Dimension.SYMBOL, Dimension.SIDE, Dimension.EXIT_REASON)
MOST_GROUPS = 15
LARGEST = 10
INDEPENDENCE = (
    "The intervals hold where what they count is independent. Bots on one symbol are not: they win and lose together. "
    "So these count days per symbol, not round trips, and are wider than round trips alone would make them."
)
_RATES = (
    Column("", False), Column("Round trips"), Column("Won"), Column("Win rate"), Column("95% interval"),
    Column("", False), Column("Profit"), Column("Profit factor"), Column("Expectancy"),
)  # fmt: skip
_TRIPS = (
    Column("Bot", False), Column("Closed, UTC", False), Column("Symbol", False), Column("Side", False),
    Column("Held"), Column("Profit"), Column("Return"), Column("Fees"), Column("Exit", False),
)  # fmt: skip


def round_trips(facts: Facts) -> Html:
    """Make the sections about round trips; nothing where there are none."""
    if not facts.trip_figures.count:
        return Html("")
    return Html(_spread(facts) + _rates(facts) + _largest(facts))


def _spread(facts: Facts) -> Html:
    drawn = chart(distribution_figure(distribution(facts.trips)), "How many round trips returned how much")
    newest = f"These are the newest {MOST_TRIPS:,} of the period." if len(facts.trips) >= MOST_TRIPS else None
    return section("How round trips ended", drawn, about=newest)


def _rates(facts: Facts) -> Html:
    tables = []
    for by in DIMENSIONS:
        rates = win_rates(facts.trips, by)
        if by is not Dimension.SIDE and len(rates) < 2:
            continue
        shown = rates.sort_values("count", ascending=False, kind="stable").head(MOST_GROUPS)
        left = len(rates) - len(shown)
        more = note(f"{left:,} more with fewer round trips are not shown.") if left else None
        title = f"By {words(by)}"
        tables.append(element("div", element("h3", title), _rate_table(shown, by, title, facts.overview.counted), more))
    return section("Win rates", *tables, note(INDEPENDENCE))


def _rate_table(rates: DataFrame, by: Dimension, title: str, counted: Money) -> Html:
    # Names of a closed vocabulary are written as words; those people chose stay as they are.
    name = words if by is Dimension.EXIT_REASON else str
    return table(_RATES, [[name(row["label"]), *_rate(row, counted)] for row in _records(rates)], title, even=True)


def _rate(row: dict[str, Any], counted: Money) -> list[object]:
    return [
        f"{row['count']:,}",
        f"{row['wins']:,}",
        percent(row["win_rate"], 1),
        f"{percent(row['low'], 0)} – {percent(row['high'], 0)}",
        interval(row["win_rate"], row["low"], row["high"]),
        signed(counted.gain(row["profit"]), row["profit"]),
        ratio(row["profit_factor"]),
        counted.gain(row["expectancy"]),
    ]


def _largest(facts: Facts) -> Html:
    trips = facts.trips
    gains = trips[trips["profit"] > 0.0].nlargest(LARGEST, "profit")
    losses = trips[trips["profit"] < 0.0].nsmallest(LARGEST, "profit")
    parts = [
        element(
            "div",
            element("h3", title),
            table(_TRIPS, [_trip(row, facts.overview.counted) for row in _records(shown)], title),
        )
        for title, shown in (("Largest gains", gains), ("Largest losses", losses))
        if len(shown)
    ]
    count = len(gains) + len(losses)
    about = f"{many(count, 'round trip', len(trips))}, after fees. All of them: flotilla export round_trips."
    return section("Largest round trips", *parts, about=about)


def _trip(row: dict[str, Any], counted: Money) -> list[object]:
    return [
        row["bot"],
        element("span", format_time(row["closed_ms"]).removesuffix(" UTC"), class_="whole"),
        row["symbol"],
        SIDES.get(row["side"], row["side"]),
        duration(row["duration_ms"]),
        signed(counted.gain(row["profit"]), row["profit"]),
        signed_percent(row["return_fraction"]),
        counted.amount(row["fees"]),
        words(row["exit_reason"]),
    ]


def _records(rows: DataFrame) -> list[dict[str, Any]]:
    return rows.to_dict("records")
