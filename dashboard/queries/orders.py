"""Where orders go: on paper or to exchanges, on which accounts, how these stand, and what is on its way."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from dashboard.queries.fleet import load_settings
from shared.enums import BotStatus
from shared.tables import Bot, Sleeve
from shared.tables.under_way import UnderWay, load_under_way

LIVE = "ccxt"


@dataclass(frozen=True, slots=True)
class Place:
    """An account as it is set: `limit` is the most quote the fleet may use there, `endpoint` what is asked instead."""

    account: str
    exchange: str = ""
    type: str = ""
    is_testnet: bool = True
    endpoint: str | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Orders:
    """Where the orders of a portfolio go, and how its accounts stand; times in ms.

    `every_ms` is how often an account is reconciled, `alarm_ms` how long nothing may be known of an order before that
    is an error, `first_orders` how many orders a new account sends before a person must confirm them.
    """

    is_live: bool = False
    places: tuple[Place, ...] = ()
    under_way: UnderWay = field(default_factory=UnderWay)
    every_ms: int = 0
    alarm_ms: int = 0
    first_orders: int = 0


def load_orders_under_way(connection: Connection, portfolio_id: int) -> Orders:
    """Load where the orders of a portfolio go; on paper nothing is on its way."""
    settings = load_settings(connection, portfolio_id)
    broker, named = settings.get("broker", {}), settings.get("accounts", {})
    places = tuple(_place(account, named.get(account, {})) for account in _accounts(connection, portfolio_id))
    if broker.get("kind") != LIVE:
        return Orders(places=places)
    return Orders(
        True,
        places,
        load_under_way(connection, portfolio_id),
        round(1000 * broker["reconcile_seconds"]),
        round(1000 * broker["alarm"]),
        broker["first_orders"],
    )


def _accounts(connection: Connection, portfolio_id: int) -> list[str]:
    """Name the accounts of the bots that may still trade."""
    sleeve, bot = Sleeve.__table__.c, Bot.__table__.c
    asked = select(sleeve.account).join(Bot.__table__, bot.sleeve_id == sleeve.id).distinct()
    asked = asked.where(sleeve.portfolio_id == portfolio_id, bot.status != BotStatus.RETIRED.name)
    return list(connection.execute(asked.order_by(sleeve.account)).scalars())


def _place(account: str, found: dict[str, Any]) -> Place:
    return Place(
        account,
        found.get("exchange", ""),
        found.get("type", ""),
        bool(found.get("sandbox", True)),
        found.get("endpoint"),
        found.get("limit"),
    )
