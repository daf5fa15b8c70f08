"""What the tiles and captions of each page should say, by the ledger."""

from typing import NamedTuple

from tests.dashboard.queries.recomputed import DAY_MS, Trip
from tests.dashboard.views.totals.ledger import HOUR_MS, Ledger, Rate, returns, win_rate
from tests.dashboard.views.totals.levels import levels
from tests.dashboard.views.totals.shown import Said


class Expected(NamedTuple):
    """What a tile should say: its value, what stands below, and the change."""

    value: Said
    about: Said = ("",)
    change: Said = ("",)


Tiles = dict[str, Expected]


def overview(ledger: Ledger) -> Tiles:
    """Give the tiles of the portfolio."""
    books, marked, curve = ledger.books, ledger.marked, ledger.replay.portfolio
    profit = marked.equity - marked.money_in
    midnight = curve.marks[curve.at(ledger.midnight_ms)]
    today = ledger.today_fraction()
    since = ledger.fills_since(ledger.midnight_ms)
    notionals = [ledger.notional(account) for account in ledger.accounts]
    gross = sum(map(abs, notionals))
    limits = ledger.risk
    return {
        "Equity, USDT": Expected(("#", marked.equity), ("on # put in", marked.money_in), ("#", profit)),
        "Profit today, UTC": Expected(
            ("#", profit - (midnight.equity - midnight.money_in)),
            ("# left to the daily limit", limits["daily_loss"] - max(0.0, -today)),
            ("#", today),
        ),
        "Drawdown now": Expected(
            ("#", curve.drawdown_now),
            (
                "# left to the brake at #",
                limits["portfolio_drawdown"] - curve.drawdown_now,
                limits["portfolio_drawdown"],
            ),
        ),
        "Open profit": Expected(
            ("#", books.open_profit),
            ("# of # bots in a position", len(ledger.held()), len(ledger.accounts)),
        ),
        "Win rate so far": rate(win_rate(marked.trips)),
        "Exposure": Expected(("#", gross / marked.equity), ("# held, # net", gross, sum(notionals))),
        "Fees today": Expected(
            ("#", sum(fill["fee"] for fill in since)),
            (f"# {plural('fill', len(since))}; # since the start", len(since), marked.total("fees")),
        ),
        "Saved by netting so far": Expected(("#", marked.total("saved")), ("by bots that traded with one another",)),
    }


def plural(noun: str, count: int) -> str:
    """Write what is counted."""
    return noun if count == 1 else f"{noun}s"


def rate(found: Rate) -> Expected:
    """Give the tile of a win rate."""
    return Expected(
        ("#", found.rate), (f"# – #, # {plural('round trip', found.count)}", found.low, found.high, found.count)
    )


def bot(ledger: Ledger, name: str) -> Tiles:
    """Give the tiles of one bot since the beginning."""
    account, curve = ledger.books.accounts[name], ledger.replay.bots[name]
    then = ledger.then(account)
    return {
        "Equity": Expected(
            ("#", ledger.equity(account)),
            ("on # put in, # of it open", then.money_in, account.open_profit(ledger.close(account))),
        ),
        "Profit in the period": Expected(
            ("#", ledger.profit(account)), ("after # of fees", then.fees), ("#", curve.growth[-1] - 1.0)
        ),
        "Win rate": rate(win_rate(then.trips)),
        "Drawdown now": Expected(
            ("#", curve.drawdown_now),
            ("from its highest so far; within the period alone # at most", max(curve.drawdowns)),
        ),
    }


def symbol(ledger: Ledger, name: str) -> Tiles:
    """Give the tiles of a symbol since the beginning."""
    own = [account for account in ledger.accounts if account.symbol == name]
    then = [ledger.then(account) for account in own]
    notionals = [ledger.notional(account) for account in own]
    fills = [fill for fill in ledger.marked.fills if fill["symbol"] == name]
    held = sum(account.running is not None for account in own)
    return {
        "Held by all bots, net": Expected(
            ("#", sum(account.quantity for account in own)),
            (
                "# long, # short; # of # bots in a position",
                sum(max(value, 0.0) for value in notionals),
                sum(max(-value, 0.0) for value in notionals),
                held,
                len(own),
            ),
        ),
        "Profit in the period, USDT": Expected(
            ("#", sum(ledger.profit(account) for account in own)),
            (
                "after # of fees; # open now",
                sum(account.fees for account in then),
                sum(account.open_profit(ledger.close(account)) for account in own),
            ),
        ),
        "Crossed in house in the period, USDT": Expected(
            ("#", sum(abs(fill["crossed"]) * fill["price"] for fill in fills)),
            (
                f"of # traded in # {plural('fill', len(fills))}",
                sum(abs(fill["quantity"]) * fill["price"] for fill in fills),
                len(fills),
            ),
        ),
        "Saved by it, USDT": Expected(("#", sum(account.saved for account in then)), ("fees and slippage",)),
    }


