"""What `flotilla status` shows, read from the tables: levels, brakes, sleeves, positions, what happened lately."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL as _LABELS
from sqlalchemy import Connection, select

from shared.enums import Cause, Level
from shared.money import Money, money_of_books
from shared.tables import (
    Bot,
    BotState,
    Event,
    Heartbeat,
    MarketState,
    Portfolio,
    PortfolioState,
    SettingsVersion,
    Sleeve,
    SleeveState,
)
from shared.tables.commands import waiting_since_ms
from shared.tables.round_trips import open_profit_of
from shared.tables.under_way import AccountNow, OrderNow, load_under_way
from shared.units import bar_open_ms
from worker.risk.brakes import loss_fraction

RECENT_EVENTS = 5


@dataclass(slots=True)
class HeldLevel:
    """A scope that is not at RUNNING for a cause of its own; `name` is empty for the portfolio."""

    scope: str
    name: str
    cause: str
    level: str


@dataclass(slots=True)
class SleeveLine:
    """A sleeve: equity in quote, the rest fractions and counts."""

    name: str
    level: str
    equity: float
    weight: float
    drawdown: float
    bots: int
    positions: int


@dataclass(slots=True)
class PositionLine:
    """An open position: `open_profit` is in quote, after the entry fees its lots carry.

    `exit_level` is what protects it from the next bar on, 0 where nothing does. `bar_status` is that of the last bar,
    `price_ms` the market time of the price `close` (0 where it is not known).
    """

    bot: str
    symbol: str
    quantity: float
    entry_price: float
    close: float
    open_profit: float
    exit_level: float
    opened_ms: int
    bar_status: str
    price_ms: int


@dataclass(slots=True)
class EventLine:
    time_ms: int
    severity: str
    message: str


@dataclass(slots=True)
class Overview:
    """A portfolio as of its last step. Times are ms UTC: market time, but `wall_ms`, `due_ms` and the lease's.

    `first_close_ms` is when the first bar closes, wall time, where no step was made yet and that can be told;
    `waiting_since_ms` when the oldest command without an answer was asked, wall time; `ahead_ms` how far the exchange's
    time is ahead of the worker's clock.
    """

    name: str
    quote: str
    market: str
    broker: str
    step_ms: int
    step: int
    market_ms: int
    wall_ms: int
    due_ms: int | None
    first_close_ms: int | None
    duration_ms: float
    lease_pid: int | None
    lease_host: str | None
    lease_since_ms: int | None
    lease_renewed_ms: int | None
    waiting_since_ms: int | None
    ahead_ms: int
    bars_left: int
    bars_total: int
    equity: float
    cash: float
    money_in: float
    gross_exposure: float
    saved_quote: float
    high_water: float
    day_start_equity: float
    level: str
    settings: str
    held: list[HeldLevel] = field(default_factory=list)
    sleeves: list[SleeveLine] = field(default_factory=list)
    positions: list[PositionLine] = field(default_factory=list)
    events: list[EventLine] = field(default_factory=list)
    # of live orders, `MOST_ORDERS` at most of those on their way
    accounts: Sequence[AccountNow] = ()
    orders: Sequence[OrderNow] = ()
    orders_under_way: int = 0

    @property
    def counted(self) -> Money:
        """Give how amounts are written."""
        return money_of_books(self.quote, json.loads(self.settings))


def load_overview(connection: Connection, portfolio_id: int) -> Overview | None:
    """Give the overview of a portfolio; None before the worker has opened its books."""
    statement = (
        select(Portfolio.__table__, PortfolioState.__table__, Heartbeat.__table__)
        .join(PortfolioState, PortfolioState.portfolio_id == Portfolio.id)
        .join(Heartbeat, Heartbeat.portfolio_id == Portfolio.id)
        .where(Portfolio.id == portfolio_id)
        .set_label_style(_LABELS)
    )
    row = connection.execute(statement).mappings().first()
    if row is None:
        return None
    bots, settings = _bots(connection, portfolio_id), _settings(connection, portfolio_id)
    overview = Overview(
        name=row["portfolio_name"],
        quote=row["portfolio_quote"],
        market=row["portfolio_market_label"],
        broker=row["portfolio_broker_label"],
        step_ms=row["portfolio_step_ms"],
        step=row["portfolio_state_step"],
        market_ms=row["heartbeat_market_ms"],
        wall_ms=row["heartbeat_wall_ms"],
        due_ms=row["heartbeat_due_ms"],
        first_close_ms=_first_close_ms(row, settings),
        duration_ms=row["heartbeat_duration_ms"],
        lease_pid=row["heartbeat_lease_pid"],
        lease_host=row["heartbeat_lease_host"],
        lease_since_ms=row["heartbeat_lease_since_ms"],
        lease_renewed_ms=row["heartbeat_lease_renewed_ms"],
        waiting_since_ms=waiting_since_ms(connection, portfolio_id),
        ahead_ms=row["heartbeat_ahead_ms"],
        bars_left=row["heartbeat_bars_left"],
        bars_total=row["heartbeat_bars_total"],
        equity=row["portfolio_state_equity"],
        cash=row["portfolio_state_cash"] + sum(bot["bot_state_cash"] for bot in bots),
        money_in=row["portfolio_state_cash"] + sum(bot["bot_state_money_in"] for bot in bots),
        gross_exposure=sum(abs(bot["bot_state_quantity"]) * bot["market_state_close"] for bot in bots),
        saved_quote=row["portfolio_state_saved_quote"],
        high_water=row["portfolio_state_high_water"],
        day_start_equity=row["portfolio_state_day_start_equity"],
        level=row["portfolio_state_level"],
        settings=settings,
    )
    overview.held += _held("portfolio", "", row, "portfolio_state")
    for bot in bots:
        overview.held += _held("bot", bot["bot_name"], bot, "bot_state")
        if abs(bot["bot_state_units"]) >= bot["market_state_min_units"]:
            overview.positions.append(_position(bot))
    overview.sleeves = _sleeves(connection, portfolio_id, bots, overview)
    events = select(Event.time_ms, Event.severity, Event.message).where(Event.portfolio_id == portfolio_id)
    latest = connection.execute(events.order_by(Event.id.desc()).limit(RECENT_EVENTS)).all()
    overview.events = [EventLine(*event) for event in reversed(latest)]
    under_way = load_under_way(connection, portfolio_id)
    overview.accounts, overview.orders = under_way.accounts, under_way.orders
    overview.orders_under_way = under_way.count
    return overview


def _first_close_ms(row, settings: str) -> int | None:  # noqa: ANN001 - the row of load_overview
    if row["portfolio_state_step"] or row["heartbeat_due_ms"] is not None:
        return None if row["portfolio_state_step"] else row["heartbeat_due_ms"]
    # On an exchange a fleet begins with the bar that is open when its worker starts.
    in_real_time = json.loads(settings).get("market", {}).get("kind") == "ccxt"
    if not in_real_time or row["heartbeat_lease_pid"] is None or row["heartbeat_lease_since_ms"] is None:
        return None
    step_ms = row["portfolio_step_ms"]
    return bar_open_ms(row["heartbeat_lease_since_ms"], step_ms) + step_ms


def _bots(connection: Connection, portfolio_id: int) -> list:
    market = (
        (MarketState.portfolio_id == Bot.portfolio_id)
        & (MarketState.account == Sleeve.account)
        & (MarketState.symbol == Bot.symbol)
    )
    statement = (
        select(
            Bot.__table__,
            BotState.__table__,
            MarketState.__table__,
            open_profit_of(Bot.id, MarketState.close).label("open_profit"),
        )
        .join(BotState, BotState.bot_id == Bot.id)
        .join(Sleeve, Sleeve.id == Bot.sleeve_id)
        .join(MarketState, market)
        .where(Bot.portfolio_id == portfolio_id)
        .order_by(Bot.id)
        .set_label_style(_LABELS)
    )
    return list(connection.execute(statement).mappings())


def _sleeves(connection: Connection, portfolio_id: int, bots: list, overview: Overview) -> list[SleeveLine]:
    statement = (
        select(Sleeve.__table__, SleeveState.__table__)
        .join(SleeveState, SleeveState.sleeve_id == Sleeve.id)
        .where(Sleeve.portfolio_id == portfolio_id)
        .order_by(Sleeve.id)
        .set_label_style(_LABELS)
    )
    lines = []
    for row in connection.execute(statement).mappings():
        overview.held += _held("sleeve", row["sleeve_name"], row, "sleeve_state")
        own = [bot for bot in bots if bot["bot_sleeve_id"] == row["sleeve_id"]]
        equity = row["sleeve_state_equity"]
        lines.append(
            SleeveLine(
                row["sleeve_name"],
                row["sleeve_state_level"],
                equity,
                equity / overview.equity if overview.equity > 0.0 else 0.0,
                loss_fraction(equity, row["sleeve_state_high_water"]),
                len(own),
                sum(abs(bot["bot_state_units"]) >= bot["market_state_min_units"] for bot in own),
            )
        )
    return lines


def _position(bot) -> PositionLine:  # noqa: ANN001 - a row of _bots
    quantity, entry, close = bot["bot_state_quantity"], bot["bot_state_entry_price"], bot["market_state_close"]
    level, stop_fraction = bot["bot_state_exit_level"], bot["bot_state_stop_fraction"]
    if level == 0.0 and stop_fraction > 0.0:
        # The step writes the level at the bar after the entry; the stop holds from the entry on.
        direction = 1.0 if quantity > 0.0 else -1.0
        level = entry * (1.0 - direction * stop_fraction)
    return PositionLine(
        bot["bot_name"],
        bot["bot_symbol"],
        quantity,
        entry,
        close,
        bot["open_profit"],
        level,
        bot["bot_state_opened_ms"],
        bot["market_state_status"],
        bot["market_state_price_ms"],
    )


def _held(scope: str, name: str, row, prefix: str) -> list[HeldLevel]:  # noqa: ANN001 - a row with the state's columns
    held = []
    for cause in Cause:
        level = row[f"{prefix}_level_{cause.name.lower()}"]
        if level != Level.RUNNING.name:
            held.append(HeldLevel(scope, name, cause.name, level))
    return held


def _settings(connection: Connection, portfolio_id: int) -> str:
    statement = select(SettingsVersion.settings).where(SettingsVersion.portfolio_id == portfolio_id)
    return connection.execute(statement.order_by(SettingsVersion.last_ms.desc())).scalar() or "{}"
