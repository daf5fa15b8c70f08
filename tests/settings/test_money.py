"""Money as it is written, and the settings that must say how much of it there is."""

import json
import math

import pytest

from shared.errors import ConfigurationError
from shared.money import DOLLARS, Money, money_of, money_of_books, price_text, quantity_decimals, quantity_text
from shared.settings import load_settings

BITCOIN = ('portfolio.symbols=["ETH/BTC"]', "portfolio.quote=BTC")


@pytest.mark.parametrize("quote", sorted(DOLLARS))
def test_dollars_have_cents_whatever_a_bot_starts_with(quote: str) -> None:
    assert {money_of(quote, capital).digits for capital in (1e-3, 1.0, 1e3, 1e9)} == {2}


@pytest.mark.parametrize(
    ("capital", "digits"), [(0.01, 7), (0.0099, 8), (1.0, 5), (1000.0, 2), (99_999.0, 1), (1e6, 0), (1e12, 0)]
)
def test_other_money_has_digits_by_what_a_bot_starts_with(capital: float, digits: int) -> None:
    assert money_of("BTC", capital) == Money("BTC", digits)


def test_an_amount_is_written_with_its_digits_and_nothing_is_what_they_do_not_show() -> None:
    bitcoin = Money("BTC", 7)
    assert (bitcoin.amount(0.0123456789), bitcoin.gain(-0.00000015)) == ("0.0123457", "-0.0000001")
    assert (bitcoin.amount(math.nan), bitcoin.gain(None)) == ("–", "–")
    assert bitcoin.smallest == 1e-7 and bitcoin.is_nothing(4.9e-8) and not bitcoin.is_nothing(-5.1e-8)
    assert Money("USDT").amount(1234.5) == "1,234.50" and Money("USDT").smallest == 0.01
    assert (bitcoin.finer(2).digits, Money().finer(-5).digits) == (9, 0)


def test_books_are_written_by_the_settings_that_ran_and_with_cents_where_there_are_none() -> None:
    settings = load_settings(None, {}, [*BITCOIN, "portfolio.capital_per_bot=0.01", "risk.min_notional=0.001"])
    assert settings.portfolio.money == money_of_books("BTC", json.loads(settings.model_dump_json())) == Money("BTC", 7)
    assert money_of_books("BTC", {}) == Money("BTC", 2)


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (65_000.0, "65,000"), (65_123.456, "65,123.456"), (123_456_789.4, "123,456,789"), (0.0000012, "0.0000012"),
        (1.23456789e-9, "0.0000000012345679"), (0.0, "0"), (-2.5, "-2.5"), (99.999999999, "100"),
    ],
)  # fmt: skip
def test_a_price_is_never_written_as_a_power_of_ten(price: float, text: str) -> None:
    assert price_text(price) == text


def test_what_is_nobodys_money_is_not_written_to_its_last_digit() -> None:
    assert (price_text(1e300), quantity_text(-1e300), price_text(float("nan"))) == ("1e+300", "-1e+300", "nan")
    assert (Money().amount(1e300), Money().gain(1e300), Money().amount(1e17)) == (
        "1e+300", "1e+300", "100,000,000,000,000,000.00",
    )  # fmt: skip


def test_a_quantity_is_written_to_its_last_step() -> None:
    assert quantity_text(123_456.12345678) == "123,456.12345678"
    assert (quantity_text(1e-12), quantity_text(-25.0), quantity_text(0.3)) == ("0.000000000001", "-25", "0.3")
    assert quantity_text(23_271_789.41887543) == "23,271,789.41887543"
    assert quantity_text(89_999_999.00000001) == "89,999,999.00000001"
    assert (quantity_text(-1e22), quantity_text(0.0)) == ("-10,000,000,000,000,000,000,000", "0")
    assert (quantity_text(math.inf), quantity_text(math.nan)) == ("inf", "nan")


@pytest.mark.parametrize(
    ("quantities", "decimals"),
    [
        ([], 0), ([0.0, 25.0, 1e22], 0), ([0.5, 1.25, 23_271_789.41887543], 8), ([1e-8, 1234.0], 8), ([1e-12], 12),
        ([0.1 + 0.2], 1), ([1e-15], 0), ([-0.003, math.nan, math.inf], 3),
    ],
)  # fmt: skip
def test_quantities_have_the_decimals_of_the_finest_among_them(quantities: list[float], decimals: int) -> None:
    assert quantity_decimals(quantities) == decimals


@pytest.mark.parametrize(
    ("written", "missing"),
    [
        ((), "portfolio.capital_per_bot and risk.min_notional must be set for quote BTC, were not"),
        (("risk.min_notional=0.001",), "portfolio.capital_per_bot must be set for quote BTC, was not"),
        (("portfolio.capital_per_bot=0.01",), "risk.min_notional must be set for quote BTC, was not"),
    ],
)
@pytest.mark.parametrize("profile", [None, "calm", "legacy"])
def test_defaults_of_money_are_of_dollars_and_demanded_for_others(
    written: tuple[str, ...], missing: str, profile: str | None
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{missing}: defaults of money are in dollars$") as refusal:
        load_settings(None, {}, [*BITCOIN, *written], profile)
    assert refusal.value.exit_code == 78


def test_a_profile_leaves_other_money_as_it_is_written() -> None:
    money = ("portfolio.capital_per_bot=0.01", "risk.min_notional=0.001")
    environment = {"FLOTILLA_RISK__MIN_NOTIONAL": "0.001", "FLOTILLA_PORTFOLIO__QUOTE": "BTC"}
    assert load_settings(None, {}, [*BITCOIN, *money], "legacy").risk.min_notional == 0.001
    found = load_settings(None, environment, [BITCOIN[0], money[0]], "legacy")
    assert (found.risk.min_notional, found.risk.confirm_bars) == (0.001, 1)
    assert load_settings(None, {}, ["profile=legacy"]).risk.min_notional == 10.0


def test_the_symbol_that_is_given_as_an_example_is_one_that_can_be() -> None:
    with pytest.raises(ConfigurationError, match="symbols must be like ETH/BTC, was 'eth'"):
        load_settings(None, {}, ['portfolio.symbols=["eth"]', "portfolio.quote=BTC"])
