"""Marks of equity for the tests of metrics."""

import numpy as np

from shared.units import DAY_MS, HOUR_MS

START_MS = 1_735_689_600_000  # 2025-01-01 00:00 UTC


def days(count: int) -> np.ndarray:
    """Give the times of `count` marks at UTC midnights."""
    return START_MS + DAY_MS * np.arange(count)


def hours(count: int) -> np.ndarray:
    """Give the times of `count` hourly marks."""
    return START_MS + HOUR_MS * np.arange(count)


def random_returns(seed: int, count: int = 400, mean: float = 0.001) -> np.ndarray:
    """Draw daily returns with fat tails that never lose everything."""
    return np.maximum(mean + 0.02 * np.random.default_rng(seed).standard_t(4, count), -0.9)


def grown(returns: np.ndarray, start: float = 1000.0) -> np.ndarray:
    """Give the equity that returns make of a start."""
    return start * np.concatenate(([1.0], np.cumprod(1.0 + returns)))
