"""One window: what any page says of a period is of the same time to the bar, for bots of any timeframe.

A table of pages and figures: each must be what the fills between two marks amount to.
"""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection

from dashboard.queries.activity import load_activity
from dashboard.queries.bot import load_bot, load_candles
from dashboard.queries.bot_days import load_bot_returns, load_summed, summed_daily
from dashboard.queries.bots import load_bots
from dashboard.queries.costs import load_costs
from dashboard.queries.equity import PORTFOLIO, Scope, load_equity
from dashboard.queries.exits import load_exits
from dashboard.queries.filters import Filters
from dashboard.queries.holding import load_benchmark
from dashboard.queries.made import load_made
from dashboard.queries.overview import load_overview, load_win_rate
from dashboard.queries.returns import load_daily, return_figures
from dashboard.queries.round_trips import load_trip_facts, trip_figures
from dashboard.queries.window import load_window
from dashboard.report.facts import load_facts
from shared.enums import ScopeKind
from shared.units import DAY_MS, HOUR_MS
from tests.dashboard import seeding
from tests.dashboard.queries.catalogue import BEGIN_MS, ID
from tests.dashboard.queries.conftest import connected, newest_mark_ms
from tests.dashboard.queries.recomputed import Books, recompute
from tests.dashboard.views.totals.replayed import Curve, Replay, replay

