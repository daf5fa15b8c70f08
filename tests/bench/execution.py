"""What each order style costs, on real candles, by sleeve: written to `docs/execution.md` by `make execution`.

The fleet is the default one at 1h over every symbol of a folder, the brakes off so that every run trades to its end.
"""

import sys
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from shared.enums import Leg, Trigger
from shared.settings import Settings, load_settings
from shared.units import DAY_MS, MINUTE_MS
from tests.bench.document import table, write_section
from tests.conftest import ROOT, candles_folder
from worker.fleet.plan import FleetPlan, plan_fleet, planned_bots
from worker.market.files import CandleFolder
from worker.market.patience import Patience, patience_of
from worker.research.backtest import Backtest, run_backtest
from worker.research.history import History, load_history

PAGE = ROOT / "docs" / "execution.md"
FEES = {"spot": ("0.001", "0.001"), "perpetual": ("0.0005", "0.0002")}
FOLDERS = {"spot-5m": "spot", "perp-5m": "perpetual", "scan-5m": "spot"}
STYLES = {
    "market": ("broker.order=market",),
    "maker, take": ("broker.order=maker",),
    "maker, lapse": ("broker.order=maker", "broker.maker_unfilled=lapse"),
}
MINUTES = (5, 15, 60)


class Candles(NamedTuple):
    """A folder at 1h, with the finest bars there are for orders that rest."""

    plan: FleetPlan
    history: History


def settings_of(symbols: Iterable[str], fees: str, style: str) -> Settings:
    """Give the settings of one run."""
    taker, maker = FEES[fees]
    names = ", ".join(f'"{symbol}"' for symbol in symbols)
    costs = (f"broker.fee_rate={taker}", f"broker.maker_fee_rate={maker}")
    overrides = (f"portfolio.symbols=[{names}]", "portfolio.timeframe=1h", "risk.brakes=false", *costs, *STYLES[style])
    return load_settings(None, {}, overrides)


def load(name: str) -> Candles:
    """Load a folder once for all runs on it."""
    folder = candles_folder(name)
    settings = settings_of(CandleFolder(folder).symbols, FOLDERS[name], "maker, take")
    plan = plan_fleet(planned_bots(settings))
    return Candles(plan, load_history(settings, plan.symbols, folder))


def run(candles: Candles, fees: str, style: str) -> Backtest:
    """Run the fleet in one style."""
    settings = settings_of(candles.plan.symbols, fees, style)
    return run_backtest(settings, candles.plan, lambda: candles.history)


class Sent(NamedTuple):
    """The shares of orders by signal that did not cross entirely, one row each: whether they would have filled."""

    sleeve: np.ndarray
    is_entry: np.ndarray
    filled: dict[int, np.ndarray]
    profit: np.ndarray


def sent(candles: Candles, backtest: Backtest) -> Sent:
    """Ask of each share of a run at market whether an order that rested at the open would have filled in its time.

    `profit` is that of the round trip which an entry opened, NaN for what opened none.
    """
    fills = backtest.replay.fills
    rows = fills[(fills["trigger"] == Trigger.SIGNAL) & (fills["units"] != fills["crossed_units"])]
    filled = {minutes: _rested(candles, backtest, rows, minutes) for minutes in MINUTES}
    owned = zip(backtest.books.trip_bots, backtest.books.trips, strict=True)
    trips = {(bot, trip.opened_ms): trip.profit for bot, trip in owned}
    is_entry = rows["leg"] == Leg.OPEN
    profit = [
        trips.get((bot, time), np.nan) if entry else np.nan
        for bot, time, entry in zip(rows["bot"], rows["time_ms"], is_entry, strict=True)
    ]
    return Sent(backtest.replay.fleet.bots["sleeve"][rows["bot"]], is_entry, filled, np.array(profit))


