"""Pages, terminal and report of a fleet that counts in bitcoin: every number has enough digits to say something."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from shared.money import Money
from tests.dashboard import seeding
from tests.dashboard.report.reading import read
from tests.dashboard.views.conftest import Folder, OpenPage, texts
from tests.dashboard.views.grids import grids, is_grid
from tests.research.runs import call

PAGES = ("overview", "bots", "bot", "symbol", "allocations", "trades", "analytics", "decisions", "risk", "control")
BTC = Money("BTC", 7)
NOTHING = re.compile(r"(?<![\d.])[+-]?0\.0+(?![\d%])")


@pytest.fixture
def bitcoin(folder: Folder) -> Path:
    return folder("bitcoin")


def value_of(root: Path, sql: str) -> float:
    books = seeding.Books(root, seeding.settings_of(*seeding.BITCOIN))
    engine = books.reader()
    with engine.connect() as connection:
        found = connection.exec_driver_sql(sql).scalar_one()
    engine.dispose()
    return float(found)


def axes(app: AppTest) -> dict[str, dict[str, Any]]:
    """Give the axes that are of money by chart."""
    found = {}
    for part in app.main:
        if part.type == "bidi_component" and not is_grid(part):
            layout = json.loads(json.loads(part.proto.json)["figure"])["layout"]
            for name in ("xaxis", "yaxis", "yaxis2"):
                title = layout.get(name, {}).get("title", {}).get("text", "")
                if title.endswith(", BTC"):
                    found[f"{part.proto.id} {name}"] = layout[name]
    return found


def written(app: AppTest) -> dict[str, list[str]]:
    """Give what stands in each column of the tables of a page, but for what is not known."""
    return {name: [text for text in grid.texts[name] if text != "–"] for grid in grids(app) for name in grid.columns}


def decimals(texts: list[str]) -> set[int]:
    """Give how many decimals numbers are written with."""
    return {len(text.partition(".")[2]) for text in texts}


def test_the_tiles_say_what_is_in_the_books(bitcoin: Path, open_page: OpenPage) -> None:
    app = open_page(bitcoin, "overview")
    tiles = {metric.label: metric for metric in app.metric}
    equity = tiles["Equity, BTC"]
    put_in = 0.18 + 0.0005 - 0.00001
    assert float(equity.value) == pytest.approx(put_in + float(equity.delta), abs=1.1e-7)
    assert re.fullmatch(r"0\.\d{7}", equity.value) and re.fullmatch(r"[+-]0\.\d{7}", equity.delta)
    assert float(tiles["Open profit"].value) != 0.0
    assert f"on {BTC.amount(put_in)} put in" in texts(app).replace("\\", "")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_no_page_writes_money_as_nothing(page: str, bitcoin: Path, open_page: OpenPage) -> None:
    app = open_page(bitcoin, page)
    assert not app.exception
    money = [word for word in NOTHING.findall(texts(app)) if len(word.lstrip("+-")) == 4]
    assert money == [], "two decimals say nothing of bitcoin"
    for name, axis in axes(app).items():
        assert axis["tickformat"] in (",.7~f", ",.7f") and axis["hoverformat"] in (",.7f", "+,.7f"), name


def test_the_charts_of_money_have_axes_of_their_digits(bitcoin: Path, open_page: OpenPage) -> None:
    assert len(axes(open_page(bitcoin, "overview"))) == 1
    assert len(axes(open_page(bitcoin, "allocations"))) >= 1


def test_a_table_writes_money_prices_and_quantities_to_their_last_digit(bitcoin: Path, open_page: OpenPage) -> None:
    bots = written(open_page(bitcoin, "bots"))
    assert decimals(bots["profit_so_far"]) == decimals(bots["equity"]) == {7}
    assert all(text[0] in "+-" for text in bots["profit_so_far"])
    page = open_page(bitcoin, "trades", rows="Fills")
    fills = written(page)
    assert (decimals(fills["notional"]), decimals(fills["fee"])) == ({7}, {9})
    assert max(decimals(fills["quantity"])) == 8, "a unit is 1e-8"
    cheapest = value_of(bitcoin, "SELECT min(price) FROM fill")
    assert cheapest < 1e-6, "or a browser would write it as a power of ten"
    assert min(map(float, fills["price"])) == pytest.approx(cheapest, rel=1e-6)


@pytest.mark.parametrize("rows", ["Round trips", "Fills", "Open positions"])
def test_a_symbol_has_as_many_decimals_in_every_row(rows: str, bitcoin: Path, open_page: OpenPage) -> None:
    (grid,) = grids(open_page(bitcoin, "trades", rows=rows))
    prices = [name for name in grid.columns if name.endswith("_price") or name in ("price", "close")]
    assert prices
    for names in (prices, [name for name in grid.columns if name in ("quantity", "crossed")]):
        for symbol, own in grid.texts.groupby("symbol"):
            texts = [text for name in names for text in own[name] if text != "–"]
            assert len(decimals(texts)) == 1, (symbol, texts)
    assert len(set(grid.texts["symbol"])) > 1


def test_a_loss_of_little_bitcoin_is_a_loss(bitcoin: Path, open_page: OpenPage) -> None:
    app = open_page(bitcoin, "bots")
    sentence = next(text.value for text in app.markdown if "Lost most so far" in text.value).replace("\\", "")
    table = next(frame.value for frame in grids(app) if "profit_so_far" in frame.value.columns)
    worst = table.nsmallest(1, "profit_so_far").iloc[0]
    assert worst["profit_so_far"] > -0.005, "or cents would have told it"
    assert (
        f"**[{worst['bot']}](/bot?bot={worst['bot']})**" in sentence
        and f"{BTC.gain(worst['profit_so_far'])} BTC" in sentence
    )


def test_the_report_says_it_as_the_page_does(bitcoin: Path) -> None:
    books = seeding.Books(bitcoin, seeding.settings_of(*seeding.BITCOIN))
    found = read(books)
    equity = value_of(bitcoin, "SELECT equity FROM portfolio_state")
    assert float(found.tiles["Equity at the end"]) == pytest.approx(equity + 0.00001, abs=1e-7)
    for name in ("Profit", "Fees", "Saved by netting", "Expectancy", "Equity at the end"):
        assert re.fullmatch(r"[+-]?0\.\d{7}", found.tiles[name]), name
        assert float(found.tiles[name]) != 0.0
    prices = [cell for row in found.tables["Open positions at the end"][1:] for cell in row[4:6]]
    assert prices and all(float(price) > 0.0 and "e" not in price for price in prices)


def test_the_terminal_says_it_too(
    bitcoin: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(bitcoin)
    assert call(["status"]) == 0
    said = capsys.readouterr().out
    equity = value_of(bitcoin, "SELECT equity FROM portfolio_state")
    assert f"equity {BTC.amount(equity)} BTC, profit " in said
    profit = re.search(r"profit ([+-]0\.\d{7}) on 0\.1804900 put in", said)
    assert profit is not None and float(profit[1]) != 0.0
    held = [line for line in said.splitlines() if "pepe_btc" in line and ("long" in line or "short" in line)]
    assert held and not any(re.search(r"\de-\d", line) for line in held)


def test_the_worker_answers_in_the_same_digits(bitcoin: Path) -> None:
    books = seeding.Books(bitcoin, seeding.settings_of(*seeding.BITCOIN))
    engine = books.reader()
    with engine.connect() as connection:
        answers = [row[0] for row in connection.exec_driver_sql("SELECT answer FROM command ORDER BY id")]
    engine.dispose()
    assert answers[0].startswith("0.0005000 is in the portfolio's cash")
    assert answers[1].startswith("0.0000100 taken out")
    assert np.isclose(value_of(bitcoin, "SELECT sum(amount) FROM transfer WHERE kind != 'REBALANCE'"), 0.18049)
