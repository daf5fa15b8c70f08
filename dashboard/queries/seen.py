"""What a bot's strategy saw, worked out from the kept candles by the strategy itself.

A strategy is a pure function of closed bars and the books keep both the bars and the band that came of them, so that
nothing else need be written at each step. Where the band recorded is not what the candles give, nothing is told of it.
This is the one place of the page that knows the worker's strategies.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np
from pandas import DataFrame, Series, concat
from sqlalchemy import Connection

from dashboard.queries import candles
from dashboard.queries.bot import MAX_BARS, load_candles
from dashboard.queries.decisions import load_decision_at
from dashboard.queries.fleet import load_members, load_portfolios
from dashboard.queries.frames import empty
from shared.errors import ConfigurationError
from shared.money import fixed_price, price_decimals
from shared.units import MINUTE_MS, timeframe_ms
from worker.strategies.bars import Bars, make_bars
from worker.strategies.registry import find_strategy
from worker.strategies.sentences import could_decide, sentence
from worker.strategies.signals import OwnBars, SeenColumns, live_window_bars
from worker.strategies.strategy import Strategy

log = logging.getLogger(__name__)

NO_STRATEGY = "What it saw is not known: its strategy is not among those that can be run."
NO_CANDLES = "What it saw is not known: no candles of this market are kept."
OTHER_BAND = (
    "What it saw is not known: the kept candles do not give the band that was recorded. Older ones are missing, or the "
    "strategy has changed since."
)
# The newest so many closes say with which decimals a symbol's prices are written.
_CLOSES = 200
_TRIED_BARS = 300


@dataclass(frozen=True, slots=True)
class _Watcher:
    """A bot's strategy and what it looks at; `window_bars` are the base bars its newest row needs."""

    strategy: Strategy
    parameters: tuple[float, ...]
    load: Callable[[int | None, int, int], DataFrame]
    step_ms: int
    own_ms: int
    window_bars: int

    def bars(self, first_ms: int, end_ms: int) -> Bars:
        """Give the bars that open in `[first_ms, end_ms)`, and those before that the first of them needs."""
        needed = self.load(None, first_ms, self.window_bars)
        shown = self.load(first_ms, end_ms, candles.MOST_BARS)
        both = concat([needed, shown]) if len(needed) else shown
        return make_bars(*(both[name] for name in ("open_ms", "open", "high", "low", "close", "volume")))

    def seen(self, bars: Bars) -> SeenColumns:
        """Give what the strategy sees in bars."""
        return OwnBars(bars, self.step_ms, self.own_ms).seen(self.strategy, self.parameters)


def horizon_bars(strategy: str, parameters: str) -> int:
    """Give the longest look-back of a strategy with parameters as in the books (JSON); 0 where it is not known."""
    try:
        return find_strategy(strategy).horizon_bars(*json.loads(parameters))
    except ConfigurationError:
        return 0


def load_lines(
    connection: Connection,
    portfolio_id: int,
    bot: str,
    start_ms: int | None = None,
    end_ms: int | None = None,
    max_bars: int = MAX_BARS,
) -> DataFrame:
    """Load the lines a bot's strategy looks at, a row for each line and bar of `load_candles` with the same arguments.

    Columns: time_ms (open of the bar at whose close the line was there), line (name), price. Empty where no candles are
    kept, the strategy draws none or cannot be run.
    """
    nothing = empty(time_ms="int64", line="str", price="float64")
    shown = load_candles(connection, portfolio_id, bot, start_ms, end_ms, max_bars)
    watcher = _watcher(connection, portfolio_id, bot)
    if isinstance(watcher, str) or not len(shown):
        return nothing
    opens, closes = shown["open_ms"].to_numpy(), (shown["open_ms"] + shown["timeframe_ms"]).to_numpy()
    bars = watcher.bars(int(opens[0]), int(closes[-1]))
    seen = _seen(partial(watcher.seen, bars), bot)
    if seen is None or not seen.lines:
        return nothing
    # Of bars that were merged, the last one's.
    at = np.searchsorted(bars.open_ms, closes) - 1
    # What lies before the bars that are read is not known.
    is_known = at >= 0
    return DataFrame(
        {
            "time_ms": np.tile(opens, len(seen.lines)),
            "line": Series(np.repeat(list(seen.lines), len(opens)), dtype="str"),
            "price": np.concatenate([np.where(is_known, line[at], np.nan) for line in seen.lines.values()]),
        }
    )


