"""What is known of a fleet's accounts on exchanges, a row each; whoever knows a thing writes its own columns."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Connection, Update, bindparam, func, select, update

from shared.enums import BotStatus, OrderStatus
from shared.tables import AccountState, Bot, BotState, MarketState, Order, Portfolio, Sleeve, Trade
from worker.store.rows import insert_missing_rows, load_rows, record_columns


@dataclass(slots=True)
class AccountRow:
    """An account as the table has it; see `AccountState`."""

    portfolio_id: int
    account: str
    baseline_ms: int = 0
    reconciled_ms: int = 0
    differs: int = 0
    silent_until_ms: int = 0
    orders_sent: int = 0
    is_confirmed: int = 0
    ramp: float = 0.0
    ramp_since_ms: int = 0
    skew_ms: int = 0
    used_weight: float = 0.0
    weight_limit: float = 0.0
    message: str | None = None


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """What a start must know of an account: symbols of its bots, and whether they hold what was bought on paper."""

    symbols: tuple[str, ...] = ()
    holds_paper: bool = False
    silent_until_ms: int = 0
    orders_sent: int = 0


def load_account(connection: Connection, portfolio_id: int, account: str) -> AccountRow:
    """Give what is known of an account; one that is new has nothing."""
    own = AccountState.__table__.c
    asked = select(*record_columns(AccountState, AccountRow)).where(
        own.portfolio_id == portfolio_id, own.account == account
    )
    found = load_rows(connection, asked, AccountState, AccountRow)
    return found[0] if found else AccountRow(portfolio_id, account)


def load_accounts(connection: Connection, portfolio_id: int) -> list[AccountRow]:
    """Give what is known of all accounts, by name."""
    own = AccountState.__table__.c
    asked = select(*record_columns(AccountState, AccountRow)).where(own.portfolio_id == portfolio_id)
    return load_rows(connection, asked.order_by(own.account), AccountState, AccountRow)


def note_account(connection: Connection, portfolio_id: int, account: str, **values: Any) -> None:
    """Write some columns of an account."""
    own = AccountState.__table__.c
    insert_missing_rows(connection, AccountState, [AccountRow(portfolio_id, account)])
    if values:
        mine = update(AccountState).where(own.portfolio_id == portfolio_id, own.account == account)
        connection.execute(mine.values(**values))


def is_confirmed(connection: Connection, portfolio_id: int, account: str) -> bool:
    """Say whether a person has said that an account's first orders look right."""
    return load_account(connection, portfolio_id, account).is_confirmed == 1


def has_unresolved(connection: Connection, portfolio_id: int, account: str) -> bool:
    """Say whether an account differs from the books, or has an order of which nothing is known."""
    own = Order.__table__.c
    unknown = select(own.id).where(
        own.portfolio_id == portfolio_id, own.account == account, own.status == OrderStatus.UNKNOWN.name
    )
    differs = load_account(connection, portfolio_id, account).differs == 1
    return differs or connection.execute(unknown.limit(1)).first() is not None


def count_order(connection: Connection, portfolio_id: int, account: str) -> None:
    """Count an order that leaves."""
    connection.execute(_counting(), {"portfolio": portfolio_id, "name": account})


# To put a statement together takes longer than to run it.
@cache
def _counting() -> Update:
    own = AccountState.__table__.c
    mine = own.portfolio_id == bindparam("portfolio"), own.account == bindparam("name")
    return update(AccountState).where(*mine).values(orders_sent=own.orders_sent + 1)


def accounts_in_books(connection: Connection, portfolio: str) -> dict[str, tuple[str, ...]]:
    """Give the symbols of a portfolio's bots that still exit, or have retired with dust, by their account."""
    statement = (
        select(Sleeve.account, Bot.symbol)
        .join(Sleeve, Sleeve.id == Bot.sleeve_id)
        .join(Portfolio, Portfolio.id == Bot.portfolio_id)
        .outerjoin(BotState, BotState.bot_id == Bot.id)
        .where(Portfolio.name == portfolio, (Bot.status != BotStatus.RETIRED.name) | (BotState.units != 0))
        .distinct()
        .order_by(Sleeve.account, Bot.symbol)
    )
    found: dict[str, tuple[str, ...]] = {}
    for account, symbol in connection.execute(statement):
        found[account] = (*found.get(account, ()), symbol)
    return found


def held_in_books(connection: Connection, portfolio: str) -> dict[tuple[str, str], Decimal]:
    """Give what a portfolio's bots hold together of each account's symbol, signed base units, exactly."""
    market = MarketState.__table__.c
    units = func.sum(BotState.units)
    statement = (
        select(Sleeve.account, Bot.symbol, market.coins_per_unit, market.units_per_coin, units)
        .join(Bot, Bot.id == BotState.bot_id)
        .join(Sleeve, Sleeve.id == Bot.sleeve_id)
        .join(Portfolio, Portfolio.id == Bot.portfolio_id)
        .join(
            MarketState,
            (market.portfolio_id == Portfolio.id) & (market.account == Sleeve.account) & (market.symbol == Bot.symbol),
        )
        .where(Portfolio.name == portfolio)
        .group_by(Sleeve.account, Bot.symbol, market.coins_per_unit, market.units_per_coin)
    )
    return {
        (account, symbol): Decimal(int(count)) * Decimal(coins) / Decimal(per_coin)
        for account, symbol, coins, per_coin, count in connection.execute(statement)
    }


def known_accounts(connection: Connection, portfolio: str) -> dict[str, KnownAccount]:
    """Give what a start must know of each account the books know."""
    portfolio_id = connection.execute(select(Portfolio.id).where(Portfolio.name == portfolio)).scalar()
    if portfolio_id is None:
        return {}
    symbols = accounts_in_books(connection, portfolio)
    held = {account for (account, _), quantity in held_in_books(connection, portfolio).items() if quantity}
    rows = {row.account: row for row in load_accounts(connection, portfolio_id)}
    found = {}
    for account in dict.fromkeys((*symbols, *rows)):
        row = rows.get(account, AccountRow(portfolio_id, account))
        on_paper = account in held and not _has_traded(connection, portfolio_id, account)
        found[account] = KnownAccount(symbols.get(account, ()), on_paper, row.silent_until_ms, row.orders_sent)
    return found


def _has_traded(connection: Connection, portfolio_id: int, account: str) -> bool:
    traded = select(Trade.id).where(Trade.portfolio_id == portfolio_id, Trade.account == account)
    return connection.execute(traded.limit(1)).first() is not None
