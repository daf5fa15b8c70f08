"""What docs/strategies.md shows works, and nothing that ships is missing from it."""

import re
import tomllib
from pathlib import Path

from tests.strategies.candles import random_bars
from tests.strategies.checkers import check_bands, check_cut_future, check_cut_past
from worker.strategies.registry import STRATEGIES
from worker.strategies.strategy import Strategy

DOCUMENT = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text()


def example(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    return code


def test_the_strategy_shown_holds_the_contract() -> None:
    shown: dict[str, Strategy] = {}
    exec(example("python"), shown)
    strategy = shown["STRATEGY"]
    grid = tomllib.loads(example("toml"))["strategies"][strategy.name]["grid"]
    assert grid
    for parameters in grid:
        bars = random_bars(1, 400)
        check_bands(strategy, tuple(parameters), bars)
        check_cut_future(strategy, tuple(parameters), bars, range(0, 400, 7))
        check_cut_past(strategy, tuple(parameters), bars, range(1, 300, 7))


def test_every_strategy_and_parameter_is_documented() -> None:
    for strategy in STRATEGIES.values():
        (row,) = [
            line for line in DOCUMENT.splitlines() if line.startswith(f"| `{strategy.name}` | `{strategy.prefix}` |")
        ]
        assert all(f"`{parameter.name}`" in row for parameter in strategy.parameters)
