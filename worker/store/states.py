"""What a restart needs: the records of portfolio, sleeves, bots and markets, written over at every step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from shared.tables import BotState, MarketState, PortfolioState, SleeveState
from worker.step.records import Bot, Market
from worker.step.scopes import Portfolio, Sleeve
from worker.store.fleet import RegisteredFleet
from worker.store.rows import Model, record_columns, restorer, stored_names, upsert_keyed

MarketKey = tuple[str, str]

# What comes from the settings or the market at each start, or lives within one step only.
SCRATCH: dict[Model, frozenset[str]] = {
    PortfolioState: frozenset({"planned_exposure", "reserved"}),
    SleeveState: frozenset({"fixed_weight", "bots"}),
    BotState: frozenset({"sleeve", "market", "signal", "retiring", "fixed_weight", "horizon_root", "volatility_scale"}),
    MarketState: frozenset(
        {
            "account_index",
            "account_room",
            "fee_rate",
            "maker_fee_rate",
            "patience_low",
            "patience_high",
            "patience_close",
            "fill_price",
            "fill_slippage",
            "fill_fee_rate",
            "entries_lapse",
            "cross_price",
            "buy_units",
            "sell_units",
            "whole_wishes",
            "largest_buyer",
            "largest_seller",
            "cross_left",
            "side_left",
            "rounding_left",
            "exposure",
            "reserved",
        }
    ),
}

STATE_RECORDS: dict[Model, type] = {
    PortfolioState: Portfolio,
    SleeveState: Sleeve,
    BotState: Bot,
    MarketState: Market,
}


@dataclass(frozen=True, slots=True)
class Fresh:
    """What the books had no state of: the portfolio, and the places of sleeves and bots in their lists."""

    portfolio: bool
    sleeves: tuple[int, ...]
    bots: tuple[int, ...]


def save_states(
    connection: Connection,
    fleet: RegisteredFleet,
    portfolio: Portfolio,
    sleeves: Sequence[Sleeve],
    bots: Sequence[Bot],
    market_keys: Sequence[MarketKey],
    markets: Sequence[Market],
) -> None:
    """Write each record over its last state; sleeves and bots in the order of the fleet, markets in that of their keys.

    A market is keyed by (account, symbol).
    """
    _save(connection, PortfolioState, [(fleet.portfolio_id,)], [portfolio])
    _save(connection, SleeveState, [(sleeve.id,) for sleeve in fleet.sleeves], sleeves)
    _save(connection, BotState, [(bot.id,) for bot in fleet.bots], bots)
    _save(connection, MarketState, [(fleet.portfolio_id, *key) for key in market_keys], markets)


def load_states(
    connection: Connection,
    fleet: RegisteredFleet,
    portfolio: Portfolio,
    sleeves: Sequence[Sleeve],
    bots: Sequence[Bot],
    market_keys: Sequence[MarketKey],
    markets: Sequence[Market],
) -> Fresh:
    """Put the stored state into records made from the settings, whose scratch fields stay as they are.

    Records without a row stay untouched, and are named by what is returned.
    """
    no_portfolio = _overlay(connection, PortfolioState, [(fleet.portfolio_id,)], [portfolio])
    no_sleeves = _overlay(connection, SleeveState, [(sleeve.id,) for sleeve in fleet.sleeves], sleeves)
    no_bots = _overlay(connection, BotState, [(bot.id,) for bot in fleet.bots], bots)
    _overlay(connection, MarketState, [(fleet.portfolio_id, *key) for key in market_keys], markets)
    return Fresh(bool(no_portfolio), tuple(no_sleeves), tuple(no_bots))


def _save(connection: Connection, model: Model, keys: Sequence[tuple], records: Sequence[Any]) -> None:
    upsert_keyed(connection, model, keys, records, SCRATCH[model])


def _overlay(connection: Connection, model: Model, keys: Sequence[tuple], records: Sequence[Any]) -> list[int]:
    if not records:
        return []
    record = STATE_RECORDS[model]
    primary = list(model.__table__.primary_key)
    names = stored_names(model, record)
    restore = restorer(model, record)
    rows = connection.execute(select(*primary, *record_columns(model, record)))
    stored = {tuple(row[: len(primary)]): row[len(primary) :] for row in rows}
    missing = []
    for place, (key, target) in enumerate(zip(keys, records, strict=True)):
        if key not in stored:
            missing.append(place)
            continue
        for name, value in zip(names, restore(stored[key]), strict=True):
            setattr(target, name, value)
    return missing
