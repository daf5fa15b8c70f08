"""Everything a report says, read in one transaction, so that its parts are of one moment and sum."""

from dataclasses import dataclass, replace

import numpy as np
from pandas import DataFrame, concat
from sqlalchemy import Connection

from dashboard.queries.activity import load_activity
from dashboard.queries.bot_days import load_bot_returns, load_summed, summed_daily
from dashboard.queries.control import load_settings_versions
from dashboard.queries.equity import Scope, load_equity
from dashboard.queries.filters import Filters
from dashboard.queries.fleet import load_members
from dashboard.queries.holding import in_equal_parts, load_holding
from dashboard.queries.made import load_made
from dashboard.queries.overview import Overview, load_overview
from dashboard.queries.positions import load_positions
from dashboard.queries.returns import ReturnFigures, load_daily, return_figures
from dashboard.queries.risk import load_brakes
from dashboard.queries.round_trips import Dimension, TripFigures, load_trip_facts, trip_figures, win_rates
from dashboard.report.selection import Selection, select
from shared.enums import Cause, ScopeKind
from shared.words import many

# So many of the best and of the worst bots.
EXTREMES = 5


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report is made of.

    `daily` (columns of `load_daily`) and `curve` (of `load_equity`) are of the selection. `groups` has what each of its
    sleeves, symbols or bots (`Selection.grouped_by`) made and paid (`load_activity`, profit, gross_profit); `extremes`
    the bots that made most and least, the best first. `benchmark` is what holding its symbols in equal parts would have
    made, `held` the return of each. `limit_fraction` is where the drawdown brake of the scope is set, None where it has
    none. `positions` is None where the period ends before the books do.
    """

    overview: Overview
    selection: Selection
    digest: str
    versions: int
    daily: DataFrame
    curve: DataFrame
    figures: ReturnFigures
    limit_fraction: float | None
    benchmark: DataFrame
    held: dict[str, float]
    trips: DataFrame
    trip_figures: TripFigures
    groups: DataFrame
    extremes: DataFrame
    positions: DataFrame | None

    @property
    def has_days(self) -> bool:
        """Say whether a return can be told: from one mark to another."""
        return len(self.daily) > 1

    @property
    def span_ms(self) -> tuple[int, int]:
        """Give the times of the first and the last mark."""
        return int(self.daily["time_ms"].iloc[0]), int(self.daily["time_ms"].iloc[-1])

    @property
    def gross_profit(self) -> float:
        """Give what was made before fees and funding."""
        return float(self.groups["gross_profit"].sum())


def load_facts(connection: Connection, portfolio_id: int, filters: Filters) -> Facts | None:
    """Load what a report says; None before the worker has opened its books.

    Raises ConfigurationError where the filters take no bot.
    """
    overview = load_overview(connection, portfolio_id)
    if overview is None:
        return None
    reaches_end = filters.end_ms is None or filters.end_ms >= overview.market_ms
    filters = replace(filters, end_ms=None) if reaches_end else filters
    selection = select(load_members(connection, portfolio_id), filters)
    daily, curve = _over_time(connection, portfolio_id, selection)
    profits = load_made(connection, portfolio_id, filters).rename(columns={"period_profit": "profit"})
    versions = load_settings_versions(connection, portfolio_id)
    held = load_holding(connection, portfolio_id, selection.symbols, daily["time_ms"].to_numpy(np.int64))
    trips = load_trip_facts(connection, portfolio_id, filters)
    return Facts(
        overview=overview,
        selection=selection,
        digest=str(versions["digest"].iloc[0]) if len(versions) else "",
        versions=len(versions),
        daily=daily,
        curve=curve,
        figures=return_figures(daily),
        limit_fraction=_limit(connection, portfolio_id, selection.scope),
        benchmark=in_equal_parts(held) if len(selection.symbols) > 1 else held,
        held=held.groupby("symbol", sort=False)["return_fraction"].last().to_dict(),
        trips=trips,
        trip_figures=trip_figures(trips),
        groups=_groups(connection, portfolio_id, selection, profits),
        extremes=_extremes(connection, portfolio_id, selection, profits, daily, trips),
        positions=load_positions(connection, portfolio_id, filters) if reaches_end else None,
    )


def _over_time(connection: Connection, portfolio_id: int, selection: Selection) -> tuple[DataFrame, DataFrame]:
    """Give the days and the curve of the selection."""
    start_ms, end_ms = selection.filters.start_ms, selection.filters.end_ms
    if selection.scope is not None:
        return (
            load_daily(connection, portfolio_id, selection.scope, start_ms, end_ms),
            load_equity(connection, portfolio_id, (selection.scope,), start_ms, end_ms),
        )
    # The books keep no curve of such a selection: it is added up from its bots.
    summed = load_summed(connection, portfolio_id, selection.filters)
    named = {"scope_kind": ScopeKind.BOT.name, "scope": many(selection.bots, "bot")}
    return summed_daily(summed), summed.assign(**named, profit=summed["equity"] - summed["money_in"])


def _limit(connection: Connection, portfolio_id: int, scope: Scope | None) -> float | None:
    brakes = load_brakes(connection, portfolio_id)
    if scope is None:
        return None
    own = brakes[(brakes["scope_kind"] == scope.kind.name) & (brakes["scope"] == scope.name) & (brakes["is_on"] == 1)]
    drawdown = own[own["brake"] == Cause.DRAWDOWN.name]
    return float(drawdown["limit_fraction"].iloc[0]) if len(drawdown) else None


def _groups(connection: Connection, portfolio_id: int, selection: Selection, profits: DataFrame) -> DataFrame:
    by = selection.grouped_by
    table = load_activity(connection, portfolio_id, by, selection.filters)
    table["profit"] = table["group"].map(profits.groupby(by)["profit"].sum()).fillna(0.0)
    table["gross_profit"] = table["profit"] + table["fees"] - table["funding"]
    return table


def _extremes(
    connection: Connection,
    portfolio_id: int,
    selection: Selection,
    profits: DataFrame,
    daily: DataFrame,
    trips: DataFrame,
) -> DataFrame:
    """Give the bots that earned most and least, with what only a look at each of them tells."""
    if len(daily) < 2 or len(profits) < 2:
        return profits.iloc[:0]
    ordered = profits.sort_values("profit", ascending=False, kind="stable", ignore_index=True)
    if len(ordered) > 2 * EXTREMES:
        ordered = concat([ordered.head(EXTREMES), ordered.tail(EXTREMES)], ignore_index=True)
    own = replace(selection.filters, bots=tuple(ordered["bot"]))
    returned = load_bot_returns(connection, portfolio_id, own).set_index("bot")
    rates = win_rates(trips, Dimension.BOT).set_index("label")[["count", "wins", "win_rate", "low", "high"]]
    table = ordered.rename(columns={"period_fees": "fees"}).join(returned, on="bot").join(rates, on="bot")
    for name in ("count", "wins"):
        table[name] = table[name].fillna(0).astype("int64")
    return table
