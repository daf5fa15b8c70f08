"""The page about the step names every reason, policy and level, and the defaults in its tables are those in force."""

import re

import pytest

from shared.enums import Level, Policy, Reason
from shared.settings import Settings
from tests.conftest import ROOT
from worker.fleet.plan import DEFAULT_BOT_BOUNDS, DEFAULT_SLEEVE_BOUNDS

PAGE = (ROOT / "docs" / "kernel.md").read_text()
ROWS = re.findall(r"^\| `((?:risk|allocation|broker)\.\w+)` \| ([^|]+?) \|", PAGE, re.MULTILINE)
BOUNDS = dict(
    zip(("bot_low", "bot_high", "sleeve_low", "sleeve_high"), DEFAULT_BOT_BOUNDS + DEFAULT_SLEEVE_BOUNDS, strict=True)
)


def test_the_rows_of_the_gate_stand_in_their_order() -> None:
    assert re.findall(r"^\| `([A-Z_]+)` \| ↑? ?\|", PAGE, re.MULTILINE) == [reason.name for reason in Reason]


def test_every_policy_and_level_is_named() -> None:
    assert re.findall(r"^\| `([a-z_]+)` \| ", PAGE, re.MULTILINE) == [policy.name.lower() for policy in Policy]
    assert " < ".join(f"`{level.name}`" for level in Level) in PAGE


@pytest.mark.parametrize(("name", "written"), ROWS, ids=[name for name, _ in ROWS])
def test_a_default_on_the_page_is_the_one_in_force(name: str, written: str) -> None:
    section, setting = name.split(".")
    value = getattr(getattr(Settings(), section), setting)
    value = BOUNDS.get(setting) if value is None else value
    shown = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else value
    assert written == ("none" if shown is None or shown == () else str(shown))


def test_the_page_names_every_setting_of_the_rules() -> None:
    named = {name for name, _ in ROWS} | set(re.findall(r"`(risk\.(?:confirm_bars|netting))[` ]", PAGE))
    settings = Settings()
    # What keeps a runaway from the exchange is asked where orders leave, not in the step.
    of_the_gateway = {"max_order_notional", "max_orders_per_day", "max_orders_per_minute"}
    assert {f"risk.{name}" for name in set(type(settings.risk).model_fields) - of_the_gateway} <= named
    # How orders are followed on an exchange is none of the step's.
    of_fills = ("fee_rate", "maker_fee_rate", "slippage", "order", "limit_offset", "maker_patience", "maker_unfilled")
    assert {f"broker.{name}" for name in of_fills} <= named
    weights = {"sleeve_weights", "bot_weights"}
    assert {f"allocation.{name}" for name in type(settings.allocation).model_fields if name not in weights} <= named
