"""Build a fleet in its plain form, and its compiled form from that."""

from collections.abc import Sequence

import numpy as np

from worker.step.forms import dtype_of, to_array
from worker.step.journal import Fill, Journal, Notice
from worker.step.records import Account, Bot, Fleet, Market, Rung, Signal
from worker.step.replay import FILLS_PER_BOT, NOTICES_PER_SCOPE
from worker.step.rules import Rules
from worker.step.scopes import Portfolio, Sleeve
from worker.step.watch import EQUITIES_KEPT, Run, Scratch, Watch


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
        [Account() for _ in range(1 + max(market.account_index for market in markets))],
        list(markets),
        [Signal() for _ in range(signals)],
        list(ladder),
        Journal(),
        [Fill() for _ in range(fills)],
        [Notice() for _ in range(notices)],
        *_watching(bots, signals),
        [[0.0] * len(bots) for _ in range(EQUITIES_KEPT)],
        [0] * len(bots),
        [0] * len(bots),
        [0.0] * max(len(bots), len(sleeves)),
        [0] * max(len(bots), len(sleeves)),
        Scratch(),
    )


def _watching(bots: Sequence[Bot], signals: int) -> tuple[list[Watch], list[Run], list[int]]:
    """Give what is watched of each bot, which of them are neighbours, and the first bot of each signal."""
    watches, runs, first_bots = [Watch() for _ in bots], [Run()], [-1] * signals
    for b, bot in enumerate(bots):
        if (bot.market, bot.sleeve) != (runs[-1].market, runs[-1].sleeve):
            runs.append(Run(b, b, bot.market, bot.sleeve))
        runs[-1].end = b + 1
    for b in reversed(range(len(bots))):
        watches[b].next_bot, first_bots[bots[b].signal] = first_bots[bots[b].signal], b
    return watches, runs, first_bots


def compiled_form(fleet: Fleet, fills: int, notices: int) -> Fleet:
    """Copy a fleet into structured arrays, with a journal of the given room."""
    return Fleet(
        to_array([fleet.rules], Rules)[0],
        to_array([fleet.portfolio], Portfolio)[0],
        to_array(fleet.sleeves, Sleeve),
        to_array(fleet.bots, Bot),
        to_array(fleet.accounts, Account),
        to_array(fleet.markets, Market),
        to_array(fleet.signals, Signal),
        to_array(fleet.ladder, Rung),
        to_array([fleet.journal], Journal)[0],
        np.zeros(fills, dtype_of(Fill)),
        np.zeros(notices, dtype_of(Notice)),
        to_array(fleet.watches, Watch),
        to_array(fleet.runs, Run),
        np.array(fleet.first_bots, np.int64),
        np.zeros((len(fleet.equities), len(fleet.bots))),
        np.zeros(len(fleet.awake), np.int64),
        np.zeros(len(fleet.ordering), np.int64),
        np.zeros(len(fleet.weights)),
        np.zeros(len(fleet.pinned), np.int64),
        to_array([fleet.scratch], Scratch)[0],
    )
