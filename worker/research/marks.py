"""The marks of the portfolio and its sleeves: equity at the start and at each bar's close, and the flows with it."""

from dataclasses import dataclass

import numpy as np

from shared.enums import ScopeKind
from shared.metrics.drawdowns import drawdown
from shared.metrics.equity import flow_free_equity
from worker.research.replay import Replay

PORTFOLIO = "portfolio"


@dataclass(frozen=True, slots=True)
class Marks:
    """One scope's marks, the money put in first. Equity holds the flows of its own mark.

    `flows_quote[i]` came in with mark i. `gross_quote` is the notional held, None where it was not kept.
    """

    kind: ScopeKind
    scope: str
    time_ms: np.ndarray
    equity: np.ndarray
    flows_quote: np.ndarray
    gross_quote: np.ndarray | None

    @property
    def equity_before_flows(self) -> np.ndarray:
        """Give what `shared.metrics` calls marks: equity without the flow that came right after."""
        return self.equity - self.flows_quote

    @property
    def money_in(self) -> np.ndarray:
        """Give the money put in so far; equity less this is profit."""
        return self.equity[0] + np.cumsum(self.flows_quote)

    @property
    def drawdown(self) -> np.ndarray:
        """Give the drawdown at each mark, which no flow changes."""
        return drawdown(flow_free_equity(self.equity_before_flows, self.flows_quote))


def make_marks(replay: Replay, step_ms: int) -> list[Marks]:
    """Give the marks of the portfolio, then of each sleeve."""
    time_ms = np.concatenate((replay.open_ms[:1], replay.open_ms + step_ms))
    sleeve_of = replay.fleet.bots["sleeve"]
    start = replay.fleet.bots["money_in"] - replay.flows.sum(axis=0)
    no_flows = np.zeros(len(time_ms))
    gross = np.concatenate(([0.0], replay.exposure))
    marks = [
        Marks(ScopeKind.PORTFOLIO, PORTFOLIO, time_ms, _led_by(float(np.sum(start)), replay.equity), no_flows, gross)
    ]
    rows = np.searchsorted(time_ms, replay.rebalance_ms)
    for place, sleeve in enumerate(replay.plan.sleeves):
        flows = np.zeros(len(time_ms))
        flows[rows] = replay.flows[:, sleeve_of == place].sum(axis=1)
        equity = _led_by(float(np.sum(start[sleeve_of == place])), replay.sleeve_equity[place])
        marks.append(Marks(ScopeKind.SLEEVE, sleeve, time_ms, equity, flows, None))
    return marks


def _led_by(start: float, equity: np.ndarray) -> np.ndarray:
    return np.concatenate(([start], equity))