STEPS = 24 * 9 + 17
# Bots on two timeframes; the books end within a day, and what was filled at the next open is in them.
MIXED = (
    *seeding.TIGHT_BRAKES,
    'portfolio.symbols=["BTC/USDT"]',
    "strategies.breakout.timeframe=4h",
    "risk.edge_to_cost=0.5",
)
PERIODS = {
    "all": (None, None),
    "from before the books": (BEGIN_MS - 3 * DAY_MS, None),
    "from a midnight": (BEGIN_MS + 5 * DAY_MS, None),
    "from an hour": (BEGIN_MS + 4 * DAY_MS + 9 * HOUR_MS, None),
    "from within an hour": (BEGIN_MS + 4 * DAY_MS + 9 * HOUR_MS + 1_234_567, None),
    "to a midnight": (None, BEGIN_MS + 7 * DAY_MS),
    "within a day": (BEGIN_MS + 6 * DAY_MS + 2 * HOUR_MS, BEGIN_MS + 6 * DAY_MS + 21 * HOUR_MS),
    "to within an hour": (BEGIN_MS + 3 * DAY_MS + HOUR_MS, BEGIN_MS + 7 * DAY_MS + 13 * HOUR_MS - 1),
    "the last day": (BEGIN_MS + 8 * DAY_MS + 17 * HOUR_MS, None),
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """Books of bots on the hour and on four hours."""
    folder = tmp_path_factory.mktemp("mixed") / "books"
    folder.mkdir()
    books = seeding.Books(folder, seeding.settings_of(*MIXED, days=10))

    def act(session: seeding.Session) -> None:
        session.step(STEPS)
        # Until orders are filled at the open after the newest mark.
        for _ in range(30):
            if _fills_after_the_mark(books):
                return
            session.step(1)

    seeding.run(books, act)
    yield from connected(books)


def _fills_after_the_mark(books: seeding.Books) -> bool:
    for connection in connected(books):
        return bool(recompute(connection).fills[len(recompute(connection, newest_mark_ms(connection)).fills) :])
    return False


@pytest.fixture(scope="module")
def played(mixed: Connection) -> Replay:
    return replay(mixed)


def edges(connection: Connection, period: tuple[int | None, int | None]) -> tuple[int, int]:
    """Give the times of the two marks of a period: the hours around it, within the books."""
    newest_ms = newest_mark_ms(connection)
    start_ms = BEGIN_MS if period[0] is None else max(period[0] // HOUR_MS * HOUR_MS, BEGIN_MS)
    return start_ms, newest_ms if period[1] is None else min(-(-period[1] // HOUR_MS) * HOUR_MS, newest_ms)


class Between:
    """What the books say between two marks: of each bot and of all."""

    def __init__(self, connection: Connection, played: Replay, start_ms: int, end_ms: int) -> None:
        self.start_ms, self.end_ms = start_ms, end_ms
        self._began = recompute(connection, start_ms) if start_ms > BEGIN_MS else None
        self._ended = recompute(connection, end_ms)
        self._played = played

    @property
    def names(self) -> list[str]:
        return list(self._ended.accounts)

    def profit(self, name: str) -> float:
        return _made(self._ended, name) - (_made(self._began, name) if self._began else 0.0)

    def paid(self, name: str, what: str) -> float:
        before = getattr(self._began.accounts[name], what) if self._began else 0.0
        return getattr(self._ended.accounts[name], what) - before

    def trips(self, name: str) -> list[float]:
        count = len(self._began.accounts[name].trips) if self._began else 0
        return [trip.profit for trip in self._ended.accounts[name].trips[count:]]

    def growth(self, name: str) -> float:
        curve = self.curve(name)
        return curve[-1] / curve[0] - 1.0

    def depth(self, name: str) -> float:
        curve = np.array(self.curve(name))
        return float((1.0 - curve / np.maximum.accumulate(curve)).max())

    def curve(self, name: str) -> list[float]:
        whole: Curve = self._played.bots[name] if name else self._played.portfolio
        first, last = whole.at(self.start_ms), whole.at(self.end_ms)
        return growth_of(whole)[first : last + 1]


@cache
def growth_of(curve: Curve) -> list[float]:
    return curve.growth


def _made(books: Books, name: str) -> float:
    account = books.accounts[name]
    return account.equity(books.closes[account.symbol]) - account.money_in


Figure = Callable[[Connection, Filters, str], Any]


@cache
def asked(query: Callable[..., Any], *arguments: Any) -> Any:
    """Ask once for what several figures are taken from."""
    return query(*arguments)


def row(query: Callable[..., Any], column: str) -> Figure:
    return lambda c, f, name: asked(query, c, ID, f).set_index("bot").loc[name, column]


def curve(column: str) -> Figure:
    """Give what the line of a bot gains from its first mark to its last."""

    def gained(c: Connection, f: Filters, name: str) -> float:
        line = asked(load_equity, c, ID, (Scope(ScopeKind.BOT, name),), f.start_ms, f.end_ms)[column]
        return line.iloc[-1] - line.iloc[0]

    return gained


def days(figure: Callable[[Any], float]) -> Figure:
    return lambda c, f, name: figure(asked(load_daily, c, ID, Scope(ScopeKind.BOT, name), f.start_ms, f.end_ms))


def of_one(query: Callable[..., Any], figure: Callable[[Any], float]) -> Figure:
    return lambda c, f, name: figure(asked(query, c, ID, Filters(f.start_ms, f.end_ms, bots=(name,))))


def tile(key: str) -> Figure:
    return lambda c, f, name: asked(load_bot, c, ID, name, f)[key]


# Of one bot: what each page shows, and what it must be.
FIGURES: dict[str, tuple[Figure, Callable[[Between, str], float]]] = {
    "Bots, profit of a row": (row(load_made, "period_profit"), Between.profit),
    "Bots, fees of a row": (row(load_made, "period_fees"), lambda b, name: b.paid(name, "fees")),
    "Bots, return of a row": (row(load_bots, "return_fraction"), Between.growth),
    "Bots, drawdown of a row": (row(load_bots, "max_drawdown_fraction"), Between.depth),
    "Bots, round trips of a row": (row(load_bots, "round_trips"), lambda b, name: len(b.trips(name))),
    "Bots, wins of a row": (row(load_bots, "wins"), lambda b, name: sum(p > 0.0 for p in b.trips(name))),
    "Bots, comparison": (curve("return_fraction"), Between.growth),
    "Bots, why it lost": (
        lambda c, f, name: load_exits(c, ID, name, f)["profit"].sum(), lambda b, name: sum(b.trips(name))
    ),
    "One bot, tile of profit": (tile("period_profit"), Between.profit),
    "One bot, tile of fees": (tile("period_fees"), lambda b, name: b.paid(name, "fees")),
    "One bot, tile of return": (tile("return_fraction"), Between.growth),
    "One bot, tile of drawdown": (tile("max_drawdown_fraction"), Between.depth),
    "One bot, tile of win rate": (tile("round_trips"), lambda b, name: len(b.trips(name))),
    "One bot, chart of profit": (curve("profit"), Between.profit),
    "Analytics, costs: profit": (row(load_costs, "profit"), Between.profit),
    "Analytics, costs: fees": (row(load_costs, "fees"), lambda b, name: b.paid(name, "fees")),
    "Analytics, costs: funding": (row(load_costs, "funding"), lambda b, name: b.paid(name, "funding")),
    "Analytics, returns: profit of the days": (days(lambda d: d["profit"].sum()), Between.profit),
    "Analytics, returns: total": (days(lambda d: return_figures(d).total_return), Between.growth),
    "Analytics, returns: drawdown": (days(lambda d: return_figures(d).max_drawdown), Between.depth),
    "Analytics, round trips: count": (
        of_one(load_trip_facts, lambda facts: trip_figures(facts).count), lambda b, name: len(b.trips(name))
    ),
    "Analytics, round trips: profit": (
        of_one(load_trip_facts, lambda facts: trip_figures(facts).profit), lambda b, name: sum(b.trips(name))
    ),
    "Overview, win rate": (of_one(load_win_rate, lambda rate: rate.count), lambda b, name: len(b.trips(name))),
    "report, return of a bot": (row(load_bot_returns, "return_fraction"), Between.growth),
    "report, drawdown of a bot": (row(load_bot_returns, "max_drawdown"), Between.depth),
    "report, fees of a group": (
        lambda c, f, name: load_activity(c, ID, "bot", f).set_index("group").loc[name, "fees"],
        lambda b, name: b.paid(name, "fees"),
    ),
    "report, profit of several bots": (
        of_one(load_summed, lambda summed: summed_daily(summed)["profit"].sum()), Between.profit
    ),
}  # fmt: skip


# The others are looked at by the slow tests.
QUICK = ("from within an hour", "to within an hour")
MANY = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in PERIODS]


@pytest.mark.parametrize("period", MANY)
def test_every_figure_of_a_bot_is_of_one_window(mixed: Connection, played: Replay, period: str) -> None:
    filters = Filters(*PERIODS[period])
    between = Between(mixed, played, *edges(mixed, PERIODS[period]))
    # One bot of each timeframe, and the one that traded most.
    busiest = max(between.names, key=lambda name: len(between.trips(name)))
    for name in ("bo_btc_usdt_4h_p1", "mr_btc_usdt_1h_p2", busiest):
        for page, (figure, worked_out) in FIGURES.items():
            shown, should = figure(mixed, filters, name), worked_out(between, name)
            assert shown == pytest.approx(should, rel=1e-9, abs=1e-7), (page, name, shown, should)


@pytest.mark.parametrize("period", MANY)
def test_charts_begin_and_end_at_the_marks_of_the_window(mixed: Connection, period: str) -> None:
    start_ms, end_ms = edges(mixed, PERIODS[period])
    window = load_window(mixed, ID, Filters(*PERIODS[period]))
    assert window is not None and (window.begin_ms, window.end_ms) == (start_ms, end_ms)
    bot = Scope(ScopeKind.BOT, "bo_btc_usdt_4h_p1")
    for scope in (PORTFOLIO, Scope(ScopeKind.SLEEVE, "breakout"), bot):
        for times in (
            load_equity(mixed, ID, (scope,), *PERIODS[period])["time_ms"],
            load_daily(mixed, ID, scope, *PERIODS[period])["time_ms"],
            load_benchmark(mixed, ID, scope, *PERIODS[period])["time_ms"],
        ):
            assert (int(times.min()), int(times.max())) == (start_ms, end_ms), scope
    candles = load_candles(mixed, ID, bot.name, window.begin_ms, window.end_ms)
    lasts = candles["open_ms"] + candles["timeframe_ms"]
    assert (candles["open_ms"].iloc[0], lasts.iloc[-1]) == (start_ms, end_ms)


@pytest.mark.parametrize("period", MANY)
def test_the_report_and_the_bots_sum_to_the_portfolio(mixed: Connection, played: Replay, period: str) -> None:
    filters = Filters(*PERIODS[period])
    between = Between(mixed, played, *edges(mixed, PERIODS[period]))
    profit = sum(map(between.profit, between.names))
    for figure in (
        load_made(mixed, ID, filters)["period_profit"],
        load_daily(mixed, ID, PORTFOLIO, *PERIODS[period])["profit"],
    ):
        assert figure.sum() == pytest.approx(profit, abs=1e-6)
    facts = load_facts(mixed, ID, filters)
    assert facts is not None and facts.daily["profit"].sum() == pytest.approx(profit, abs=1e-6)
    assert facts.groups["profit"].sum() == pytest.approx(profit, abs=1e-6)
    assert facts.groups["fees"].sum() == pytest.approx(sum(between.paid(name, "fees") for name in between.names))
    assert facts.trip_figures.count == sum(len(between.trips(name)) for name in between.names)
    assert facts.figures.total_return == pytest.approx(between.growth(""), abs=1e-9)


def test_what_is_now_is_the_newest_mark(mixed: Connection) -> None:
    newest_ms = newest_mark_ms(mixed)
    now, marked, overview = recompute(mixed), recompute(mixed, newest_ms), load_overview(mixed, ID)
    line = load_equity(mixed, ID).iloc[-1]
    assert overview is not None and len(now.fills) > len(marked.fills), "orders must have been filled after the mark"
    assert (overview.equity, overview.profit) == pytest.approx((line["equity"], line["profit"]))
    assert overview.equity == pytest.approx(marked.equity) and abs(marked.equity - now.equity) > 1e-3
    for bot in load_bots(mixed, ID).to_dict("records"):
        own = load_equity(mixed, ID, (Scope(ScopeKind.BOT, bot["bot"]),)).iloc[-1]
        assert (bot["equity"], bot["profit"]) == pytest.approx((own["equity"], own["profit"]))
        assert bot["marked_open_profit"] == pytest.approx(own["open_profit"], abs=1e-9)


def test_fees_and_profit_of_a_day_are_of_the_same_day(mixed: Connection) -> None:
    overview, daily = load_overview(mixed, ID), load_daily(mixed, ID)
    assert overview is not None
    midnight = recompute(mixed, overview.day_start_ms)
    marked = recompute(mixed, newest_mark_ms(mixed))
    assert overview.today_profit == pytest.approx(daily["profit"].iloc[-1])
    assert overview.fees_today == pytest.approx(marked.total("fees") - midnight.total("fees")) != 0.0


@pytest.mark.slow
def test_a_drawdown_lasts_from_its_peak(mixed: Connection, played: Replay) -> None:
    lengths, growths = set(), {name: np.array(own.growth) for name, own in played.bots.items()}
    growths[""] = np.array(played.portfolio.growth)
    for period in PERIODS.values():
        start_ms, end_ms = edges(mixed, period)
        for scope in (PORTFOLIO, *(Scope(ScopeKind.BOT, name) for name in played.bots)):
            whole = played.bots[scope.name] if scope.name else played.portfolio
            first, last = whole.at(start_ms), whole.at(end_ms)
            marks = whole.marks[first : last + 1]
            grown = growths[scope.name][first : last + 1]
            depth = 1.0 - grown / np.maximum.accumulate(grown)
            deepest = int(np.argmax(depth))
            shown = return_figures(load_daily(mixed, ID, scope, *period)).max_drawdown_ms
            if depth[deepest] <= 1e-12:
                continue
            peak = int(np.flatnonzero(grown[:deepest] == grown[:deepest].max())[-1])
            back = [at for at in range(deepest, len(grown)) if grown[at] >= grown[peak]]
            should = marks[back[0] if back else -1].time_ms - marks[peak].time_ms
            assert shown == should, (scope, period)
            lengths.add(should)
    assert len(lengths) > 10 and any(length % DAY_MS for length in lengths), "told to the hour, not to the day"


@pytest.mark.slow
def test_a_figure_that_runs_to_now_is_caught(
    mixed: Connection, played: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The saboteur: a window that takes what was filled at the open after its last mark."""

    def loose(time: Any, trigger: Any, filters: Filters) -> list[Any]:
        return [time >= (filters.start_ms or 0)]

    asked.cache_clear()
    monkeypatch.setattr("dashboard.queries.activity.marked_where", loose)
    with pytest.raises(AssertionError, match="fees"):
        test_every_figure_of_a_bot_is_of_one_window(mixed, played, "from an hour")
    asked.cache_clear()


def test_books_that_were_not_opened_have_no_window(folder: Path) -> None:
    for connection in connected(seeding.empty(folder)):
        assert load_window(connection, ID) is None


def test_a_step_longer_than_an_hour_is_not_cut(mixed: Connection) -> None:
    """Where a mark is made every four hours a window begins and ends at one."""
    state = SimpleNamespace(
        first=lambda: (BEGIN_MS + 8 * HOUR_MS, 4 * HOUR_MS, BEGIN_MS),
    )
    connection = SimpleNamespace(execute=lambda _: state)
    window = load_window(connection, ID, Filters(BEGIN_MS + 5 * HOUR_MS, BEGIN_MS + 6 * HOUR_MS))
    assert window is not None
    assert (window.start_ms, window.end_ms) == (BEGIN_MS + 4 * HOUR_MS, BEGIN_MS + 8 * HOUR_MS)
