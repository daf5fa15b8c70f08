"""Who holds how much money, who was to hold how much, and what moved."""

from typing import Any

import numpy as np
from pandas import DataFrame, Series
from sqlalchemy import Connection, func, literal, select, union_all

from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members, select_members
from dashboard.queries.frames import empty, frame, records
from dashboard.queries.states import load_bot_states, load_states
from dashboard.queries.trips import period_where
from dashboard.queries.window import marked_day_ms, marked_where, windowed
from shared.enums import ScopeKind
from shared.tables import AllocationPoint, Bot, Command, Fill, Sleeve, Transfer

# The part of the portfolio that no bot holds, among the sleeves of the tree.
CASH = "CASH"
MOST_TIMES = 500
# A day's savings are summed from fills: of so many, the newest.
MOST_FILLS = 100_000


def load_holdings(connection: Connection, portfolio_id: int) -> DataFrame:
    """Load the tree portfolio → sleeve → bot, parents first; the equity of children sums to that of their parent.

    Columns: scope_kind (CASH for what no bot holds), scope, parent (name; empty for the portfolio), equity, allocation,
    weight (in the parent), profit (equity − money_in), drawdown_fraction, bots.
    """
    states = load_states(connection, portfolio_id)
    if states is None:
        kinds = dict.fromkeys(("scope_kind", "scope", "parent"), "str")
        numbers = dict.fromkeys(("equity", "allocation", "weight", "profit", "drawdown_fraction"), "float64")
        return empty(**kinds, **numbers, bots="int64")
    state, sleeves, bots = states
    bots["profit"] = bots["equity"] - bots["money_in"]
    whole = float(state["equity"])
    rows = [
        _node(ScopeKind.PORTFOLIO, state["name"], "", whole, whole, 1.0, float(bots["profit"].sum()), state, len(bots))
    ]
    for row in sleeves.to_dict("records"):
        own = bots[bots["sleeve"] == row["sleeve"]]
        money = (float(row["equity"]), whole * float(row["weight"]), float(row["weight"]), float(own["profit"].sum()))
        rows.append(_node(ScopeKind.SLEEVE, row["sleeve"], state["name"], *money, row, len(own)))
    if state["cash"] != 0.0:
        cash = float(state["cash"])
        rows.append(
            _node(CASH, "free cash", state["name"], cash, 0.0, 0.0, 0.0, {"equity": cash, "high_water": 0.0}, 0)
        )
    for row in records(bots, "bot", "sleeve", "equity", "allocation", "weight", "profit", "high_water"):
        equity, held, weight, profit = (float(row[name]) for name in ("equity", "allocation", "weight", "profit"))
        rows.append(_node(ScopeKind.BOT, row["bot"], row["sleeve"], equity, held, weight, profit, row, 1))
    return DataFrame(rows)


def _node(
    kind: str,
    name: str,
    parent: str,
    equity: float,
    allocation: float,
    weight: float,
    profit: float,
    state: Any,
    bots: int,
) -> dict[str, Any]:
    water = float(state["high_water"])
    return {
        "scope_kind": str(kind),
        "scope": name,
        "parent": parent,
        "equity": equity,
        "allocation": allocation,
        "weight": weight,
        "profit": profit,
        "drawdown_fraction": max(0.0, 1.0 - float(state["equity"]) / water) if water > 0.0 else 0.0,
        "bots": bots,
    }


def load_targets(connection: Connection, portfolio_id: int) -> DataFrame:
    """Load what each bot is to hold and what it holds.

    Columns: bot, sleeve, symbol, allocation, equity, difference (equity − allocation), difference_fraction (of the
    allocation; NaN without one), target_share, actual_share (of the sums of allocations and of equities).
    """
    bots = load_bot_states(connection, portfolio_id)
    allocation, equity = bots["allocation"], bots["equity"]
    known = allocation.where(allocation > 0.0)
    return DataFrame(
        {
            **{name: bots[name] for name in ("bot", "sleeve", "symbol", "allocation", "equity")},
            "difference": equity - allocation,
            "difference_fraction": (equity - allocation) / known,
            "target_share": allocation / allocation.sum() if allocation.sum() > 0.0 else np.nan,
            "actual_share": equity / equity.sum() if equity.sum() > 0.0 else np.nan,
        }
    )


