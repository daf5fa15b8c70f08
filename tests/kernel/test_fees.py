"""What a fill costs is the account's: its own fees, wherever the step asks for them."""

import pytest

from shared.enums import Reason, Trigger
from shared.settings import Settings, load_settings
from tests.kernel.tables import ANY, LONG, SHORT, a_bot, a_fleet, bar, play_fleet, rules, still
from worker.fleet.fees import Fees, fees_of
from worker.fleet.plan import open_fleet, plan_fleet, planned_bots
from worker.step.records import Fleet

DEAR, CHEAP = 0.01, 0.0001
TWO_ACCOUNTS = (
    "accounts.spot_one.fee_rate=0.002",
    'accounts.swap_one.type="swap"',
    'strategies.breakout.account="swap_one"',
    "broker.maker_fee_rate=0.0002",
)


def settings_with(*overrides: str) -> Settings:
    return load_settings(environment={}, overrides=overrides)


@pytest.mark.parametrize(
    ("overrides", "fees"),
    [
        ((), Fees(0.001, 0.001)),
        (("broker.fee_rate=0.0005",), Fees(0.0005, 0.0005)),
        (("broker.maker_fee_rate=0.0002",), Fees(0.001, 0.0002)),
        (("accounts.one.fee_rate=0.002",), Fees(0.002, 0.002)),
        (("accounts.one.fee_rate=0.0", "broker.maker_fee_rate=0.0002"), Fees(0.0, 0.0002)),
        (("accounts.one.maker_fee_rate=0.0", "broker.maker_fee_rate=0.0002"), Fees(0.001, 0.0)),
    ],
)
def test_an_accounts_own_fees_stand_above_those_of_the_broker(overrides: tuple[str, ...], fees: Fees) -> None:
    assert fees_of(settings_with(*overrides), "one") == fees


def test_each_market_of_a_fleet_has_the_fees_of_its_account() -> None:
    settings = settings_with(*TWO_ACCOUNTS)
    plan = plan_fleet(planned_bots(settings))
    markets = open_fleet(settings, plan, {}).markets
    accounts = zip(plan.markets, markets, strict=True)
    assert {(account, market.fee_rate, market.maker_fee_rate) for (account, _), market in accounts} == {
        ("spot_one", 0.002, 0.0002),
        ("swap_one", 0.001, 0.0002),
    }


def two_markets(**changes: float) -> Fleet:
    """Give two bots that see the same, one where fills are dear and one where they are cheap."""
    fleet = a_fleet(rules(slippage=0.0005, leverage=2.0, **changes), [a_bot(), a_bot(market=1, signal=1)], markets=2)
    for market, fee_rate in zip(fleet.markets, (DEAR, CHEAP), strict=True):
        market.fee_rate = fee_rate
    return fleet


def test_a_fill_and_a_protective_exit_pay_the_fee_of_their_market() -> None:
    table = [still(LONG), still(LONG), bar(100, 100, 90, 95, LONG)]
    run = play_fleet(two_markets(stop=0.05, risk_per_trade=1.0), [[row, row] for row in table])
    assert [fill.trigger for fill in run.fills] == [Trigger.SIGNAL] * 2 + [Trigger.STOP] * 2
    for fill in run.fills:
        assert fill.fee == pytest.approx(abs(fill.quantity * fill.price) * (DEAR, CHEAP)[fill.market])


def test_the_cost_row_asks_for_the_fee_of_the_market() -> None:
    row = still(LONG, atr=0.01)
    run = play_fleet(two_markets(edge_to_cost=2.0), [[row, row]])
    dear, cheap = run.steps[0].bots
    assert (Reason(dear.reason), Reason(cheap.reason)) == (Reason.COST, Reason.TRADE)
    assert dear.reason_limit == pytest.approx(2 * 2 * (DEAR + 0.0005))


def test_a_bots_own_money_pays_for_the_fee_of_its_market() -> None:
    fleet = two_markets(max_position=9.0, volatility_sizing=1, volatility_low=9.0, volatility_high=9.0)
    run = play_fleet(fleet, [[still(LONG), still(LONG)]])
    worth = [bot.order_units * 1e-8 * 100 for bot in run.steps[0].bots]
    assert worth == pytest.approx([2000 / (1 + rate + 0.0005) for rate in (DEAR, CHEAP)], abs=1e-5)


def test_what_crossing_saves_is_the_fee_of_the_market() -> None:
    fleet = a_fleet(rules(slippage=0.0005, leverage=2.0), [a_bot(), a_bot(signal=1)])
    fleet.markets[0].fee_rate = DEAR
    run = play_fleet(fleet, [[still(LONG), still(SHORT)], [still(ANY), still(ANY)]])
    assert [fill.saved for fill in run.fills] == pytest.approx([1000 * (DEAR + 0.0005)] * 2)
