"""Fills become FIFO lots, and lots become round trips, when the fill arrives."""

from dataclasses import dataclass, field

from shared.enums import Trigger
from shared.metrics.round_trips import open_profit
from shared.quantities import Unit


@dataclass(slots=True)
class Lot:
    """What is left of one opening fill: signed units, their price, the part of its fee not yet realised."""

    opened_ms: int
    units: int
    price: float
    fee: float


@dataclass(slots=True)
class Trip:
    """A round trip under way: from flat on; or the money of dust, which waits for the next."""

    opened_ms: int
    direction: float
    largest_quantity: float = 0.0
    entry_quantity: float = 0.0
    entry_quote: float = 0.0
    exit_quantity: float = 0.0
    exit_quote: float = 0.0
    fees: float = 0.0
    profit: float = 0.0
    fills: int = 0

    @property
    def was_position(self) -> bool:
        """Say whether it ever held more than dust."""
        return self.largest_quantity > 0.0


@dataclass(slots=True, frozen=True)
class RoundTrip:
    """From flat to flat. `profit` is quote after `fees`; excursions are fractions of the entry price."""

    opened_ms: int
    closed_ms: int
    direction: int
    quantity: float
    entry_price: float
    exit_price: float
    profit: float
    fees: float
    return_fraction: float
    exit_trigger: int
    best_fraction: float
    worst_fraction: float
    fills: int


@dataclass(slots=True)
class Position:
    """The open lots of one bot, oldest first, and its round trip under way; less than `min_units` counts as flat."""

    unit: Unit = field(default_factory=Unit)
    min_units: int = 1
    lots: list[Lot] = field(default_factory=list)
    trip: Trip | None = None

    @property
    def units(self) -> int:
        """Give what the lots sum to, signed."""
        return sum(lot.units for lot in self.lots)

    def unrealised(self, close: float) -> float:
        """Give the open profit at a price."""
        return sum(open_profit(self.unit.coins(lot.units), lot.price, lot.fee, close) for lot in self.lots)


@dataclass(slots=True, frozen=True)
class Execution:
    """One bot's leg as the ledger takes it: it either opens or closes, and crosses zero by no more than dust."""

    time_ms: int
    units: int
    price: float
    fee: float
    trigger: int = int(Trigger.SIGNAL)
    best_price: float = 0.0
    worst_price: float = 0.0


def book_execution(position: Position, execution: Execution) -> RoundTrip | None:
    """Book a leg into a position; give the round trip it ended, if any.

    What is left below the smallest quantity counts as flat: the round trip ends, the dust stays an open lot. A leg
    from flat to flat makes no round trip: what it earned or cost is the next one's.
    """
    held = position.units
    left = held + execution.units
    was_flat, is_flat = abs(held) < position.min_units, abs(left) < position.min_units
    trip = position.trip
    if was_flat and is_flat and not (trip and trip.was_position):
        _book_dust(position, execution)
        return None
    if trip is None or not trip.was_position or (was_flat and not is_flat):
        trip = position.trip = _begin(position, execution, was_flat)
    _book_leg(position, trip, execution, opens=trip.direction * execution.units > 0)
    trip.largest_quantity = max(trip.largest_quantity, position.unit.coins(abs(left)))
    if not is_flat:
        return None
    position.trip = None
    return _round_trip(trip, execution)


def _book_dust(position: Position, execution: Execution) -> None:
    """Book what is too little to be a position; what it realises waits for the next round trip."""
    if position.trip is None:
        position.trip = Trip(execution.time_ms, _direction(execution.units))
    _book_leg(position, position.trip, execution, opens=position.units * execution.units >= 0)


def _begin(position: Position, execution: Execution, was_flat: bool) -> Trip:
    """Begin from flat or with what lies there; the money of a trip without a position is taken over."""
    before = position.trip
    trip = Trip(execution.time_ms, _direction(execution.units)) if was_flat else _take_over(execution, position)
    if before is not None:
        trip.profit, trip.fees, trip.fills = before.profit, before.fees, before.fills
    return trip


def _take_over(execution: Execution, position: Position) -> Trip:
    """Begin with what lies there: dust that a smaller smallest quantity made a position without a fill."""
    quantity = position.unit.coins(abs(position.units))
    return Trip(
        execution.time_ms,
        _direction(position.units),
        largest_quantity=quantity,
        entry_quantity=quantity,
        entry_quote=abs(sum(position.unit.coins(lot.units) * lot.price for lot in position.lots)),
    )


def _book_leg(position: Position, trip: Trip, execution: Execution, opens: bool) -> None:
    trip.fills += 1
    trip.fees += execution.fee
    if opens:
        _open_lot(position, trip, execution)
    else:
        _close_lots(position, trip, execution)


def _direction(units: int) -> float:
    return 1.0 if units > 0 else -1.0


def _open_lot(position: Position, trip: Trip, execution: Execution) -> None:
    quantity = position.unit.coins(abs(execution.units))
    position.lots.append(Lot(execution.time_ms, execution.units, execution.price, execution.fee))
    trip.entry_quantity += quantity
    trip.entry_quote += quantity * execution.price


def _close_lots(position: Position, trip: Trip, execution: Execution) -> None:
    """Realise the oldest lots first; a fee is shared over a lot's units. What is closed beyond them is dust."""
    coins, to_close = position.unit.coins, -execution.units
    trip.exit_quantity += coins(abs(to_close))
    trip.exit_quote += coins(abs(to_close)) * execution.price
    trip.profit -= execution.fee
    while position.lots and to_close:
        lot = position.lots[0]
        if abs(lot.units) <= abs(to_close):
            trip.profit += coins(lot.units) * (execution.price - lot.price) - lot.fee
            to_close -= lot.units
            position.lots.pop(0)
        else:
            fee = lot.fee * (to_close / lot.units)
            trip.profit += coins(to_close) * (execution.price - lot.price) - fee
            lot.units -= to_close
            lot.fee -= fee
            to_close = 0
    if to_close:
        position.lots.append(Lot(execution.time_ms, -to_close, execution.price, 0.0))


def _round_trip(trip: Trip, execution: Execution) -> RoundTrip:
    entry = trip.entry_quote / trip.entry_quantity if trip.entry_quantity else execution.price
    prices = (execution.best_price or execution.price, execution.worst_price or execution.price, execution.price)
    excursions = [trip.direction * (price / entry - 1.0) for price in prices]
    return RoundTrip(
        opened_ms=trip.opened_ms,
        closed_ms=execution.time_ms,
        direction=int(trip.direction),
        quantity=trip.largest_quantity,
        entry_price=entry,
        exit_price=trip.exit_quote / trip.exit_quantity if trip.exit_quantity else execution.price,
        profit=trip.profit,
        fees=trip.fees,
        return_fraction=trip.profit / trip.entry_quote if trip.entry_quote else 0.0,
        exit_trigger=execution.trigger,
        best_fraction=max(excursions),
        worst_fraction=min(excursions),
        fills=trip.fills,
    )
