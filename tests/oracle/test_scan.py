"""On real candles the kernel's fills are those of the plain reading, to the last unit."""

import pytest

from tests.conftest import candles_folder
from tests.oracle.compare import compare
from tests.oracle.scan import FOLDER, both_runs, count_trips, folder_symbols

# Cheap and dear coins, where the noise of floats has lost whole steps before.
QUICK = ["BTC/USDT", "DOGE/USDT", "FET/USDT", "MATIC/USDT", "PEPE/USDT", "SEI/USDT"]


def assert_equal(symbols: list[str]) -> None:
    world, plain, other = both_runs(candles_folder(FOLDER), symbols)
    found = compare(world, plain, other)
    assert found.fills > 500 * len(symbols)
    assert found.first is None, f"{found.equal} of {found.fills} fills equal\n{found.first}"


@pytest.mark.parametrize("symbol", QUICK)
def test_fills_are_those_of_the_plain_reading(symbol: str) -> None:
    assert_equal([symbol])


@pytest.mark.slow
def test_fills_of_every_symbol_are_those_of_the_plain_reading() -> None:
    for symbol in folder_symbols(candles_folder(FOLDER)):
        assert_equal([symbol])


@pytest.mark.slow
def test_fills_of_all_symbols_in_one_fleet_are_those_of_the_plain_reading() -> None:
    assert_equal(folder_symbols(candles_folder(FOLDER)))


def test_what_the_plain_reading_makes_of_sei() -> None:
    world, plain, _ = both_runs(candles_folder(FOLDER), ["SEI/USDT"])
    assert count_trips(world, plain) == 360
    assert plain.portfolio_equity[-1] == pytest.approx(9039.08, abs=0.005)
