"""Settings: layers, bounds, refusals, and that every one of them is documented with its default."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from shared.accounts import AccountSettings
from shared.errors import ConfigurationError
from shared.settings import PROFILES, Settings, StrategySettings, load_settings
from tests.settings.documented import documented, documented_ranges, ranges_in_code

ROOT = Path(__file__).parents[2]


def _settings(**layers: Any) -> Settings:
    return load_settings(layers.pop("file", None), layers.pop("environment", {}), **layers)


def _names_and_defaults() -> dict[str, Any]:
    found: dict[str, Any] = {"profile": "calm", "strategies.hold": True}
    settings = _settings()
    for section in ("portfolio", "market", "broker", "risk", "allocation", "database", "worker", "dashboard"):
        for name, value in getattr(settings, section).model_dump(mode="json").items():
            found[f"{section}.{name}"] = value
    for name, value in AccountSettings().model_dump(mode="json").items():
        found[f"accounts.NAME.{name}"] = value
    for name, field in StrategySettings.model_fields.items():
        found[f"strategies.NAME.{name}"] = "per strategy" if field.is_required() else field.default
    return found


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    assert set(documented()) == set(_names_and_defaults())


@pytest.mark.parametrize(("name", "default"), _names_and_defaults().items())
def test_the_documented_default_is_the_default(name: str, default: Any) -> None:
    words = {None: "not set", "per strategy": "per strategy"}
    expected = words[default] if default is None or default == "per strategy" else f"`{json.dumps(default)}`"
    assert documented()[name][0] == expected


def test_the_documented_bounds_of_every_number_are_its_bounds() -> None:
    found = ranges_in_code()
    assert {name: bounds.words() for name, bounds in found.items() if documented()[name][1] != bounds.words()} == {}
    assert all(math.isfinite(bound) for bounds in found.values() for bound in bounds[:2])
    assert set(documented_ranges()) == set(found)


@pytest.mark.parametrize("name", ranges_in_code())
def test_both_bounds_of_every_number_hold(name: str) -> None:
    bounds, name = ranges_in_code()[name], name.replace("NAME", "first")
    above = bounds.highest if bounds.below else math.nextafter(bounds.highest, math.inf)
    whole = bounds.lowest == round(bounds.lowest) and bounds.highest >= 1
    for beyond in (
        math.nextafter(bounds.lowest, -math.inf),
        above,
        bounds.lowest - 1,
        1e300,
        *([-1e300] if whole else []),
    ):
        with pytest.raises(ConfigurationError, match=f"setting {name} must be "):
            _settings(overrides=[f"{name}={beyond!r}"])
    with pytest.raises(ConfigurationError, match=f"setting {name} must be a number, was True"):
        _settings(overrides=[f"{name}=true"])


def test_the_last_layer_wins(tmp_path: Path) -> None:
    file = tmp_path / "flotilla.toml"
    file.write_text("[risk]\nstop = 0.01\ncooldown = 1\nmin_notional = 2\n")
    environment = {"FLOTILLA_RISK__STOP": "0.02", "FLOTILLA_RISK__COOLDOWN": "3"}
    risk = load_settings(file, environment, ["risk.stop=0.03"]).risk
    assert (risk.stop, risk.cooldown, risk.min_notional) == (0.03, 3.0, 2.0)


def test_a_profile_stands_below_the_file_that_names_it_and_above_it_where_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "flotilla.toml"
    file.write_text('profile = "legacy"\n[risk]\nmin_notional = 50\n')
    assert load_settings(file, {}).risk.min_notional == 50
    assert load_settings(file, {}).risk.confirm_bars == 1
    file.write_text("[risk]\nmin_notional = 50\n")
    assert load_settings(file, {}, profile="legacy").risk.min_notional == PROFILES["legacy"]["risk"]["min_notional"]
    assert load_settings(file, {}, ["risk.min_notional=70"], "legacy").risk.min_notional == 70


def test_a_strategy_is_added_to_the_defaults_and_can_be_switched_off() -> None:
    settings = _settings(overrides=["strategies.momentum.grid=[[24]]", "strategies.breakout.enabled=false"])
    assert list(settings.strategies.sleeves) == ["mean_reversion", "trend_following", "momentum"]


def test_the_digest_names_the_values_and_not_their_source() -> None:
    assert _settings().digest() == _settings(overrides=["risk.stop=0.08"]).digest()
    assert _settings().digest() != _settings(overrides=["risk.stop=0.07"]).digest()


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("risk.stpo=0.1", "setting risk.stpo is unknown"),
        ("risk.stop=1.5", "setting risk.stop must be less than 1, was 1.5"),
        ("risk.stop=-0.1", "setting risk.stop must be greater than or equal to 0"),
        ("risk.stop=nan", "setting risk.stop must be .* finite number"),
        ("risk.confirm_bars=0", "setting risk.confirm_bars"),
        ("risk.ladder=[[0.04, 0.5], [0.02, 0.5]]", "ladder must rise from rung to rung"),
        ("risk.ladder=[[0.02, 0.7], [0.04, 0.5]]", "ladder fractions must sum to at most 1"),
        ("risk.volatility_low=3", "volatility_low must not exceed volatility_high 2.0, was 3.0"),
        ("allocation.policy=best", "setting allocation.policy must be .* was 'best'"),
        ("allocation.bot_low=0.8 ", "setting|bot"),
        ("portfolio.timeframe=7m", "timeframe must divide a day, like 5m, 1h or 1d, was '7m'"),
        ("portfolio.timeframe=0m", "timeframe must divide a day"),
        (
            'portfolio.symbols=["ETH/BTC"]',
            "symbols must be in the quote of portfolio.quote USDT, was 'ETH/BTC': change the symbol, or set "
            "portfolio.quote to BTC",
        ),
        (
            "portfolio.quote=BTC",
            "symbols must be in the quote of portfolio.quote BTC, was 'BTC/USDT': change the symbol, or set "
            "portfolio.quote to USDT",
        ),
        ('portfolio.symbols=["BTC/USDT", "BTC/USDT"]', "symbols must differ"),
        ("portfolio.symbols=[]", "setting portfolio.symbols"),
        ('portfolio.symbols=["btc/USDT"]', "symbols must be like BTC/USDT, was 'btc/USDT'"),
        ('portfolio.symbols=["BTC_USDT/USDT"]', "symbols must be like BTC/USDT"),
        ("portfolio.capital_per_bot=1e300", "setting portfolio.capital_per_bot"),
        ("risk.cooldown=1e300", "setting risk.cooldown"),
        ("strategies.breakout.symbols=[]", "setting strategies.breakout.symbols"),
        ("market.kind=replay", "market.candles must name the folder to replay"),
        ("market.start=yesterday", "setting market.start must be an ISO time .* was 'yesterday'"),
        ("strategies.breakout.symbols=['XRP/USDT']", "strategies.breakout.symbols must be among portfolio.symbols"),
        ("strategies.momentum.enabled=true", "setting strategies.momentum.grid"),
        ("broker.kind=live", "setting broker.kind"),
        ("risk.stop", "an override must be like risk.stop=0.05"),
        ("a.b.c.d=1", "a setting must be like risk.stop or strategies.breakout.grid, was 'a.b.c.d'"),
        ("risk=5", "setting risk must be a table of settings, was 5"),
        ('profile=["x"]', r"profile must be one of calm, legacy, was \['x'\]"),
        ("market.start=9999-12-30", "setting market.start must be an ISO time .* to 2100-01-01, was '9999-12-30'"),
        ('strategies.breakout.account=""', "setting strategies.breakout.account must be a name .*, was ''"),
        ('strategies.breakout.account="a/b"', "setting strategies.breakout.account must be a name .*, was 'a/b'"),
        ('portfolio.name="../x"', "setting portfolio.name must be a name .*, was '../x'"),
        ('portfolio.quote=""', "setting portfolio.quote must be at most 10 capital letters"),
        ('market.candles=""', "setting market.candles must be a path of 1 to 1024 printable characters, was ''"),
        ('market.candles="a\\u0000b"', "setting market.candles must be a path of 1 to 1024 printable characters"),
        ('market.candles="~nobody-of-this-name/x"', "setting market.candles must begin with ~ only where"),
        ('dashboard.password_file=""', "setting dashboard.password_file must be a path"),
        ('dashboard.address=""', "setting dashboard.address must be an address"),
        (
            'dashboard.allowed_hosts=["a b"]',
            "setting dashboard.allowed_hosts.0 must be the name of a host .* was 'a b'",
        ),
        ('market.endpoint=""', "setting market.endpoint must be on this machine, like http://127.0.0.1:8080$"),
        ('market.endpoint="http://a@127.0.0.1"', "setting market.endpoint must be an address without user, password"),
        ('market.endpoint="http://127.0.0.1:99999"', "setting market.endpoint must be on this machine"),
        ('strategies={"a/b"={grid=[[1]]}}', "setting strategies.'a/b' must be a name"),
        ("strategies.breakout.grid=[[]]", "setting strategies.breakout.grid.0 must have at least 1 item, was"),
        ("strategies.breakout.grid=[[1e10]]", "setting strategies.breakout.grid.0.0 must be less than"),
        ('allocation.sleeve_weights={"a b"=1}', "setting allocation.sleeve_weights.'a b' must be a name"),
        ("portfolio.timeframe=" + "1" * 5000 + "h", "setting portfolio.timeframe must divide a day"),
        ("risk.leverage=" + "9" * 5000, "setting risk.leverage must be a finite number"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_in_a_sentence(override: str, sentence: str) -> None:
    overrides = [override, "allocation.bot_high=0.1"] if override.startswith("allocation.bot_low") else [override]
    with pytest.raises(ConfigurationError, match=sentence) as refusal:
        _settings(overrides=overrides)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["FLOTILLA_RISK_STOP", "FLOTILLA_FOO", "FLOTILLA_RISK__STPO"])
def test_a_misspelt_name_in_the_environment_is_refused_and_not_passed_over(name: str) -> None:
    with pytest.raises(ConfigurationError, match="FLOTILLA_RISK_STOP|FLOTILLA_FOO|risk.stpo is unknown"):
        _settings(environment={name: "0.5"})


def test_the_environment_can_name_the_profile_and_holds_what_is_no_setting() -> None:
    environment = {"FLOTILLA_PROFILE": "legacy", "FLOTILLA_CACHE": "/somewhere"}
    assert _settings(environment=environment).risk.confirm_bars == 1


def test_a_profile_that_is_unknown_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="profile must be one of calm, legacy, was 'wild'"):
        _settings(profile="wild")


def test_a_file_that_is_not_there_or_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="must exist, was not found"):
        load_settings(tmp_path / "none.toml", {})
    broken = tmp_path / "flotilla.toml"
    broken.write_text("[risk\nstop = 0.1")
    with pytest.raises(ConfigurationError, match="must be TOML"):
        load_settings(broken, {})


ACCOUNTS = {"spot_one": {"fee_rate": 0.002}, "swap_one": {"exchange": "bybit", "type": "swap"}}


def test_a_sleeve_trades_on_the_first_account_where_it_names_none(tmp_path: Path) -> None:
    plain, listed = _settings(), Settings.model_validate({**_settings().model_dump(), "accounts": ACCOUNTS})
    breakout = plain.strategies.sleeves["breakout"]
    assert plain.account_of(breakout) == "paper"
    assert listed.account_of(breakout) == "spot_one"
    assert listed.account_of(breakout.model_copy(update={"account": "swap_one"})) == "swap_one"


def test_without_accounts_there_is_the_market_of_the_settings() -> None:
    settings = _settings(overrides=["market.exchange=gate", "market.exchange_type=swap"])
    assert (settings.account("paper").exchange, settings.account("paper").type) == ("gate", "swap")


def test_an_account_that_is_not_listed_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "flotilla.toml"
    file.write_text('[accounts.spot_one]\n[strategies.breakout]\naccount = "spot_two"\n')
    with pytest.raises(
        ConfigurationError, match=r"strategies.breakout.account must be one of spot_one, was 'spot_two'"
    ):
        _settings(file=file)


@pytest.mark.parametrize("written", ["0", "'no'", "'off'", "'false'", "1"])
def test_real_money_wants_the_one_word(written: str) -> None:
    with pytest.raises(ConfigurationError, match=r"accounts\.main\.sandbox must be a valid boolean, was "):
        _settings(overrides=[f"accounts.main.sandbox={written}"])
    assert not _settings(overrides=["accounts.main.sandbox=false"]).accounts["main"].sandbox