def load_weights(
    connection: Connection,
    portfolio_id: int,
    scope_kind: ScopeKind = ScopeKind.SLEEVE,
    filters: Filters = EVERYTHING,
    max_points: int = 2_000,
) -> DataFrame:
    """Load weights over time at some of the rebalances, evenly spread, at most `max_points` rows, oldest first.

    Columns: time_ms, scope, sleeve, weight (in its parent), share (of the portfolio's money: of the allocations of all
    scopes of this kind at that rebalance), allocation, equity. Filters: times, sleeves, and bots and symbols of bots.
    """
    kind = ScopeKind(scope_kind)
    own, names = AllocationPoint.__table__.c, _names(connection, portfolio_id, kind)
    times = _times(connection, portfolio_id, filters, max(max_points // max(len(names), 1), 2))
    columns = (own.time_ms, own.scope_id, own.weight, own.allocation, own.equity)
    statement = select(*columns).where(
        own.portfolio_id == portfolio_id, own.time_ms.in_(times), own.scope_kind == kind.name
    )
    points = frame(connection, statement.order_by(own.time_ms, own.scope_id))
    whole = points.groupby("time_ms")["allocation"].transform("sum")
    points["share"] = (points["allocation"] / whole.where(whole > 0.0)).astype("float64")
    points = points.merge(names, on="scope_id", how="inner")
    points = points[["time_ms", "scope", "sleeve", "symbol", "weight", "share", "allocation", "equity"]]
    wanted = [("sleeve", filters.sleeves)]
    if kind is ScopeKind.BOT:
        wanted += [("scope", filters.bots), ("symbol", filters.symbols)]
    for column, kept in wanted:
        if kept:
            points = points[points[column].isin(kept)]
    return points.drop(columns="symbol").reset_index(drop=True)


def _names(connection: Connection, portfolio_id: int, kind: ScopeKind) -> DataFrame:
    bot, sleeve = Bot.__table__.c, Sleeve.__table__.c
    if kind is ScopeKind.BOT:
        columns = (bot.id.label("scope_id"), bot.name.label("scope"), sleeve.name.label("sleeve"), bot.symbol)
        statement = select(*columns).join(Sleeve.__table__, sleeve.id == bot.sleeve_id)
        return frame(connection, statement.where(bot.portfolio_id == portfolio_id))
    name = sleeve.name
    columns = (sleeve.id.label("scope_id"), name.label("scope"), name.label("sleeve"), literal("").label("symbol"))
    return frame(connection, select(*columns).where(sleeve.portfolio_id == portfolio_id))


def _times(connection: Connection, portfolio_id: int, filters: Filters, most: int) -> list[int]:
    """Give times of rebalances, evenly spread: for each of as many moments the last one until then, by the key."""
    own = AllocationPoint.__table__.c
    within = [own.portfolio_id == portfolio_id, *period_where(own.time_ms, filters)]
    first, last = connection.execute(select(func.min(own.time_ms), func.max(own.time_ms)).where(*within)).one()
    if first is None:
        return []
    moments = np.unique(np.linspace(first, last, min(most, MOST_TIMES), dtype=np.int64)).tolist()
    grid = union_all(*(select(literal(moment).label("moment")) for moment in moments)).subquery()
    latest = select(func.max(own.time_ms)).where(*within, own.time_ms <= grid.c.moment).scalar_subquery()
    return sorted(set(connection.execute(select(latest).select_from(grid)).scalars()))


def load_transfers(
    connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING, limit: int = 2_000
) -> DataFrame:
    """Load money that moved without a trade, newest first; a rebalance sums to 0.

    Columns: transfer_id, time_ms, step, kind, bot (empty for the portfolio's own cash), sleeve, amount (+ in), who,
    reason (of a deposit or withdrawal). Filters: times, bots, sleeves, symbols.
    """
    own, command = Transfer.__table__.c, Command.__table__.c
    members = load_members(connection, portfolio_id)
    taken = select_members(members, filters)
    columns = (own.id.label("transfer_id"), own.time_ms, own.step, own.kind, own.bot_id, own.amount)
    statement = (
        select(*columns, command.who, command.reason)
        .outerjoin(Command.__table__, command.id == own.command_id)
        .where(own.portfolio_id == portfolio_id, *period_where(own.time_ms, filters))
    )
    if len(taken) != len(members):
        statement = statement.where(own.bot_id.in_([int(bot_id) for bot_id in taken["bot_id"]]))
    rows = frame(connection, statement.order_by(own.time_ms.desc(), own.id.desc()).limit(limit))
    known, ids = members.set_index("bot_id"), rows.pop("bot_id")
    rows.insert(4, "bot", Series(known["bot"].reindex(ids).fillna("").to_numpy(), dtype="str"))
    rows.insert(5, "sleeve", Series(known["sleeve"].reindex(ids).fillna("").to_numpy(), dtype="str"))
    for name in ("who", "reason"):
        rows[name] = rows[name].fillna("")
    return rows


def load_savings(connection: Connection, portfolio_id: int, filters: Filters = EVERYTHING) -> DataFrame:
    """Load what netting saved by the UTC day of the marks, oldest first, from the newest 100,000 fills of the period.

    Columns: day_ms, saved (quote), crossed_notional, traded_notional, fees, fills. `attrs["is_whole"]` is False where
    older fills of the period were left out.
    """
    own, filters = Fill.__table__.c, windowed(connection, portfolio_id, filters)
    newest = select(own.time_ms, own.trigger, own.quantity, own.price, own.crossed, own.saved, own.fee)
    newest = newest.where(own.portfolio_id == portfolio_id, *marked_where(own.time_ms, own.trigger, filters))
    some = newest.order_by(own.time_ms.desc(), own.id.desc()).limit(MOST_FILLS).subquery().c
    day = marked_day_ms(some.time_ms, some.trigger).label("day_ms")
    statement = select(
        day,
        func.sum(some.saved).label("saved"),
        func.sum(func.abs(some.crossed) * some.price).label("crossed_notional"),
        func.sum(func.abs(some.quantity) * some.price).label("traded_notional"),
        func.sum(some.fee).label("fees"),
        func.count().label("fills"),
    )
    days = frame(connection, statement.group_by(day).order_by(day))
    days.attrs["is_whole"] = int(days["fills"].sum()) < MOST_FILLS
    return days
