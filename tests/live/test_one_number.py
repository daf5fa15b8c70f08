"""What terminal, pages, exports and a backtest say of the same fleet is one number."""

import pytest

from dashboard.queries.filters import Filters
from dashboard.queries.overview import load_win_rate
from dashboard.queries.states import load_bot_states
from shared.enums import Resolution, ScopeKind
from shared.metrics.round_trips import wilson_interval
from shared.tables.equity import equity_points
from tests.live.conftest import MakePlace
from tests.live.fake_market import random_bars
from tests.live.running import SYMBOLS, backtest, small_settings
from worker.research.books import keep_books
from worker.research.figures import bot_figures, scope_figures
from worker.research.marks import make_marks
from worker.store.overview import load_overview


def test_open_profit_is_the_same_everywhere(make_place: MakePlace) -> None:
    settings = small_settings("risk.ladder=[[0.01, 0.5], [0.02, 0.5]]")
    walks = {symbol: random_bars(143, 91 + at) for at, symbol in enumerate(SYMBOLS)}
    place = make_place(settings, walks)
    place.run()
    with place.engine.connect() as connection:
        overview, states = load_overview(connection, 1), load_bot_states(connection, 1)
        # The newest roll-up of each bot comes last.
        points = connection.execute(equity_points(ScopeKind.BOT, Resolution.HOUR)).all()
    shown = {line.bot: line.open_profit for line in overview.positions}
    assert len(shown) > 3
    pages = dict(zip(states["bot"], states["open_profit"], strict=True))
    replay = backtest(settings, walks)
    figures = bot_figures(replay, keep_books(settings, replay))
    marked = {states["bot"][point.scope_id - 1]: point.open_profit for point in points}
    fees = dict(place.rows("SELECT bot.name, sum(lot.fee) FROM lot JOIN bot ON bot.id = lot.bot_id GROUP BY bot.id"))
    for line in overview.positions:
        plain = line.quantity * (line.close - line.entry_price)
        assert line.open_profit == pytest.approx(pages[line.bot], abs=1e-9)
        assert line.open_profit == pytest.approx(figures[line.bot]["open_profit_quote"], abs=1e-9)
        assert line.open_profit == pytest.approx(marked[line.bot], abs=1e-9)
        assert line.open_profit < plain or fees[line.bot] == 0.0
    assert {name for name, profit in pages.items() if profit != 0.0} == shown.keys()


@pytest.mark.slow
def test_the_interval_of_a_backtest_counts_what_pages_count(make_place: MakePlace) -> None:
    settings = small_settings("strategies.trend_following.grid=[[3, 9]]", f"strategies.breakout.symbols={[SYMBOLS[0]]}")
    walks = {symbol: random_bars(600, 91 + at) for at, symbol in enumerate(SYMBOLS)}
    place = make_place(settings, walks)
    place.run()
    replay = backtest(settings, walks)
    books, scopes = keep_books(settings, replay), {}
    for figures in scope_figures(replay, books, make_marks(replay, settings.step_ms)):
        scopes[figures.scope] = figures.performance
    assert scopes.keys() == {"portfolio", *replay.plan.sleeves}
    with place.engine.connect() as connection:
        for name, found in scopes.items():
            taken = Filters() if name == "portfolio" else Filters(sleeves=(name,))
            page = load_win_rate(connection, 1, taken)
            assert (found.round_trips, found.win_rate, found.trials) == (page.count, page.rate, page.trials)
            assert (found.win_rate_low, found.win_rate_high) == (page.low, page.high)
    # Several bots count days of a symbol, the only bot of a sleeve its round trips.
    assert scopes["portfolio"].trials < 8 < scopes["portfolio"].round_trips
    assert scopes["breakout"].trials == scopes["breakout"].round_trips > 4
    narrow = wilson_interval(
        round(scopes["portfolio"].win_rate * scopes["portfolio"].round_trips), scopes["portfolio"].round_trips
    )
    assert scopes["portfolio"].win_rate_low < narrow[0] and narrow[1] < scopes["portfolio"].win_rate_high
