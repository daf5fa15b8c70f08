"""The portfolio as of its last step, in one row; and how often its round trips won."""

from dataclasses import dataclass
from typing import Any

from pandas import DataFrame
from sqlalchemy import Connection, Select, Text, case, cast, distinct, func, select

from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members, load_settings
from dashboard.queries.frames import first_row
from dashboard.queries.marks import last_marks
from dashboard.queries.states import load_states
from dashboard.queries.trips import trips_where
from dashboard.queries.window import marked_where, windowed
from shared.enums import Level, ScopeKind
from shared.market_time import pace
from shared.metrics.round_trips import effective_interval, independent
from shared.money import Money, money_of_books
from shared.tables import Fill, RoundTrip
from shared.tables.commands import waiting_since_ms
from shared.units import DAY_MS


@dataclass(frozen=True, slots=True)
class Overview:
    """A portfolio after its last step. Market time: `market_ms` and `day_start_ms`; wall time: the other `*_ms`.

    Money is as of the newest mark, the last bar's close, with what people moved since; positions, what is open in them
    and exposure are of now. profit = equity − money_in. Limits are None where brakes are off.
    `fees_today` are those in the quote currency; `other_fees_today` counts the fills that were paid for in another.
    """

    name: str
    quote: str
    # How its amounts are written.
    counted: Money
    market_label: str
    broker_label: str
    step_ms: int
    step: int
    market_ms: int
    wall_ms: int
    due_ms: int | None
    duration_ms: float
    lateness_ms: float
    lease_pid: int | None
    lease_host: str | None
    lease_since_ms: int | None
    lease_renewed_ms: int | None
    # When the oldest command without an answer was asked.
    waiting_since_ms: int | None
    # How far the exchange's time is ahead of the worker's clock.
    ahead_ms: int
    # Closed bars not stepped yet, and how many there were when the worker began to catch up.
    bars_left: int
    bars_total: int
    # How long a bar lasts where that is not its length: `1h = 5 s`.
    pace: str
    level: str
    brakes: bool
    equity: float
    cash: float
    money_in: float
    profit: float
    open_profit: float
    realised_profit: float
    funding: float
    fees: float
    saved_quote: float
    gross_exposure: float
    net_exposure: float
    # gross exposure / equity
    exposure_fraction: float
    positions: int
    # Gross notional of the positions at HALTED, whose stops do not work.
    unprotected: float
    bots: int
    high_water: float
    drawdown_fraction: float
    drawdown_limit: float | None
    drawdown_left_fraction: float | None
    day_start_ms: int
    day_start_equity: float
    today_profit: float
    today_fraction: float
    daily_loss_fraction: float
    daily_loss_limit: float | None
    daily_loss_left_fraction: float | None
    fees_today: float
    fills_today: int
    other_fees_today: int


@dataclass(frozen=True, slots=True)
class WinRate:
    """The share of round trips that won, and its 95% Wilson interval over `trials` (`round_trips.independent`)."""

    count: int
    wins: int
    symbol_days: int
    trials: int
    rate: float
    low: float
    high: float


def load_overview(connection: Connection, portfolio_id: int) -> Overview | None:
    """Load the overview of a portfolio; None before the worker has opened its books."""
    states = load_states(connection, portfolio_id)
    if states is None:
        return None
    state, bots = states.portfolio, states.bots
    settings = load_settings(connection, portfolio_id)
    risk = settings.get("risk", {})
    brakes = bool(risk.get("brakes", True))
    money = _money(state, bots)
    drawdown = loss_fraction(state["equity"], state["high_water"])
    day_loss = loss_fraction(state["equity"], state["day_start_equity"])
    drawdown_limit = risk.get("portfolio_drawdown") if brakes else None
    daily_limit = risk.get("daily_loss") if brakes else None
    return Overview(
        **{name: state[name] for name in _SAME},
        counted=money_of_books(state["quote"], settings),
        pace=pace(settings, state["step_ms"]),
        waiting_since_ms=waiting_since_ms(connection, portfolio_id),
        **money,
        brakes=brakes,
        bots=len(bots),
        drawdown_fraction=drawdown,
        drawdown_limit=drawdown_limit,
        drawdown_left_fraction=None if drawdown_limit is None else drawdown_limit - drawdown,
        daily_loss_fraction=day_loss,
        daily_loss_limit=daily_limit,
        daily_loss_left_fraction=None if daily_limit is None else daily_limit - day_loss,
        **_today(connection, portfolio_id, state, money["profit"]),
    )


