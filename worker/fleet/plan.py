"""From settings to the fleet they describe: its bots by name, what each needs, the records a fresh one starts with."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from shared.enums import OrderStyle, Policy
from shared.errors import ConfigurationError
from shared.settings import Settings
from shared.units import DAY_MS, YEAR_MS, file_symbol, timeframe_ms
from worker.allocation.transfers import grain_of
from worker.allocation.weights import MEMORY_MS
from worker.fleet.fees import set_fees
from worker.fleet.markets import fresh_market, set_limits
from worker.market.protocol import Limits
from worker.step.fleet import make_fleet
from worker.step.records import Bot, Fleet, Market, Rung
from worker.step.rules import Rules
from worker.step.scopes import Portfolio, Sleeve
from worker.strategies.registry import find_strategy
from worker.strategies.signals import SignalKey, live_window_bars


@dataclass(frozen=True, slots=True)
class BotPlan:
    """One bot as the settings describe it; `retiring` ones are no longer in the settings but still in the books."""

    name: str
    sleeve: str
    symbol: str
    account: str
    key: SignalKey
    retiring: bool = False


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """All bots, in the order of the books, and what they share: sleeves, markets (account, symbol) and signals."""

    bots: tuple[BotPlan, ...]
    sleeves: tuple[str, ...]
    markets: tuple[tuple[str, str], ...]
    signals: tuple[SignalKey, ...]
    # the name of each market's candles: its symbol, and where accounts are on several exchanges the exchange too
    series: tuple[str, ...]

    @property
    def accounts(self) -> tuple[str, ...]:
        """Give each account once, in the order of the markets."""
        return tuple(dict.fromkeys(account for account, _ in self.markets))

    @property
    def symbols(self) -> tuple[str, ...]:
        """Give each series of candles once, in the order of the markets."""
        return tuple(dict.fromkeys(self.series))


def bot_name(prefix: str, symbol: str, timeframe: str, number: int) -> str:
    """Give a bot's name: `mr_btc_usdt_1h_p1`."""
    return f"{prefix}_{file_symbol(symbol).lower()}_{timeframe}_p{number}"


def planned_bots(settings: Settings) -> tuple[BotPlan, ...]:
    """Give the bots the settings ask for; raises ConfigurationError for unknown strategies and bad parameters."""
    bots = []
    for strategy_name, sleeve in settings.strategies.sleeves.items():
        strategy = find_strategy(strategy_name)
        timeframe = sleeve.timeframe or settings.portfolio.timeframe
        own_ms = timeframe_ms(timeframe)
        if own_ms % settings.step_ms:
            raise ConfigurationError(
                f"strategies.{strategy_name}.timeframe must be a multiple of portfolio.timeframe "
                f"{settings.portfolio.timeframe}, was {timeframe}"
            )
        account = settings.account_of(sleeve)
        for symbol in settings.portfolio.symbols if sleeve.symbols is None else sleeve.symbols:
            for number, values in enumerate(sleeve.grid, start=1):
                key = SignalKey(symbol, strategy_name, strategy.checked(values), own_ms)
                name = bot_name(strategy.prefix, symbol, timeframe, number)
                bots.append(BotPlan(name, strategy_name, symbol, account, key))
    if not bots:
        raise ConfigurationError("strategies must have at least one that is enabled, was none")
    times = Counter((bot.key, bot.account) for bot in bots)
    twice = next((bot for bot in bots if times[bot.key, bot.account] > 1), None)
    if twice is not None:
        raise ConfigurationError(
            f"strategies.{twice.sleeve}.grid must not repeat a parameter set, was {list(twice.key.parameters)} twice"
        )
    return tuple(bots)


def plan_fleet(bots: Sequence[BotPlan]) -> FleetPlan:
    """Work out what bots share."""
    series = {(bot.account, bot.symbol): bot.key.symbol for bot in bots}
    return FleetPlan(
        tuple(bots),
        tuple(dict.fromkeys(bot.sleeve for bot in bots)),
        tuple(series),
        tuple(dict.fromkeys(bot.key for bot in bots)),
        tuple(series.values()),
    )


def window_bars(plan: FleetPlan, step_ms: int) -> int:
    """Give the newest bars a live worker must keep for every signal to be that of the full history."""
    return max(
        live_window_bars(find_strategy(key.strategy), key.parameters, step_ms, key.own_ms) for key in plan.signals
    )


