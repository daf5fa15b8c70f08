"""How a report begins: what it is about, what it is of, when it was made, and the figures that matter."""

from dashboard.components.words import days_of_risk, duration, many, percent, ratio, signed_percent
from dashboard.report.facts import Facts
from dashboard.report.html import Html, element
from dashboard.report.parts import Tile, missing, note, section, tiles
from dashboard.report.selection import narrowing_words, selection_words
from shared.money import Money
from shared.units import DAY_MS, format_time

# Annualised figures of fewer days are mostly chance.
FEW_DAYS = 90
# At which marks a drawdown was looked for, by `Resolution`.
MARKED = {"STEP": "at every step", "HOUR": "by marks of hours", "DAY": "by marks of days"}
# Labels that the worker writes itself, by how they begin.
NOT_REAL = {
    "simulated market": "Prices were made by a simulation; no such market existed.",
    "replay of": "Prices are a replay of recorded candles.",
    "paper": "Orders were filled by a model on paper; no money was at stake.",
}


def opening(facts: Facts, made_ms: int) -> Html:
    """Make the head of the report."""
    overview = facts.overview
    labels = (overview.market_label, overview.broker_label)
    truths = [sentence for start, sentence in NOT_REAL.items() if any(label.startswith(start) for label in labels)]
    return element(
        "header",
        element("p", "Report of a Flotilla portfolio", class_="eyebrow"),
        element("h1", overview.name),
        element("p", selection_words(facts.selection), class_="subject"),
        element("p", period_words(facts), class_="period"),
        element("p", *(element("span", label, class_="badge") for label in labels), class_="badges"),
        note(element("strong", " ".join(truths))) if truths else None,
        element("p", _made(facts, made_ms), class_="made"),
    )


def not_opened(portfolio: str, made_ms: int) -> Html:
    """Make the report of books that the worker has not opened."""
    return element(
        "header",
        element("p", "Report of a Flotilla portfolio", class_="eyebrow"),
        element("h1", portfolio),
        missing("The worker has not opened its books yet", "It does so at its first start: make run."),
        element("p", f"Made {format_time(made_ms)}.", class_="made"),
    )


def period_words(facts: Facts) -> str:
    """Say which time the report covers."""
    if facts.has_days:
        start_ms, end_ms = facts.span_ms
        return f"{format_time(start_ms)} to {format_time(end_ms)} · {(end_ms - start_ms) / DAY_MS:.3g} days"
    filters = facts.selection.filters
    begin = "the beginning" if filters.start_ms is None else format_time(filters.start_ms)
    return f"{begin} to {format_time(filters.end_ms or facts.overview.market_ms)}"


def _made(facts: Facts, made_ms: int) -> str:
    overview = facts.overview
    settings = f"Settings {facts.digest[:12]}" if facts.digest else "No settings"
    changed = f", the last of {facts.versions} that ran" if facts.versions > 1 else ""
    return (
        f"Made {format_time(made_ms)} from the books as of step {overview.step:,}, market time "
        f"{format_time(overview.market_ms)}. {settings}{changed}. Money is in {overview.quote}, times are UTC."
    )


def key_figures(facts: Facts) -> Html:
    """Make the figures a reader looks for first."""
    narrowing = narrowing_words(facts.selection.filters)
    narrowed = (
        note(
            f"Round trips are those that were {narrowing}. ",
            "Equity, returns, costs and positions cannot be split that way: they are of the selection as a whole.",
        )
        if narrowing
        else None
    )
    few = facts.figures.days < FEW_DAYS and facts.has_days
    careful = note(
        f"{facts.figures.days} days are few: figures per year, Sharpe, Sortino and Calmar ratio of so short a time are "
        "mostly chance."
    )
    of_days = [_results(facts), _risks(facts)] if facts.has_days else [_no_days(facts)]
    paid = _costs(facts) if facts.has_days else None
    return section("Key figures", *of_days, _round_trips(facts), paid, narrowed, careful if few else None)


