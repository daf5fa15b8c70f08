"""What a person is told of symbols that have no bars: once when it begins, once when it is over, never at each bar."""

from collections.abc import Iterable, Mapping

from shared.enums import Severity
from shared.money import price_text
from shared.units import DAY_MS, format_duration, format_time
from worker.fleet.plan import FleetPlan
from worker.risk.position import is_flat
from worker.step.records import Fleet, Market
from worker.store.events import EventRow

# A symbol that nobody trades for a while has no candles; that is told of when it lasts this long.
SILENT_MS = DAY_MS


class Absences:
    """Remembers which symbols were told of since the worker started, and since when they have no bars."""

    def __init__(self, plan: FleetPlan) -> None:
        self._plan = plan
        self._since_ms: dict[str, int] = {}

    def news(self, fleet: Fleet, missing: Mapping[str, str], close_ms: int, wall_ms: int) -> list[EventRow]:
        """Say what has changed with the bar that closed; `missing` are the symbols without it, with why."""
        events = []
        for symbol, market in zip(self._plan.series, fleet.markets, strict=True):
            if symbol in missing and symbol not in self._since_ms:
                if missing[symbol] or _silent_ms(market, close_ms) >= SILENT_MS:
                    self._since_ms[symbol] = market.price_ms or close_ms
                    said = self._gone(fleet, symbol, market, missing[symbol] or "it has no candles")
                    events.append(EventRow(close_ms, wall_ms, Severity.WARNING, "SYMBOL_MISSING", said))
            elif symbol not in missing and symbol in self._since_ms:
                lasted = format_duration(close_ms - self._since_ms.pop(symbol))
                said = f"{symbol} has bars again, after {lasted}"
                events.append(EventRow(close_ms, wall_ms, Severity.INFO, "SYMBOL_BACK", said))
        return events

    def _gone(self, fleet: Fleet, symbol: str, market: Market, why: str) -> str:
        holders = list(self._holders(fleet, symbol))
        if not holders:
            return f"{symbol} has no bar: {why}; no bot holds it"
        since = f" of {format_time(market.price_ms)}" if market.price_ms else ""
        price = f"{price_text(market.close)}{since}"
        return (
            f"{symbol} has no bar: {why}; {', '.join(holders)} hold it, valued at its last price {price}; "
            "what can be sold no more is written off by `flotilla write-off`"
        )

    def _holders(self, fleet: Fleet, symbol: str) -> Iterable[str]:
        for bot, plan in zip(fleet.bots, self._plan.bots, strict=True):
            if plan.key.symbol == symbol and not is_flat(bot, fleet.markets[bot.market]):
                yield plan.name


def _silent_ms(market: Market, close_ms: int) -> int:
    return close_ms - market.price_ms if market.price_ms else 0
