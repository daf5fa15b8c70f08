"""Bots: which earned and lost most, what each group of them paid, and what they hold."""

from typing import Any

from pandas import DataFrame

from dashboard.components.words import many, percent, signed_percent, words
from dashboard.figures.returns import costs_figure
from dashboard.report.facts import EXTREMES, Facts
from dashboard.report.html import Html, element
from dashboard.report.parts import Column, chart, missing, note, section, signed, table
from shared.money import Money, price_text, quantity_text
from shared.units import format_time

MOST_GROUPS = 12
_BOTS = (
    Column("Bot", False), Column("Profit"), Column("Return"), Column("Deepest drawdown"), Column("Fees"),
    Column("Round trips"), Column("Win rate"), Column("95% interval"),
)  # fmt: skip
_COSTS = ("gross_profit", "fees", "funding", "profit", "saved")
_POSITIONS = (
    Column("Bot", False), Column("Symbol", False), Column("Side", False), Column("Quantity"), Column("Entry"),
    Column("Last price"), Column("Notional"), Column("Open profit"), Column("Exit level"), Column("Lost if hit"),
)  # fmt: skip


def extremes(facts: Facts) -> Html:
    """Make the section of the best and the worst bots; nothing for a single one."""
    bots, counted = facts.extremes, facts.overview.counted
    if not len(bots):
        return Html("")
    if len(bots) < 2 * EXTREMES or facts.selection.bots == len(bots):
        parts = [table(_BOTS, _bot_rows(bots, counted), "Bots by profit")]
    else:
        parts = [
            element("div", element("h3", title), table(_BOTS, _bot_rows(shown, counted), title))
            for title, shown in (("Best", bots.head(EXTREMES)), ("Worst", bots.tail(EXTREMES).iloc[::-1]))
        ]
    together = counted.gain(float(facts.groups["profit"].sum()))
    about = f"Of {many(facts.selection.bots, 'bot')}, which made {together} together, open positions at the last close."
    return section("Best and worst bots", *parts, about=about)


def _bot_rows(rows: DataFrame, counted: Money) -> list[list[object]]:
    return [
        [
            row["bot"],
            signed(counted.gain(row["profit"]), row["profit"]),
            signed_percent(row["return_fraction"]),
            percent(row["max_drawdown"]),
            counted.amount(row["fees"]),
            f"{row['count']:,}",
            percent(row["win_rate"], 0),
            f"{percent(row['low'], 0)} – {percent(row['high'], 0)}" if row["count"] else "–",
        ]
        for row in rows.to_dict("records")
    ]


def costs(facts: Facts) -> Html:
    """Make the section of costs against gross profit."""
    if not facts.has_days:
        return Html("")
    by, sums = facts.selection.grouped_by, facts.groups.set_index("group")[list(_COSTS)]
    shown = sums.reindex(sums["profit"].abs().sort_values(ascending=False, kind="stable").index[:MOST_GROUPS])
    counted = facts.overview.counted
    rows = [_cost_row(str(name), row, counted) for name, row in zip(shown.index, shown.to_dict("records"), strict=True)]
    left = len(sums) - len(shown)
    if left:
        rows.append(_cost_row(f"{left:,} more", sums.drop(shown.index).sum().to_dict(), counted))
    rows.append(_cost_row("Together", sums.sum().to_dict(), counted))
    titles = ("Gross profit", "Fees", "Funding", "Profit", "Fees of gross profit", "Saved by netting")
    columns = [Column(by.capitalize(), False), *(Column(title) for title in titles)]
    return section(
        "Costs",
        chart(
            costs_figure(
                facts.groups[facts.groups["group"].isin(shown.index)],
                "group",
                counted,
                "within the period",
            ),
            "Gross profit against costs",
        ),
        table(columns, rows, f"Costs by {by}", total=True),
        _other_fees(facts),
        about="Profit is gross profit less fees plus funding, from the first mark of the period to its last.",
    )


def _cost_row(name: str, row: dict[str, Any], counted: Money) -> list[object]:
    share = percent(row["fees"] / row["gross_profit"], 1) if row["gross_profit"] > 0.0 else "–"
    return [
        name,
        counted.gain(row["gross_profit"]),
        counted.amount(row["fees"]),
        counted.gain(row["funding"]),
        signed(counted.gain(row["profit"]), row["profit"]),
        share,
        counted.amount(row["saved"]),
    ]


def _other_fees(facts: Facts) -> Html | None:
    count = int(facts.groups["other_fees"].sum())
    if not count:
        return None
    quote = facts.overview.quote
    return note(f"{many(count, 'fill')} with a fee in another currency than {quote}, which is not among the fees here.")


def positions(facts: Facts) -> Html:
    """Make the section of open positions; it says why where the period ends before the books do."""
    title = "Open positions at the end"
    held = facts.positions
    if held is None:
        said = "The books keep positions of now, and this period ends before."
        return section(title, missing("Not known any more", said))
    at = f"As of the fills after the last step, at the prices of {format_time(facts.overview.market_ms)}."
    if not len(held):
        return section(title, missing("None", at))
    rows = [_position(row, facts.overview.counted) for row in held.to_dict("records")]
    return section(title, table(_POSITIONS, rows, title), about=at)


def _position(row: dict[str, Any], counted: Money) -> list[object]:
    return [
        row["bot"],
        row["symbol"],
        words(row["side"]),
        f"{'+' if row['quantity'] > 0.0 else ''}{quantity_text(row['quantity'])}",
        price_text(row["entry_price"]),
        price_text(row["close"]),
        counted.amount(abs(row["notional"])),
        signed(counted.gain(row["open_profit"]), row["open_profit"]),
        price_text(row["exit_level"]) if row["exit_level"] == row["exit_level"] else "none",
        counted.amount(row["risk"]),
    ]
