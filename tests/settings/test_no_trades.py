"""The one number that binds, by the reason that keeps bots from trading."""

import math
from dataclasses import replace

import pytest

from shared.enums import Reason
from shared.money import Money
from shared.no_trades import _NUMBERS, Standstill, binding_reason, why_no_trades
from shared.settings import load_settings

USDT = Money("USDT")


def why(counts: dict[Reason, int], *overrides: str, **measured: float) -> str:
    settings = load_settings(None, {}, overrides)
    capital = settings.portfolio.capital_per_bot
    stood = Standstill(**{"bots": 1, "counts": counts, "allocation": capital, "equity": 27.0 * capital, **measured})
    return why_no_trades(stood, settings.model_dump(mode="json"), USDT)


def test_the_example_of_the_contract() -> None:
    counts = {Reason.MIN_NOTIONAL: 4297, Reason.WARMUP: 3}
    assert why(counts, "portfolio.capital_per_bot=50") == (
        "4,297 of 4,300 steps MIN_NOTIONAL: portfolio.capital_per_bot 50 is below risk.min_notional 100; "
        "the others 3 WARMUP"
    )


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("risk.max_position=0.05",), "risk.max_position 0.05 × portfolio.capital_per_bot 1,000, 50, is below"),
        (
            ("risk.volatility_low=0.01", "risk.volatility_high=0.0905"),
            "risk.volatility_high 0.0905 × portfolio.capital_per_bot 1,000, 90.50, is below",
        ),
        (
            ("risk.risk_per_trade=0.0001",),
            "risk.risk_per_trade 0.0001 × equity 27,000 / risk.stop 0.08, 33.75, is below",
        ),
        (("risk.min_notional=1500",), "portfolio.capital_per_bot 1,000 is below risk.min_notional 1,500"),
    ],
)
def test_min_notional_names_what_makes_positions_small(overrides: tuple[str, ...], said: str) -> None:
    assert said in why({Reason.MIN_NOTIONAL: 5}, *overrides)


def test_min_notional_that_no_setting_explains_tells_what_was_measured() -> None:
    said = why({Reason.MIN_NOTIONAL: 5}, nearest=73.1, limit=100.0)
    assert "the largest change wanted at the last step was worth 73.10, below 100" in said
    assert "worth less than risk.min_notional 100" in why({Reason.MIN_NOTIONAL: 5})
    assert "an allocation of 60 is below risk.min_notional 100" in why({Reason.MIN_NOTIONAL: 5}, allocation=60.0)


def test_cost_tells_both_sides() -> None:
    said = why({Reason.COST: 5, Reason.FLAT: 9}, nearest=0.0041, limit=0.006)
    assert "the move to expect at the last step was 0.41% at most, below 0.60%, risk.edge_to_cost 2 × 2 × " in said
    assert "must be at least 0.60%" in why({Reason.COST: 5})


@pytest.mark.parametrize(
    ("counts", "overrides", "measured", "said"),
    [
        ({Reason.WARMUP: 40}, (), {"horizon_bars": 60}, "strategies look back over 60 bars, and there were 40"),
        ({Reason.WARMUP: 40}, (), {}, "strategies have not seen enough bars"),
        ({Reason.UNCONFIRMED: 4}, ("risk.confirm_bars=7",), {}, "no wish lasted for risk.confirm_bars 7"),
        (
            {Reason.CAP: 4},
            ("risk.max_symbol_exposure=0.01",),
            {},
            "exposure would exceed risk.max_symbol_exposure 0.01",
        ),
        ({Reason.CAP: 4}, (), {"nearest": -3.0, "limit": 0.0}, "there is no money: equity is -3"),
        ({Reason.COOLDOWN: 4}, ("risk.cooldown=1e6",), {}, "risk.cooldown 1e+06 seconds"),
        ({Reason.FLAT: 4}, (), {}, "no strategy wanted a position"),
    ],
)
def test_every_other_reason_names_its_number(
    counts: dict[Reason, int], overrides: tuple[str, ...], measured: dict[str, float], said: str
) -> None:
    assert said in why(counts, *overrides, **measured)


def test_every_reason_can_be_told() -> None:
    assert set(_NUMBERS) == set(Reason)
    for reason in Reason:
        for nearest in (math.nan, 0.5):
            assert why({reason: 2}, nearest=nearest).startswith(f"2 of 2 steps {reason.name}: ")


def test_what_binds_is_the_row_that_stops_a_wish() -> None:
    counts = {Reason.FLAT: 900, Reason.WARMUP: 600, Reason.UNCONFIRMED: 500, Reason.COST: 20, Reason.CAP: 10}
    assert binding_reason(counts) is Reason.COST
    assert binding_reason({**counts, Reason.TRADE: 1}) is Reason.TRADE
    assert binding_reason({Reason.FLAT: 9, Reason.WARMUP: 8, Reason.UNCONFIRMED: 1}) is Reason.UNCONFIRMED
    assert binding_reason({Reason.FLAT: 9, Reason.WARMUP: 8}) is Reason.WARMUP
    assert binding_reason({Reason.FLAT: 9, Reason.HOLD: 2}) is Reason.HOLD
    assert binding_reason({Reason.FLAT: 9}) is Reason.FLAT


def test_the_nearest_of_several_bots_is_told() -> None:
    stood = Standstill(3, {Reason.COST: 3}, 1000.0, 27_000.0)
    near = stood.measured([0.001, math.nan, 0.004], [0.006, math.nan, 0.006])
    assert (near.nearest, near.limit) == (0.004, 0.006)
    assert math.isnan(stood.measured([], []).nearest)


def test_the_fee_of_a_reason_is_that_of_the_account() -> None:
    settings = load_settings(None, {}, ("accounts.main.fee_rate=0.004", "broker.slippage=0")).model_dump(mode="json")
    settings["risk"]["edge_to_cost"] = 1.0
    stood = Standstill(1, {Reason.COST: 5}, 1_000.0, 1_000.0, accounts=("main",))
    said = why_no_trades(stood, settings, Money("USDT"))
    assert "at least 0.80%, risk.edge_to_cost 1 × 2 × (accounts.main.fee_rate 0.004 +" in said
    assert "(broker.fee_rate" in why_no_trades(replace(stood, accounts=("other",)), settings, Money("USDT"))