def make_rules(settings: Settings, asks_exits: bool = False) -> Rules:
    """Turn settings into the rules of the step; `asks_exits` where protective exits are orders like any other."""
    risk, allocation, broker, step_ms = settings.risk, settings.allocation, settings.broker, settings.step_ms
    return Rules(
        slippage=broker.slippage,
        step_ms=step_ms,
        netting=int(risk.netting),
        order_style=int(OrderStyle[broker.order.upper()]),
        limit_offset=broker.limit_offset,
        entries_lapse=int(broker.order == "limit" or (broker.order, broker.maker_unfilled) == ("maker", "lapse")),
        asks_exits=int(asks_exits),
        stop=risk.stop,
        trail_activate=risk.trail_activate,
        trail_giveback=risk.trail_giveback,
        brakes=int(risk.brakes),
        portfolio_drawdown=risk.portfolio_drawdown,
        daily_loss=risk.daily_loss,
        sleeve_drawdown=risk.sleeve_drawdown,
        bot_drawdown=risk.bot_drawdown,
        warn_at=risk.warn_at,
        policy=int(Policy[allocation.policy.upper()]),
        rebalance_every=allocation.rebalance_every,
        rebalance_band=allocation.rebalance_band,
        grain=grain_of(settings.portfolio.capital_per_bot),
        bot_low=DEFAULT_BOT_BOUNDS[0] if allocation.bot_low is None else allocation.bot_low,
        bot_low_most=_low_most(allocation.bot_low),
        bot_high=DEFAULT_BOT_BOUNDS[1] if allocation.bot_high is None else allocation.bot_high,
        sleeve_low=DEFAULT_SLEEVE_BOUNDS[0] if allocation.sleeve_low is None else allocation.sleeve_low,
        sleeve_low_most=_low_most(allocation.sleeve_low),
        sleeve_high=DEFAULT_SLEEVE_BOUNDS[1] if allocation.sleeve_high is None else allocation.sleeve_high,
        memory=1.0 - 0.5 ** (step_ms / MEMORY_MS),
        steps_per_year_root=math.sqrt(YEAR_MS / step_ms),
        confirm_bars=risk.confirm_bars,
        volatility_sizing=int(risk.volatility_sizing),
        volatility_target=risk.volatility_target,
        volatility_low=risk.volatility_low,
        volatility_high=risk.volatility_high,
        max_position=risk.max_position,
        risk_per_trade=risk.risk_per_trade,
        leverage=risk.leverage,
        resize=int(risk.resize),
        resize_band=risk.resize_band,
        edge_to_cost=risk.edge_to_cost,
        cooldown_ms=round(risk.cooldown * 1000),
        max_portfolio_exposure=_cap(risk.max_portfolio_exposure),
        max_symbol_exposure=_cap(risk.max_symbol_exposure),
        min_notional=risk.min_notional,
    )


DEFAULT_BOT_BOUNDS = (0.05, 0.70)
DEFAULT_SLEEVE_BOUNDS = (0.10, 0.60)
# A default lower bound is at most half an equal weight, so that a policy can tell any number of members apart.
DEFAULT_LOW_MOST = 0.5


def _low_most(written: float | None) -> float:
    """Give the share of an equal weight a lower bound is at most: one a person wrote stands, up to an equal weight."""
    return DEFAULT_LOW_MOST if written is None else 1.0


def _cap(fraction: float | None) -> float:
    return math.inf if fraction is None else fraction


def check_bounds(settings: Settings, plan: FleetPlan) -> None:
    """Refuse bounds a person wrote that no weights can meet, and weights of no one; raises ConfigurationError."""
    allocation = settings.allocation
    _check_names("sleeve", allocation.sleeve_weights, plan.sleeves)
    _check_names("bot", allocation.bot_weights, [bot.name for bot in plan.bots])
    _check_scope("sleeve", len(plan.sleeves), "sleeves", allocation.sleeve_low, allocation.sleeve_high)
    for sleeve in plan.sleeves:
        members = sum(bot.sleeve == sleeve and not bot.retiring for bot in plan.bots)
        _check_scope("bot", members, f"bots of {sleeve}", allocation.bot_low, allocation.bot_high)


