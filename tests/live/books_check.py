"""The identities of the books, from the tables alone: what was appended against what stands."""

import math
from dataclasses import dataclass

from shared.database import transaction
from tests.live.running import Place
from worker.ledger.identities import (
    account_gap,
    cash_gap,
    equity_gap,
    is_noise,
    profit_gap,
    transfer_gap,
    units_gap,
)
from worker.ledger.lots import Execution, Position, book_execution
from worker.store.sums import bot_sums


@dataclass(frozen=True, slots=True)
class Gap:
    """An identity that does not hold, of what, and by how much."""

    identity: str
    of: str
    amount: float


def find_gaps(place: Place) -> list[Gap]:
    """Hold the tables to every identity and give those that fail."""
    checks = (_bots, _lots, _round_trips, _transfers, _accounts, _orders, _portfolio)
    return [gap for check in checks for gap in check(place)]


def assert_books(place: Place) -> None:
    """Hold the tables to every identity."""
    gaps = find_gaps(place)
    assert not gaps, gaps


BOTS = """SELECT bot.id, bot.name, cash, units, quantity, bot_state.money_in, funding_paid, fees_paid,
                 market_state.close
          FROM bot JOIN bot_state ON bot_state.bot_id = bot.id JOIN sleeve ON sleeve.id = bot.sleeve_id
          JOIN market_state ON market_state.symbol = bot.symbol AND market_state.account = sleeve.account"""


def _bots(place: Place) -> list[Gap]:
    with transaction(place.engine) as connection:
        sums = bot_sums(connection, 1)
    gaps = []
    for bot_id, name, cash, units, quantity, money_in, funding_paid, fees_paid, close in place.rows(BOTS):
        of = sums[bot_id]
        open_profit = place.value("SELECT coalesce(sum(profit), 0.0) FROM open_round_trip WHERE bot_id = ?", bot_id)
        lots = place.rows("SELECT quantity, price, fee FROM lot WHERE bot_id = ?", bot_id)
        unrealised = math.fsum(lot * (close - price) - fee for lot, price, fee in lots)
        worth = cash + quantity * close
        turned = 2 * money_in + 10 * abs(of.traded)
        found = {
            "cash": cash_gap(cash, of.transfers, -of.traded, of.fees, -of.funding),
            "units": units_gap(units, [of.units]),
            "quantity": quantity - units / 1e8,
            "money in": money_in - of.transfers,
            "funding": funding_paid + of.funding,
            "fees": fees_paid - of.fees,
            "profit": profit_gap(worth, of.transfers, of.profit + open_profit, unrealised, -of.funding),
        }
        exact = {"units", "quantity"}
        gaps += [
            Gap(what, name, amount)
            for what, amount in found.items()
            if not (amount == 0 if what in exact else is_noise(amount, turned))
        ]
    return gaps


FILLS = "SELECT bot_id, time_ms, units, price, fee, trigger, best_price, worst_price FROM fill ORDER BY id"


def _booked_again(place: Place) -> tuple[dict[int, Position], dict[int, list]]:
    """Book the fills of the tables from the beginning."""
    positions, trips = {}, {}
    least = place.value("SELECT max(min_units) FROM market_state")
    for bot_id, *fill in place.rows(FILLS):
        fill[4] = 0
        trip = book_execution(positions.setdefault(bot_id, Position(min_units=least)), Execution(*fill))
        if trip is not None:
            trips.setdefault(bot_id, []).append(trip)
    return positions, trips


LOTS = "SELECT opened_ms, units, quantity, price, fee FROM lot WHERE bot_id = ? ORDER BY number"


def _lots(place: Place) -> list[Gap]:
    positions, _ = _booked_again(place)
    gaps = []
    for bot_id, position in positions.items():
        stored = place.rows(LOTS, bot_id)
        expected = [(lot.opened_ms, lot.units, lot.units / 1e8, lot.price, lot.fee) for lot in position.lots]
        held = place.value("SELECT units FROM bot_state WHERE bot_id = ?", bot_id)
        amount = units_gap(held, [lot[1] for lot in stored])
        if stored != expected or amount != 0:
            gaps.append(Gap("lots", str(bot_id), amount))
    return gaps


