"""Who may trade: what real orders want beyond `broker.kind`. Each refusal is one sentence, before any is sent."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from shared.accounts import AccountSettings
from shared.errors import ConfigurationError
from shared.settings import Settings
from shared.settings_file import shown
from shared.settings_layers import LIVE_VARIABLE
from worker.exchange.key_check import check_rights
from worker.exchange.protocol import AccountClient
from worker.exchange.table import quirks_of
from worker.fleet.plan import planned_bots
from worker.fleet.series import candle_sources
from worker.orders.live_order import base_of
from worker.orders.sending import clock_fault


def symbols_by_account(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Give the symbols of the planned bots by their account, in the order of the settings."""
    found: dict[str, dict[str, None]] = {}
    for bot in planned_bots(settings):
        found.setdefault(bot.account, {})[bot.symbol] = None
    return {account: tuple(symbols) for account, symbols in found.items()}


def check_settings(settings: Settings, in_books: Mapping[str, Collection[str]], environment: Mapping[str, str]) -> None:
    """Raise ConfigurationError for settings that may not trade; asks no exchange. `in_books` is by account."""
    if not settings.accounts:
        raise ConfigurationError("the settings must have [accounts.NAME] where broker.kind is ccxt, had none")
    accounts = symbols_by_account(settings)
    for name in dict.fromkeys((*accounts, *in_books)):
        _check_account(settings, name, accounts.get(name, ()))
    _check_market(settings, in_books)
    for name in accounts:
        _check_limit(settings, name)
    _check_word(tuple(dict.fromkeys((*accounts, *in_books))), environment)


def admit(
    client: AccountClient, settings: Settings, symbols: Collection[str], in_books: Collection[str], is_new: bool
) -> list[str]:
    """Ask an account's exchange whether it may trade, and give warnings. Raises ConfigurationError and MarketError.

    `in_books` are symbols of the account that the books have: of them one that trades no more is a warning, for what
    is held there must be looked after. `is_new`: no order was sent to the account yet.
    """
    client.connect((*symbols, *in_books), in_books)
    if said := clock_fault(client):
        raise ConfigurationError(said)
    warnings = [_check_trading(client, symbol, symbol in in_books) for symbol in dict.fromkeys((*symbols, *in_books))]
    warnings += [check_rights(client), _check_balance(client, settings, symbols, is_new)]
    return [warning for warning in warnings if warning]


def set_up(client: AccountClient, settings: Settings, symbols: Collection[str]) -> None:
    """Set one-way positions, margin mode and leverage of an account's perpetuals, and read them back.

    Raises ConfigurationError for what cannot be set.
    """
    leverage = max(math.ceil(settings.risk.leverage), 1)
    client.set_up(symbols, leverage, settings.account(client.name).margin == "isolated", hedge=False)


def _check_account(settings: Settings, name: str, symbols: Sequence[str]) -> None:
    if name not in settings.accounts:
        raise ConfigurationError(
            f"account {name} must be in the settings as [accounts.{name}] where broker.kind is ccxt, was not"
        )
    account = settings.accounts[name]
    quirks_of(account.exchange, account.type, f"account {name}")
    spot = [symbol for symbol in symbols if not is_perpetual(symbol, account)]
    if settings.portfolio.allow_short and spot:
        raise ConfigurationError(
            f"portfolio.allow_short must be false, for account {name} trades {spot[0]} in spot, was true"
        )


def is_perpetual(symbol: str, account: AccountSettings) -> bool:
    """Say whether a symbol is a perpetual on an account."""
    return account.type == "swap" or ":" in symbol


def _check_market(settings: Settings, in_books: Mapping[str, Collection[str]]) -> None:
    """Candles come from the exchange of each account, or live would trade on prices of elsewhere."""
    if settings.market.kind != "ccxt":
        raise ConfigurationError(f"market.kind must be ccxt where broker.kind is ccxt, was {settings.market.kind}")
    candle_sources(settings, in_books)
    for bot in planned_bots(settings):
        is_unified = settings.accounts[bot.account].type == "unified"
        if is_unified and settings.market.exchange_type == "swap" and ":" not in bot.symbol:
            base, quote = bot.symbol.split("/")
            raise ConfigurationError(
                f"symbols must be like {base}/{quote}:{quote} for perpetuals of the unified account {bot.account}, or "
                f"market.exchange_type spot, was {bot.symbol}"
            )


def _check_limit(settings: Settings, name: str) -> None:
    bots = Counter(bot.account for bot in planned_bots(settings))[name]
    money = settings.portfolio.money
    capital, limit = bots * settings.portfolio.capital_per_bot, settings.accounts[name].limit
    if limit is None or limit < capital:
        was = "not set" if limit is None else money.amount(limit)
        raise ConfigurationError(
            f"accounts.{name}.limit must be at least {money.amount(capital)}, the capital of its {bots} bots, was {was}"
        )


def _check_word(names: Sequence[str], environment: Mapping[str, str]) -> None:
    said = environment.get(LIVE_VARIABLE, "")
    typed = [word.strip() for word in said.split(",") if word.strip()]
    if sorted(typed) != sorted(names):
        raise ConfigurationError(
            f"{LIVE_VARIABLE} in the environment must be {','.join(names)}, the accounts that are to trade, was "
            f"{shown(said) if said else 'not set'}"
        )


def _check_trading(client: AccountClient, symbol: str, is_in_books: bool) -> str:
    if client.rules(symbol).is_trading:
        return ""
    said = f"symbol {symbol} must be trading on account {client.name}, was not"
    if not is_in_books:
        raise ConfigurationError(said)
    return said


def _check_balance(client: AccountClient, settings: Settings, symbols: Collection[str], is_new: bool) -> str:
    """Hold the limit to what the account is worth: an account that has traded may have lost, and must go on."""
    quote, limit = settings.portfolio.quote, settings.account(client.name).limit
    balances = client.balances()
    account = settings.account(client.name)
    held = {base_of(symbol): symbol for symbol in symbols if not is_perpetual(symbol, account)}
    # Of what trades no more nobody says a price.
    held = {coin: symbol for coin, symbol in held.items() if balances.get(coin) and client.rules(symbol).is_trading}
    prices = client.best_prices(held.values()) if held else {}
    worth = balances.get(quote, Decimal(0)) + sum(balances[coin] * prices[symbol][0] for coin, symbol in held.items())
    if limit is None or limit <= worth:
        return ""
    money = settings.portfolio.money
    said = (
        f"accounts.{client.name}.limit must be at most what the account is worth, {money.amount(float(worth))} "
        f"{quote}, was {money.amount(limit)}"
    )
    if is_new:
        raise ConfigurationError(said)
    return said


def not_verified(settings: Settings, name: str) -> tuple[str, ...]:
    """Name what nothing supports of an account's exchange."""
    account = settings.account(name)
    return quirks_of(account.exchange, account.type).not_verified
