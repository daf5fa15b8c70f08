"""Settings: `flotilla.toml`, then `FLOTILLA_…` from the environment, then dotted overrides; frozen and validated.

Fractions are fractions (0.03 is 3%). A profile is a named set of values that stands below the file, so that what a
person wrote always wins.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.accounts import DEFAULT_ACCOUNT, AccountSettings
from shared.bounds import (
    Address,
    BotName,
    DatabaseUrl,
    DateFormat,
    Endpoint,
    ExchangeName,
    FilePath,
    Fraction,
    HostName,
    Name,
    NonNegative,
    Number,
    Positive,
    Quote,
    RawWeight,
    Share,
    Start,
    Timeframe,
    Weight,
    Whole,
)
from shared.broker_settings import BrokerSettings
from shared.errors import ConfigurationError
from shared.money import DOLLARS, Money, money_of
from shared.secret_url import SecretUrl
from shared.section import Section
from shared.settings_file import existing, read_toml, sentence, shown
from shared.settings_layers import from_environment, from_override, merge
from shared.units import DAY_MS, timeframe_ms

FILE_NAME = "flotilla.toml"
MOST_BOTS = 5_000
# Ten years of minutes.
MOST_STEPS_OF_HISTORY = 3650 * 1440
# Coins are named in other scripts too; a dated future ends with its day.
SYMBOL_PATTERN = re.compile(r"[^\W_a-z]{1,20}/[A-Z0-9]{1,10}(:[^\W_a-z]{1,20}(-[0-9]{6})?)?")


class PortfolioSettings(Section):
    name: Name = "flotilla"
    quote: Quote = "USDT"
    timeframe: Timeframe = "1h"
    symbols: tuple[str, ...] = Field(("BTC/USDT", "ETH/USDT", "SOL/USDT"), min_length=1, max_length=1000)
    # of any money: beyond, products of it would leave what a float64 holds
    capital_per_bot: Annotated[Number, Field(ge=1e-18, le=1e18)] = 1000.0
    allow_short: bool = True

    @model_validator(mode="after")
    def _symbols_in_quote(self) -> "PortfolioSettings":
        for symbol in self.symbols:
            if not SYMBOL_PATTERN.fullmatch(symbol):
                raise ValueError(
                    f"symbols must be like {'ETH' if self.quote == 'BTC' else 'BTC'}/{self.quote}, was {shown(symbol)}"
                )
            quote = symbol.partition("/")[2].partition(":")[0]
            if quote != self.quote:
                raise ValueError(
                    f"symbols must be in the quote of portfolio.quote {self.quote}, was {shown(symbol)}: "
                    f"change the symbol, or set portfolio.quote to {quote}"
                )
        if len(set(self.symbols)) != len(self.symbols):
            raise ValueError(f"symbols must differ, was {shown(self.symbols)}")
        return self

    @property
    def money(self) -> Money:
        """Give how amounts of the fleet's money are written."""
        return money_of(self.quote, self.capital_per_bot)


class MarketSettings(Section):
    kind: Literal["simulated", "replay", "ccxt"] = "simulated"
    # simulated
    seed: Annotated[Whole, Field(ge=0, le=10**18)] = 7
    start: Start = "2026-01-01"
    history_days: Annotated[Whole, Field(ge=0, le=3650)] = 30
    # simulated and replay: wall seconds per bar, 0 as fast as the worker can
    bar_seconds: Annotated[Number, Field(ge=0.0, le=86_400.0)] = 5.0
    # replay
    candles: FilePath | None = None
    funding: FilePath | None = None
    # replay and backtest: rows off the grid, rows that cannot be true, gaps, and dates that may be read in two ways
    off_grid: Literal["refuse", "snap", "skip"] = "refuse"
    skip_bad_rows: bool = False
    max_missing: Annotated[Number, Field(ge=0.0, le=1_000_000.0)] = 10.0
    date_format: DateFormat | None = None
    # ccxt
    exchange: ExchangeName = "binance"
    exchange_type: Literal["spot", "swap"] = "spot"
    endpoint: Endpoint | None = None
    timeout_seconds: Annotated[Number, Field(ge=0.1, le=300.0)] = 10.0

    @model_validator(mode="after")
    def _consistent(self) -> "MarketSettings":
        if self.kind == "replay" and self.candles is None:
            raise ValueError("candles must name the folder to replay, was not set")
        return self


