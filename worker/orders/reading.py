"""One pass over an account: all that is needed to hold the books to it, read on the thread of the account."""

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from shared.clock import Clock
from shared.errors import MarketError, MarketRefusal
from worker.exchange.protocol import AccountClient, ExchangeOrder, ExchangeTrade, Flow


@dataclass(frozen=True, slots=True)
class Question:
    """What a pass is to read. `known` are the exchange's ids of our orders; `sent` counts those that left so far."""

    account: str
    symbols: Sequence[str]
    since_ms: int
    known: Collection[str]
    sent: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What a pass found: `holdings` by coin, of perpetuals by symbol; `strangers` are orders we did not know by id."""

    question: Question
    began_ms: int
    opens: Sequence[ExchangeOrder] = ()
    trades: Sequence[ExchangeTrade] = ()
    strangers: Mapping[str, ExchangeOrder] = field(default_factory=dict)
    holdings: Mapping[str, Decimal] = field(default_factory=dict)
    # positions of perpetuals, whose profit moves the quote without a trade of ours
    positions: Collection[str] = ()
    flows: Sequence[Flow] = ()
    # symbols that the exchange does not speak of any more, with its words: nothing of them is known
    refused: Mapping[str, str] = field(default_factory=dict)
    # why it is not complete; then nothing follows from it
    failure: str = ""


def read_account(client: AccountClient, question: Question, clock: Clock) -> Reading:
    """Read an account at once; see `reading_account`."""
    parts = reading_account(client, question, clock)
    while True:
        try:
            next(parts)
        except StopIteration as end:
            return end.value


def reading_account(client: AccountClient, question: Question, clock: Clock) -> Generator[None, None, Reading]:
    """Read an account, and yield between two requests: orders do not wait for a pass over many symbols.

    A pass that could not read everything says why, and nothing else. A symbol that the exchange refuses, as one that
    was delisted, is left out and named.
    """
    began_ms = clock.now_ms()
    trades: list[ExchangeTrade] = []
    refused: dict[str, str] = {}
    try:
        for symbol in question.symbols:
            try:
                trades += client.trades(symbol, question.since_ms)
            except MarketRefusal as refusal:
                refused[symbol] = str(refusal)
            yield
        symbols = [symbol for symbol in question.symbols if symbol not in refused]
        if not symbols:
            return Reading(question, began_ms, failure="; ".join(refused.values()))
        opens = client.open_orders(symbols)
        strangers = yield from _strangers(client, question, opens, trades)
        yield
        positions = client.positions(symbols)
        yield
        holdings = {**client.balances(), **positions}
        yield
        flows = client.flows(question.since_ms) or ()
    except MarketError as error:
        return Reading(question, began_ms, failure=str(error))
    return Reading(question, began_ms, opens, trades, strangers, holdings, positions.keys(), flows, refused)


def _strangers(
    client: AccountClient, question: Question, opens: Sequence[ExchangeOrder], trades: Sequence[ExchangeTrade]
) -> Generator[None, None, dict[str, ExchangeOrder]]:
    """Find the names of orders that traded and that we did not know: ours, or somebody else's."""
    found = {order.exchange_id: order for order in opens}
    for trade in trades:
        if trade.exchange_id in question.known or trade.exchange_id in found:
            continue
        yield
        look = client.look_up(trade.symbol, "", trade.exchange_id, trade.time_ms)
        if look.order is None:
            raise MarketError(f"order {trade.exchange_id} of {trade.symbol} must be found, for it traded: {look.text}")
        found[trade.exchange_id] = look.order
    return found
