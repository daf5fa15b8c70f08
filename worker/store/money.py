"""Money that moves without a trade: transfers, funding, and the weights of rebalances."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from shared.enums import ScopeKind, TransferKind
from shared.tables import AllocationPoint, Funding, Transfer
from worker.store.rows import insert_rows, upsert_rows


@dataclass(slots=True)
class TransferRow:
    """Money into (+) or out of (−) a bot; `bot_id` none is the portfolio's own cash."""

    bot_id: int | None
    time_ms: int
    step: int
    kind: TransferKind
    amount: float
    command_id: int | None = None


@dataclass(slots=True)
class FundingRow:
    """One settlement of a bot's position; `amount` is what its cash changed by."""

    bot_id: int
    symbol: str
    time_ms: int
    step: int
    quantity: float
    price: float
    rate: float
    amount: float


@dataclass(slots=True)
class AllocationRow:
    """The weight a scope got at a rebalance, the money it is to hold, and what it was worth."""

    scope_kind: ScopeKind
    scope_id: int
    time_ms: int
    step: int
    weight: float
    allocation: float
    equity: float


def save_transfers(connection: Connection, portfolio_id: int, rows: Sequence[TransferRow]) -> None:
    """Append transfers."""
    insert_rows(connection, Transfer, rows, portfolio_id=portfolio_id)


def save_funding(connection: Connection, portfolio_id: int, rows: Sequence[FundingRow]) -> None:
    """Append funding settlements."""
    insert_rows(connection, Funding, rows, portfolio_id=portfolio_id)


def save_allocations(connection: Connection, portfolio_id: int, rows: Sequence[AllocationRow]) -> None:
    """Write the weights of a rebalance; a second one at the same time replaces the first."""
    upsert_rows(connection, AllocationPoint, rows, portfolio_id=portfolio_id)