def trips(taken: list[Trip]) -> Tiles:
    """Give the tiles of a set of round trips."""
    profits = [trip.profit for trip in taken]
    profit, fees = sum(profits), sum(trip.fees for trip in taken)
    gains, losses = sum(max(value, 0.0) for value in profits), sum(max(-value, 0.0) for value in profits)
    held, long = lasting(sum(trip.closed_ms - trip.opened_ms for trip in taken) / len(taken))
    return {
        "Win rate": rate(win_rate(taken)),
        "Profit": Expected(("#", profit), ("# before # of fees", profit + fees, fees)),
        "Profit factor": Expected(("#", gains / losses), ("# gained, # lost", gains, losses)),
        "Expectancy": Expected(
            ("#", profit / len(taken)), (f"best #, worst #, held {held}", max(profits), min(profits), long)
        ),
    }


def of_returns(ledger: Ledger, kind: str, name: str = "", start_ms: int | None = None) -> Tiles:
    """Give the tiles of the daily returns of a scope, from the mark that a period begins with."""
    curve = ledger.curve(kind, name)
    found = returns(curve if start_ms is None else curve.since(start_ms // HOUR_MS * HOUR_MS))
    lasted, long = lasting(found.depth_ms)
    days = plural("day", found.days)
    return {
        "Return": Expected(("#", found.total), ("# a year", found.annual)),
        "Sharpe ratio": Expected(("#", found.sharpe), ("Sortino #, Calmar #", found.sortino, found.calmar)),
        "Deepest drawdown": Expected(
            ("#", found.depth), (f"lasted {lasted}", long) if found.depth > 0.0 else ("equity never fell",)
        ),
        "Value at risk, one day": Expected(
            ("#", found.value_at_risk),
            (f"volatility # a year, # {days}", found.volatility, found.days),
        ),
    }


def lasting(duration_ms: float) -> Said:
    """Give how a duration of hours or days is written."""
    return ("# h", duration_ms / HOUR_MS) if duration_ms < 2 * DAY_MS else ("# days", duration_ms / DAY_MS)


def risk(ledger: Ledger) -> Tiles:
    """Give the tiles of what a bad day would cost."""
    curve, limits = ledger.replay.portfolio, ledger.risk
    found, loss = returns(curve), max(0.0, -ledger.today_fraction())
    lost, unprotected = 0.0, 0
    for account in ledger.held():
        level = levels(ledger, account).level
        lost += max(account.quantity * (ledger.close(account) - level), 0.0) if level == level else 0.0
        unprotected += level != level
    return {
        "Drawdown now": Expected(
            ("#", curve.drawdown_now), ("# left to the brake", limits["portfolio_drawdown"] - curve.drawdown_now)
        ),
        "Loss today, UTC": Expected(("#", loss), ("# left to the limit", limits["daily_loss"] - loss)),
        "Value at risk, one day": Expected(("#", found.value_at_risk), ("between the two worst of # days", found.days)),
        "Lost if every stop is hit": Expected(
            ("#", lost),
            (f"# of # {plural('position', len(ledger.held()))} without a stop", unprotected, len(ledger.held())),
        ),
    }


def control(ledger: Ledger, names: set[str]) -> Tiles:
    """Give the tiles of a scope of the kill switch that holds these bots."""
    held = [account for account in ledger.held() if account.name in names]
    notional = sum(abs(ledger.notional(account)) for account in held)
    return {
        "Level": Expected(("trading allowed",), ("its own: trading allowed",)),
        "Open positions": Expected(("#", len(held)), ("at the last step",)),
        "Worth of open positions, USDT": Expected(("#", notional), ("at the last price",)),
        "Put in, USDT": Expected(("#", ledger.marked.money_in), ("less what was taken out",)),
        "Equity, USDT": Expected(
            ("#", ledger.marked.equity), ("at the last price",), ("#", ledger.marked.equity - ledger.marked.money_in)
        ),
    }
