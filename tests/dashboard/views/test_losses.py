"""Which bot lost most and why: one sentence, whose parts add up to what it lost."""

import re

import pandas as pd
import pytest

from dashboard.components.losses import lost_in_period, lost_on, why_lost
from dashboard.queries.bots import load_bots
from dashboard.queries.exits import load_exits, load_worst_trip
from dashboard.queries.filters import Filters
from dashboard.queries.made import load_made
from shared.money import Money
from shared.units import DAY_MS
from tests.dashboard import seeding
from tests.dashboard.queries.conftest import connected
from tests.dashboard.views.conftest import Folder, OpenPage
from tests.dashboard.views.grids import grids

EXITS = pd.DataFrame(
    {
        "exit_reason": ["STOP", "SIGNAL"],
        "round_trips": [2, 3],
        "wins": [0, 2],
        "profit": [-30.0, 10.0],
        "fees": [4.0, 6.0],
    }
)
BOT = {
    "bot": "a_b", "symbol": "BTC/USDT", "profit": -27.5, "realised_profit": -21.0, "marked_open_profit": -7.0,
    "funding": 0.5, "reason": "COST", "reason_value": 0.001, "reason_limit": 0.006,
}  # fmt: skip


def said(**differing: object) -> str:
    return lost_on({**BOT, **differing}, EXITS, Money("USDT")).replace("\\", "")


def test_it_says_what_was_lost_on_what() -> None:
    assert said() == (
        "**[a_b](/bot?bot=a_b)** ([BTC/USDT](/symbol?symbol=BTC%2FUSDT)), **-27.50 USDT**: "
        "-20.00 in 5 round trips after 10.00 of fees: -30.00 by stop (2), "
        "+10.00 by signal (3); -1.00 realised in the one that is open; -7.00 open at the last close; +0.50 of funding. "
        "Last reason: cost. The move to expect was smaller than what trading costs ask for."
    )


def test_what_is_nothing_is_not_named() -> None:
    short = said(profit=-20.0, realised_profit=-20.0, marked_open_profit=0.0, funding=0.0)
    assert "funding" not in short and "open" not in short.split(". Last")[0]


def test_fees_that_ate_the_profit_are_called_so() -> None:
    assert "before them it was up" not in said()
    cheap = EXITS.assign(profit=[-5.0, 1.0])
    assert "after 10.00 of fees (before them it was up)" in lost_on(BOT, cheap, Money("USDT"))


TRIP = {"profit": -18.0, "side": "SELL", "exit_reason": "TRAILING_STOP", "closed_ms": 1_767_225_600_000}


def test_three_lines_say_why() -> None:
    assert why_lost(20.0, 8.0, -1.0, EXITS, TRIP, Money("USDT")) == [
        "**Costs**: 9.00 (fees 8.00, funding 1.00), 45% of the loss.",
        "**Worst trade**: -18.00, 90% of the loss: a short closed by trailing stop, 2026-01-01 00:00 UTC.",
        "**Right**: in 2 of 5 trades, 40% (95% interval 12% to 77%).",
    ]


def test_costs_beyond_the_loss_say_what_was_made_before_them() -> None:
    costs, worst, right = why_lost(20.0, 25.0, 3.0, EXITS.head(0), None, Money("USDT"))
    assert costs == "**Costs**: 25.00 of fees, 125% of the loss; before them it made 5.00."
    assert worst == "**Worst trade**: none has closed; what it lost is open."
    assert right == "**Right**: not known, for no trade has closed."


def test_a_bot_whose_closed_trades_all_won_lost_on_what_is_open() -> None:
    assert "none that closed lost anything" in why_lost(1.0, 0.1, 0.0, EXITS, {**TRIP, "profit": 3.0}, Money())[1]


def amounts(sentence: str) -> list[float]:
    return [float(text.replace(",", "")) for text in re.findall(r"[+-][\d,]+\.\d\d", sentence)]


def test_the_parts_of_every_bot_add_up_to_its_profit() -> None:
    for connection in connected(seeding.seeded()):
        bots = load_bots(connection, seeding.PORTFOLIO_ID)
        assert (bots["profit"] < 0.0).any() and len(bots) == 27
        for bot in bots.to_dict("records"):
            exits = load_exits(connection, seeding.PORTFOLIO_ID, bot["bot"])
            assert exits["round_trips"].sum() == bot["round_trips"]
            assert exits["profit"].sum() == pytest.approx(bot["trips_profit"])
            profit, closed, *rest = amounts(lost_on(bot, exits, Money("USDT")).replace("\\", ""))
            by_exit, others = rest[: len(exits)], rest[len(exits) :]
            assert profit == pytest.approx(bot["profit"], abs=0.005)
            assert sum(by_exit) == pytest.approx(closed, abs=0.005 * (len(exits) + 1))
            assert closed + sum(others) == pytest.approx(profit, abs=0.03)


