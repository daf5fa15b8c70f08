"""A fleet stepped through a long history by the compiled step, with everything noted that the worker's books keep."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from shared.enums import Reason
from worker.step.columns import Columns, Curves
from worker.step.fleet import compiled_form
from worker.step.forms import to_records
from worker.step.journal import Notice
from worker.step.records import Fleet
from worker.step.replay import replay_bars

# What is noted of every bot after each bar, by the names of its record.
BOT_NUMBERS = (
    "equity",
    "cash",
    "quantity",
    "money_in",
    "high_water",
    "low",
    "high",
    "confirmed",
    "reason_value",
    "reason_limit",
)
BOT_FLAGS = ("reason", "ordered")
SCOPE_NUMBERS = ("equity", "high_water")


@dataclass(frozen=True, slots=True)
class Rebalance:
    """What a rebalance left at one bar: bots and sleeves by place."""

    bar: int
    flows: np.ndarray
    portfolio_flow: float
    weights: np.ndarray
    allocations: np.ndarray
    equities: np.ndarray
    portfolio_equity: float
    sleeve_weights: np.ndarray
    sleeve_equities: np.ndarray


@dataclass(slots=True)
class Steps:
    """What a fleet did over the bars of `columns`; of shape (bars, bots), (bars, sleeves) or (bars, markets).

    `fills` are structured rows of `Fill`, `fill_bars` says in which bar each was made (before its close was marked).
    `orders` is the signed units each market's order was decided with at a bar's close, `fill_prices` what the one
    decided a bar earlier was filled at.
    """

    columns: Columns
    bots: dict[str, np.ndarray]
    sleeves: dict[str, np.ndarray]
    portfolio: dict[str, np.ndarray]
    orders: np.ndarray
    fill_prices: np.ndarray
    fills: np.ndarray
    fill_bars: np.ndarray
    rebalances: list[Rebalance] = field(default_factory=list)
    notices: list[tuple[int, list[Notice]]] = field(default_factory=list)

    @property
    def close_ms(self) -> np.ndarray:
        """Give the close of each bar."""
        return self.columns.open_ms + (self.columns.open_ms[1] - self.columns.open_ms[0])


def step_through(fleet: Fleet, columns: Columns, between: Callable[[int], None], every: int) -> Steps:
    """Step a plain fleet over all bars, its records brought up to date every `every` bars for `between` to change.

    `between` is given the next bar. At the end the records hold the last state.
    """
    bars, compiled = len(columns.open_ms), _compiled(fleet)
    steps, curves = _room(fleet, columns), _curves(fleet, bars)
    fills: list[np.ndarray] = []
    fill_bars: list[np.ndarray] = []
    for bar in range(bars):
        if bar and bar % every == 0:
            copy_state(compiled, fleet)
            between(bar)
            compiled = _compiled(fleet)
        cash = float(compiled.portfolio["cash"])
        if replay_bars(compiled, columns, curves, bar, bar + 1) != bar + 1:
            raise RuntimeError(f"the journal of {len(compiled.fills)} fills must hold what bar {bar} makes, was full")
        _note(steps, compiled, bar, cash)
        made = int(compiled.journal["fills"])
        if made:
            fills.append(compiled.fills[:made].copy())
            fill_bars.append(np.full(made, bar))
        compiled.journal["fills"] = compiled.journal["notices"] = curves.used[0] = 0
    copy_state(compiled, fleet)
    steps.fills = np.concatenate(fills or [steps.fills])
    steps.fill_bars = np.concatenate(fill_bars or [steps.fill_bars])
    return steps


def _compiled(fleet: Fleet) -> Fleet:
    """Give the compiled form with room for the fills and notices of a few bars."""
    return compiled_form(fleet, 8 * len(fleet.fills), 8 * len(fleet.notices))


def copy_state(compiled: Fleet, fleet: Fleet) -> None:
    """Bring the records of a plain fleet up to date with its compiled form."""
    pairs = [(fleet.portfolio, compiled.portfolio)]
    for name in ("sleeves", "bots", "markets"):
        pairs += zip(getattr(fleet, name), getattr(compiled, name), strict=True)
    for record, row in pairs:
        for name, value in zip(row.dtype.names, row.tolist(), strict=True):
            setattr(record, name, value)


def _room(fleet: Fleet, columns: Columns) -> Steps:
    bars, bots, sleeves, markets = (
        len(columns.open_ms),
        len(fleet.bots),
        len(fleet.sleeves),
        len(fleet.markets),
    )
    of_bots = {name: np.empty((bars, bots)) for name in BOT_NUMBERS}
    of_bots |= {name: np.empty((bars, bots), np.int8) for name in BOT_FLAGS}
    empty = _compiled(fleet).fills[:0]
    return Steps(
        columns,
        of_bots,
        {name: np.empty((bars, sleeves)) for name in SCOPE_NUMBERS},
        {name: np.empty(bars) for name in (*SCOPE_NUMBERS, "cash")},
        np.empty((bars, markets), np.int64),
        np.empty((bars, markets)),
        empty,
        np.empty(0, np.int64),
    )


def _curves(fleet: Fleet, bars: int) -> Curves:
    bots = len(fleet.bots)
    return Curves(
        equity=np.zeros(bars),
        exposure=np.zeros(bars),
        sleeve_equity=np.zeros((len(fleet.sleeves), bars)),
        bot_equity=np.zeros((bots, 0)),
        reasons=np.zeros((bots, len(Reason)), np.int64),
        held=np.zeros(bots, np.int64),
        allocations=np.zeros((2, bots)),
        flows=np.zeros((2, bots)),
        rebalance_ms=np.zeros(2, np.int64),
        used=np.zeros(1, np.int64),
    )


def _note(steps: Steps, fleet: Fleet, bar: int, cash_before: float) -> None:
    for name, rows in steps.bots.items():
        rows[bar] = fleet.bots[name]
    for name, rows in steps.sleeves.items():
        rows[bar] = fleet.sleeves[name]
    for name, rows in steps.portfolio.items():
        rows[bar] = fleet.portfolio[name]
    steps.orders[bar] = fleet.markets["order_units"]
    steps.fill_prices[bar] = fleet.markets["fill_price"]
    if fleet.journal["notices"]:
        steps.notices.append((bar, to_records(fleet.notices[: fleet.journal["notices"]], Notice)))
    if fleet.portfolio["rebalanced"]:
        steps.rebalances.append(
            Rebalance(
                bar,
                fleet.bots["flow"].copy(),
                float(fleet.portfolio["cash"]) - cash_before,
                fleet.bots["weight"].copy(),
                fleet.bots["allocation"].copy(),
                fleet.bots["equity"].copy(),
                float(fleet.portfolio["equity"]),
                fleet.sleeves["weight"].copy(),
                fleet.sleeves["equity"].copy(),
            )
        )
