"""What the charts of each page should draw, by the ledger: of each line, bar or area the values along one axis."""

from typing import Any, NamedTuple

from tests.dashboard.queries.recomputed import Trip
from tests.dashboard.views.totals import groups
from tests.dashboard.views.totals.ledger import HOUR_MS, Ledger
from tests.dashboard.views.totals.levels import excursions, levels
from tests.dashboard.views.totals.replayed import Curve
from tests.dashboard.views.totals.tables import exposures, savings


class Drawn(NamedTuple):
    """The values of a trace along an axis (`x`, `y`, `z`, `value`, or a place within `customdata`).

    A trace without a name goes by its place. `SUM` is one number: all of that axis over all traces; `ACROSS` is the sum
    over the traces at each place.
    """

    name: str
    axis: str | int
    values: list[float]


Chart = list[Drawn]
SUM, ACROSS = "the sum of all", "the sum across"


def equity(curve: Curve, name: str) -> Chart:
    """Give the line of equity, and the one without open profit."""
    marks = curve.marks
    return [
        Drawn(name, "y", [mark.equity for mark in marks]),
        Drawn(f"{name}, open profit left out", "y", [mark.equity - mark.open_profit for mark in marks]),
    ]


def profit(curve: Curve, name: str) -> Chart:
    """Give the line of profit, and the one without open profit."""
    marks = curve.marks
    return [
        Drawn(name, "y", [mark.equity - mark.money_in for mark in marks]),
        Drawn(f"{name}, open profit left out", "y", [mark.equity - mark.money_in - mark.open_profit for mark in marks]),
    ]


def drawdown(curve: Curve, name: str) -> Chart:
    """Give the line of drawdown."""
    return [Drawn(name, "y", [-depth for depth in curve.drawdowns])]


def growth(curve: Curve, name: str) -> Chart:
    """Give the line of returns."""
    return [Drawn(name, "y", [grown - 1.0 for grown in curve.growth])]


def benchmark(ledger: Ledger) -> Chart:
    """Give the portfolio's line, and one for holding each symbol and all in equal parts, from the first open on."""
    curve = ledger.replay.portfolio
    held = {symbol: _closes(ledger, bars) for symbol, bars in ledger.bars.items()}
    opens = {symbol: bars[0]["open"] for symbol, bars in ledger.bars.items()}
    lines = {symbol: [price / opens[symbol] - 1.0 for price in (opens[symbol], *held[symbol])] for symbol in held}
    alike = [sum(values) / len(values) for values in zip(*lines.values(), strict=True)]
    named = [Drawn(f"holding {symbol}", "y", line) for symbol, line in lines.items()]
    return [*growth(curve, "portfolio"), Drawn("holding all in equal parts", "y", alike), *named]


def held(ledger: Ledger, measure: str) -> Drawn:
    """Give what holding all in equal parts would have made of the money the books were opened with."""
    (alike,) = (line.values for line in benchmark(ledger) if line.name == "holding all in equal parts")
    marks = ledger.replay.portfolio.marks
    begun = marks[0]
    values = {
        "return_fraction": alike,
        "profit": [begun.equity * made for made in alike],
        "equity": [
            begun.equity * (1.0 + made) + mark.money_in - begun.money_in
            for made, mark in zip(alike, marks, strict=True)
        ],
    }
    return Drawn("holding in equal parts", "y", values[measure])


def everybodys(ledger: Ledger, symbol: str) -> Chart:
    """Give the prices of all bots' fills in a symbol, by what they were."""
    named = {("OPEN", True): "entry, long", ("OPEN", False): "entry, short"}
    named |= {("CLOSE", False): "exit of a long", ("CLOSE", True): "exit of a short"}
    found: dict[str, list[float]] = {}
    for fill in sorted(ledger.books.fills, key=lambda fill: (fill["time_ms"], fill["id"])):
        if fill["symbol"] == symbol:
            found.setdefault(named[fill["leg"], fill["quantity"] > 0.0], []).append(fill["price"])
    closes = Drawn("candles", "close", [bar["close"] for bar in ledger.bars[symbol]])
    return [closes, *(Drawn(name, "y", prices) for name, prices in found.items())]


def _closes(ledger: Ledger, bars: list[dict[str, Any]]) -> list[float]:
    found: list[float] = []
    for bar in bars:
        missing = (bar["open_ms"] - bars[0]["open_ms"]) // ledger.step_ms - len(found)
        found += [*found[-1:] * missing, bar["close"]]
    return found


def holdings(ledger: Ledger) -> Chart:
    """Give the equity and the profit of portfolio, sleeves and bots."""
    sleeves = sorted(set(ledger.replay.sleeve_of.values()))
    curves = [ledger.curve("PORTFOLIO"), *(ledger.curve("SLEEVE", name) for name in sleeves)]
    curves += ledger.replay.bots.values()
    worth = [curve.now.equity for curve in curves]
    made = [curve.now.equity - curve.now.money_in for curve in curves]
    if ledger.books.cash:
        worth, made = [*worth, ledger.books.cash], [*made, 0.0]
    parts = [curve.now.equity for curve in ledger.replay.bots.values()] + [ledger.books.cash]
    zeros = [0.0] * (1 + len(sleeves))
    return [
        Drawn("0", "values", [*zeros, *(part for part in parts if part)]),
        Drawn("0", 0, worth),
        Drawn("0", 1, made),
    ]


def targets(ledger: Ledger) -> Chart:
    """Give what each bot holds."""
    return [
        Drawn("actual", "x", [ledger.equity(account) for account in ledger.accounts]),
        Drawn("target", "x", [row["allocation"] for row in ledger.allocations]),
    ]


