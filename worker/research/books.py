"""From the fills of a replay to its round trips and what is still open, and the proof that the books sum."""

from dataclasses import dataclass

import numpy as np

from shared.enums import Trigger
from shared.errors import LedgerError
from shared.quantities import Unit
from shared.settings import Settings
from worker.ledger.identities import cash_gap, is_noise, profit_gap, units_gap
from worker.ledger.lots import Execution, Position, RoundTrip, book_execution
from worker.research.replay import Replay

# The columns of a fill that the ledger takes, in its order.
BOOKED = ("time_ms", "units", "price", "fee", "trigger", "best_price", "worst_price")


@dataclass(frozen=True, slots=True)
class Books:
    """What the ledger made of a replay. `trip_bots` says whose each round trip is; `positions` is one per bot.

    Of each fill, `sleeve` int64 is the place of its sleeve, `order` int64 names the order it belongs to (-1 where it
    crossed in house entirely) and `slippage_quote` is what slippage took.
    """

    trips: list[RoundTrip]
    trip_bots: np.ndarray
    positions: list[Position]
    sleeve: np.ndarray
    order: np.ndarray
    slippage_quote: np.ndarray


def keep_books(settings: Settings, replay: Replay) -> Books:
    """Book every fill into its bot's lots in the order they were made; raises LedgerError unless all sums hold."""
    trips, trip_bots, positions = _round_trips(replay)
    bots = replay.fleet.bots
    books = Books(
        trips,
        np.array(trip_bots, np.int64),
        positions,
        bots["sleeve"][replay.fills["bot"]],
        _orders(replay.fills, settings.risk.netting),
        replay.fills["slippage"],
    )
    check_books(replay, books)
    return books


def _round_trips(replay: Replay) -> tuple[list[RoundTrip], list[int], list[Position]]:
    bots, markets, fills = replay.fleet.bots, replay.fleet.markets, replay.fills
    positions = [
        Position(Unit(float(market["coins_per_unit"]), float(market["units_per_coin"])), int(market["min_units"]))
        for market in markets[bots["market"]]
    ]
    trips, trip_bots = [], []
    columns = [fills[name].tolist() for name in BOOKED]
    for bot, *booked in zip(fills["bot"].tolist(), *columns, strict=True):
        trip = book_execution(positions[bot], Execution(*booked))
        if trip is not None:
            trips.append(trip)
            trip_bots.append(bot)
    return trips, trip_bots, positions


def _orders(fills: np.ndarray, netting: bool) -> np.ndarray:
    """Number the orders from 1: one per step and market (per bot without netting), each protective exit its own."""
    sent = fills["units"] != fills["crossed_units"]
    owner = fills["market"] if netting else fills["bot"]
    by_step = fills["step"] * (1 + owner.max(initial=0)) + owner
    keys = np.where(_is_protective(fills), -1 - np.arange(len(fills)), by_step)
    order = np.full(len(fills), -1, np.int64)
    _, first, places = np.unique(keys[sent], return_index=True, return_inverse=True)
    order[sent] = 1 + np.argsort(np.argsort(first))[places]
    return order


def _is_protective(fills: np.ndarray) -> np.ndarray:
    return np.isin(fills["trigger"], (Trigger.STOP, Trigger.TRAILING_STOP, Trigger.LADDER))


def check_books(replay: Replay, books: Books) -> None:
    """Hold every bot's cash, quantity and profit to what its fills make of them; raises LedgerError."""
    bots, fills = replay.fleet.bots, replay.fills
    closes = replay.fleet.markets["close"][bots["market"]]
    spent = _sums(fills["bot"], fills["quantity"] * fills["price"], len(bots))
    fees = _sums(fills["bot"], fills["fee"], len(bots))
    filled = np.zeros(len(bots), np.int64)
    np.add.at(filled, fills["bot"], fills["units"])
    turned = _sums(fills["bot"], np.abs(fills["quantity"] * fills["price"]), len(bots))
    realised = _realised(books, len(bots))
    for b, bot in enumerate(bots):
        name, money = replay.plan.bots[b].name, turned[b] + abs(bot["money_in"])
        _hold("cash", name, cash_gap(bot["cash"], bot["money_in"], spent[b], fees[b], bot["funding_paid"]), money)
        _hold("quantity", name, units_gap(int(bot["units"]), [int(filled[b])]), 0.0)
        _hold("open lots", name, units_gap(int(bot["units"]), [books.positions[b].units]), 0.0)
        unrealised = books.positions[b].unrealised(closes[b])
        gap = profit_gap(bot["equity"], bot["money_in"], realised[b], unrealised, bot["funding_paid"])
        _hold("profit", name, gap, money)


def _realised(books: Books, bots: int) -> np.ndarray:
    realised = np.zeros(bots)
    np.add.at(realised, books.trip_bots, [trip.profit for trip in books.trips])
    for b, position in enumerate(books.positions):
        realised[b] += position.trip.profit if position.trip is not None else 0.0
    return realised


def _sums(rows: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(rows, values, count)


def _hold(what: str, bot: str, gap: float, size: float) -> None:
    if not is_noise(gap, size):
        raise LedgerError(f"{what} of bot {bot} must follow from its fills, is off by {gap:g}")
