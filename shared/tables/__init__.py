"""The SQLModel tables, one file per theme; importing this package registers all of them."""

from shared.tables.accounts import AccountCoin, AccountFlow, AccountState, OrderShare, Trade
from shared.tables.candles import BarRecord, Candle
from shared.tables.commands import Command
from shared.tables.equity import EquityPoint, EquityRecent
from shared.tables.fleet import Bot, Portfolio, Sleeve
from shared.tables.money import AllocationPoint, Funding, Transfer
from shared.tables.round_trips import Lot, OpenRoundTrip, RoundTrip
from shared.tables.states import BotState, MarketState, PortfolioState, SleeveState
from shared.tables.trading import Decision, Fill, OpenDecision, Order, ReasonTotal
from shared.tables.watch import Event, Heartbeat, ResearchRun, SettingsVersion

__all__ = [
    "AccountCoin",
    "AccountFlow",
    "AccountState",
    "AllocationPoint",
    "BarRecord",
    "Bot",
    "BotState",
    "Candle",
    "Command",
    "Decision",
    "EquityPoint",
    "EquityRecent",
    "Event",
    "Fill",
    "Funding",
    "Heartbeat",
    "Lot",
    "MarketState",
    "OpenDecision",
    "OpenRoundTrip",
    "Order",
    "OrderShare",
    "Portfolio",
    "PortfolioState",
    "ReasonTotal",
    "ResearchRun",
    "RoundTrip",
    "SettingsVersion",
    "Sleeve",
    "SleeveState",
    "Trade",
    "Transfer",
]
