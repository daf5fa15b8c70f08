"""Every page at the addresses people open it at, with all the numbers it should show there."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.dashboard.queries.recomputed import DAY_MS, PROTECTIVE, Books, Trip
from tests.dashboard.views.totals import charts, groups, tables, tiles
from tests.dashboard.views.totals.charts import Chart
from tests.dashboard.views.totals.groups import GROUPS
from tests.dashboard.views.totals.ledger import Ledger
from tests.dashboard.views.totals.shown import Said
from tests.dashboard.views.totals.slippage import slippage_tiles, with_slippage
from tests.dashboard.views.totals.tables import Expected
from tests.dashboard.views.totals.tiles import Tiles

BOTS = ("tf_sol_usdt_1h_p1", "mr_btc_usdt_1h_p3", "bo_eth_usdt_1h_p2")
SLEEVE = "trend_following"
SYMBOL = "ETH/USDT"


@dataclass(frozen=True)
class Shown:
    """What a page should show: all its tiles, captions with a number, tables and charts.

    A table that is None and a chart that is empty hold nothing that fills say anything of.
    """

    tiles: Tiles = field(default_factory=dict)
    captions: tuple[Said, ...] = ()
    tables: tuple[Expected | None, ...] = ()
    charts: dict[str, Chart] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """A page at an address."""

    view: str
    query: dict[str, Any]
    shown: Callable[[Ledger], Shown]

    @property
    def is_filtered(self) -> bool:
        """Tell whether it shows the same as another, filtered or grouped otherwise."""
        return len(self.query) > 1 and self.view in ("trades", "analytics") and "of" not in self.query

    def __str__(self) -> str:
        return " ".join([self.view, *(f"{name}={value}" for name, value in self.query.items())])


def pages() -> list[Page]:
    """Give all pages."""
    return [
        Page("overview", {"period": "All"}, _overview),
        Page("overview", {"period": "All", "measure": "Profit"}, _overview_profit),
        *(
            Page("overview", {"period": "All", "measure": label, "held": "true"}, _overview_held(label, measure))
            for label, measure in (("Equity", "equity"), ("Profit", "profit"), ("Return", "return_fraction"))
        ),
        Page("symbol", {"symbol": SYMBOL, "period": "All"}, _symbol),
        Page("bots", {}, _bots),
        *(_bot_page(name, tab) for name in BOTS for tab in ("Profit", "Trades")),
        *(_bot_page(BOTS[0], tab) for tab in ("Reasons", "Parameters")),
        Page("allocations", {"period": "All"}, _allocations),
        *(_trades(query) for query in _FILTERED),
        Page("trades", {"rows": "Fills", "period": "All"}, _fills),
        Page("trades", {"rows": "Orders", "period": "All"}, _orders),
        Page("trades", {"rows": "Open positions"}, _positions),
        Page("trades", {"rows": "Open positions", "bots": BOTS[0]}, _positions_of_one),
        *(_trip_tiles(query) for query in _FILTERED[::2]),
        *(Page("analytics", {"tab": "Win rates", "by": by}, _rates(by)) for by in GROUPS),
        *(
            Page("analytics", {"tab": "Profit by day", "stretch": by, **more}, _profits(by, *scope))
            for by in groups.STRETCHES
            for more, scope in (({}, ("PORTFOLIO",)), ({"made_by": f"bot {BOTS[1]}"}, ("BOT", BOTS[1])))
        ),
        Page("analytics", {"tab": "Returns"}, _returns("PORTFOLIO")),
        Page("analytics", {"tab": "Returns", "of": f"sleeve {SLEEVE}"}, _returns("SLEEVE", SLEEVE)),
        *(Page("analytics", {"tab": "Returns", "of": f"bot {name}"}, _returns("BOT", name)) for name in BOTS),
        *(
            Page("analytics", {"tab": "Returns", "of": of, "period": f"{days}d"}, _returns(*scope, days=days))
            for of, scope in (("Portfolio", ("PORTFOLIO", "")), (f"bot {BOTS[1]}", ("BOT", BOTS[1])))
            for days in (1, 7)
        ),
        Page("analytics", {"tab": "Benchmark"}, lambda ledger: Shown(charts={"benchmark": charts.benchmark(ledger)})),
        Page("analytics", {"tab": "Costs"}, _costs),
        Page("analytics", {"tab": "Costs", "sleeves": SLEEVE}, _costs_of_a_sleeve),
        Page("analytics", {"tab": "Correlation"}, _correlation),
        Page("risk", {}, _risk),
        Page("decisions", {"period": "All"}, _decisions),
        Page("decisions", {"period": "All", "part": "Reasons counted"}, _reasons_counted),
        Page("control", {}, _control),
        Page("control", {"scope": f"sleeve {SLEEVE}"}, _control_of_a_sleeve),
    ]


# Filters of the address bar, each also with what it means of a round trip.
_FILTERED: tuple[dict[str, Any], ...] = (
    {"period": "All"},
    {"period": "7d"},
    {"period": "1d"},
    {"period": "All", "sides": "long"},
    {"period": "All", "exits": ["stop", "trailing stop"]},
    {"period": "All", "bots": list(BOTS)},
    {"period": "All", "symbols": "ETH/USDT", "sides": "short"},
    {"period": "30d", "sleeves": SLEEVE, "exits": "signal"},
)


def taken(ledger: Ledger, query: dict[str, Any], books: Books) -> list[Trip]:
    """Give the round trips of some books that filters of the address bar take."""
    days = {"All": 10_000, "1d": 1, "7d": 7, "30d": 30}[query["period"]]
    begin_ms = ledger.now_ms - days * DAY_MS

    def wanted(name: str) -> list[str]:
        value = query.get(name, [])
        return [value] if isinstance(value, str) else value

    side = {"long": "BUY", "short": "SELL"}
    return [
        trip
        for trip in books.trips
        if trip.closed_ms - (trip.exit_reason in PROTECTIVE) >= begin_ms
        and (not wanted("sides") or trip.side in [side[name] for name in wanted("sides")])
        and (not wanted("exits") or trip.exit_reason.replace("_", " ").lower() in wanted("exits"))
        and (not wanted("bots") or trip.bot in wanted("bots"))
        and (not wanted("sleeves") or trip.sleeve in wanted("sleeves"))
        and (not wanted("symbols") or trip.symbol in wanted("symbols"))
    ]


def _overview(ledger: Ledger) -> Shown:
    curve = ledger.replay.portfolio
    drawn = {"equity": charts.equity(curve, "flotilla"), "drawdown": charts.drawdown(curve, "flotilla")}
    return Shown(tiles.overview(ledger), (), _tables(ledger), drawn)


def _tables(ledger: Ledger) -> tuple[Expected | None, ...]:
    recent = tables.fills(ledger.books.fills)
    return tables.positions(ledger), replace(recent, rows=recent.rows[:10]), None


def _overview_held(label: str, measure: str) -> Callable[[Ledger], Shown]:
    def shown(ledger: Ledger) -> Shown:
        curve = ledger.replay.portfolio
        own = {"Equity": charts.equity, "Profit": charts.profit, "Return": charts.growth}[label](curve, "flotilla")
        drawn = {"equity": [*own, charts.held(ledger, measure)], "drawdown": charts.drawdown(curve, "flotilla")}
        return Shown(tiles.overview(ledger), (), _tables(ledger), drawn)

    return shown


def _symbol(ledger: Ledger) -> Shown:
    found = (tables.symbol_bots(ledger, SYMBOL), tables.crossed(ledger, SYMBOL))
    return Shown(tiles.symbol(ledger, SYMBOL), (), found, {"symbol_trades": charts.everybodys(ledger, SYMBOL)})


def _profits(by: str, kind: str, name: str = "") -> Callable[[Ledger], Shown]:
    def shown(ledger: Ledger) -> Shown:
        rows = groups.profits(ledger, by, kind, name)
        made = [row["profit"] for row in reversed(rows.rows)]
        bars, cells = charts.Drawn("profit", "y", made), charts.Drawn("0", "z", groups.in_cells(rows, by))
        return Shown(tables=(rows,), charts={"profit_bars": [bars], "profit_calendar": [cells]})

    return shown


def _overview_profit(ledger: Ledger) -> Shown:
    curve = ledger.replay.portfolio
    drawn = {"equity": charts.profit(curve, "flotilla"), "drawdown": charts.drawdown(curve, "flotilla")}
    return Shown(tiles.overview(ledger), (), _tables(ledger), drawn)


def _bots(ledger: Ledger) -> Shown:
    names = set(ledger.books.accounts)
    said = ("# bots. Tick two or more to compare them.", len(names))
    best, worst = tables.leaders(ledger, names, 1.0), tables.leaders(ledger, names, -1.0)
    return Shown({}, (said,), (tables.bots(ledger, names), best, worst))


def _bot_page(name: str, tab: str) -> Page:
    return Page("bot", {"bot": name, "period": "All", "tab": tab}, _bot(name, tab))


def _bot(name: str, tab: str) -> Callable[[Ledger], Shown]:
    def shown(ledger: Ledger) -> Shown:
        rows: tuple[tables.Expected, ...] = ()
        drawn = {"candles": [], "bot_reasons": []} if tab == "Reasons" else {"candles": []}
        if tab == "Profit":
            drawn["bot_equity"] = charts.profit(ledger.replay.bots[name], name)
        if tab == "Trades":
            own = [fill for fill in ledger.books.fills if fill["bot"] == name]
            closed = ledger.trips_of({name})
            trips = [tables.round_trips(ledger, closed, ("closed_ms",))] if closed else []
            rows = (*trips, tables.fills(own, newest_first=False))
        return Shown(tiles.bot(ledger, name), (), rows, drawn)

    return shown


def _allocations(ledger: Ledger) -> Shown:
    saved = ledger.marked.total("saved")
    drawn = {
        "holdings": charts.holdings(ledger),
        "targets": charts.targets(ledger),
        "weights": charts.weights(ledger),
        "savings": charts.saved(ledger),
    }
    return Shown(
        {"Saved in this period": tiles.Expected(("#", saved))},
        (),
        (tables.targets(ledger), tables.transfers(ledger), tables.savings(ledger)),
        drawn,
    )


def _trades(query: dict[str, Any]) -> Page:
    def shown(ledger: Ledger) -> Shown:
        trips = taken(ledger, query, ledger.books)
        if not trips:
            return Shown()
        drawn = {"profit_duration": charts.durations(trips), "excursions": charts.reached(ledger, trips)}
        return Shown({}, (_counted(len(trips)),), (tables.round_trips(ledger, trips),), drawn)

    return Page("trades", query, shown)


def _counted(count: int) -> Said:
    return (
        "# in all, newest first; # on this page. A download has all. What came after the newest step is among them; "
        "figures count it from the next.",
        count,
        count,
    )


def _fills(ledger: Ledger) -> Shown:
    fills = with_slippage(ledger)
    in_points = [{**fill, "open_slippage": 1e4 * fill["open_slippage"]} for fill in fills]
    return Shown(slippage_tiles(fills), (_counted(len(fills)),), (tables.fills(in_points),))


def _orders(ledger: Ledger) -> Shown:
    return Shown({}, (_counted(len(ledger.orders)),), (tables.orders(ledger),))


def _positions(ledger: Ledger) -> Shown:
    return Shown(tables=(tables.positions(ledger),))


def _positions_of_one(ledger: Ledger) -> Shown:
    found = tables.positions(ledger, {BOTS[0]})
    return Shown(tables=(found,) if found.rows else ())


def _trip_tiles(query: dict[str, Any]) -> Page:
    def shown(ledger: Ledger) -> Shown:
        trips = taken(ledger, query, ledger.marked)
        return Shown(tiles.trips(trips), charts={"distribution": charts.distribution(trips)}) if trips else Shown()

    return Page("analytics", query, shown)


def _rates(by: str) -> Callable[[Ledger], Shown]:
    def shown(ledger: Ledger) -> Shown:
        trips = ledger.marked.trips
        drawn = {"win_rates": charts.win_rates(trips, by), "profit_by": charts.profit_by(trips, by)}
        return Shown(tables=(groups.rates(trips, by),), charts=drawn)

    return shown


def _returns(kind: str, name: str = "", days: int | None = None) -> Callable[[Ledger], Shown]:
    def shown(ledger: Ledger) -> Shown:
        start_ms = None if days is None else ledger.now_ms - days * DAY_MS
        curve = ledger.curve(kind, name)
        of_period = curve if start_ms is None else curve.since(start_ms)
        drawn = {"monthly": charts.monthly(of_period), "sharpe": []}
        return Shown(tiles.of_returns(ledger, kind, name, start_ms), charts=drawn)

    return shown


def _costs(ledger: Ledger) -> Shown:
    names = set(ledger.books.accounts)
    return Shown(tables=(groups.costs(ledger, names),), charts={"costs": charts.costs(ledger, names)})


def _costs_of_a_sleeve(ledger: Ledger) -> Shown:
    names = {bot for bot, sleeve in ledger.replay.sleeve_of.items() if sleeve == SLEEVE}
    return Shown(tables=(groups.costs(ledger, names),), charts={"costs": charts.costs(ledger, names)})


def _correlation(ledger: Ledger) -> Shown:
    return Shown(charts={"correlations": charts.correlations(ledger)})


def _risk(ledger: Ledger) -> Shown:
    drawn = {
        "brakes": charts.brakes(ledger),
        "brake_bars": charts.brake_bars(ledger),
        "day": charts.day(ledger),
        "exposures": charts.exposed(ledger),
        "stops": charts.stops(ledger),
    }
    held = (tables.exposures(ledger), tables.positions(ledger), groups.brake_history(ledger))
    return Shown(tiles.risk(ledger), (), (groups.brakes(ledger), *held), drawn)


def _decisions(_ledger: Ledger) -> Shown:
    return Shown({}, (), (None, None, None), {"reasons": []})


def _reasons_counted(ledger: Ledger) -> Shown:
    return Shown({}, (), (None, None, None), {"reason_counts": charts.reason_counts(ledger, len(ledger.accounts))})


def _control(ledger: Ledger) -> Shown:
    found = tiles.control(ledger, set(ledger.books.accounts))
    return Shown(found, (), (None, groups.scopes(ledger), None, None))


def _control_of_a_sleeve(ledger: Ledger) -> Shown:
    names = {bot for bot, sleeve in ledger.replay.sleeve_of.items() if sleeve == SLEEVE}
    return Shown(tiles.control(ledger, names), (), (None, groups.scopes(ledger), None, None))
