"""The end of a report: what its words mean, and what it leaves out."""

from dashboard.report.facts import Facts
from dashboard.report.html import Html, element
from dashboard.report.parts import note, section

# The short form of docs/metrics.md.
TERMS = {
    "Mark": "Equity at a bar's close, with open positions at that close.",
    "Day, year": "UTC days; a year has 365, for these markets do not close.",
    "Return": "Growth from first to last mark. What was put in or taken out, or moved between bots, is no return.",
    "Return a year": "What a year would bring at the growth seen: growth to the power of 365 days / time.",
    "Volatility": "Standard deviation of daily returns × √365.",
    "Sharpe ratio": "Mean of daily returns / their standard deviation × √365; money not in the market earns nothing.",
    "Sortino ratio": "The same, over the root mean square of the losing days.",
    "Deepest drawdown": "How far equity fell below the highest it had reached since the first mark of the report.",
    "Calmar ratio": "Return a year / deepest drawdown.",
    "Value at risk": "The loss of one day that 99% of the days seen stayed within; of a hundred or fewer, one "
    "close to the worst.",
    "Round trip": "From flat to flat, after fees; counted when it closes. One that came out even is no win.",
    "95% interval": "Wilson's: between these bounds lies the rate that luck may have turned into the one seen. "
    "It counts the round trips of a single bot; of several, days per symbol.",
    "Profit factor": "All gains / all losses of round trips.",
    "Expectancy": "Mean profit of a round trip.",
    "Saved by netting": "Fees and slippage that opposite orders of bots did not cost, for they crossed in house.",
}


def notes(facts: Facts) -> Html:
    """Make the section that explains."""
    terms = [part for name, text in TERMS.items() for part in (element("dt", name), element("dd", text))]
    return section(
        "What the figures mean",
        element("dl", *terms, class_="terms"),
        note("The exact definitions are in docs/metrics.md of the project. A dash is a figure that cannot be known."),
        note(
            "The report covers whole UTC days, up to the last mark. What was filled at the open after it comes with "
            "the next mark, so that equity on the page, which counts these fills, may differ by their fees. Past "
            f"results of {facts.overview.broker_label} on {facts.overview.market_label} promise nothing."
        ),
    )
