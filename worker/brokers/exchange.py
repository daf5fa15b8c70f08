"""The broker of an exchange: what crosses in house is booked with the step, the rest leaves once that is committed."""

from collections.abc import Sequence

from worker.step.records import Fleet
from worker.step.share import book_share


class ExchangeBroker:
    """Books what crosses in house and forgets the orders in the records: from then on they are under way."""

    keeps_shares = True

    def begin(self, fleet: Fleet, open_ms: int) -> None:
        """Nothing waits for an open: orders left when they were decided."""

    def intend(
        self, fleet: Fleet, prices: Sequence[float] | None, mids: Sequence[float], time_ms: int, style: int
    ) -> bool:
        """Book what crosses in house, free of cost: at the mid, or at the close where there is none."""
        for b, bot in enumerate(fleet.bots):
            if bot.crossed_units != 0:
                price = (mids[bot.market] if mids else 0.0) or fleet.markets[bot.market].close
                book_share(fleet, b, bot.crossed_units, price, 0.0, time_ms, bot.order_trigger, is_crossed=True)
            bot.order_units = bot.crossed_units = 0
        for market in fleet.markets:
            market.order_units = 0
        return False