_SAME = (
    *("name", "quote", "market_label", "broker_label", "step_ms", "step", "market_ms", "wall_ms", "due_ms"),
    *("duration_ms", "lateness_ms", "lease_pid", "lease_host", "lease_since_ms", "lease_renewed_ms", "ahead_ms"),
    *("bars_left", "bars_total"),
    *("level", "equity", "saved_quote", "high_water", "day_start_equity"),
)


def loss_fraction(equity: float, reference: float) -> float:
    """Give how far equity is below a reference, as a fraction; 0 where it is above or the reference is not positive."""
    # Rounded once, as the brakes do: a fall of exactly the limit is the limit.
    return max(0.0, (reference - equity) / reference) if reference > 0.0 else 0.0


def _money(state: dict[str, Any], bots: DataFrame) -> dict[str, Any]:
    cash = state["cash"] + float(bots["cash"].sum())
    money_in = state["cash"] + float(bots["money_in"].sum())
    profit = state["equity"] - money_in
    open_profit, marked = (float(bots[name].sum()) for name in ("open_profit", "marked_open_profit"))
    funding = -float(bots["funding_paid"].sum())
    gross, net = float(bots["notional"].abs().sum()), float(bots["notional"].sum())
    halted = bots["level"] == Level.HALTED.name
    return {
        "cash": cash,
        "money_in": money_in,
        "profit": profit,
        "open_profit": open_profit,
        "realised_profit": profit - marked - funding,
        "funding": funding,
        "fees": float(bots["fees_paid"].sum()),
        "gross_exposure": gross,
        "net_exposure": net,
        "exposure_fraction": gross / state["equity"] if state["equity"] > 0.0 else 0.0,
        "positions": int(bots["is_open"].sum()),
        "unprotected": float(bots["notional"].abs()[halted & (bots["is_open"] == 1)].sum()),
    }


def _today(connection: Connection, portfolio_id: int, state: dict[str, Any], profit: float) -> dict[str, Any]:
    start_ms = max(state["day"], 0) * DAY_MS
    before = last_marks(connection, ScopeKind.PORTFOLIO, [portfolio_id], start_ms)
    start_equity = state["day_start_equity"]
    own, today = Fill.__table__.c, windowed(connection, portfolio_id, Filters(start_ms=start_ms))
    in_quote = own.fee_currency == state["quote"]
    statement = select(
        func.coalesce(func.sum(case((in_quote, own.fee), else_=0.0)), 0.0).label("fees_today"),
        func.count().label("fills_today"),
        func.count(case((~in_quote & (own.fee != 0.0), 1))).label("other_fees_today"),
    )
    terms = (own.portfolio_id == portfolio_id, *marked_where(own.time_ms, own.trigger, today))
    paid = first_row(connection, statement.where(*terms))
    return {
        "day_start_ms": start_ms,
        "today_profit": profit - float((before["equity"] - before["money_in"]).sum()),
        "today_fraction": state["equity"] / start_equity - 1.0 if start_equity > 0.0 else 0.0,
        **(paid or {}),
    }


def load_win_rate(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> WinRate:
    """Load how many of the round trips that the filters take won; NaN where there were none."""
    statement = win_rate_statement(connection, portfolio_id, filters)
    row = first_row(connection, statement) or {}
    count, wins, days = int(row["trips"]), int(row["wins"]), int(row["symbol_days"])
    rate = wins / count if count else float("nan")
    trials = independent(count, days, int(row["bots"]))
    return WinRate(count, wins, days, trials, rate, *effective_interval(wins, count, trials))


def win_rate_statement(connection: Connection, portfolio_id: int, filters: Filters) -> Select:
    """Make the statement of `load_win_rate`."""
    own, filters = RoundTrip.__table__.c, windowed(connection, portfolio_id, filters)
    members = load_members(connection, portfolio_id)
    won = func.coalesce(func.sum(case((own.profit > 0.0, 1), else_=0)), 0)
    day = own.closed_ms // DAY_MS
    # One number per pair: a market has far fewer days than this.
    symbol_days = func.count(distinct(own.symbol + "|" + cast(day, Text)))
    several = case((func.min(own.bot_id) < func.max(own.bot_id), 2), else_=1).label("bots")
    statement = select(func.count().label("trips"), won.label("wins"), symbol_days.label("symbol_days"), several)
    return statement.where(trips_where(portfolio_id, members, filters))