def _round_trips(place: Place) -> list[Gap]:
    _, trips = _booked_again(place)
    gaps = []
    for (bot_id,) in place.rows("SELECT id FROM bot"):
        stored = place.rows(
            "SELECT opened_ms, closed_ms, quantity, profit, fees, fills FROM round_trip WHERE bot_id = ? ORDER BY id",
            bot_id,
        )
        expected = [
            (trip.opened_ms, trip.closed_ms, trip.quantity, trip.profit, trip.fees, trip.fills)
            for trip in trips.get(bot_id, [])
        ]
        if stored != expected:
            gaps.append(Gap("round trips", str(bot_id), len(stored) - len(expected)))
    return gaps


def _transfers(place: Place) -> list[Gap]:
    gaps = []
    for (step,) in place.rows("SELECT DISTINCT step FROM transfer WHERE kind = 'REBALANCE'"):
        rows = place.rows("SELECT amount FROM transfer WHERE step = ? AND kind = 'REBALANCE'", step)
        gap = transfer_gap([amount for (amount,) in rows])
        if gap != 0.0:
            gaps.append(Gap("transfers", f"step {step}", gap))
    return gaps


GONE = "SELECT coalesce(sum(units), 0) FROM fill WHERE symbol = ? AND trigger = 'WRITE_OFF'"
SENT = """SELECT symbol, sum(CASE side WHEN 'BUY' THEN filled_units ELSE -filled_units END)
          FROM "order" WHERE account = 'paper' GROUP BY symbol"""


def _accounts(place: Place) -> list[Gap]:
    """The paper account holds what its orders filled."""
    gaps = []
    for symbol, account in place.rows(SENT):
        held = place.rows("SELECT units FROM bot_state JOIN bot ON bot.id = bot_id WHERE symbol = ?", symbol)
        gone = place.value(GONE, symbol)
        amount = account_gap(account + gone, [units for (units,) in held])
        if amount != 0:
            gaps.append(Gap("account", symbol, amount))
    return gaps


SHARES = """SELECT client_order_id, filled_units, filled_quantity, fee,
                   (SELECT sum(abs(units - crossed_units)) FROM fill WHERE fill.client_order_id = o.client_order_id),
                   (SELECT sum(fee) FROM fill WHERE fill.client_order_id = o.client_order_id)
            FROM "order" o WHERE status = 'FILLED' OR filled_units > 0"""
STRAY = """SELECT count(*) FROM fill WHERE units != crossed_units AND trigger != 'WRITE_OFF' AND NOT EXISTS
           (SELECT * FROM "order" o WHERE o.client_order_id = fill.client_order_id AND o.filled_units > 0)"""
WAITING = """SELECT count(*) FROM "order" WHERE status = 'INTENT' AND NOT (
             EXISTS (SELECT * FROM market_state m WHERE m.symbol = "order".symbol AND m.order_units != 0)
             OR EXISTS (SELECT * FROM bot_state JOIN bot ON bot.id = bot_id
                        WHERE bot.symbol = "order".symbol AND order_units != 0))"""


def _orders(place: Place) -> list[Gap]:
    gaps = [
        Gap("order", name, filled - (shared or 0))
        for name, filled, quantity, fee, shared, fees in place.rows(SHARES)
        if filled != (shared or 0) or quantity != filled / 1e8 or not is_noise(fee - (fees or 0.0), fee)
    ]
    stray, forgotten = place.value(STRAY), place.value(WAITING)
    gaps += [Gap("fills without their order", "", stray)] if stray else []
    return gaps + ([Gap("orders that nobody waits for", "", forgotten)] if forgotten else [])


def _portfolio(place: Place) -> list[Gap]:
    ((cash, equity),) = place.rows("SELECT cash, equity FROM portfolio_state")
    bots = [amount for (amount,) in place.rows("SELECT equity FROM bot_state")]
    with transaction(place.engine) as connection:
        transfers = bot_sums(connection, 1).get(None)
    found = {
        "equity": equity_gap(equity, cash, bots),
        "portfolio cash": cash - (transfers.transfers if transfers else 0.0),
    }
    return [Gap(what, "portfolio", amount) for what, amount in found.items() if not is_noise(amount, equity)]
