"""Names: which bot of the settings is which bot of the books."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from shared.database import transaction
from shared.enums import BotStatus
from shared.errors import ConfigurationError
from shared.tables import Bot
from tests.store.fleets import IDENTITY, START_MS, Books, wanted_bots
from worker.store.fleet import FleetChange, find_portfolio, fleet_change, register_fleet, set_bot_status


def register(engine: Engine, wanted, identity=IDENTITY):
    with transaction(engine) as connection:
        return register_fleet(connection, identity, wanted, START_MS)


def test_a_new_fleet_gets_the_names_it_asks_for_in_its_order(engine: Engine) -> None:
    wanted = wanted_bots()
    fleet = register(engine, wanted)
    assert [bot.name for bot in fleet.bots] == [bot.name for bot in wanted]
    assert [sleeve.name for sleeve in fleet.sleeves] == ["mean_reversion", "breakout", "trend_following"]
    assert all(bot.is_new and bot.status is BotStatus.ACTIVE for bot in fleet.bots)
    assert fleet.bots[0].parameters == (10.0, 2.0)


def test_the_same_settings_are_the_same_bots(engine: Engine) -> None:
    first = register(engine, wanted_bots())
    second = register(engine, list(reversed(wanted_bots())))
    assert {bot.id: bot.name for bot in first.bots} == {bot.id: bot.name for bot in second.bots}
    assert [bot.name for bot in second.bots] == [bot.name for bot in reversed(wanted_bots())]
    assert not any(bot.is_new for bot in second.bots)


def test_changed_parameters_are_a_new_bot_under_the_next_name_and_the_old_one_retires(engine: Engine) -> None:
    wanted = wanted_bots(symbols=1)
    register(engine, wanted)
    changed = [replace(wanted[1], parameters=(77.0, 2.0)) if bot is wanted[1] else bot for bot in wanted]
    fleet = register(engine, changed)
    assert fleet.bots[1].name == "mr_c0_usdt_1h_p4" and fleet.bots[1].is_new
    assert (fleet.bots[-1].name, fleet.bots[-1].status) == ("mr_c0_usdt_1h_p2", BotStatus.RETIRING)
    assert fleet.bots[-1].sleeve == "mean_reversion"


def test_numbers_that_are_equal_are_the_same_parameters(engine: Engine) -> None:
    wanted = wanted_bots(symbols=1, sets=1)
    register(engine, wanted)
    assert not any(bot.is_new for bot in register(engine, [replace(bot, parameters=(10, 2)) for bot in wanted]).bots)


def test_a_retired_bot_leaves_the_fleet_and_comes_back_under_its_name(engine: Engine) -> None:
    wanted = wanted_bots(symbols=1)
    fleet = register(engine, wanted)
    register(engine, wanted[1:])
    with transaction(engine) as connection:
        set_bot_status(connection, fleet.bots[0].id, BotStatus.RETIRED, "flat", START_MS)
    assert len(register(engine, wanted[1:]).bots) == 8
    again = register(engine, wanted).bots[0]
    assert (again.id, again.name, again.status, again.is_new) == (
        fleet.bots[0].id,
        "mr_c0_usdt_1h_p1",
        BotStatus.ACTIVE,
        False,
    )


def test_a_bot_that_failed_stays_failed_over_a_restart(engine: Engine) -> None:
    fleet = register(engine, wanted_bots())
    with transaction(engine) as connection:
        set_bot_status(connection, fleet.bots[3].id, BotStatus.FAILED, "division by zero", START_MS)
    assert register(engine, wanted_bots()).bots[3].status is BotStatus.FAILED


def test_what_a_change_would_do_is_said_before_it_is_done(engine: Engine) -> None:
    wanted = wanted_bots(symbols=1)
    with transaction(engine) as connection:
        assert len(fleet_change(connection, find_portfolio(connection, "flotilla"), wanted).added) == 9
    register(engine, wanted[1:])
    changed = [replace(wanted[1], parameters=(77.0, 2.0)), *wanted[2:], wanted[0]]
    with transaction(engine) as connection:
        change = fleet_change(connection, find_portfolio(connection, "flotilla"), changed)
        assert change == FleetChange(("mr_c0_usdt_1h_p4", "mr_c0_usdt_1h_p1"), ("mr_c0_usdt_1h_p2",), ())
        assert connection.execute(select(Bot.id)).all().__len__() == 8
    assert {bot.name for bot in register(engine, changed).bots if bot.is_new} == set(change.added)


def test_two_portfolios_share_a_database(engine: Engine) -> None:
    one = register(engine, wanted_bots())
    two = register(engine, wanted_bots(), replace(IDENTITY, name="other"))
    assert one.portfolio_id != two.portfolio_id
    assert not {bot.id for bot in one.bots} & {bot.id for bot in two.bots}


def test_the_quote_of_a_portfolio_stays(engine: Engine) -> None:
    register(engine, wanted_bots())
    with pytest.raises(ConfigurationError, match=r"portfolio\.quote must stay USDT .* was EUR"):
        register(engine, wanted_bots(), replace(IDENTITY, quote="EUR"))


def test_the_timeframe_of_a_portfolio_stays_once_it_stepped(engine: Engine) -> None:
    fleet = register(engine, wanted_bots())
    register(engine, wanted_bots(), replace(IDENTITY, step_ms=60_000))
    books = Books(fleet)
    close_ms = books.step()
    with transaction(engine) as connection:
        books.save(connection, close_ms)
    with pytest.raises(ConfigurationError, match=r"portfolio\.timeframe must stay 1m"):
        register(engine, wanted_bots())


def test_a_sleeve_changes_its_account_only_while_it_holds_nothing(engine: Engine) -> None:
    fleet = register(engine, wanted_bots())
    moved = [replace(bot, account="other") for bot in wanted_bots()]
    assert register(engine, moved).bots[0].account == "other"
    books = Books(fleet)
    books.bots[0].units, books.bots[0].quantity = 100_000_000, 1.0
    with transaction(engine) as connection:
        books.save(connection, books.step())
    with pytest.raises(ConfigurationError, match=r"account must stay other .*mr_c0_usdt_1h_p1 does.* was paper"):
        register(engine, wanted_bots())
