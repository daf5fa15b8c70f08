"""One bot: what it is and how it stands, its candles, its fills, and the line that protects its positions."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from pandas import DataFrame, Series, concat
from sqlalchemy import Connection, func, select

from dashboard.queries import candles
from dashboard.queries.bots import load_bots
from dashboard.queries.filters import EVERYTHING, Filters
from dashboard.queries.fleet import load_members
from dashboard.queries.frames import empty, frame
from dashboard.queries.kinds import with_kinds
from dashboard.queries.made import load_made
from dashboard.queries.protection import protective_path
from dashboard.queries.states import load_bot_states
from dashboard.queries.window import load_window, marked_where
from shared.enums import Leg, Side
from shared.tables import Decision, Fill, OpenDecision, Portfolio, SettingsVersion
from shared.units import DAY_MS

MAX_BARS = 600
MOST_FILLS = 2_000
MOST_VERSIONS = 1_000
_LEVELS = ("entry_price", "stop_price", "trailing_price", "exit_level", "target_price")
_FILL = ("time_ms", "leg", "trigger", "units", "quantity", "price", "fee", "crossed")


def load_bot(
    connection: Connection, portfolio_id: int, bot: str, filters: Filters = EVERYTHING
) -> dict[str, Any] | None:
    """Load a bot: the columns of its state, `load_made` and `load_bots`, the last ruling; None where there is none.

    `parameters` is a list of numbers. `filters` say of which period return, round trips and profit are.
    """
    only = Filters(start_ms=filters.start_ms, end_ms=filters.end_ms, bots=(bot,))
    rows = load_bots(connection, portfolio_id, only)
    if not len(rows):
        return None
    states = load_bot_states(connection, portfolio_id)
    state = states[states["bot"] == bot].iloc[0].to_dict()
    made = load_made(connection, portfolio_id, only).iloc[0].to_dict()
    row = {**state, **made, **rows.iloc[0].to_dict()}
    row["parameters"] = json.loads(row["parameters"])
    return row


def load_candles(
    connection: Connection,
    portfolio_id: int,
    bot: str,
    start_ms: int | None = None,
    end_ms: int | None = None,
    max_bars: int = MAX_BARS,
) -> DataFrame:
    """Load the candles of a bot's symbol at the portfolio's timeframe, oldest first; merged where they are too many.

    Columns: open_ms, open, high, low, close, volume, timeframe_ms (of the bars given). Without `start_ms` the newest
    `max_bars`, from the bot's first step on. Empty where no candles are kept.
    """
    if start_ms is None:
        start_ms = _first_step_ms(connection, portfolio_id, bot)
        bars, timeframe_ms = _bars(connection, portfolio_id, bot, start_ms, end_ms, max_bars)
        return bars.assign(timeframe_ms=np.int64(timeframe_ms))
    found, window = _market(connection, portfolio_id, bot), load_window(connection, portfolio_id)
    if found is None or window is None:
        return candles.no_bars().assign(timeframe_ms=np.int64(0))
    reach_ms = window.newest_ms if end_ms is None else end_ms
    market, symbol, step_ms = found
    shown, length_ms = candles.load_merged(connection, market, symbol, step_ms, start_ms, reach_ms, max_bars)
    return shown.assign(timeframe_ms=np.int64(length_ms))


def load_bot_fills(
    connection: Connection,
    portfolio_id: int,
    bot: str,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int = 2_000,
) -> DataFrame:
    """Load a bot's newest fills in a period, oldest first.

    Columns: fill_id, time_ms, leg, trigger, side (BUY or SELL), quantity (signed), price, fee, crossed, kind
    (ENTRY_LONG, ENTRY_SHORT, EXIT_LONG or EXIT_SHORT).
    """
    return _fills(connection, portfolio_id, bot, start_ms, end_ms, limit).drop(columns=["units", "settings_version_id"])


def _fills(
    connection: Connection, portfolio_id: int, bot: str, start_ms: int | None, end_ms: int | None, limit: int
) -> DataFrame:
    own = Fill.__table__.c
    columns = (own.id.label("fill_id"), *(own[name] for name in _FILL), own.settings_version_id)
    terms = marked_where(own.time_ms, own.trigger, Filters(start_ms=start_ms, end_ms=end_ms))
    statement = select(*columns).where(own.bot_id == _bot_id(connection, portfolio_id, bot), *terms)
    fills = frame(connection, statement.order_by(own.time_ms.desc(), own.id.desc()).limit(limit)).iloc[::-1]
    fills = fills.reset_index(drop=True)
    bought = fills["quantity"] > 0.0
    fills.insert(4, "side", Series(np.where(bought, Side.BUY.name, Side.SELL.name), dtype="str"))
    return with_kinds(fills)


def load_protection(
    connection: Connection, portfolio_id: int, bot: str, start_ms: int | None = None, end_ms: int | None = None
) -> DataFrame:
    """Work out where stop, trailing stop and next target stood over each position, from fills, candles and settings.

    The worker keeps only the level in force; this is what the rules of the settings that ran then make of the past.
    Columns: position (number), time_ms (open of the bar it held in), entry_price, stop_price (NaN without),
    trailing_price (NaN until armed), exit_level (the one that ruled), target_price (the next rung of the ladder, or the
    strategy's own target of a position that is open; NaN for none). Empty where no candles are kept.
    """
    versions = _risks(connection, portfolio_id)
    states = load_bot_states(connection, portfolio_id)
    own = states[states["bot"] == bot]
    if not len(own):
        return _no_levels()
    fills = _fills(connection, portfolio_id, bot, None, end_ms, MOST_FILLS)
    reaching = _positions(fills, start_ms, int(own["min_units"].iloc[0]))
    if not reaching:
        return _no_levels()
    first_ms = reaching[0][1].start_ms - DAY_MS
    bars, timeframe_ms = _bars(connection, portfolio_id, bot, first_ms, end_ms, None)
    paths = []
    for number, held in reaching:
        # The stop is frozen when a position opens: by the settings that ran then.
        risk = versions.get(held.version, {})
        stop = float(risk.get("stop", 0.0))
        if held.is_open:
            stop, target = (float(own[f"{name}_fraction"].iloc[0]) for name in ("stop", "target"))
            risk = {**risk, "ladder": [[target, 1.0]]} if target > 0.0 else risk
        path = protective_path(held.within(bars, timeframe_ms), held.entries, held.direction, stop, risk)
        paths.append(path.assign(position=number))
    table = concat(paths, ignore_index=True)
    if start_ms is not None:
        table = table[table["time_ms"] >= start_ms]
    return table[["position", "time_ms", *_LEVELS]].tail(2_000).reset_index(drop=True)


def _no_levels() -> DataFrame:
    return empty(position="int64", time_ms="int64", **dict.fromkeys(_LEVELS, "float64"))


@dataclass(frozen=True)
class _Held:
    """A position of the past: when it was held, its direction, its entries (time_ms, quantity, price)."""

    start_ms: int
    end_ms: int
    is_open: bool
    direction: float
    version: float
    entries: DataFrame

    def within(self, bars: DataFrame, timeframe_ms: int) -> DataFrame:
        """Give the bars it was protected in: that it opened in among them, that at whose open it closed not."""
        opens = bars["open_ms"].to_numpy(np.int64)
        ends = (self.start_ms - self.start_ms % timeframe_ms, self.end_ms) if timeframe_ms else (0, 0)
        first, last = np.searchsorted(opens, ends)
        return bars.iloc[first:last]


def _positions(fills: DataFrame, reach_ms: int | None, min_units: int) -> list[tuple[int, _Held]]:
    """Cut fills into positions: from the first opening leg after flat until less than `min_units` are held again.

    Gives those that were held at `reach_ms` or later, each with its number among all.
    """
    found, units, first, number = [], 0, 0, -1
    opens, times_ms = (fills["leg"] == Leg.OPEN.name).to_numpy(), fills["time_ms"].to_numpy(np.int64)
    for at, (signed, is_opening) in enumerate(zip(fills["units"].tolist(), opens.tolist(), strict=True)):
        was_flat = abs(units) < min_units
        if was_flat and not is_opening:
            # Dust that went: but for what an earlier fill than these left.
            units += signed if number >= 0 else 0
            continue
        if was_flat:
            first, number = at, number + 1
        units += signed
        is_flat = abs(units) < min_units
        is_over = is_flat and reach_ms is not None and times_ms[at] < reach_ms
        # The last one is still open, or ends here.
        if (is_flat or at == len(fills) - 1) and not is_over:
            found.append((number, _held(fills.iloc[first : at + 1], is_flat)))
    return found


def _held(fills: DataFrame, is_flat: bool) -> _Held:
    entries = fills[fills["leg"] == Leg.OPEN.name]
    return _Held(
        start_ms=int(entries["time_ms"].iloc[0]),
        end_ms=int(fills["time_ms"].iloc[-1]) if is_flat else int(np.iinfo(np.int64).max),
        is_open=not is_flat,
        direction=float(np.sign(entries["quantity"].iloc[0])),
        version=float(fills["settings_version_id"].iloc[0]),
        entries=entries,
    )


def _risks(connection: Connection, portfolio_id: int) -> dict[float, dict[str, Any]]:
    """Give the risk section of each configuration that ran, by its id."""
    own = SettingsVersion.__table__.c
    statement = select(own.id, own.settings).where(own.portfolio_id == portfolio_id)
    rows = connection.execute(statement.order_by(own.id.desc()).limit(MOST_VERSIONS)).all()
    return {float(id_): json.loads(settings).get("risk", {}) for id_, settings in rows}


def _bars(
    connection: Connection, portfolio_id: int, bot: str, start_ms: int | None, end_ms: int | None, most: int | None
) -> tuple[DataFrame, int]:
    found = _market(connection, portfolio_id, bot)
    if found is None:
        return candles.no_bars(), 0
    market, symbol, step_ms = found
    read = candles.load_bars(connection, market, symbol, step_ms, start_ms, end_ms, most or candles.MOST_BARS)
    return read, step_ms


def _market(connection: Connection, portfolio_id: int, bot: str) -> tuple[str, str, int] | None:
    """Give under which market and symbol a bot's candles are kept, and their timeframe; None where none are."""
    members = load_members(connection, portfolio_id)
    found = members.loc[members["bot"] == bot]
    if not len(found):
        return None
    symbol, account = str(found["symbol"].iloc[0]), str(found["account"].iloc[0])
    market = candles.candle_market(connection, portfolio_id, symbol, account)
    own = Portfolio.__table__.c
    step_ms = connection.execute(select(own.step_ms).where(own.id == portfolio_id)).scalar()
    return None if market is None else (market, symbol, int(step_ms or 0))


def _first_step_ms(connection: Connection, portfolio_id: int, bot: str) -> int | None:
    bot_id = _bot_id(connection, portfolio_id, bot)
    firsts = [
        connection.execute(select(func.min(own.from_ms)).where(own.bot_id == bot_id)).scalar()
        for own in (Decision.__table__.c, OpenDecision.__table__.c)
    ]
    return min((int(first) for first in firsts if first is not None), default=None)


def _bot_id(connection: Connection, portfolio_id: int, bot: str) -> int:
    members = load_members(connection, portfolio_id)
    found = members.loc[members["bot"] == bot, "bot_id"]
    return int(found.iloc[0]) if len(found) else -1