def saved(ledger: Ledger) -> Chart:
    """Give what netting saved by day, and in all."""
    days = [row["saved"] for row in savings(ledger).rows]
    return [
        Drawn("saved that day", "y", days),
        Drawn("in all", "y", [sum(days[: at + 1]) for at in range(len(days))]),
    ]


def distribution(taken: list[Trip]) -> Chart:
    """Give how many round trips there were, in whatever bars they stand."""
    return [Drawn(SUM, "y", [float(len(taken))])]


def win_rates(taken: list[Trip], by: str) -> Chart:
    """Give the rate, the bounds and the count of each group."""
    rows = groups.rates(taken, by).rows
    return [
        Drawn("0", "x", [row["win_rate"] / 100.0 for row in rows]),
        Drawn("0", 0, [row["win_rate_low"] / 100.0 for row in rows]),
        Drawn("0", 1, [row["win_rate_high"] / 100.0 for row in rows]),
        Drawn("0", 2, [row["count"] for row in rows]),
    ]


def profit_by(taken: list[Trip], by: str) -> Chart:
    """Give the profit of each group."""
    return [Drawn("0", "x", [row["profit"] for row in groups.rates(taken, by).rows])]


def monthly(curve: Curve) -> Chart:
    """Give the return of the books, all within one month."""
    return [Drawn("0", "z", [curve.growth[-1] - 1.0]), Drawn("0", 0, [len(curve.daily_returns())])]


def costs(ledger: Ledger, names: set[str]) -> Chart:
    """Give what each sleeve made and paid by these bots."""
    found: dict[str, list[float]] = {"gross profit": [], "fees": [], "funding": [], "profit": []}
    for sleeve in {ledger.replay.sleeve_of[bot] for bot in names}:
        own = {bot for bot in names if ledger.replay.sleeve_of[bot] == sleeve}
        rows = groups.costs(ledger, own).rows
        for name, sign in (("gross_profit", 1.0), ("fees", -1.0), ("funding", 1.0), ("profit", 1.0)):
            found[name.replace("_", " ")].append(sign * sum(row[name] for row in rows))
    return [Drawn(name, "y", values) for name, values in found.items()]


def correlations(ledger: Ledger) -> Chart:
    """Give how much the daily returns of bots move together."""
    daily = [curve.daily_returns() for curve in ledger.replay.bots.values()]
    return [Drawn("0", "z", [_correlation(one, other) for one in daily for other in daily])]


def _correlation(one: list[float], other: list[float]) -> float:
    middles = [sum(values) / len(values) for values in (one, other)]
    pairs = [(a - middles[0], b - middles[1]) for a, b in zip(one, other, strict=True)]
    spread = (sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs)) ** 0.5
    return sum(a * b for a, b in pairs) / spread if spread > 1e-15 else float("nan")


def brakes(ledger: Ledger) -> Chart:
    """Give the two gauges of the portfolio."""
    rows = groups.brakes(ledger).rows
    return [Drawn(str(at), "value", [rows[at]["value_fraction"] / 100.0]) for at in (0, 1)]


def brake_bars(ledger: Ledger) -> Chart:
    """Give how much of its limit each brake of sleeves and bots has used."""
    rows = groups.brakes(ledger).rows[2:]
    return [Drawn("0", "x", [row["value_fraction"] / row["limit_fraction"] for row in rows])]


def day(ledger: Ledger) -> Chart:
    """Give the equity since midnight."""
    marks = ledger.replay.portfolio.marks
    return [Drawn("equity", "y", [mark.equity for mark in marks if mark.time_ms >= ledger.midnight_ms])]


def exposed(ledger: Ledger) -> Chart:
    """Give what is held of each symbol."""
    rows = exposures(ledger).rows
    return [Drawn(name, "x", [row[name] for row in rows]) for name in ("long", "short", "net")]


def stops(ledger: Ledger) -> Chart:
    """Give how far each position is from its exit."""
    found = []
    for account in ledger.held():
        close, level = ledger.close(account), levels(ledger, account).level
        found.append((1.0 if account.quantity > 0.0 else -1.0) * (close - level) / close)
    return [Drawn("0", "x", found)]


def durations(taken: list[Trip]) -> Chart:
    """Give the profits of round trips by side."""
    found = []
    ways = [(side, won) for side in ("BUY", "SELL") for won in (True, False)]
    for side, won in ways:
        own = [trip for trip in taken if trip.side == side and (trip.profit > 0.0) == won]
        name = f"{'long' if side == 'BUY' else 'short'}, {'won' if won else 'lost'}"
        found.append(Drawn(f"{name}, n = {len(own):,}", "y", [trip.profit for trip in own]))
        found.append(
            Drawn(f"{name}, n = {len(own):,}", "x", [(trip.closed_ms - trip.opened_ms) / HOUR_MS for trip in own])
        )
    return found


def reached(ledger: Ledger, taken: list[Trip]) -> Chart:
    """Give the best and worst excursions of what won and what lost."""
    found = []
    for name, own in (
        ("won", [trip for trip in taken if trip.profit > 0.0]),
        ("lost", [trip for trip in taken if trip.profit <= 0.0]),
    ):
        both = [excursions(ledger, trip) for trip in own]
        found.append(Drawn(f"{name}, n = {len(own):,}", "y", [best for best, _ in both]))
        found.append(Drawn(f"{name}, n = {len(own):,}", "x", [worst for _, worst in both]))
    return found


def reason_counts(ledger: Ledger, bots: int) -> Chart:
    """Give how many steps there were in all: each has one reason."""
    return [Drawn(SUM, "x", [float(ledger.steps * bots)])]


def weights(ledger: Ledger) -> Chart:
    """Give that all shares of each rebalance sum to the whole."""
    return [Drawn(ACROSS, "y", [1.0] * len(ledger.rebalances))]