class RiskSettings(Section):
    # protective exits; 0 switches one off
    stop: Fraction = 0.08
    trail_activate: NonNegative = 0.03
    trail_giveback: Annotated[Number, Field(ge=1e-6, lt=1.0)] = 0.40
    ladder: Annotated[tuple[tuple[Positive, Share], ...], Field(max_length=100)] = ()
    # brakes
    brakes: bool = True
    portfolio_drawdown: Share = 0.20
    daily_loss: Share = 0.05
    sleeve_drawdown: Share = 0.25
    bot_drawdown: Share = 0.30
    warn_at: Share = 0.80
    # confirmation and sizing
    confirm_bars: Annotated[Whole, Field(ge=1, le=1_000_000)] = 2
    volatility_sizing: bool = True
    volatility_target: Positive = 0.02
    volatility_low: Positive = 0.25
    volatility_high: Positive = 2.0
    max_position: Positive = 1.0
    risk_per_trade: Positive = 0.01
    leverage: Positive = 1.0
    resize: bool = False
    resize_band: NonNegative = 0.25
    # gate
    edge_to_cost: NonNegative = 2.0
    cooldown: Annotated[Number, Field(ge=0.0, le=1e8)] = 300.0
    max_portfolio_exposure: Positive | None = None
    max_symbol_exposure: Positive | None = None
    # of any money, as portfolio.capital_per_bot
    min_notional: Annotated[Number, Field(ge=0.0, le=1e18)] = 100.0
    netting: bool = True
    # what stops a runaway, whatever decided it
    max_order_notional: Annotated[Number, Field(ge=1e-18, le=1e18)] | None = None
    max_orders_per_minute: Annotated[Whole, Field(ge=1, le=1_000_000)] = 200
    max_orders_per_day: Annotated[Whole, Field(ge=1, le=10_000_000)] = 5_000

    @model_validator(mode="after")
    def _consistent(self) -> "RiskSettings":
        if self.volatility_low > self.volatility_high:
            raise ValueError(
                f"volatility_low must not exceed volatility_high {self.volatility_high}, was {self.volatility_low}"
            )
        profits = [profit for profit, _ in self.ladder]
        if profits != sorted(set(profits)):
            raise ValueError(f"ladder must rise from rung to rung, was {profits}")
        if sum(fraction for _, fraction in self.ladder) > 1.0 + 1e-9:
            raise ValueError(f"ladder fractions must sum to at most 1, was {[fraction for _, fraction in self.ladder]}")
        return self


class AllocationSettings(Section):
    policy: Literal["fixed", "equal", "score", "sharpe", "inverse_volatility"] = "sharpe"
    rebalance_every: Annotated[Whole, Field(ge=1, le=1_000_000)] = 5
    rebalance_band: NonNegative = 0.10
    bot_low: Weight | None = None
    bot_high: Weight | None = None
    sleeve_low: Weight | None = None
    sleeve_high: Weight | None = None
    # raw weights under `fixed`, by sleeve and by bot name; what is not named weighs 1
    sleeve_weights: dict[Name, RawWeight] = Field(default={})
    bot_weights: dict[BotName, RawWeight] = Field(default={})

    @model_validator(mode="after")
    def _ordered(self) -> "AllocationSettings":
        for scope in ("bot", "sleeve"):
            low, high = getattr(self, f"{scope}_low"), getattr(self, f"{scope}_high")
            if low is not None and high is not None and low > high:
                raise ValueError(f"{scope}_low must not exceed {scope}_high {high}, was {low}")
        return self


# Each strategy has its own bounds for each of its parameters.
ParameterSet = Annotated[tuple[Annotated[Number, Field(ge=-1e9, le=1e9)], ...], Field(min_length=1, max_length=16)]


class StrategySettings(Section):
    """One sleeve: a strategy of the registry and the parameter sets its bots run."""

    enabled: bool = True
    grid: Annotated[tuple[ParameterSet, ...], Field(min_length=1, max_length=1000)]
    symbols: Annotated[tuple[str, ...], Field(min_length=1, max_length=1000)] | None = None
    timeframe: Timeframe | None = None
    # the first of the accounts where not set
    account: Name | None = None


DEFAULT_GRIDS: dict[str, dict[str, Any]] = {
    "mean_reversion": {"grid": [[20, 2.0], [50, 2.0], [100, 2.5]]},
    "breakout": {"grid": [[20], [60], [120]]},
    "trend_following": {"grid": [[10, 50], [20, 100], [50, 200]]},
}


