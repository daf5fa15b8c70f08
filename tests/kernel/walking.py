"""Walk a random fleet bar by bar in the plain form, with every invariant checked after every step."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from shared.enums import BarStatus, Level, Trigger
from tests.kernel.invariants import (
    Before,
    Books,
    check_accounts,
    check_closes,
    check_drawdowns,
    check_equity,
    check_exit_levels,
    check_levels,
    check_money,
    check_profit,
    check_transfers,
    look_before,
    open_books,
    write_bar,
    write_close,
)
from tests.kernel.random_runs import Case, random_columns, random_fleet
from worker.step.journal import Fill
from worker.step.records import Fleet
from worker.step.replay import load_bar
from worker.step.step import close_bar, open_bar
from worker.step.withdraw import ask_close

# Changes a fleet between two bars, or spoils what a step left; says whether it did anything.
Meddle = Callable[[Fleet], bool]


@dataclass(slots=True)
class Walk:
    """What a walk made, so that a test can say that it made something."""

    fleet: Fleet
    fills: list[Fill] = field(default_factory=list)
    triggers: Counter = field(default_factory=Counter)
    rebalances: int = 0
    crossed: int = 0
    notices: int = 0
    meddled: int = 0


def walk(case: Case, stir: bool = False, spoil_orders: Meddle | None = None, spoil: Meddle | None = None) -> Walk:
    """Step a random fleet through random bars and check everything after each.

    With `stir`, people change levels and ask for closes in between. `spoil_orders` meddles between a step and the next
    open, `spoil` after the bar was booked and before it is checked.
    """
    fleet, columns = random_fleet(case), random_columns(case)
    random = np.random.default_rng(case.seed + 1)
    done = Walk(fleet)
    books = open_books(fleet)
    for t in range(case.bars):
        if stir:
            _stir(fleet, random, books)
        is_open = columns.status[:, t] != BarStatus.MISSING
        before = look_before(fleet, np.where(is_open, columns.open[:, t], 0.0).tolist())
        fills = _step(fleet, columns, t)
        write_bar(books, before, fleet, fills)
        done.meddled += spoil is not None and spoil(fleet)
        check_all(books, before, fleet, fills)
        _count(done, fleet, fills)
        done.meddled += spoil_orders is not None and spoil_orders(fleet)
    return done


def _step(fleet: Fleet, columns: object, t: int) -> list[Fill]:
    fleet.journal.fills = fleet.journal.notices = 0
    load_bar(fleet, columns, t)
    open_bar(fleet, int(columns.open_ms[t]))
    close_bar(fleet, int(columns.open_ms[t]))
    return [replace(fill) for fill in fleet.fills[: fleet.journal.fills]]


def check_all(books: Books, before: Before, fleet: Fleet, fills: list[Fill]) -> None:
    """Run every checker."""
    check_money(books, fleet)
    check_transfers(before, fleet)
    check_accounts(books, fleet)
    check_equity(fleet)
    check_profit(books, fleet)
    check_levels(before, fleet, fills)
    check_closes(books, fleet)
    check_exit_levels(books, fleet)
    if fleet.rules.brakes == 1:
        check_drawdowns(books, fleet)


def _count(done: Walk, fleet: Fleet, fills: list[Fill]) -> None:
    done.fills += fills
    done.triggers.update(Trigger(fill.trigger) for fill in fills)
    done.crossed += sum(fill.crossed != 0.0 for fill in fills)
    done.rebalances += fleet.portfolio.rebalanced == 1 and any(bot.flow != 0.0 for bot in fleet.bots)
    done.notices += fleet.journal.notices


def _stir(fleet: Fleet, random: np.random.Generator, books: Books) -> None:
    if random.random() < 0.12:
        scopes = [fleet.portfolio, *fleet.sleeves, *fleet.bots]
        scope = scopes[random.integers(len(scopes))]
        cause = ("person", "crashes", "reconciliation")[random.integers(3)]
        setattr(scope, f"level_{cause}", int(random.integers(0, Level.HALTED + 1)))
    if random.random() < 0.25:
        b = int(random.integers(len(fleet.bots)))
        write_close(books, fleet, b)
        ask_close(fleet, b)
    if random.random() < 0.15:
        for scope in (fleet.portfolio, *fleet.sleeves, *fleet.bots):
            scope.level_person = scope.level_crashes = scope.level_reconciliation = 0
