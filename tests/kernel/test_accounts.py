"""Money stays on its account: transfers of a rebalance sum to 0 within each, and allocations fit what is there."""

import math
from dataclasses import replace

import pytest

from shared.enums import Policy
from shared.money import money_of
from tests.kernel.random_runs import Case, calm_rules, random_columns, random_fleet
from tests.kernel.tables import FLAT, a_bot, a_fleet, play_fleet, rules, still
from tests.kernel.test_parity import assert_same, step_compiled, step_plain
from worker.fleet.accounts import asked_across
from worker.step.fleet import make_fleet
from worker.step.records import Bot, Fleet

EVEN = {"rebalance_every": 1, "policy": Policy.FIXED.value, "bot_low": 0.0, "sleeve_low": 0.0, "sleeve_high": 1.0}


def split(fleet: Fleet, accounts: tuple[int, ...]) -> Fleet:
    """Give a fleet whose markets are on these accounts."""
    for market, account in zip(fleet.markets, accounts, strict=True):
        market.account_index = account
    again = make_fleet(
        fleet.rules, fleet.portfolio, fleet.sleeves, fleet.bots, fleet.markets, len(fleet.signals), fleet.ladder
    )
    return again


def on_two_accounts(money: tuple[float, ...], weights: tuple[float, ...] = (1.0, 1.0)) -> Fleet:
    """Give two sleeves of two bots each, the first on account 0 and the second on account 1."""
    bots = [a_bot(money=own, sleeve=b // 2, market=b // 2, signal=b // 2) for b, own in enumerate(money)]
    fleet = a_fleet(rules(**EVEN), bots, markets=2)
    for sleeve, weight in zip(fleet.sleeves, weights, strict=True):
        sleeve.fixed_weight = weight
    return split(fleet, (0, 1))


def rebalanced(fleet: Fleet) -> list[Bot]:
    return play_fleet(fleet, [[still(FLAT), still(FLAT)]]).steps[0].bots


def test_money_moves_between_the_bots_of_an_account_alone() -> None:
    bots = rebalanced(on_two_accounts((600.0, 400.0, 1100.0, 1900.0)))
    assert [bot.flow for bot in bots] == pytest.approx([-100.0, 100.0, 0.0, 0.0])
    # The second account has 3,000 and is to have 2,000: nobody lacks anything there, and nobody gives to the first.
    assert [bot.allocation for bot in bots] == pytest.approx([500.0, 500.0, 1000.0, 1000.0])


def test_what_the_weights_ask_across_accounts_is_told_and_not_moved() -> None:
    fleet = on_two_accounts((500.0, 500.0, 500.0, 500.0), weights=(3.0, 1.0))
    bots = rebalanced(fleet)
    assert [bot.flow for bot in bots] == [0.0] * 4
    assert [(account.equity, account.asked) for account in fleet.accounts] == [(1000.0, 1500.0), (1000.0, 500.0)]
    assert [bot.allocation for bot in bots] == pytest.approx([500.0, 500.0, 250.0, 250.0])


def test_the_portfolios_own_cash_is_the_first_accounts() -> None:
    fleet = on_two_accounts((500.0, 500.0, 500.0, 500.0))
    fleet.portfolio.cash, fleet.portfolio.equity = 400.0, 2400.0
    bots = rebalanced(fleet)
    # Of 1,400 there, 1,200 are asked for: what nobody lacks stays.
    assert [bot.flow for bot in bots] == pytest.approx([100.0, 100.0, 0.0, 0.0], abs=1e-5)
    assert math.fsum([bot.flow for bot in bots]) == 400.0 - fleet.portfolio.cash


def test_what_an_account_has_beyond_what_is_asked_stays_with_its_bots() -> None:
    bots = rebalanced(on_two_accounts((500.0, 500.0, 2600.0, 400.0)))
    # 2,000 are asked of 3,000: one has 1,600 too much and gives the 600 that the other lacks.
    assert [bot.flow for bot in bots] == pytest.approx([0.0, 0.0, -600.0, 600.0])


def test_an_account_without_money_is_given_none() -> None:
    fleet = on_two_accounts((1000.0, 1000.0, 0.0, 0.0))
    bots = rebalanced(fleet)
    assert [bot.flow for bot in bots] == [0.0] * 4
    assert [bot.allocation for bot in bots[2:]] == [0.0, 0.0]


LIVELY = Case(31, calm_rules(edge_to_cost=0.0, min_notional=20.0, rebalance_every=2, rebalance_band=0.01), bars=300)
SPLITS = {"by market": (0, 1, 0), "each apart": (0, 1, 2)}


@pytest.mark.parametrize("accounts", SPLITS.values(), ids=SPLITS)
def test_transfers_sum_to_0_within_each_account_at_every_rebalance(accounts: tuple[int, ...]) -> None:
    case = replace(LIVELY, sleeves=3)
    fleet, curves = step_plain(split(random_fleet(case), accounts), random_columns(case))
    assert curves.used[0] > 10
    owner = [accounts[bot.market] for bot in fleet.bots]
    for row in curves.flows[: curves.used[0]]:
        for account in set(accounts):
            assert math.fsum(flow for flow, own in zip(row, owner, strict=True) if own == account) == 0.0
    assert any(curves.flows[: curves.used[0], b].any() for b in range(len(fleet.bots)))


def test_the_sums_see_money_that_crosses() -> None:
    case = replace(LIVELY, sleeves=3)
    fleet, curves = step_plain(random_fleet(case), random_columns(case))
    owner = [SPLITS["each apart"][bot.market] for bot in fleet.bots]
    sums = [
        math.fsum(flow for flow, own in zip(row, owner, strict=True) if own == account)
        for row in curves.flows[: curves.used[0]]
        for account in (0, 1, 2)
    ]
    assert any(sums)


def test_plain_and_compiled_agree_on_several_accounts() -> None:
    case = replace(LIVELY, sleeves=3, reserve=300.0)
    columns = random_columns(case)
    plain = step_plain(split(random_fleet(case), (0, 1, 1)), columns)
    compiled = step_compiled(split(random_fleet(case), (0, 1, 1)), columns)
    assert_same(plain, compiled)


def test_only_what_an_account_does_not_have_is_told() -> None:
    names, money = ("one", "two"), money_of("USDT", 1000.0)
    assert asked_across(names, (1500.0, 500.0), (1000.0, 1000.0), money) == (
        "the weights ask for 500.00 USDT more on one than the 1,000.00 there: money never crosses accounts by itself, "
        "a person may move it"
    )
    assert asked_across(names, (1000.0 + 1e-7, 900.0), (1000.0, 1000.0), money) == ""
    assert asked_across(("paper",), (0.0,), (0.0,), money) == ""
