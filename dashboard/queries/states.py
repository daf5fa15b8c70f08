"""The rows a restart takes up, as the pages need them: each bot with its market and its open lots.

The worker marks at a bar's close, and then fills at the next open what was decided. Money here is as of the newest mark
(`window`), with what people moved since; positions are of now, after these fills.
"""

from typing import Any, NamedTuple

from pandas import DataFrame
from sqlalchemy import Connection, case, func, select

from dashboard.queries.frames import first_row, frame
from dashboard.queries.marks import last_marks
from dashboard.queries.window import later_where, load_window
from shared.enums import ScopeKind, Trigger
from shared.tables import (
    Bot,
    BotState,
    Fill,
    Heartbeat,
    MarketState,
    OpenRoundTrip,
    Portfolio,
    PortfolioState,
    Sleeve,
    SleeveState,
)
from shared.tables.round_trips import open_profit_of

_PORTFOLIO = ("name", "quote", "step_ms", "market_label", "broker_label")
_HEARTBEAT = (
    "market_ms",
    "wall_ms",
    "due_ms",
    "duration_ms",
    "lateness_ms",
    "lease_pid",
    "lease_host",
    "lease_since_ms",
    "lease_renewed_ms",
    "ahead_ms",
    "bars_left",
    "bars_total",
)


class States(NamedTuple):
    """A portfolio, its sleeves and its bots."""

    portfolio: dict[str, Any]
    sleeves: DataFrame
    bots: DataFrame


def load_states(connection: Connection, portfolio_id: int) -> States | None:
    """Load all scopes; None before the worker has opened its books."""
    portfolio = load_portfolio_state(connection, portfolio_id)
    if portfolio is None:
        return None
    sleeves, bots = load_sleeve_states(connection, portfolio_id), load_bot_states(connection, portfolio_id)
    portfolio["saved_quote"] -= float(bots["later_saved"].sum())
    return States(portfolio, sleeves, bots)


def load_portfolio_state(connection: Connection, portfolio_id: int) -> dict[str, Any] | None:
    """Load portfolio, state and heartbeat as one row; None before the worker has opened its books."""
    portfolio, heartbeat = Portfolio.__table__.c, Heartbeat.__table__.c
    statement = (
        select(
            PortfolioState.__table__,
            *(portfolio[name] for name in _PORTFOLIO),
            *(heartbeat[name] for name in _HEARTBEAT),
        )
        .join(Portfolio.__table__, portfolio.id == PortfolioState.__table__.c.portfolio_id)
        .join(Heartbeat.__table__, heartbeat.portfolio_id == portfolio.id)
        .where(portfolio.id == portfolio_id)
    )
    return first_row(connection, statement)


def load_sleeve_states(connection: Connection, portfolio_id: int) -> DataFrame:
    """Load the sleeves: `sleeve` (its name) and all columns of `sleeve_state`."""
    sleeve, state = Sleeve.__table__.c, SleeveState.__table__.c
    statement = (
        select(sleeve.name.label("sleeve"), sleeve.strategy, *state)
        .join(SleeveState.__table__, state.sleeve_id == sleeve.id)
        .where(sleeve.portfolio_id == portfolio_id)
        .order_by(sleeve.id)
    )
    return frame(connection, statement)


def load_bot_states(connection: Connection, portfolio_id: int) -> DataFrame:
    """Load the bots: who they are, all columns of `bot_state`, and what follows from them.

    `equity` is that of the newest mark, and `fees_paid` what was paid until then; `later_saved` was saved by netting
    since. More columns: bot, sleeve, strategy, symbol, timeframe, parameters, account, status, note; close, bar_status,
    price_ms, min_units (of the market); notional (signed), is_open (0 or 1; dust is not open), open_profit (of the
    position of now, after the fees the lots still carry), marked_open_profit (of that at the newest mark), trip_fees
    and trip_profit (realised so far in the open round trip).
    """
    bot, state, sleeve, market = (model.__table__.c for model in (Bot, BotState, Sleeve, MarketState))
    trip = OpenRoundTrip.__table__.c
    is_open = func.abs(state.units) >= market.min_units
    named = (bot.strategy, bot.symbol, bot.timeframe, bot.parameters, sleeve.account, bot.status, bot.note)
    statement = (
        select(
            bot.name.label("bot"),
            sleeve.name.label("sleeve"),
            *named,
            *state,
            market.close,
            market.status.label("bar_status"),
            market.price_ms,
            market.min_units,
            (state.quantity * market.close).label("notional"),
            case((is_open, 1), else_=0).label("is_open"),
            open_profit_of(bot.id, market.close).label("open_profit"),
            func.coalesce(trip.fees, 0.0).label("trip_fees"),
            func.coalesce(trip.profit, 0.0).label("trip_profit"),
        )
        .join(BotState.__table__, state.bot_id == bot.id)
        .join(Sleeve.__table__, sleeve.id == bot.sleeve_id)
        .join(
            MarketState.__table__,
            (market.portfolio_id == bot.portfolio_id)
            & (market.account == sleeve.account)
            & (market.symbol == bot.symbol),
        )
        .outerjoin(OpenRoundTrip.__table__, trip.bot_id == bot.id)
        .where(bot.portfolio_id == portfolio_id)
        .order_by(bot.id)
    )
    return _as_marked(connection, portfolio_id, frame(connection, statement))


def _as_marked(connection: Connection, portfolio_id: int, bots: DataFrame) -> DataFrame:
    """Take what was filled after the newest mark out of the sums of bots."""
    window, own = load_window(connection, portfolio_id), Fill.__table__.c
    bots["marked_open_profit"], bots["later_saved"] = bots["open_profit"], 0.0
    if window is None:
        return bots
    statement = select(
        own.bot_id,
        func.sum(own.fee).label("fee"),
        func.sum(own.saved).label("saved"),
        func.max(case((own.trigger == Trigger.WRITE_OFF.name, 1), else_=0)).label("is_written_off"),
    )
    terms = (own.portfolio_id == portfolio_id, later_where(own.time_ms, own.trigger, window))
    later = frame(connection, statement.where(*terms).group_by(own.bot_id)).set_index("bot_id")
    if not len(later):
        return bots
    bots["fees_paid"] -= bots["bot_id"].map(later["fee"]).fillna(0.0)
    bots["later_saved"] = bots["bot_id"].map(later["saved"]).fillna(0.0)
    # Of what was written off equity says so at once.
    traded = [int(bot_id) for bot_id in later.index[later["is_written_off"] == 0]]
    marked = last_marks(connection, ScopeKind.BOT, traded, window.newest_ms).set_index("scope_id")["open_profit"]
    was_open = bots["bot_id"].map(marked)
    bots["marked_open_profit"] = was_open.where(bots["bot_id"].isin(traded), bots["open_profit"]).fillna(0.0)
    return bots
