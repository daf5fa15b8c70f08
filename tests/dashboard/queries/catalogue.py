"""Every query once or more, so that no test forgets one."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from pandas import DataFrame
from sqlalchemy import Connection

from dashboard.queries import (
    activity,
    allocations,
    bot,
    bot_days,
    bots,
    calendar,
    control,
    costs,
    decisions,
    equity,
    events,
    exits,
    fleet,
    holding,
    levels,
    made,
    no_trades,
    orders,
    overview,
    positions,
    returns,
    risk,
    round_trips,
    seen,
    slippage,
    symbol,
    trades,
    window,
)
from dashboard.queries.equity import PORTFOLIO, Scope
from dashboard.queries.filters import Filters
from shared.enums import ScopeKind
from shared.units import DAY_MS

ID = 1
# In the seeded books, which begin at 2026-01-01.
BEGIN_MS = 1_767_225_600_000
PERIOD = (BEGIN_MS + 2 * DAY_MS, BEGIN_MS + 8 * DAY_MS)
BOT, SLEEVE, SYMBOL = "mr_eth_usdt_1h_p1", "mean_reversion", "ETH/USDT"
SOME_BOTS = Filters(bots=(BOT, "bo_btc_usdt_1h_p1"))
WHOLE_PERIOD = Filters(*PERIOD)
EVERY_FILTER = Filters(*PERIOD, (), (SLEEVE,), (SYMBOL,), ("BUY",), ("SIGNAL",))
FAMILY = (PORTFOLIO, *(Scope(ScopeKind.SLEEVE, name) for name in ("mean_reversion", "breakout", "trend_following")))

Load = Callable[[Connection], Any]

# What there may be none of.
MAYBE = ("command", "symbol", "times of a round trip", "worst round trip", "worst round trip of a period", "idle fleet")


def _latest_trip(connection: Connection, filters: Filters) -> int:
    rows = trades.load_round_trips(connection, ID, filters).rows
    return int(rows["round_trip_id"].iloc[0]) if len(rows) else -1


def _groups(groups: tuple[no_trades.Idle, ...]) -> DataFrame:
    rows = [(" ".join(group.bots), group.of_bots, group.stood.steps, group.stood.binds.name) for group in groups]
    kinds = {"bots": "str", "of_bots": "int64", "steps": "int64", "binds": "str"}
    return DataFrame(rows, columns=list(kinds)).astype(kinds)


def queries(name: str = BOT, sleeve: str = SLEEVE) -> dict[str, Load]:
    """Give every query by a name of its own, about a bot and a sleeve of the given names."""
    of_bot, of_sleeve = Filters(bots=(name,)), Filters(sleeves=(sleeve,))
    return {
        "portfolios": fleet.load_portfolios,
        "members": lambda c: fleet.load_members(c, ID),
        "settings": lambda c: fleet.load_settings(c, ID),
        "newest": lambda c: fleet.load_newest(c, ID),
        "overview": lambda c: overview.load_overview(c, ID),
        "win rate": lambda c: overview.load_win_rate(c, ID),
        "win rate of a bot": lambda c: overview.load_win_rate(c, ID, of_bot),
        "levels": lambda c: levels.load_levels(c, ID),
        "asked levels": lambda c: levels.load_asked_levels(c, ID),
        "scopes": lambda c: levels.load_scopes(c, ID),
        "equity": lambda c: equity.load_equity(c, ID),
        "equity of sleeves": lambda c: equity.load_equity(c, ID, FAMILY, *PERIOD),
        "equity of a bot": lambda c: equity.load_equity(c, ID, (Scope(ScopeKind.BOT, name),)),
        "positions": lambda c: positions.load_positions(c, ID),
        "positions of a bot": lambda c: positions.load_positions(c, ID, of_bot),
        "events": lambda c: events.load_events(c, ID),
        "events of a sleeve": lambda c: events.load_events(c, ID, Filters(sleeves=(sleeve,)), ("WARNING",)),
        "bots": lambda c: bots.load_bots(c, ID),
        "bots of a period": lambda c: bots.load_bots(c, ID, WHOLE_PERIOD),
        "bot": lambda c: bot.load_bot(c, ID, name),
        "candles": lambda c: bot.load_candles(c, ID, name),
        "candles of a period": lambda c: bot.load_candles(c, ID, name, *PERIOD, 100),
        "fills of a bot": lambda c: bot.load_bot_fills(c, ID, name),
        "lines": lambda c: seen.load_lines(c, ID, name),
        "lines of a period": lambda c: seen.load_lines(c, ID, name, *PERIOD, 100),
        "what was seen": lambda c: seen.load_seen_at(c, ID, name, PERIOD[0]),
        "protection": lambda c: bot.load_protection(c, ID, name),
        "holdings": lambda c: allocations.load_holdings(c, ID),
        "targets": lambda c: allocations.load_targets(c, ID),
        "weights": lambda c: allocations.load_weights(c, ID),
        "weights of bots": lambda c: allocations.load_weights(c, ID, ScopeKind.BOT, Filters(sleeves=(sleeve,))),
        "transfers": lambda c: allocations.load_transfers(c, ID),
        "transfers of a bot": lambda c: allocations.load_transfers(c, ID, of_bot),
        "savings": lambda c: allocations.load_savings(c, ID),
        "round trips": lambda c: trades.load_round_trips(c, ID).rows,
        "round trips filtered": lambda c: trades.load_round_trips(c, ID, EVERY_FILTER).rows,
        "times of a round trip": lambda c: trades.load_trip_times(c, ID, name, _latest_trip(c, of_bot)),
        "fills": lambda c: trades.load_fills(c, ID).rows,
        "fills of some bots": lambda c: trades.load_fills(c, ID, SOME_BOTS).rows,
        "fills filtered": lambda c: trades.load_fills(c, ID, EVERY_FILTER).rows,
        "slipped fills": lambda c: slippage.load_slipped_fills(c, ID).rows,
        "slipped fills filtered": lambda c: slippage.load_slipped_fills(c, ID, EVERY_FILTER).rows,
        "orders under way": lambda c: asdict(orders.load_orders_under_way(c, ID)),
        "orders": lambda c: trades.load_orders(c, ID).rows,
        "orders filtered": lambda c: trades.load_orders(c, ID, EVERY_FILTER).rows,
        "facts": lambda c: round_trips.load_trip_facts(c, ID),
        "facts filtered": lambda c: round_trips.load_trip_facts(c, ID, EVERY_FILTER),
        "daily": lambda c: returns.load_daily(c, ID),
        "daily of a sleeve": lambda c: returns.load_daily(c, ID, Scope(ScopeKind.SLEEVE, sleeve), *PERIOD),
        "correlations": lambda c: returns.load_correlations(c, ID),
        "correlations of a period": lambda c: returns.load_correlations(c, ID, WHOLE_PERIOD),
        "benchmark": lambda c: holding.load_benchmark(c, ID),
        "held instead": lambda c: holding.load_held(c, ID),
        "profit by day": lambda c: calendar.load_profit_by_time(c, ID),
        "profit by week": lambda c: calendar.load_profit_by_time(
            c, ID, calendar.Stretch.WEEK, Scope(ScopeKind.SLEEVE, sleeve), *PERIOD
        ),
        "symbol": lambda c: _fields(symbol.load_symbol(c, ID, SYMBOL, WHOLE_PERIOD)),
        "bots of a symbol": lambda c: symbol.load_symbol_bots(c, ID, Filters(*PERIOD, symbols=(SYMBOL,))),
        "candles of a symbol": lambda c: symbol.load_symbol_candles(c, ID, SYMBOL, *PERIOD),
        "fills of a symbol": lambda c: symbol.load_symbol_fills(c, ID, SYMBOL),
        "crossed": lambda c: symbol.load_crossed(c, ID, Filters(symbols=(SYMBOL,))),
        "sum of bots": lambda c: bot_days.load_summed(c, ID, of_sleeve),
        "sum of bots in a period": lambda c: bot_days.load_summed(c, ID, WHOLE_PERIOD),
        "returns of some bots": lambda c: bot_days.load_bot_returns(c, ID, of_bot),
        "window": lambda c: _fields(window.load_window(c, ID, WHOLE_PERIOD)),
        "activity of sleeves": lambda c: activity.load_activity(c, ID, "sleeve"),
        "activity of some bots": lambda c: activity.load_activity(
            c, ID, "bot", replace(WHOLE_PERIOD, sleeves=of_sleeve.sleeves)
        ),
        "holding": lambda c: holding.load_holding(c, ID, [SYMBOL], np.arange(*PERIOD, DAY_MS)),
        "exits of a bot": lambda c: exits.load_exits(c, ID, name),
        "exits of a bot in a period": lambda c: exits.load_exits(c, ID, name, WHOLE_PERIOD),
        "worst round trip": lambda c: exits.load_worst_trip(c, ID, name),
        "worst round trip of a period": lambda c: exits.load_worst_trip(c, ID, name, WHOLE_PERIOD),
        "made in a period": lambda c: made.load_made(c, ID, WHOLE_PERIOD),
        "made lately": lambda c: made.load_made(c, ID, Filters(start_ms=PERIOD[1])),
        "costs": lambda c: costs.load_costs(c, ID),
        "brakes": lambda c: risk.load_brakes(c, ID),
        "brake history": lambda c: risk.load_brake_history(c, ID),
        "exposures": lambda c: risk.load_exposures(c, ID),
        "decisions": lambda c: decisions.load_decisions(c, ID, name),
        "decisions of a period": lambda c: decisions.load_decisions(c, ID, name, *PERIOD),
        "decision at a time": lambda c: decisions.load_decision_at(c, ID, name, PERIOD[0]),
        "reasons": lambda c: decisions.load_reason_counts(c, ID),
        "reasons of a period": lambda c: decisions.load_reason_counts(c, ID, WHOLE_PERIOD),
        "idle fleet": lambda c: no_trades.load_idle_fleet(c, ID, Filters(end_ms=BEGIN_MS + DAY_MS // 12)),
        "idle bots": lambda c: _groups(no_trades.load_idle_bots(c, ID, Filters(end_ms=BEGIN_MS + DAY_MS))),
        "bar records": lambda c: decisions.load_bar_records(c, ID),
        "commands": lambda c: control.load_commands(c, ID),
        "pending commands": lambda c: control.load_commands(c, ID, only_pending=True),
        "command": lambda c: control.load_command(c, 1),
        "settings versions": lambda c: control.load_settings_versions(c, ID),
    }


def _fields(found: window.Window | symbol.SymbolFigures | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)
