"""Settings: layers, refusals, and that every one of them is documented with its default."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from shared.errors import ConfigurationError
from shared.settings import PROFILES, Settings, StrategySettings, load_settings

ROOT = Path(__file__).parents[2]


def _settings(**layers: Any) -> Settings:
    return load_settings(layers.pop("file", None), layers.pop("environment", {}), **layers)


def _documented() -> dict[str, str]:
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    return dict(rows)


def _names_and_defaults() -> dict[str, Any]:
    found: dict[str, Any] = {"profile": "calm", "strategies.hold": True}
    settings = _settings()
    for section in ("portfolio", "market", "broker", "risk", "allocation", "database", "worker", "dashboard"):
        for name, value in getattr(settings, section).model_dump(mode="json").items():
            found[f"{section}.{name}"] = value
    for name, field in StrategySettings.model_fields.items():
        found[f"strategies.NAME.{name}"] = "per strategy" if field.is_required() else field.default
    return found


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    assert set(_documented()) == set(_names_and_defaults())


@pytest.mark.parametrize(("name", "default"), _names_and_defaults().items())
def test_the_documented_default_is_the_default(name: str, default: Any) -> None:
    words = {None: "not set", "per strategy": "per strategy"}
    expected = words[default] if default is None or default == "per strategy" else f"`{json.dumps(default)}`"
    assert _documented()[name] == expected


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
        ("risk.stop=1.5", "setting risk.stop: .* less than 1, was 1.5"),
        ("risk.stop=-0.1", "setting risk.stop: .* greater than or equal to 0"),
        ("risk.stop=nan", "setting risk.stop: .* finite number"),
        ("risk.confirm_bars=0", "setting risk.confirm_bars"),
        ("risk.ladder=[[0.04, 0.5], [0.02, 0.5]]", "ladder must rise from rung to rung"),
        ("risk.ladder=[[0.02, 0.7], [0.04, 0.5]]", "ladder fractions must sum to at most 1"),
        ("risk.volatility_low=3", "volatility_low must not exceed volatility_high 2.0, was 3.0"),
        ("allocation.policy=best", "setting allocation.policy: .* was 'best'"),
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
        ("market.start=yesterday", "time must be ISO"),
        ("strategies.breakout.symbols=['XRP/USDT']", "strategies.breakout.symbols must be among portfolio.symbols"),
        ("strategies.momentum.enabled=true", "setting strategies.momentum.grid"),
        ("broker.kind=ccxt", "setting broker.kind"),
        ("risk.stop", "an override must be like risk.stop=0.05"),
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