def test_the_page_names_the_bot_that_lost_most(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("seeded"), "bots")
    sentence = next(text.value for text in app.markdown if "Lost most so far" in text.value).replace("\\", "")
    table = next(frame.value for frame in grids(app) if "profit_so_far" in frame.value.columns)
    worst = table.nsmallest(1, "profit_so_far").iloc[0]
    assert f"**[{worst['bot']}](/bot?bot={worst['bot']})**" in sentence
    assert f"{worst['profit_so_far']:+,.2f} USDT" in sentence
    said = "\n".join(text.value for text in app.markdown).replace("\\", "")
    costs, trade, right = (
        re.search(rf"- [*]{{2}}{head}[*]{{2}}: .*", said)[0] for head in ("Costs", "Worst trade", "Right")
    )
    for connection in connected(seeding.seeded()):
        trip = load_worst_trip(connection, seeding.PORTFOLIO_ID, worst["bot"])
        exits = load_exits(connection, seeding.PORTFOLIO_ID, worst["bot"])
    lost = -worst["profit_so_far"]
    assert trip is not None and f"{trip['profit']:+,.2f}, {-trip['profit'] / lost:.0%} of the loss" in trade
    assert f"{worst['fees']:,.2f} of fees, " in costs and "% of the loss" in costs
    assert f"in {exits['wins'].sum()} of {exits['round_trips'].sum()} trades" in right
    assert app.button("worst_trade").label == "Its worst trade"
    assert "round trips after" in said, "all that it is made of is there, too"


def test_the_parts_of_a_period_add_up_to_its_profit() -> None:
    parts = []
    for connection in connected(seeding.seeded()):
        start_ms = int(connection.exec_driver_sql("SELECT max(closed_ms) FROM round_trip").scalar_one()) - 2 * DAY_MS
        period = Filters(start_ms=start_ms)
        bots = load_bots(connection, seeding.PORTFOLIO_ID, period)
        made = load_made(connection, seeding.PORTFOLIO_ID, period)[["bot", "period_profit"]]
        bots = bots.merge(made, on="bot")
        for bot in bots.to_dict("records"):
            exits = load_exits(connection, seeding.PORTFOLIO_ID, bot["bot"], period)
            assert exits["round_trips"].sum() == bot["round_trips"], "the same trips as in the table"
            profit, *rest = amounts(lost_in_period(bot, exits, Money("USDT")).replace("\\", ""))
            assert profit == pytest.approx(bot["period_profit"], abs=0.005)
            closed = rest.pop(0) if len(exits) else 0.0
            by_exit, others = rest[: len(exits)], rest[len(exits) :]
            assert sum(by_exit) == pytest.approx(closed, abs=0.005 * (len(exits) + 1))
            assert closed + sum(others) == pytest.approx(profit, abs=0.02)
            parts.append((len(by_exit), len(others)))
    assert {(1, 1)} & set(parts) and (0, 1) in parts, "some closed, some were only open"


def test_a_period_has_its_own_losers(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("seeded"), "bots", period="1d")
    assert not app.exception
    sentence = next(text.value for text in app.markdown if "Lost most in this period" in text.value).replace("\\", "")
    tables = [frame.value for frame in grids(app)]
    assert all("profit_so_far" not in table.columns and "fees" not in table.columns for table in tables)
    worst = tables[0].nsmallest(1, "period_profit").iloc[0]
    assert (
        f"**[{worst['bot']}](/bot?bot={worst['bot']})**" in sentence
        and f"{worst['period_profit']:+,.2f} USDT" in sentence
    )
    assert tables[2]["bot"].iloc[0] == worst["bot"]
    assert {"Earned most in this period", "Lost most in this period"} <= {head.value for head in app.subheader}
    so_far = grids(open_page(folder("seeded"), "bots"))[0].value
    assert so_far["profit_so_far"].sum() != pytest.approx(tables[0]["period_profit"].sum())


def test_bots_that_lost_nothing_are_not_blamed(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("opened"), "bots")
    assert "None of these bots has lost money so far." in [text.value for text in app.markdown]
