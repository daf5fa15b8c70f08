"""What a report of each selection and state of the books says, and what it says it cannot say."""

from pathlib import Path

import pytest

from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.report.document import write_report
from dashboard.report.notes import TERMS
from shared.units import DAY_MS
from tests.conftest import ROOT
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import BEGIN_MS, BOT, SLEEVE
from tests.dashboard.report.reading import MADE_MS, Read, facts_of, read

SECTIONS = [
    "Key figures", "Profit and drawdown", "Against buy and hold", "Months", "Sharpe ratio of 30 days",
    "Best and worst bots", "Costs", "How round trips ended", "Win rates", "Largest round trips",
    "Open positions at the end", "What the figures mean",
]  # fmt: skip


def test_it_says_what_it_is_of(whole: Read) -> None:
    for said in (
        "The whole portfolio",
        "2026-01-01 00:00 UTC to 2026-01-13 00:00 UTC · 12 days",
        "simulated market, seed 7",
        "paper, fee 0.1000%, slippage 0.0500%",
        "Prices were made by a simulation; no such market existed.",
        "Orders were filled by a model on paper; no money was at stake.",
        "Made 2026-01-13 10:26 UTC from the books as of step 288, market time 2026-01-13 00:00 UTC.",
        "the last of 2 that ran",
        "Bots on one symbol are not: they win and lose together.",
        "docs/metrics.md",
    ):
        assert said in whole.words, said
    digest = facts_of(seeding.seeded(), EVERYTHING).digest
    assert len(digest) > 12 and f"Settings {digest[:12]}" in whole.words


def test_all_sections_are_there(whole: Read) -> None:
    assert whole.sections == SECTIONS
    names = {trace["name"] for figure in whole.figures for trace in figure["data"] if "name" in trace}
    assert {"flotilla", "holding all in equal parts", "The whole portfolio", "gross profit"} <= names
    assert "brake at 20.0%" in str(whole.figures)
    assert "No rolling Sharpe ratio yet. It needs 30 daily returns" in whole.words.replace(" .", ".")


def test_real_trading_is_not_called_paper(folder: Path) -> None:
    books = seeding.seeded(folder)
    books.write("UPDATE portfolio SET market_label = 'gate spot prices', broker_label = 'gate spot, live'")
    report = read(books)
    assert "gate spot, live" in report.words
    assert "no money was at stake" not in report.words and "no such market" not in report.words


def test_a_selection_of_several_bots_says_what_its_curve_is() -> None:
    report = read(seeding.seeded(), Filters(bots=(BOT, "bo_btc_usdt_1h_p1")))
    assert "The equity of 2 bots added up hour by hour." in report.words
    assert "no brake is set on it" in report.words and "brake at" not in str(report.figures)
    assert "taken together" in report.words
    assert [row["Bot"] for row in report.rows("Bots by profit")]


def test_the_brake_is_that_of_the_scope() -> None:
    assert "brake at 4.0%" in str(read(seeding.seeded(), Filters(sleeves=(SLEEVE,))).figures)
    assert "brake at 5.0%" in str(read(seeding.seeded(), Filters(bots=(BOT,))).figures)


def test_one_bot_is_not_compared_with_itself() -> None:
    report = read(seeding.seeded(), Filters(bots=(BOT,), sides=("BUY",)))
    assert "Best and worst bots" not in report.headings and "By sleeve" not in report.headings
    assert "Round trips are those that were long." in report.words
    assert "cannot be split that way" in report.words
    assert {cells[0] for cells in report.tables["By side"][1:]} == {"long"}
    assert "ETH/USDT" in report.words


def test_a_period_that_ended_does_not_invent_positions() -> None:
    report = read(seeding.seeded(), Filters(end_ms=BEGIN_MS + 5 * DAY_MS))
    assert "Not known any more" in report.words
    assert "Open positions at the end" not in report.tables
    assert "to 2026-01-06 00:00 UTC · 5 days" in report.words


@pytest.mark.parametrize(
    "filters",
    [Filters(BEGIN_MS - 9 * DAY_MS, BEGIN_MS - 5 * DAY_MS), Filters(start_ms=BEGIN_MS + 400 * DAY_MS)],
)
@pytest.mark.parametrize("bots", [(), (BOT, "bo_btc_usdt_1h_p1")])
def test_an_empty_period_says_what_is_missing(filters: Filters, bots: tuple[str, ...]) -> None:
    report = read(seeding.seeded(), Filters(filters.start_ms, filters.end_ms, bots))
    assert "No return can be told for this period" in report.words
    assert "The books reach to 2026-01-13 00:00 UTC." in report.words
    assert "No round trip was closed" in report.words
    assert "Profit" not in report.tiles and not report.figures


def test_books_that_were_only_opened_have_a_report(folder: Path) -> None:
    report = read(seeding.opened(folder))
    assert "No return can be told for this period" in report.words
    assert "nan" not in report.words.lower().split()


def test_books_that_are_not_opened_say_so() -> None:
    before, _, after = write_report(None, "flotilla", MADE_MS)
    report = Read((before + after).decode())
    assert "The worker has not opened its books yet" in report.words and "make run" in report.words


@pytest.mark.slow
def test_a_halted_fleet_and_five_hundred_bots_have_reports(folder: Path) -> None:
    assert "Key figures" in read(seeding.halted(folder)).headings
    report = read(seeding.large())
    assert "Of 504 bots" in report.words
    assert len(report.rows("Best")) == len(report.rows("Worst")) == 5
    assert "… more" not in report.words and len("".join(report.text)) < 400_000


def test_a_figure_that_cannot_be_known_is_a_dash(whole: Read) -> None:
    assert "nan" not in whole.words.lower().split() and "inf" not in whole.words.lower().split()
    assert whole.tables["By exit reason"][0]
    trailing = next(row for row in whole.tables["By exit reason"] if row[0] == "trailing stop")
    assert trailing[-2] == "–", "nothing was lost by a trailing stop, so there is no profit factor"


def test_what_is_explained_is_what_the_document_defines() -> None:
    metrics = (ROOT / "docs" / "metrics.md").read_text()
    for term, name in (
        ("Sharpe ratio", "sharpe_ratio"),
        ("Sortino ratio", "sortino_ratio"),
        ("Calmar ratio", "calmar_ratio"),
        ("Value at risk", "value_at_risk"),
        ("Deepest drawdown", "max_drawdown"),
        ("Profit factor", "profit_factor"),
        ("Expectancy", "expectancy"),
        ("95% interval", "wilson_interval"),
        ("Return a year", "annual_return"),
    ):
        assert term in TERMS and f"| `{name}` |" in metrics