def named_parameters(strategy: str, values: Sequence[float]) -> list[tuple[str, float]]:
    """Give the parameters of a bot with the names its strategy has for them; by their places where it is not there."""
    try:
        names = [parameter.name for parameter in find_strategy(strategy).parameters]
    except ConfigurationError:
        names = []
    if len(names) != len(values):
        names = [f"parameter {place}" for place in range(1, len(values) + 1)]
    return list(zip(names, values, strict=True))


def load_seen_at(connection: Connection, portfolio_id: int, bot: str, time_ms: int) -> DataFrame:
    """Load why a bot did or did not trade at a time, and what its strategy saw then.

    Columns as `load_decision_at`, and saw: a sentence in which prices have the symbol's decimals, or why there is none.
    """
    found = load_decision_at(connection, portfolio_id, bot, time_ms)
    watcher = _watcher(connection, portfolio_id, bot)
    rows = zip(found["bar_open_ms"].tolist(), found["low"].tolist(), found["high"].tolist(), strict=True)
    said = [_said(watcher, bot, int(bar_ms), (low, high)) for bar_ms, low, high in rows]
    return found.assign(saw=Series(said, dtype="str"))


def try_strategies(grids: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """Let each strategy, by name with its parameter sets, see a few bars: what its first use costs is then done."""
    prices = np.ones(_TRIED_BARS)
    bars = make_bars(MINUTE_MS * np.arange(_TRIED_BARS), prices, prices, prices, prices, prices)
    for name, grid in grids.items():
        # What the settings name in vain is the worker's to refuse.
        with suppress(ConfigurationError):
            strategy = find_strategy(name)
            _seen(partial(OwnBars(bars, MINUTE_MS, MINUTE_MS).seen, strategy, strategy.checked(grid[0])), name)


def _said(watcher: _Watcher | str, bot: str, bar_ms: int, decided: tuple[float, float]) -> str:
    if isinstance(watcher, str):
        return watcher
    bars = watcher.bars(bar_ms, bar_ms + watcher.step_ms)
    if not len(bars):
        return NO_CANDLES
    seen, last = _seen(partial(watcher.seen, bars), bot), len(bars) - 1
    if seen is None:
        return f"What it saw is not known: its strategy {watcher.strategy.name} fails on these candles."
    if not could_decide(seen, last, decided):
        return OTHER_BAND
    written = partial(fixed_price, decimals=price_decimals(bars.close[-_CLOSES:].tolist()))
    said = sentence(watcher.strategy, watcher.parameters, seen, last, decided, written)
    return f"{said[0].upper()}{said[1:]}."


def _watcher(connection: Connection, portfolio_id: int, bot: str) -> _Watcher | str:
    """Give who looks at a bot's candles, or why nobody can."""
    members, known = load_members(connection, portfolio_id), load_portfolios(connection)
    own = members[members["bot"] == bot]
    if not len(own):
        return NO_CANDLES
    row = own.iloc[0]
    market = candles.candle_market(connection, portfolio_id, row["symbol"], row["account"])
    if market is None:
        return NO_CANDLES
    step_ms = int(known.loc[known["portfolio_id"] == portfolio_id, "step_ms"].iloc[0])
    own_ms = timeframe_ms(row["timeframe"])
    try:
        strategy = find_strategy(row["strategy"])
        parameters = strategy.checked(json.loads(row["parameters"]))
    except ConfigurationError as error:
        log.warning("%s draws no lines: %s", bot, error)
        return NO_STRATEGY

    def load(start_ms: int | None, end_ms: int, most: int) -> DataFrame:
        return candles.load_bars(connection, market, row["symbol"], step_ms, start_ms, end_ms, most)

    window_bars = live_window_bars(strategy, parameters, step_ms, own_ms)
    return _Watcher(strategy, parameters, load, step_ms, own_ms, window_bars)


def _seen(look: Callable[[], SeenColumns], whose: str) -> SeenColumns | None:
    try:
        return look()
    except Exception:  # a rule may fail in any way, and takes no page with it
        log.exception("what %s saw cannot be worked out", whose)
        return None
