"""The strategies a fleet can run, by name."""

from importlib import import_module

from shared.errors import ConfigurationError
from worker.strategies.strategy import Strategy

# One line per strategy: its name, which is that of its file.
STRATEGY_NAMES = (
    "mean_reversion",
    "breakout",
    "trend_following",
)

STRATEGIES: dict[str, Strategy] = {name: import_module(f"worker.strategies.{name}").STRATEGY for name in STRATEGY_NAMES}


def find_strategy(name: str) -> Strategy:
    """Give the strategy of a name; raises ConfigurationError listing the known ones."""
    if name not in STRATEGIES:
        raise ConfigurationError(f"strategy must be one of {', '.join(STRATEGY_NAMES)}, was {name!r}")
    return STRATEGIES[name]