def _results(facts: Facts) -> Html:
    first, last = facts.daily.iloc[0], facts.daily.iloc[-1]
    profit, flows = float(facts.daily["profit"].sum()), float(last["money_in"] - first["money_in"])
    figures, held, counted = facts.figures, facts.benchmark["return_fraction"], facts.overview.counted
    against = f"holding the symbols {signed_percent(held.iloc[-1])}" if len(held) else ""
    year = figures.annual_return
    return tiles(
        "Result",
        Tile("Profit", counted.gain(profit), f"{counted.gain(facts.gross_profit)} before costs", profit),
        Tile("Return", signed_percent(figures.total_return), against, figures.total_return),
        Tile("Return a year", signed_percent(year), f"from {many(figures.days, 'day')}", year),
        Tile("Equity at the end", counted.amount(last["equity"]), _flows(float(first["equity"]), flows, counted)),
    )


def _costs(facts: Facts) -> Html:
    groups, counted = facts.groups, facts.overview.counted
    return tiles(
        "Costs",
        Tile("Gross profit", counted.gain(facts.gross_profit), "before fees and funding", facts.gross_profit),
        Tile("Fees", counted.amount(float(groups["fees"].sum())), many(int(groups["fills"].sum()), "fill")),
        Tile("Funding", counted.gain(float(groups["funding"].sum())), "+ was received"),
        Tile(
            "Saved by netting",
            counted.amount(float(groups["saved"].sum())),
            "fees and slippage of what crossed in house",
        ),
    )


def _flows(start: float, flows: float, counted: Money) -> str:
    began = f"began with {counted.amount(start)}"
    return f"{began}, {counted.gain(flows)} put in since" if not counted.is_nothing(flows) else began


def _risks(facts: Facts) -> Html:
    figures = facts.figures
    marked = MARKED[figures.drawdown_of]
    deepest = f"of their sum, {marked}" if facts.selection.scope is None else f"from its highest before, {marked}"
    return tiles(
        "Risk",
        Tile("Deepest drawdown", percent(figures.max_drawdown), deepest),
        Tile(
            "It lasted",
            duration(figures.max_drawdown_ms) if figures.max_drawdown else "–",
            "from daily marks, until back or to the end",
        ),
        Tile("Volatility a year", percent(figures.annual_volatility, 1), f"{figures.days:,} daily returns"),
        Tile("Value at risk, one day", percent(figures.value_at_risk), days_of_risk(figures.days)),
        Tile("Sharpe ratio", ratio(figures.sharpe_ratio), "no risk-free return taken off"),
        Tile("Sortino ratio", ratio(figures.sortino_ratio), "by losing days alone"),
        Tile("Calmar ratio", ratio(figures.calmar_ratio), "return a year / deepest drawdown"),
    )


def _round_trips(facts: Facts) -> Html:
    trips = facts.trip_figures
    if not trips.count:
        return element(
            "div",
            element("h3", "Round trips"),
            missing("No round trip was closed", "One goes from flat to flat; open positions are not among them."),
        )
    each, counted = trips.expectancy, facts.overview.counted
    about = f"{percent(trips.win_rate_low, 0)} – {percent(trips.win_rate_high, 0)} (95%), "
    return tiles(
        "Round trips",
        Tile("Closed", f"{trips.count:,}", f"held {duration(trips.mean_duration_ms)} on average"),
        Tile("Win rate", percent(trips.win_rate, 1), f"{about}{trips.wins:,} of {trips.count:,} won"),
        Tile(
            "Profit factor",
            ratio(trips.profit_factor),
            f"{counted.amount(trips.gains)} gained, {counted.amount(trips.losses)} lost",
        ),
        Tile(
            "Expectancy",
            counted.gain(each),
            f"best {counted.gain(trips.best)}, worst {counted.gain(trips.worst)}",
            each,
        ),
    )


def _no_days(facts: Facts) -> Html:
    return missing(
        "No return can be told for this period",
        "Returns go from one mark of equity to another, and fewer than two are in it. "
        f"The books reach to {format_time(facts.overview.market_ms)}.",
    )
