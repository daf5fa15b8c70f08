"""A portfolio and its planned bots as the books know them, and back."""

from shared.enums import BotStatus
from shared.settings import Settings
from shared.units import timeframe_ms
from worker.fleet.plan import BotPlan
from worker.fleet.series import series_name
from worker.store.fleet import BotIdentity, PortfolioIdentity, RegisteredBot
from worker.strategies.registry import find_strategy
from worker.strategies.signals import SignalKey

# Bots of the books that are no longer asked for.
LEFT = (BotStatus.RETIRING, BotStatus.RETIRED)


def portfolio_identity(settings: Settings, market_label: str) -> PortfolioIdentity:
    """Give what the fleet is to the books."""
    portfolio, broker = settings.portfolio, settings.broker
    label = f"paper, fee {broker.fee_rate:.4%}, slippage {broker.slippage:.4%}"
    if broker.kind == "ccxt":
        label = f"live orders on {' and '.join(_account_label(settings, name) for name in _accounts(settings))}"
    return PortfolioIdentity(portfolio.name, portfolio.quote, settings.step_ms, market_label, label)


def _accounts(settings: Settings) -> list[str]:
    """Name the accounts of the sleeves, each once."""
    return list(dict.fromkeys(settings.account_of(sleeve) for sleeve in settings.strategies.sleeves.values()))


def _account_label(settings: Settings, name: str) -> str:
    account = settings.account(name)
    where = "testnet" if account.sandbox else "real money"
    return f"{name} ({account.exchange} {account.type}, {account.endpoint or where})"


def bot_identity(bot: BotPlan, settings: Settings) -> BotIdentity:
    """Give what a planned bot is to the books."""
    sleeve = settings.strategies.sleeves[bot.sleeve]
    timeframe = sleeve.timeframe or settings.portfolio.timeframe
    return BotIdentity(bot.name, bot.sleeve, bot.key.strategy, bot.symbol, timeframe, bot.key.parameters, bot.account)


def registered_plan(bot: RegisteredBot, settings: Settings) -> BotPlan:
    """Give the plan of a bot of the books, also of one that retires."""
    parameters = find_strategy(bot.strategy).checked(bot.parameters)
    series = series_name(settings, bot.account, bot.symbol)
    key = SignalKey(series, bot.strategy, parameters, timeframe_ms(bot.timeframe))
    return BotPlan(bot.name, bot.sleeve, bot.symbol, bot.account, key, bot.status in LEFT)
