"""What the tables of each page should hold, by the ledger; fractions in percent and durations in hours, as shown."""

from dataclasses import dataclass, field
from typing import Any

from tests.dashboard.queries.recomputed import DAY_MS, Account, Trip
from tests.dashboard.views.totals.ledger import HOUR_MS, NAN, Ledger, marked_ms, win_rate
from tests.dashboard.views.totals.levels import excursions, levels

Row = dict[str, Any]
LONG_SHORT = {"BUY": "long", "SELL": "short"}


@dataclass(frozen=True)
class Expected:
    """The rows of a table, told apart by `key` (in this order where there is none).

    `free` names the columns of numbers that fills cannot give, each with where it comes from.
    """

    key: tuple[str, ...]
    rows: list[Row]
    free: dict[str, str] = field(default_factory=dict)


def percent(row: Row) -> Row:
    """Give a row with its fractions in percent."""
    names = {name for name in row if name.endswith(("_fraction", "_share")) or name in _RATES}
    return {name: value * 100.0 if name in names else value for name, value in row.items()}


_RATES = ("win_rate", "win_rate_low", "win_rate_high", "of_equity")
POLICY = "of the allocation policy, not of the ledger"


def bots(ledger: Ledger, names: set[str]) -> Expected:
    """Give the table of all bots."""
    rows = [_bot(ledger, account) for account in ledger.accounts if account.name in names]
    return Expected(("bot",), rows, {"weight": POLICY})


def leaders(ledger: Ledger, names: set[str], sign: float) -> Expected:
    """Give the five that earned most, or lost most."""
    rows = sorted(bots(ledger, names).rows, key=lambda row: -sign * row["profit_so_far"])
    return Expected((), rows[:5])


def _bot(ledger: Ledger, account: Account) -> Row:
    curve, found = ledger.replay.bots[account.name], win_rate(ledger.then(account).trips)
    times = [fill["time_ms"] for fill in ledger.books.fills if fill["bot"] == account.name]
    return percent(
        {
            "bot": account.name,
            "sleeve": account.sleeve,
            "symbol": account.symbol,
            "return_fraction": curve.growth[-1] - 1.0,
            "profit_so_far": ledger.profit(account),
            "drawdown_fraction": curve.drawdown_now,
            "max_drawdown_fraction": max(curve.drawdowns),
            "win_rate": found.rate,
            "win_rate_low": found.low,
            "win_rate_high": found.high,
            "round_trips": found.count,
            "side": _side(account),
            "open_profit": account.open_profit(ledger.close(account)),
            "notional": ledger.notional(account),
            "equity": ledger.equity(account),
            "fees": ledger.then(account).fees,
            "last_fill_ms": max(times, default=NAN),
        }
    )


def _side(account: Account) -> str:
    return "flat" if account.running is None else "long" if account.quantity > 0.0 else "short"


def positions(ledger: Ledger, names: set[str] | None = None) -> Expected:
    """Give the open positions."""
    held = [account for account in ledger.held() if names is None or account.name in names]
    return Expected(("bot",), [_position(ledger, account) for account in held])


def _position(ledger: Ledger, account: Account) -> Row:
    assert account.running is not None
    close, found = ledger.close(account), levels(ledger, account)
    sign = 1.0 if account.quantity > 0.0 else -1.0
    return percent(
        {
            "bot": account.name,
            "symbol": account.symbol,
            "side": _side(account),
            "quantity": account.quantity,
            "entry_price": found.entry,
            "close": close,
            "open_profit": account.open_profit(close),
            "return_fraction": account.open_profit(close) / abs(account.quantity * found.entry),
            "notional": account.quantity * close,
            "stop_price": found.stop,
            "trailing_price": found.trailing,
            "exit_level": found.level,
            "distance_fraction": sign * (close - found.level) / close,
            "risk": max(account.quantity * (close - found.level), 0.0),
            "best_price": found.best,
            "worst_price": found.worst,
            "opened_ms": account.running.opened_ms,
        }
    )


def round_trips(ledger: Ledger, taken: list[Trip], key: tuple[str, ...] = ("bot", "closed_ms")) -> Expected:
    """Give closed round trips."""
    return Expected(key, [_trip(ledger, trip) for trip in taken])


def _trip(ledger: Ledger, trip: Trip) -> Row:
    best, worst = excursions(ledger, trip)
    return percent(
        {
            "bot": trip.bot,
            "sleeve": trip.sleeve,
            "symbol": trip.symbol,
            "side": LONG_SHORT[trip.side],
            "closed_ms": trip.closed_ms,
            "opened_ms": trip.opened_ms,
            "duration_ms": (trip.closed_ms - trip.opened_ms) / HOUR_MS,
            "quantity": trip.quantity,
            "entry_price": trip.entry_price,
            "exit_price": trip.exit_price,
            "profit": trip.profit,
            "fees": trip.fees,
            "return_fraction": trip.profit / trip.entered_quote,
            "exit_reason": trip.exit_reason.replace("_", " ").lower(),
            "best_fraction": best,
            "worst_fraction": worst,
            "fills": trip.fills,
        }
    )