class StrategiesSettings(BaseModel):
    """`hold` and, by the name of each strategy, its sleeve."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[Name, StrategySettings]

    hold: bool = True

    @property
    def sleeves(self) -> dict[str, StrategySettings]:
        """Give the enabled sleeves by strategy name, in the order written."""
        return {name: sleeve for name, sleeve in (self.__pydantic_extra__ or {}).items() if sleeve.enabled}


class DatabaseSettings(Section):
    # dumps, the stored settings and their digest hold it without its secrets
    url: DatabaseUrl = SecretUrl("sqlite:///state/flotilla.db")


class WorkerSettings(Section):
    wake_after_seconds: Annotated[Number, Field(ge=0.0, le=600.0)] = 2.0
    late_bars: Annotated[Whole, Field(ge=1, le=1_000_000)] = 2
    # also the longest sleep: the heartbeat is renewed every 5 s
    command_poll_seconds: Annotated[Number, Field(ge=0.01, le=5.0)] = 0.2


class DashboardSettings(Section):
    address: Address = "127.0.0.1"
    port: Annotated[Whole, Field(ge=1, le=65_535)] = 8501
    # the names by which browsers reach the page, beside addresses and localhost
    allowed_hosts: Annotated[tuple[HostName, ...], Field(max_length=100)] = ()
    password_file: FilePath = Path("~/.config/flotilla/passwords.json")
    refresh_seconds: Annotated[Number, Field(ge=0.1, le=3_600.0)] = 2.0


class Settings(Section):
    """Everything that can be set; see `docs/settings.md`."""

    profile: Literal["calm", "legacy"] = "calm"
    portfolio: PortfolioSettings = PortfolioSettings()
    market: MarketSettings = MarketSettings()
    broker: BrokerSettings = BrokerSettings()
    accounts: dict[Name, AccountSettings] = Field(default={}, max_length=100)
    risk: RiskSettings = RiskSettings()
    allocation: AllocationSettings = AllocationSettings()
    strategies: StrategiesSettings = StrategiesSettings.model_validate(DEFAULT_GRIDS)
    database: DatabaseSettings = DatabaseSettings()
    worker: WorkerSettings = WorkerSettings()
    dashboard: DashboardSettings = DashboardSettings()

    @model_validator(mode="after")
    def _sleeve_symbols_known(self) -> "Settings":
        for name, sleeve in self.strategies.sleeves.items():
            unknown = sorted(set(sleeve.symbols or ()) - set(self.portfolio.symbols))
            if unknown:
                raise ValueError(
                    f"strategies.{name}.symbols must be among portfolio.symbols {shown(self.portfolio.symbols)}, "
                    f"was {shown(unknown)}"
                )
        return self

    @model_validator(mode="after")
    def _accounts_known(self) -> "Settings":
        for name, sleeve in self.strategies.sleeves.items():
            if self.accounts and sleeve.account is not None and sleeve.account not in self.accounts:
                raise ValueError(
                    f"strategies.{name}.account must be one of {', '.join(self.accounts)}, was {shown(sleeve.account)}"
                )
        return self

    @model_validator(mode="after")
    def _fleet_in_reach(self) -> "Settings":
        sleeves = self.strategies.sleeves.values()
        bots = sum(len(sleeve.grid) * len(sleeve.symbols or self.portfolio.symbols) for sleeve in sleeves)
        if bots > MOST_BOTS:
            raise ValueError(f"strategies must ask for at most {MOST_BOTS} bots, a symbol and set each, was {bots}")
        return self

    @model_validator(mode="after")
    def _history_in_reach(self) -> "Settings":
        steps = self.market.history_days * DAY_MS // self.step_ms
        if self.market.kind == "simulated" and steps > MOST_STEPS_OF_HISTORY:
            raise ValueError(
                f"market.history_days must be at most {MOST_STEPS_OF_HISTORY * self.step_ms // DAY_MS} for steps of "
                f"{self.portfolio.timeframe}, was {self.market.history_days}"
            )
        return self

    @model_validator(mode="after")
    def _money_of_other_quotes(self) -> "Settings":
        if self.portfolio.quote in DOLLARS:
            return self
        missing = [
            f"{section}.{name}"
            for section, name in MONEY_DEFAULTS
            if name not in getattr(self, section).model_fields_set
        ]
        if missing:
            raise ValueError(
                f"{' and '.join(missing)} must be set for quote {self.portfolio.quote}, "
                f"{'was' if len(missing) == 1 else 'were'} not: defaults of money are in dollars"
            )
        return self

    def account_of(self, sleeve: StrategySettings) -> str:
        """Name the account a sleeve trades on."""
        return sleeve.account or next(iter(self.accounts), DEFAULT_ACCOUNT)

    def account(self, name: str) -> AccountSettings:
        """Give what is set of an account; one that is not written is the market of the settings, on paper."""
        market = self.market
        return self.accounts.get(name) or AccountSettings(
            exchange=market.exchange, type=market.exchange_type, endpoint=market.endpoint
        )

    @property
    def step_ms(self) -> int:
        """The length of one step."""
        return timeframe_ms(self.portfolio.timeframe)

    @property
    def resting_ms(self) -> int:
        """How long an order by signal may rest: no longer than the bar."""
        return min(round(1000 * self.broker.maker_patience), self.step_ms)

    def digest(self) -> str:
        """Name this configuration by the hash of its values; how the page is served changes nothing of the fleet."""
        return digest_of(self.model_dump(mode="json"))


def digest_of(values: Mapping[str, Any]) -> str:
    """Name a configuration by the values it is dumped as, which hold no secret."""
    own = {name: value for name, value in values.items() if name != "dashboard"}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:16]


# The settings that are amounts of money: their defaults, a profile's too, are in dollars.
MONEY_DEFAULTS = (("portfolio", "capital_per_bot"), ("risk", "min_notional"))

# `legacy` is the disease that `calm` cures, kept so that the cure can be measured against it.
PROFILES: dict[str, dict[str, Any]] = {
    "calm": {},
    "legacy": {
        "risk": {
            "stop": 0.0,
            "trail_activate": 0.0,
            "confirm_bars": 1,
            "volatility_sizing": False,
            "resize": True,
            "resize_band": 0.0,
            # sized by the allocation alone, nothing set aside for costs
            "leverage": 2.0,
            "edge_to_cost": 0.0,
            "cooldown": 0.0,
            "min_notional": 10.0,
            "netting": False,
        },
        "allocation": {"policy": "score", "rebalance_every": 1, "rebalance_band": 0.0},
        "strategies": {"hold": False},
    },
}


def settings_reader(file: Path, asked_for: bool = False) -> Callable[[], Settings]:
    """Give what reads the settings in force again and again.

    `file` may be absent where nobody asked for it; but once it was there, it must be there ever after: defaults are no
    change that a person wrote.
    """
    in_force = file if asked_for else None

    def read() -> Settings:
        nonlocal in_force
        in_force = in_force or existing(file)
        return load_settings(in_force)

    return read


def load_settings(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Iterable[str] = (),
    profile: str | None = None,
) -> Settings:
    """Read the settings in force.

    `file` may be absent (all defaults). `environment` defaults to the process's; `FLOTILLA_RISK__STOP=0.05` sets
    `risk.stop`. `overrides` are `risk.stop=0.05`, last and strongest; values are TOML, bare words are strings.
    `profile` asked for here stands above the file's own values for what the profile names. Raises ConfigurationError
    with one sentence that names the setting, what was expected and what was.
    """
    written: dict[str, Any] = read_toml(file) if file is not None else {}
    merge(written, from_environment(os.environ if environment is None else environment))
    above = [from_override(override) for override in overrides]
    quote = _quote(written, *above)
    if profile is not None:
        merge(written, {"profile": profile})
        merge(written, _profile(profile, quote))
    for override in above:
        merge(written, override)
    layers: dict[str, Any] = {"strategies": json.loads(json.dumps(DEFAULT_GRIDS))}
    merge(layers, _profile(written.get("profile", "calm"), quote))
    merge(layers, written)
    try:
        return Settings.model_validate(layers)
    except ValidationError as error:
        # Its own words may repeat what was written, secrets too.
        raise ConfigurationError(sentence(error.errors()[0])) from None


def _profile(name: Any, quote: str) -> dict[str, Any]:
    """Give the values of a profile; its amounts of money are of dollars, and left out where those are not the quote."""
    if not isinstance(name, str) or name not in PROFILES:
        raise ConfigurationError(f"profile must be one of {', '.join(PROFILES)}, was {shown(name)}")
    values: dict[str, Any] = json.loads(json.dumps(PROFILES[name]))
    if quote not in DOLLARS:
        for section, money in MONEY_DEFAULTS:
            values.get(section, {}).pop(money, None)
    return values


def _quote(*layers: Mapping[str, Any]) -> str:
    """Give the quote that the last of the layers names."""
    portfolios = [layer.get("portfolio") for layer in layers]
    named = [portfolio["quote"] for portfolio in portfolios if isinstance(portfolio, Mapping) and "quote" in portfolio]
    return str(named[-1]) if named else PortfolioSettings.model_fields["quote"].default
