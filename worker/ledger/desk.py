"""The positions of a fleet: books each bot's fills in order and says what changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from worker.ledger.lots import Execution, Position, RoundTrip, book_execution


@dataclass(slots=True)
class Booked:
    """What a run of fills changed: bots whose lots did, and the round trips that ended, by bot as they ended."""

    bots: set[int] = field(default_factory=set)
    round_trips: list[tuple[int, RoundTrip]] = field(default_factory=list)


class LedgerDesk:
    """One position per bot, by its index in the fleet."""

    def __init__(self, positions: Sequence[Position]) -> None:
        self.positions = list(positions)

    def book(self, bot: int, execution: Execution, booked: Booked) -> None:
        """Book one leg."""
        round_trip = book_execution(self.positions[bot], execution)
        booked.bots.add(bot)
        if round_trip is not None:
            booked.round_trips.append((bot, round_trip))
