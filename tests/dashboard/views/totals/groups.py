"""What the tables over groups, scopes and reasons should hold, by the ledger."""

from collections.abc import Callable
from datetime import UTC, datetime

from tests.dashboard.queries.recomputed import DAY_MS, Trip
from tests.dashboard.views.totals.ledger import HOUR_MS, NAN, Ledger, marked_ms, win_rate
from tests.dashboard.views.totals.tables import LONG_SHORT, Expected, Row, percent

WEEKDAYS = ("Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday")
GROUPS: dict[str, Callable[[Trip], str]] = {
    "sleeve": lambda trip: trip.sleeve,
    "bot": lambda trip: trip.bot,
    "symbol": lambda trip: trip.symbol,
    "side": lambda trip: LONG_SHORT[trip.side],
    "hour": lambda trip: f"{trip.closed_ms // HOUR_MS % 24:02d}:00",
    "weekday": lambda trip: WEEKDAYS[trip.closed_ms // DAY_MS % 7],
    "exit reason": lambda trip: trip.exit_reason,
}
SETTING = "a limit of the settings"


def rates(taken: list[Trip], by: str) -> Expected:
    """Give win rates by group."""
    groups: dict[str, list[Trip]] = {}
    for trip in taken:
        groups.setdefault(GROUPS[by](trip), []).append(trip)
    return Expected(("label",), [_rate(label, own) for label, own in groups.items()])


def _rate(label: str, own: list[Trip]) -> Row:
    found = win_rate(own)
    losses = sum(max(-trip.profit, 0.0) for trip in own)
    profit = sum(trip.profit for trip in own)
    return percent(
        {
            "label": label,
            "count": found.count,
            "wins": found.wins,
            "win_rate": found.rate,
            "win_rate_low": found.low,
            "win_rate_high": found.high,
            "trials": found.trials,
            "symbol_days": found.symbol_days,
            "profit": profit,
            "fees": sum(trip.fees for trip in own),
            "profit_factor": sum(max(trip.profit, 0.0) for trip in own) / losses if losses else NAN,
            "expectancy": profit / found.count,
        }
    )


def costs(ledger: Ledger, names: set[str]) -> Expected:
    """Give what each bot made and paid."""
    rows = [
        {
            "bot": account.name,
            "gross_profit": account.realised + account.open_profit(ledger.close(account)) + account.fees,
            "fees": account.fees,
            "funding": account.funding,
            "profit": ledger.profit(account),
            "money_in": account.money_in,
            "equity": ledger.equity(account),
        }
        for account in ledger.marked.accounts.values()
        if account.name in names
    ]
    return Expected(("bot",), rows)


STRETCHES = ("day", "week", "month")


def profits(ledger: Ledger, by: str, kind: str, name: str) -> Expected:
    """Give what a scope made and paid in each UTC day, week or month, the newest first."""
    curve, rows = ledger.curve(kind, name), []
    grown = curve.growth
    found: dict[int, list[int]] = {}
    for at, mark in enumerate(curve.marks[1:], start=1):
        found.setdefault(_begin_ms(mark.time_ms - 1, by), []).append(at)
    for begin_ms, places in found.items():
        before, last = curve.marks[places[0] - 1], curve.marks[places[-1]]
        own = [
            fill
            for fill in ledger.marked.fills
            if _begin_ms(marked_ms(fill), by) == begin_ms and (kind == "PORTFOLIO" or fill["bot"] == name)
        ]
        made = (last.equity - last.money_in) - (before.equity - before.money_in)
        row = {"day_ms": begin_ms, "profit": made, "fees": sum(fill["fee"] for fill in own), "fills": len(own)}
        days = {(curve.marks[at].time_ms - 1) // DAY_MS for at in places}
        gained = grown[places[-1]] / grown[places[0] - 1] - 1.0
        rows.append(percent({**row, "return_fraction": gained, "days": len(days)}))
    return Expected((), rows[::-1])


def in_cells(rows: Expected, by: str) -> list[float]:
    """Give profits in the order of a calendar: days by weekday, then by week."""
    days = sorted((row["day_ms"] // DAY_MS, row["profit"]) for row in rows.rows)
    return (
        [profit for _, profit in sorted(days, key=lambda day: (day[0] + 3) % 7)]
        if by == "day"
        else [profit for _, profit in days]
    )


def _begin_ms(time_ms: int, by: str) -> int:
    """Give where the day, the week from Monday or the month begins that a time is in."""
    day = time_ms // DAY_MS
    if by == "month":
        return int(datetime.fromtimestamp(day * 86_400, UTC).replace(day=1).timestamp()) * 1000
    # 1970-01-01 was a Thursday.
    return (day - (day + 3) % 7 if by == "week" else day) * DAY_MS


def brakes(ledger: Ledger) -> Expected:
    """Give how far each brake is."""
    limits = ledger.risk
    drawdown = ("portfolio", "", ledger.replay.portfolio.drawdown_now, limits["portfolio_drawdown"])
    rows = [
        _brake("drawdown", *drawdown),
        _brake("daily loss", "portfolio", "", max(0.0, -ledger.today_fraction()), limits["daily_loss"]),
    ]
    for name in sorted(set(ledger.replay.sleeve_of.values())):
        rows.append(
            _brake("drawdown", "sleeve", name, ledger.curve("SLEEVE", name).drawdown_now, limits["sleeve_drawdown"])
        )
    for name, curve in ledger.replay.bots.items():
        rows.append(_brake("drawdown", "bot", name, curve.drawdown_now, limits["bot_drawdown"]))
    return Expected(("brake", "scope_kind", "scope"), rows)


def _brake(brake: str, kind: str, scope: str, value: float, limit: float) -> Row:
    row = {"brake": brake, "scope_kind": kind, "scope": scope, "value_fraction": value, "limit_fraction": limit}
    return percent({**row, "left_fraction": limit - value})


def brake_history(ledger: Ledger) -> Expected:
    """Give how deep each scope was when its brake warned or tripped: at the mark of that time."""
    rows = []
    for event in ledger.events:
        curve = ledger.curve(event["scope_kind"], event["scope"])
        rows.append(
            {
                "scope": event["scope"],
                "cause": "drawdown",
                "time_ms": event["time_ms"],
                "value": curve.drawdowns[curve.at(event["time_ms"])],
            }
        )
    return Expected(("cause", "scope", "time_ms"), rows, {"limit": SETTING})


def scopes(ledger: Ledger) -> Expected:
    """Give what each scope holds."""
    names = {("portfolio", ""): set(ledger.replay.bots)}
    for bot, sleeve in ledger.replay.sleeve_of.items():
        names.setdefault(("sleeve", sleeve), set()).add(bot)
        names[("bot", bot)] = {bot}
    rows = []
    for (kind, scope), own in names.items():
        held = [account for account in ledger.held() if account.name in own]
        notional = sum(abs(ledger.notional(account)) for account in held)
        rows.append({"scope_kind": kind, "scope": scope, "positions": len(held), "notional": notional})
    return Expected(("scope_kind", "scope"), rows)
