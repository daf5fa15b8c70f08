"""Open profit is one number: terminal, pages, exports and backtest show the same, after the fees open lots carry."""

import pytest

from dashboard.queries.states import load_bot_states
from shared.enums import Resolution, ScopeKind
from shared.tables.equity import equity_points
from tests.live.conftest import MakePlace
from tests.live.fake_market import random_bars
from tests.live.running import SYMBOLS, backtest, small_settings
from worker.research.books import keep_books
from worker.research.figures import bot_figures
from worker.store.overview import load_overview


def test_terminal_page_exports_and_backtest_agree(make_place: MakePlace) -> None:
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
