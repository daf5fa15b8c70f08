"""Brokers as they are often written: each doubles, loses or books wrongly, and the checks of a simulation tell."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, update

from shared.enums import OrderStatus
from shared.tables import Order
from tests.simulation import story
from tests.simulation.world import World
from worker.exchange.protocol import AccountClient, Answer, ExchangeTrade, Fate, Finality, LookUp, OrderRequest
from worker.orders import gateway, reconciliation

TRIES = 3


@dataclass
class Through:
    """An account that does what the one behind it does."""

    behind: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)


class Retrying(Through):
    """Sends again where the network failed, as decorators called `retry` do."""

    def send(self, request: OrderRequest, leave_by_ms: int | None = None) -> Answer:
        """Send until somebody answers."""
        for _ in range(TRIES):
            answer: Answer = self.behind.send(request)
            if answer.fate is not Fate.UNKNOWN:
                break
        return answer


class Trusting(Through):
    """Takes the first answer that has no order in it, whatever it is, for the proof that there is none."""

    finality = Finality(window_ms=-60_000, bound_ms=0)

    def look_up(self, symbol: str, client_order_id: str, exchange_id: str | None, sent_ms: int) -> LookUp:
        """Find nothing where nothing could be read."""
        found: LookUp = self.behind.look_up(symbol, client_order_id, exchange_id, sent_ms)
        return found if found.complete else replace(found, complete=True)


class Averaging(Through):
    """Books an order's average, as `filled × average`, in place of its trades."""

    def trades_of(self, symbol: str, exchange_id: str, since_ms: int) -> Sequence[ExchangeTrade]:
        """Make one trade of all."""
        return _averaged(self.behind.trades_of(symbol, exchange_id, since_ms))

    def look_up(self, symbol: str, client_order_id: str, exchange_id: str | None, sent_ms: int) -> LookUp:
        """Make one trade of all."""
        found: LookUp = self.behind.look_up(symbol, client_order_id, exchange_id, sent_ms)
        return replace(found, trades=_averaged(found.trades))


def _averaged(trades: Sequence[ExchangeTrade]) -> Sequence[ExchangeTrade]:
    if not trades:
        return trades
    quantity = sum((trade.quantity for trade in trades), Decimal(0))
    worth = sum((trade.quantity * trade.price for trade in trades), Decimal(0))
    fee = sum((trade.fee for trade in trades), Decimal(0))
    return [replace(trades[0], quantity=quantity, price=round(worth / quantity, 2), fee=fee)]


def wrapped(saboteur: Callable[[Any], Any]) -> Callable[[World, AccountClient], AccountClient]:
    """Put a saboteur between a worker and its account."""
    return lambda _, client: saboteur(client)


@contextmanager
def with_short_naps() -> Iterator[None]:
    """Let workers fall asleep often, and wake up while what they have in hand is still fresh."""
    often = story.EVERY_HOURS | {"nap": 2.0}
    with _replaced(story, "NAPS", (5.0,)), _replaced(story, "EVERY_HOURS", often):
        yield


@contextmanager
def without_fencing() -> Iterator[None]:
    """Let a worker send what it has in hand, whoever has the lease by now."""

    def mark(
        connection: Connection,
        portfolio_id: int,
        client_order_id: str,
        _token: int,
        sent_ms: int,
        price: float | None,
        limit_price: float | None,
    ) -> bool:
        own = Order.__table__.c
        mine = update(Order).where(own.portfolio_id == portfolio_id, own.client_order_id == client_order_id)
        prices = {"reference_price": price, "limit_price": limit_price}
        connection.execute(mine.values(status=OrderStatus.SUBMITTED.name, sent_ms=sent_ms, **prices))
        return True

    with with_short_naps(), _replaced(gateway, "mark_submitted", mark):
        yield


@contextmanager
def with_a_prefix_for_all() -> Iterator[None]:
    """Take every order whose name begins with what all installations begin with for one's own."""
    with _replaced(reconciliation, "is_ours", lambda name, _: name.startswith("w")):
        yield


@contextmanager
def _replaced(place: Any, name: str, stand_in: Any) -> Iterator[None]:
    own = getattr(place, name)
    setattr(place, name, stand_in)
    try:
        yield
    finally:
        setattr(place, name, own)
