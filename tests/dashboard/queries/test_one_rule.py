"""What pages say of one thing is one thing: intervals of a single bot, fees in another currency, words of risk."""

from pathlib import Path

import pandas as pd
from sqlalchemy import Connection

from dashboard.components.words import days_of_risk
from dashboard.figures.returns import sharpe_figure
from dashboard.queries.bots import load_bots
from dashboard.queries.filters import Filters
from dashboard.queries.overview import load_overview, load_win_rate
from dashboard.queries.round_trips import load_trip_facts, trip_figures
from shared.metrics.round_trips import effective_interval, wilson_interval
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import ID
from tests.dashboard.queries.conftest import connected, newest_mark_ms
from tests.dashboard.queries.recomputed import recompute


def test_the_interval_of_a_bot_is_the_same_on_every_page(connection: Connection) -> None:
    apart = 0
    for bot, row in load_bots(connection, ID).set_index("bot").iterrows():
        own = Filters(bots=(str(bot),))
        figures, rate = trip_figures(load_trip_facts(connection, ID, own)), load_win_rate(connection, ID, own)
        if not rate.count:
            continue
        shown = {(row["win_rate_low"], row["win_rate_high"]), (figures.win_rate_low, figures.win_rate_high)}
        assert shown | {(rate.low, rate.high)} == {wilson_interval(rate.wins, rate.count)}
        assert figures.trials == rate.trials == rate.count
        apart += effective_interval(rate.wins, rate.count, rate.symbol_days) != (rate.low, rate.high)
    assert apart > 3, "symbol-days must have made another interval of some"


def test_fills_paid_for_in_another_currency_are_counted(folder: Path) -> None:
    books = seeding.opened(folder)
    seeding.run(books, lambda session: session.step(24 * 6 + 20))
    books.write("UPDATE fill SET fee_currency = 'BNB'")
    for connection in connected(books):
        overview = load_overview(connection, ID)
        assert overview is not None
        newest, midnight = (recompute(connection, at) for at in (newest_mark_ms(connection), overview.day_start_ms))
        count = len(newest.fills) - len(midnight.fills)
        assert overview.fills_today == overview.other_fees_today == count > 0
        assert overview.fees_today == 0.0 < overview.fees


def test_one_ratio_is_a_dot_on_an_axis_of_days() -> None:
    rolled = pd.DataFrame({"time_ms": [1_767_225_600_000], "sharpe_ratio": [2.5], "days": [30]})
    figure = sharpe_figure(rolled)
    first, last = figure.layout.xaxis.range
    assert figure.data[0].mode == "markers" and last - first == 2 * 86_400_000
    low, high = figure.layout.yaxis.range
    assert -1.0 < low < 0.0 and 2.5 < high < 4.0
    assert "30 daily returns" in sharpe_figure(rolled.iloc[:0]).layout.annotations[0].text


def test_few_days_have_no_hundredth() -> None:
    assert days_of_risk(42) == "between the two worst of 42 days"
    assert days_of_risk(101) == "between the two worst of 101 days"
    assert days_of_risk(400) == "99% of 400 days lost less"
