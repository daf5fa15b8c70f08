"""What accounts hold, as the books expect it and as it was found; flows of an exchange's ledger; orders by its ids.

Amounts are exact decimals, kept as text.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, select

from shared.tables import AccountCoin, AccountFlow, AccountState, Order
from worker.store.accounts import note_account
from worker.store.orders import OrderRow
from worker.store.rows import insert_rows, load_rows, record_columns, upsert_rows


@dataclass(slots=True)
class CoinRow:
    """One coin of an account, or one position, named by its symbol."""

    account: str
    coin: str
    baseline: str
    explained: str
    expected: str
    found: str
    checked_ms: int = 0


@dataclass(slots=True)
class FlowRow:
    """A deposit or withdrawal in the exchange's ledger."""

    account: str
    flow_id: str
    coin: str
    amount: str
    time_ms: int


@dataclass(slots=True)
class ReconciledRow:
    """The part of an account's state that a pass writes."""

    account: str
    baseline_ms: int
    reconciled_ms: int
    differs: int
    message: str | None


def load_coins(connection: Connection, portfolio_id: int, account: str) -> dict[str, CoinRow]:
    """Give the coins of an account by name."""
    own = AccountCoin.__table__.c
    asked = select(*record_columns(AccountCoin, CoinRow)).where(
        own.portfolio_id == portfolio_id, own.account == account
    )
    return {row.coin: row for row in load_rows(connection, asked.order_by(own.coin), AccountCoin, CoinRow)}


def save_coins(connection: Connection, portfolio_id: int, rows: Collection[CoinRow]) -> None:
    """Write coins over what was known of them."""
    upsert_rows(connection, AccountCoin, list(rows), portfolio_id=portfolio_id)


def expect(
    connection: Connection,
    portfolio_id: int,
    account: str,
    changes: Mapping[str, Decimal],
    nobodys: Mapping[str, Decimal] | None = None,
) -> None:
    """Take in what trades changed of coins, once there is a baseline; before, they are part of it.

    What was found at the last pass moves with what is expected, so that a difference stays what it was. The part of
    the changes that is `nobodys` was held beyond the books: it leaves a difference, and is accounted for with it.
    """
    known = load_coins(connection, portfolio_id, account)
    if not known:
        return
    rows = []
    for coin, change in changes.items():
        row = known.get(coin)
        if row is None:
            # Not looked at yet: its baseline will have this in it.
            continue
        closed = (nobodys or {}).get(coin, Decimal(0))
        row.expected = f"{Decimal(row.expected) + change - closed:f}"
        row.explained = f"{Decimal(row.explained) - closed:f}"
        row.found = f"{Decimal(row.found) + change:f}"
        rows.append(row)
    save_coins(connection, portfolio_id, rows)


def load_reconciled(connection: Connection, portfolio_id: int, account: str) -> ReconciledRow:
    """Give when an account was last reconciled; zeros where it never was."""
    own = AccountState.__table__.c
    asked = select(*record_columns(AccountState, ReconciledRow)).where(
        own.portfolio_id == portfolio_id, own.account == account
    )
    rows = load_rows(connection, asked, AccountState, ReconciledRow)
    return rows[0] if rows else ReconciledRow(account, 0, 0, 0, None)


def save_reconciled(connection: Connection, portfolio_id: int, row: ReconciledRow) -> None:
    """Write what a pass found of an account."""
    found = {"baseline_ms": row.baseline_ms, "reconciled_ms": row.reconciled_ms}
    note_account(connection, portfolio_id, row.account, **found, differs=row.differs, message=row.message)


def known_flows(connection: Connection, portfolio_id: int, account: str) -> set[str]:
    """Give the ids of the flows that are in the books."""
    own = AccountFlow.__table__.c
    asked = select(own.flow_id).where(own.portfolio_id == portfolio_id, own.account == account)
    return set(connection.execute(asked).scalars())


def save_flows(connection: Connection, portfolio_id: int, rows: Collection[FlowRow]) -> None:
    """Append flows; one that is there already breaks the constraint of the table."""
    insert_rows(connection, AccountFlow, list(rows), portfolio_id=portfolio_id)


def orders_by_exchange_id(connection: Connection, portfolio_id: int, account: str, since_ms: int) -> dict[str, str]:
    """Give the client order ids of the orders that left since a wall time, by the exchange's own id."""
    own = Order.__table__.c
    asked = select(own.exchange_id, own.client_order_id).where(
        own.portfolio_id == portfolio_id,
        own.account == account,
        own.exchange_id.is_not(None),
        own.sent_ms >= since_ms,
    )
    return {row.exchange_id: row.client_order_id for row in connection.execute(asked)}


def find_order(connection: Connection, portfolio_id: int, client_order_id: str) -> OrderRow | None:
    """Give an order by its name; none where the books do not have it."""
    own = Order.__table__.c
    asked = select(*record_columns(Order, OrderRow)).where(
        own.portfolio_id == portfolio_id, own.client_order_id == client_order_id
    )
    rows = load_rows(connection, asked, Order, OrderRow)
    return rows[0] if rows else None