def fills(taken: list[Row], newest_first: bool = True) -> Expected:
    """Give fills in the order of time."""
    ordered = sorted(taken, key=lambda fill: (fill["time_ms"], fill["id"]), reverse=newest_first)
    return Expected((), [{**fill, **_fill(fill)} for fill in ordered])


def _fill(fill: Row) -> Row:
    return {
        "side": "buy" if fill["quantity"] > 0.0 else "sell",
        "leg": fill["leg"].lower(),
        "trigger": fill["trigger"].replace("_", " ").lower(),
        "notional": abs(fill["quantity"] * fill["price"]),
    }


def symbol_bots(ledger: Ledger, symbol: str) -> Expected:
    """Give what each bot holds of a symbol and made with it."""
    own = [account for account in ledger.accounts if account.symbol == symbol]
    return Expected(("bot",), [_of_symbol(ledger, account) for account in own])


def _of_symbol(ledger: Ledger, account: Account) -> Row:
    row = _bot(ledger, account)
    more = {"position": account.quantity, "period_profit": row["profit_so_far"], "period_fees": row["fees"]}
    return {**row, **more}


def crossed(ledger: Ledger, symbol: str) -> Expected:
    """Give what bots crossed in house, the newest first."""
    own = [fill for fill in ledger.marked.fills if fill["symbol"] == symbol and fill["crossed"]]
    rows = [{**fill, "crossed_notional": abs(fill["crossed"]) * fill["price"]} for fill in fills(own).rows]
    return Expected((), rows)


def orders(ledger: Ledger) -> Expected:
    """Give orders by what was filled of them: what did not cross in house."""
    rows = []
    for order in ledger.orders:
        own = [fill for fill in ledger.books.fills if fill["client_order_id"] == order["client_order_id"]]
        filled = sum(fill["quantity"] - fill["crossed"] for fill in own)
        # What crossed in house did so at the open of the bar; the rest is what the exchange asked for.
        paid = sum(fill["quantity"] * fill["price"] - fill["crossed"] * _open(ledger, fill) for fill in own)
        rows.append(
            {
                "client_order_id": order["client_order_id"],
                "filled_quantity": abs(filled),
                "quantity": abs(filled) if order["status"] == "FILLED" else order["quantity"],
                "side": "buy" if filled > 0.0 else "sell" if filled < 0.0 else order["side"].lower(),
                "fee": sum(fill["fee"] for fill in own),
                "price": paid / filled if filled else NAN,
            }
        )
    free = dict.fromkeys(("step", "decided_ms", "sent_ms", "done_ms"), "of the order itself")
    return Expected(("client_order_id",), rows, free)


def _open(ledger: Ledger, fill: Row) -> float:
    if not fill["crossed"]:
        return 0.0
    return next(bar["open"] for bar in ledger.bars[fill["symbol"]] if bar["open_ms"] == fill["time_ms"])


def targets(ledger: Ledger) -> Expected:
    """Give what each bot holds of the money of all."""
    whole = sum(ledger.equity(account) for account in ledger.accounts)
    rows = [
        percent(
            {
                "bot": account.name,
                "sleeve": account.sleeve,
                "equity": ledger.equity(account),
                "actual_share": ledger.equity(account) / whole,
            }
        )
        for account in ledger.accounts
    ]
    return Expected(
        ("bot",), rows, dict.fromkeys(("allocation", "difference", "difference_fraction", "target_share"), POLICY)
    )


def transfers(ledger: Ledger) -> Expected:
    """Give money that moved without a trade, the newest first."""
    rows = [
        {**move, "kind": move["kind"].lower(), "bot": ledger.names.get(move["bot_id"], "")} for move in ledger.transfers
    ]
    return Expected((), rows)


def savings(ledger: Ledger) -> Expected:
    """Give what netting saved by UTC day of the marks."""
    days: dict[int, Row] = {}
    names = ("saved", "crossed_notional", "traded_notional", "fees", "fills")
    for fill in ledger.marked.fills:
        day_ms = marked_ms(fill) // DAY_MS * DAY_MS
        day = days.setdefault(day_ms, {"day_ms": day_ms, **dict.fromkeys(names, 0.0)})
        parts = (fill["saved"], abs(fill["crossed"]) * fill["price"], abs(fill["quantity"]) * fill["price"])
        for name, part in zip(names, (*parts, fill["fee"], 1), strict=True):
            day[name] += part
    return Expected(("day_ms",), list(days.values()))


def exposures(ledger: Ledger) -> Expected:
    """Give what is held of each symbol."""
    rows = []
    for symbol in ledger.books.closes:
        held = [ledger.notional(account) for account in ledger.held() if account.symbol == symbol]
        long, short = sum(max(value, 0.0) for value in held), sum(min(value, 0.0) for value in held)
        row = {"symbol": symbol, "long": long, "short": short, "net": long + short, "gross": long - short}
        rows.append(percent({**row, "of_equity": (long - short) / ledger.marked.equity, "positions": len(held)}))
    return Expected(("symbol",), rows)