def _rested(candles: Candles, backtest: Backtest, rows: np.ndarray, minutes: int) -> np.ndarray:
    grid, step_ms = candles.history.grid, backtest.settings.step_ms
    rested = [
        patience_of(grid.bars[symbol], grid.finest[symbol], step_ms, minutes * MINUTE_MS)
        for _, symbol in candles.plan.markets
    ]
    bars = (rows["time_ms"] - grid.open_ms[0]) // step_ms
    opens = [grid.bars[symbol].open for _, symbol in candles.plan.markets]
    return np.array(
        [
            _is_filled(rested[market], opens[market][bar], bar, quantity)
            for market, bar, quantity in zip(rows["market"], bars, rows["quantity"], strict=True)
        ],
        bool,
    )


def _is_filled(rested: Patience, price: float, bar: int, quantity: float) -> bool:
    return bool(rested.low[bar] < price if quantity > 0.0 else rested.high[bar] > price)


def shares_table(candles: Candles, found: Sent) -> str:
    """Tell by sleeve how many shares of orders fill while they rest, and what the entries that did not would earn."""
    rows = []
    for place, sleeve in enumerate(candles.plan.sleeves):
        own = found.sleeve == place
        for what, of in (("entries", own & found.is_entry), ("exits", own & ~found.is_entry)):
            shares = [f"{found.filled[minutes][of].mean():.1%}" for minutes in MINUTES]
            earned = _earned(found, of) if what == "entries" else ["", "", ""]
            rows.append([f"{sleeve}, {what}", f"{np.count_nonzero(of):,}", *shares, *earned])
    head = ["", "sent", *(f"filled in {minutes} min" for minutes in MINUTES)]
    return table([*head, "entries not filled in 5 min", "what they earned, USDT", "all entries earned, USDT"], rows)


def _earned(found: Sent, entries: np.ndarray) -> list[str]:
    """Give how many entries did not fill in the shortest time, what their round trips earned, and what all did."""
    opened = entries & ~np.isnan(found.profit)
    missed = opened & ~found.filled[MINUTES[0]]
    return [
        f"{np.count_nonzero(missed):,}",
        f"{found.profit[missed].sum():+,.0f}",
        f"{found.profit[opened].sum():+,.0f}",
    ]


def styles_table(candles: Candles, runs: dict[str, Backtest]) -> str:
    """Tell by sleeve and style the fills, the costs and the profit."""
    rows = []
    for place, scope in enumerate(("portfolio", *candles.plan.sleeves)):
        for style, backtest in runs.items():
            figures = backtest.figures[place]
            costs = (figures.performance.fees_quote, figures.slippage_quote)
            rows.append(
                [
                    f"{scope}, {style}",
                    f"{figures.performance.fills:,}",
                    *(f"{cost:,.0f}" for cost in costs),
                    f"{figures.profit_quote:+,.0f}",
                ]
            )
    return table(["", "fills", "fees, USDT", "slippage, USDT", "profit, USDT"], rows)


def run(name: str) -> None:
    """Run a folder in every style and write its section."""
    candles = load(name)
    fees = FOLDERS[name]
    runs = {style: run(candles, fees, style) for style in STYLES}
    found = sent(candles, runs["market"])
    grid, plan = candles.history.grid, candles.plan
    days = len(grid.open_ms) * runs["market"].settings.step_ms / DAY_MS
    taker, maker = (float(rate) for rate in FEES[fees])
    money = runs["market"].settings.portfolio.capital_per_bot * len(plan.bots)
    about = (
        f"{len(plan.symbols)} symbols, {days:,.0f} days at 1h, {len(plan.bots):,} bots with {money:,.0f} USDT in all, "
        f"fees of {taker:.2%} taken and {maker:.2%} resting, slippage 0.05%, orders resting 5 minutes."
    )
    text = f"{about}\n\n{styles_table(candles, runs)}\n\nOf the run at market:\n\n{shares_table(candles, found)}"
    write_section(name, f"{name}, {fees} account", text, PAGE, "make execution")


if __name__ == "__main__":
    for folder in sys.argv[1:] or FOLDERS:
        run(folder)
