"""The ledger of a long history: its round trips, what is open at its end, and what was open after every fill."""

from dataclasses import dataclass

import numpy as np

from tests.bench.long_steps import Steps
from worker.ledger.desk import Booked, LedgerDesk
from worker.ledger.lots import Execution, Position, RoundTrip

BOOKED = ("time_ms", "units", "price", "fee", "trigger", "best_price", "worst_price")


@dataclass(frozen=True, slots=True)
class Ledger:
    """`trips` are (bot, round trip) as they ended; the open lots of a fill's bot came to `lot_quantity`, `lot_cost`."""

    trips: list[tuple[int, RoundTrip]]
    positions: list[Position]
    bots: set[int]
    lot_quantity: np.ndarray
    lot_cost: np.ndarray


def keep_ledger(steps: Steps, flat: list[Position]) -> Ledger:
    """Book every fill into its bot's lots, in the order they were made; all positions are flat at first."""
    desk, booked, fills = LedgerDesk(flat), Booked(), steps.fills
    quantity, cost = np.empty(len(fills)), np.empty(len(fills))
    columns = [fills[name].tolist() for name in BOOKED]
    for at, (bot, *leg) in enumerate(zip(fills["bot"].tolist(), *columns, strict=True)):
        desk.book(bot, Execution(*leg), booked)
        position = desk.positions[bot]
        coins = position.unit.coins
        quantity[at] = sum(coins(lot.units) for lot in position.lots)
        cost[at] = sum(coins(lot.units) * lot.price + lot.fee for lot in position.lots)
    return Ledger(booked.round_trips, desk.positions, booked.bots, quantity, cost)


def open_profits(steps: Steps, ledger: Ledger, bot: int, close: np.ndarray) -> np.ndarray:
    """Give the profit of a bot's open lots at each close, after the fees they still carry."""
    own = np.flatnonzero(steps.fills["bot"] == bot)
    last = np.searchsorted(steps.fill_bars[own], np.arange(len(close)), side="right") - 1
    rows = own[last] if len(own) else last
    held = last >= 0
    profit = np.zeros(len(close))
    profit[held] = ledger.lot_quantity[rows[held]] * close[held] - ledger.lot_cost[rows[held]]
    return profit
