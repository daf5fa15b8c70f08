"""Build a fleet in its plain form, and its compiled form from that."""

from collections.abc import Sequence

import numpy as np

from worker.step.forms import dtype_of, to_array
from worker.step.journal import Fill, Journal, Notice
from worker.step.records import Bot, Fleet, Market, Portfolio, Rung, Signal, Sleeve
from worker.step.replay import FILLS_PER_BOT, NOTICES_PER_SCOPE
from worker.step.rules import Rules


def fills_per_bar(bots: int, rungs: int) -> int:
    """Give how many fills one bar can make at the most."""
    return bots * (FILLS_PER_BOT + rungs)


def make_fleet(
    rules: Rules,
    portfolio: Portfolio,
    sleeves: Sequence[Sleeve],
    bots: Sequence[Bot],
    markets: Sequence[Market],
    signals: int,
    ladder: Sequence[Rung] = (),
) -> Fleet:
    """Build the plain Python form; its journal holds what one bar can write twice over (its open and its close)."""
    fills = 2 * fills_per_bar(len(bots), len(ladder))
    notices = 2 * NOTICES_PER_SCOPE * (len(bots) + len(sleeves) + 1)
    return Fleet(
        rules,
        portfolio,
        list(sleeves),
        list(bots),
        list(markets),
        [Signal() for _ in range(signals)],
        list(ladder),
        Journal(),
        [Fill() for _ in range(fills)],
        [Notice() for _ in range(notices)],
        [0.0] * max(len(bots), len(sleeves)),
        [0] * max(len(bots), len(sleeves)),
    )


def compiled_form(fleet: Fleet, fills: int, notices: int) -> Fleet:
    """Copy a fleet into structured arrays, with a journal of the given room."""
    return Fleet(
        to_array([fleet.rules], Rules)[0],
        to_array([fleet.portfolio], Portfolio)[0],
        to_array(fleet.sleeves, Sleeve),
        to_array(fleet.bots, Bot),
        to_array(fleet.markets, Market),
        to_array(fleet.signals, Signal),
        to_array(fleet.ladder, Rung),
        to_array([fleet.journal], Journal)[0],
        np.zeros(fills, dtype_of(Fill)),
        np.zeros(notices, dtype_of(Notice)),
        np.zeros(len(fleet.weights)),
        np.zeros(len(fleet.pinned), np.int64),
    )
