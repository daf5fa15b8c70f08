"""The paper broker: orders fill at the first price of the next bar, as in a backtest."""

from collections.abc import Sequence

from shared.enums import BarStatus
from worker.step.fill import fill_orders, simulate_executions
from worker.step.records import Fleet
from worker.step.step import open_bar

NO_PRICE = 0.0


class PaperBroker:
    """Fills by the fill model, at once where the price is known, else with the next bar."""

    keeps_shares = False

    def begin(self, fleet: Fleet, open_ms: int) -> None:
        """Fill what waited at the bar's open."""
        open_bar(fleet, open_ms)

    def intend(
        self, fleet: Fleet, prices: Sequence[float] | None, mids: Sequence[float], time_ms: int, style: int
    ) -> bool:
        """Fill the orders at the given prices; the markets keep the bar they hold."""
        if prices is None:
            return False
        bars = [(market.open, market.status) for market in fleet.markets]
        for market, price in zip(fleet.markets, prices, strict=True):
            market.open = price
            market.status = int(BarStatus.FRESH if price > NO_PRICE else BarStatus.MISSING)
        simulate_executions(fleet, style)
        fill_orders(fleet, time_ms)
        for market, (open_, status) in zip(fleet.markets, bars, strict=True):
            market.open, market.status = open_, status
        return True
