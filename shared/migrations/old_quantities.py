"""What revision 0003 makes of quantities that older programs kept in floats: whole units that add up.

Each market gets a unit in which the largest of its quantities can be counted. Fills are counted first. What crossed in
house sums to 0, what a bot holds is the sum of its fills, and an order has what its fills sent, exactly.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Row, text

from shared.errors import DatabaseError

FIRST_PLACE, LAST_PLACE = -8, 3
# Room for a position to grow; what a float can still be counted from.
LARGEST_QUANTITY_UNITS = 2.0**51
LARGEST_UNITS = 2.0**53
CAPITALS_COUNTED = 100.0
# So few units are what rounding in floats left of a closed position.
DUST_UNITS = 4
BATCH = 20_000

MarketKey = tuple[int, str, str]


@dataclass(slots=True)
class Counting:
    """How a market counts: in units of 10 to the power of `place`."""

    place: int

    @property
    def coins_per_unit(self) -> float:
        return float(10 ** max(self.place, 0))

    @property
    def units_per_coin(self) -> float:
        return float(10 ** max(-self.place, 0))

    def count(self, quantity: float) -> int:
        """Give the nearest whole number of units."""
        return round(Fraction(quantity) * Fraction(10) ** -self.place)

    def coins(self, units: int) -> float:
        """Give the float nearest to so many units."""
        return units * self.coins_per_unit / self.units_per_coin


@dataclass(slots=True)
class Booked:
    """What the fills come to: by bot what it holds and the last fill it had an order for, by order what was sent."""

    held: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    last: dict[int, "_Fill"] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def count_all(connection: Connection) -> None:
    """Fill the columns that revision 0003 adds; raises DatabaseError for quantities that cannot be counted."""
    markets = _markets(connection)
    bots = _bots(connection)
    # A bot that was registered and never ran has no market yet.
    counting_of = {bot_id: markets.get(key, Counting(FIRST_PLACE)) for bot_id, key in bots.items()}
    booked = _count_fills(connection, counting_of)
    _drop_dust(connection, booked)
    _count_orders(connection, markets, booked.sent)
    _count_states(connection, counting_of, booked.held)
    _count_lots(connection, counting_of, booked.held)
    _count_markets(connection, markets, bots)


def _rows(connection: Connection, sql: str, **values: Any) -> list[Row]:
    return list(connection.execute(text(sql), values))


def _write(connection: Connection, sql: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(text(sql), rows)


# --- units ---------------------------------------------------------------------------------------------------------

OWN = """FROM bot JOIN sleeve ON sleeve.id = bot.sleeve_id"""
LARGEST = (
    f"""SELECT bot.portfolio_id, sleeve.account, bot.symbol, MAX(ABS(fill.quantity)) {OWN}
        JOIN fill ON fill.bot_id = bot.id GROUP BY bot.portfolio_id, sleeve.account, bot.symbol""",
    *(
        f"""SELECT bot.portfolio_id, sleeve.account, bot.symbol, MAX(ABS({column})) {OWN}
            JOIN bot_state ON bot_state.bot_id = bot.id GROUP BY bot.portfolio_id, sleeve.account, bot.symbol"""
        for column in ("quantity", "opened_quantity", "target_quantity", "order_quantity")
    ),
    """SELECT portfolio_id, account, symbol, MAX(ABS(quantity)) FROM "order" GROUP BY portfolio_id, account, symbol""",
)
MONEY = f"""SELECT bot.portfolio_id, sleeve.account, bot.symbol, MAX(ABS(money_in)) {OWN}
            JOIN bot_state ON bot_state.bot_id = bot.id GROUP BY bot.portfolio_id, sleeve.account, bot.symbol"""


def _markets(connection: Connection) -> dict[MarketKey, Counting]:
    largest: dict[MarketKey, float] = defaultdict(float)
    for sql in LARGEST:
        for portfolio, account, symbol, size in _rows(connection, sql):
            key = (portfolio, account, symbol)
            largest[key] = max(largest[key], size or 0.0)
    money = {(row[0], row[1], row[2]): row[3] or 0.0 for row in _rows(connection, MONEY)}
    found: dict[MarketKey, Counting] = {}
    for row in _rows(connection, "SELECT portfolio_id, account, symbol, close, quantity_step FROM market_state"):
        key = (row.portfolio_id, row.account, row.symbol)
        found[key] = Counting(_place(key, largest[key], money.get(key, 0.0), row.close, row.quantity_step))
    return found


def _place(key: MarketKey, largest: float, money: float, close: float, step: float) -> int:
    place = min(FIRST_PLACE, math.floor(math.log10(step))) if step > 0.0 else FIRST_PLACE
    wanted = CAPITALS_COUNTED * money / close if close > 0.0 else 0.0
    while place <= LAST_PLACE:
        if largest <= LARGEST_QUANTITY_UNITS * 10.0**place and wanted <= LARGEST_UNITS * 10.0**place:
            return place
        place += 1
    if largest > LARGEST_QUANTITY_UNITS * 10.0**LAST_PLACE:
        raise DatabaseError(f"quantities of {key[2]} must be at most 2^51 thousands to be counted, was {largest:g}")
    return LAST_PLACE


def _bots(connection: Connection) -> dict[int, MarketKey]:
    rows = _rows(connection, f"SELECT bot.id, bot.portfolio_id, sleeve.account, bot.symbol {OWN}")
    return {row.id: (row.portfolio_id, row.account, row.symbol) for row in rows}


# --- fills ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Fill:
    id: int
    bot_id: int
    symbol: str
    order_id: str | None
    units: int
    crossed: int


def _count_fills(connection: Connection, counting_of: Mapping[int, Counting]) -> Booked:
    booked = Booked()
    for fills in _together(connection, counting_of):
        _settle_crossing(fills)
        for fill in fills:
            booked.held[fill.bot_id] += fill.units
            if fill.order_id is not None:
                booked.last[fill.bot_id] = fill
                booked.sent[fill.order_id] += abs(fill.units - fill.crossed)
        _write_fills(connection, fills)
    return booked


def _write_fills(connection: Connection, fills: Iterable[_Fill]) -> None:
    rows = [{"id": fill.id, "units": fill.units, "crossed": fill.crossed} for fill in fills]
    _write(connection, "UPDATE fill SET units = :units, crossed_units = :crossed WHERE id = :id", rows)


def _together(connection: Connection, counting_of: Mapping[int, Counting]) -> Iterator[list[_Fill]]:
    """Give fills that were made at one moment, together."""
    last_id, moment, fills = -1, (-1, -1), list[_Fill]()
    while True:
        rows = _rows(
            connection,
            "SELECT id, bot_id, symbol, step, time_ms, client_order_id, quantity, crossed FROM fill "
            f"WHERE id > :last ORDER BY id LIMIT {BATCH}",
            last=last_id,
        )
        for row in rows:
            if (row.step, row.time_ms) != moment and fills:
                yield fills
                fills = []
            moment, counting = (row.step, row.time_ms), counting_of[row.bot_id]
            units = counting.count(row.quantity)
            crossed = units if row.crossed == row.quantity else counting.count(row.crossed)
            fills.append(_Fill(row.id, row.bot_id, row.symbol, row.client_order_id, units, crossed))
        if not rows:
            break
        last_id = rows[-1].id
    if fills:
        yield fills


def _settle_crossing(fills: list[_Fill]) -> None:
    """Let what crossed on each symbol sum to 0: what rounding left goes to the fill that crossed most in part."""
    for symbol in {fill.symbol for fill in fills}:
        crossing = [fill for fill in fills if fill.symbol == symbol and fill.crossed]
        off = sum(fill.crossed for fill in crossing)
        if off:
            partly = [fill for fill in crossing if fill.crossed != fill.units] or crossing
            most = max(partly, key=lambda fill: abs(fill.crossed))
            # What crossed entirely still does.
            most.units -= off if most.crossed == most.units else 0
            most.crossed -= off


# --- dust that counted as a position -------------------------------------------------------------------------------

GONE = """units = 0, quantity = 0.0, entry_price = 0.0, opened_quantity = 0.0, target_quantity = 0.0, best_price = 0.0,
          worst_price = 0.0, stop_fraction = 0.0, target_fraction = 0.0, exit_level = 0.0, rungs_fired = 0,
          open_fraction = 1.0"""


def _drop_dust(connection: Connection, booked: Booked) -> None:
    """End the round trips of what a close in floats left behind; the last fill closed it, too."""
    for (bot_id,) in _rows(connection, "SELECT bot_id FROM bot_state WHERE quantity != 0.0"):
        units = booked.held.get(bot_id, 0)
        if abs(units) > DUST_UNITS or bot_id not in booked.last:
            continue
        last = booked.last[bot_id]
        sent = abs(last.units - last.crossed)
        last.units -= units
        booked.sent[last.order_id or ""] += abs(last.units - last.crossed) - sent
        booked.held[bot_id] = 0
        _write_fills(connection, [last])
        _write(connection, "DELETE FROM lot WHERE bot_id = :bot", [{"bot": bot_id}])
        _write(connection, f"UPDATE bot_state SET {GONE} WHERE bot_id = :bot", [{"bot": bot_id}])
        _end_trip(connection, bot_id)


ENDED = """INSERT INTO round_trip (portfolio_id, sleeve_id, bot_id, symbol, side, opened_ms, closed_ms, duration_ms,
             quantity, entry_price, exit_price, profit, fees, return_fraction, exit_reason, best_fraction,
             worst_fraction, fills)
           SELECT bot.portfolio_id, bot.sleeve_id, bot.id, bot.symbol, trip.side, trip.opened_ms, :closed,
             :closed - trip.opened_ms, trip.quantity, trip.entry_notional / trip.entry_quantity,
             trip.exit_notional / trip.exit_quantity, trip.profit, trip.fees, trip.profit / trip.entry_notional,
             :trigger, CAST(:best AS DOUBLE PRECISION), CAST(:worst AS DOUBLE PRECISION), trip.fills
           FROM open_round_trip trip JOIN bot ON bot.id = trip.bot_id WHERE trip.bot_id = :bot"""


def _end_trip(connection: Connection, bot_id: int) -> None:
    trips = _rows(connection, "SELECT * FROM open_round_trip WHERE bot_id = :bot", bot=bot_id)
    last = 'SELECT time_ms, "trigger" AS cause FROM fill WHERE bot_id = :bot ORDER BY id DESC LIMIT 1'
    for trip in trips:
        ((time_ms, cause),) = _rows(connection, last, bot=bot_id)
        if trip.entry_quantity and trip.exit_quantity:
            side, entry = (1.0 if trip.side == "BUY" else -1.0), trip.entry_notional / trip.entry_quantity
            moves = [side * (price / entry - 1.0) for price in (trip.best_price, trip.worst_price) if price > 0.0]
            ended = {
                "closed": time_ms,
                "trigger": cause,
                "best": max(moves, default=0.0),
                "worst": min(moves, default=0.0),
            }
            _write(connection, ENDED, [{"bot": bot_id, **ended}])
            _write(connection, "DELETE FROM open_round_trip WHERE bot_id = :bot", [{"bot": bot_id}])


# --- orders, states, lots, markets ---------------------------------------------------------------------------------


def _count_orders(connection: Connection, markets: Mapping[MarketKey, Counting], sent: Mapping[str, int]) -> None:
    columns = "id, client_order_id, portfolio_id, account, symbol, quantity, filled_quantity, status"
    last_id = -1
    while rows := _rows(
        connection, f'SELECT {columns} FROM "order" WHERE id > :last ORDER BY id LIMIT {BATCH}', last=last_id
    ):
        last_id = rows[-1].id
        counted = []
        for row in rows:
            counting = markets[row.portfolio_id, row.account, row.symbol]
            filled = sent.get(row.client_order_id, 0)
            units = filled if row.status == "FILLED" else counting.count(row.quantity)
            counted.append({"id": row.id, "units": units, "filled": filled})
        _write(connection, 'UPDATE "order" SET units = :units, filled_units = :filled WHERE id = :id', counted)


def _count_states(connection: Connection, counting_of: Mapping[int, Counting], held: Mapping[int, int]) -> None:
    names = ("opened_quantity", "target_quantity", "order_quantity", "order_crossed")
    rows = _rows(connection, f"SELECT bot_id, quantity, {', '.join(names)} FROM bot_state")
    counted = []
    for row in rows:
        counting, units = counting_of[row.bot_id], held.get(row.bot_id, 0)
        before = counting.count(row.quantity)
        opened, target, order, crossed = (counting.count(getattr(row, name)) for name in names)
        counted.append(
            {
                "bot": row.bot_id,
                "units": units,
                "quantity": counting.coins(units),
                "opened": opened,
                # What was all of the position still is.
                "target": units if target == before else target,
                "order": -units if order == -before and before else order,
                "crossed": crossed,
            }
        )
    _write(
        connection,
        "UPDATE bot_state SET units = :units, quantity = :quantity, opened_units = :opened, target_units = :target, "
        "order_units = :order, crossed_units = :crossed WHERE bot_id = :bot",
        counted,
    )


def _count_lots(connection: Connection, counting_of: Mapping[int, Counting], held: Mapping[int, int]) -> None:
    """Let the lots of each bot sum to what it holds; what rounding left goes to its largest."""
    lots: dict[int, list[list[int]]] = defaultdict(list)
    for row in _rows(connection, "SELECT bot_id, number, quantity FROM lot ORDER BY bot_id, number"):
        lots[row.bot_id].append([row.number, counting_of[row.bot_id].count(row.quantity)])
    counted = []
    for bot_id, own in lots.items():
        largest = max(own, key=lambda lot: abs(lot[1]))
        largest[1] += held.get(bot_id, 0) - sum(units for _, units in own)
        coins = counting_of[bot_id].coins
        counted += [{"bot": bot_id, "number": n, "units": units, "quantity": coins(units)} for n, units in own]
    _write(
        connection,
        "UPDATE lot SET units = :units, quantity = :quantity WHERE bot_id = :bot AND number = :number",
        counted,
    )
    connection.execute(text("DELETE FROM lot WHERE units = 0"))


def _count_markets(
    connection: Connection, markets: Mapping[MarketKey, Counting], bots: Mapping[int, MarketKey]
) -> None:
    """Count the limits, and let what waits for the next open be what its bots send."""
    waiting: dict[MarketKey, int] = defaultdict(int)
    for row in _rows(connection, "SELECT bot_id, order_units, crossed_units FROM bot_state"):
        waiting[bots[row.bot_id]] += row.order_units - row.crossed_units
    columns = "portfolio_id, account, symbol, quantity_step, min_quantity, order_quantity"
    counted = []
    for row in _rows(connection, f"SELECT {columns} FROM market_state"):
        key = (row.portfolio_id, row.account, row.symbol)
        counting = markets[key]
        step = max(1, counting.count(row.quantity_step))
        counted.append(
            {
                "portfolio": row.portfolio_id,
                "account": row.account,
                "symbol": row.symbol,
                "coins": counting.coins_per_unit,
                "per_coin": counting.units_per_coin,
                "step": step,
                "least": max(step, counting.count(row.min_quantity)),
                "order": waiting[key] if row.order_quantity else 0,
            }
        )
    _write(
        connection,
        "UPDATE market_state SET coins_per_unit = :coins, units_per_coin = :per_coin, step_units = :step, "
        "min_units = :least, order_units = :order "
        "WHERE portfolio_id = :portfolio AND account = :account AND symbol = :symbol",
        counted,
    )