def _check_names(scope: str, weights: Mapping[str, float], names: Sequence[str]) -> None:
    unknown = sorted(set(weights) - set(names))
    if unknown:
        raise ConfigurationError(f"allocation.{scope}_weights must name {scope}s of the fleet, was {unknown[0]!r}")


def _check_scope(scope: str, members: int, words: str, low: float | None, high: float | None) -> None:
    if low is not None and members and low * members > 1.0 + 1e-9:
        raise ConfigurationError(f"allocation.{scope}_low must be at most 1/{members} for {members} {words}, was {low}")
    if high is not None and members and high * members < 1.0 - 1e-9:
        raise ConfigurationError(
            f"allocation.{scope}_high must be at least 1/{members} for {members} {words}, was {high}"
        )


def describe_bot(settings: Settings, plan: FleetPlan, bot: BotPlan) -> dict[str, Any]:
    """Give the fields of a bot's record that say what it is; a restart takes them from the settings again."""
    strategy = find_strategy(bot.key.strategy)
    return {
        "sleeve": plan.sleeves.index(bot.sleeve),
        "market": plan.markets.index((bot.account, bot.symbol)),
        "signal": plan.signals.index(bot.key),
        "retiring": int(bot.retiring),
        "fixed_weight": settings.allocation.bot_weights.get(bot.name, 1.0),
        "horizon_root": math.sqrt(strategy.horizon_bars(*bot.key.parameters)),
        "volatility_scale": math.sqrt(DAY_MS / bot.key.own_ms),
    }


def fresh_bot(settings: Settings, plan: FleetPlan, bot: BotPlan, capital: float) -> Bot:
    """Give the record of a bot that starts with so much money."""
    return Bot(
        **describe_bot(settings, plan, bot),
        cash=capital,
        money_in=capital,
        equity=capital,
        settled_equity=capital,
        high_water=capital,
        allocation=capital,
    )


def make_markets(settings: Settings, plan: FleetPlan, limits: Mapping[str, Limits]) -> list[Market]:
    """Give the markets' records with what the exchange takes of each symbol, and the account of a fill."""
    markets = []
    for (account, _), symbol in zip(plan.markets, plan.series, strict=True):
        with _naming(symbol):
            pays_in_coins = settings.broker.kind == "ccxt" and settings.account(account).type != "swap"
            market = fresh_market(limits.get(symbol, Limits()), settings, pays_in_coins)
        set_fees(market, settings, account)
        market.account_index = plan.accounts.index(account)
        markets.append(market)
    return markets


def take_limits(settings: Settings, plan: FleetPlan, limits: Mapping[str, Limits], markets: Sequence[Market]) -> None:
    """Let the markets' records have what the exchange takes now; those of symbols it does not speak of stay."""
    for market, symbol in zip(markets, plan.series, strict=True):
        if symbol in limits:
            with _naming(symbol):
                set_limits(market, limits[symbol], settings)


@contextmanager
def _naming(symbol: str) -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"{symbol}: {error}") from error


def open_fleet(settings: Settings, plan: FleetPlan, limits: Mapping[str, Limits], asks_exits: bool = False) -> Fleet:
    """Give a fresh fleet, every bot with `portfolio.capital_per_bot`."""
    capital = settings.portfolio.capital_per_bot
    bots = [fresh_bot(settings, plan, bot, capital) for bot in plan.bots]
    sleeves = []
    for name in plan.sleeves:
        money = capital * sum(bot.sleeve == name for bot in plan.bots)
        weight = settings.allocation.sleeve_weights.get(name, 1.0)
        sleeves.append(Sleeve(fixed_weight=weight, equity=money, settled_equity=money, high_water=money))
    total = capital * len(bots)
    portfolio = Portfolio(equity=total, settled_equity=total, high_water=total, day_start_equity=total)
    fleet = make_fleet(
        make_rules(settings, asks_exits),
        portfolio,
        sleeves,
        bots,
        make_markets(settings, plan, limits),
        len(plan.signals),
        make_ladder(settings),
    )
    for account, name in zip(fleet.accounts, plan.accounts, strict=True):
        account.most = settings.account(name).limit or math.inf
    return fleet


def make_ladder(settings: Settings) -> list[Rung]:
    """Give the rungs of the ladder."""
    return [Rung(profit, fraction) for profit, fraction in settings.risk.ladder]
