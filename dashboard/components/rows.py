"""What a page works out itself, as a download: by name, with stable columns, written as the exports of the books are.

The columns are documented in `docs/dashboard.md`; they are only ever added to, at the end.
"""

import math
from dataclasses import dataclass
from typing import Any

from pandas import DataFrame, Series, isna

from shared.tables.export_formats import PIECES, iso

_POSITION = (
    *("opened_ms", "bot", "sleeve", "symbol", "side", "quantity", "entry_price", "close", "notional", "open_profit"),
    *("return_fraction", "stop_price", "trailing_price", "exit_level", "distance_fraction", "risk"),
    *("best_price", "worst_price", "allocation", "bar_status", "level"),
)
_BOT = (
    *("bot", "sleeve", "strategy", "symbol", "timeframe", "parameters", "status", "level", "own_level"),
    *("equity", "allocation", "weight", "money_in", "profit_so_far", "realised_profit", "open_profit", "funding"),
    *("fees", "return_fraction", "drawdown_fraction", "max_drawdown_fraction", "round_trips", "wins", "win_rate"),
    *("win_rate_low", "win_rate_high", "side", "position", "notional", "reason", "reason_value", "reason_limit"),
    *("low", "high", "confirmed", "last_fill_ms", "period_profit", "period_fees"),
)
_WIN_RATE = (
    *("by", "label", "count", "wins", "symbol_days", "trials", "win_rate", "win_rate_low", "win_rate_high"),
    *("profit", "fees", "profit_factor", "expectancy"),
)
# A first column `time` is the first of the `_ms` columns as ISO 8601.
COLUMNS: dict[str, tuple[str, ...]] = {
    "open_positions": ("time", *_POSITION),
    "bots": _BOT,
    "protection": (
        "time",
        "time_ms",
        "position",
        "entry_price",
        "stop_price",
        "trailing_price",
        "exit_level",
        "target_price",
    ),
    "lines": ("time", "time_ms", "line", "price"),
    "holdings": (
        *("scope_kind", "scope", "parent", "equity", "allocation", "weight", "profit", "drawdown_fraction", "bots"),
    ),
    "targets": (
        *("bot", "sleeve", "symbol", "allocation", "equity", "difference", "difference_fraction"),
        *("target_share", "actual_share"),
    ),
    "savings": ("time", "day_ms", "saved", "crossed_notional", "traded_notional", "fees", "fills"),
    "distribution": ("low", "high", "count", "wins"),
    "win_rates": _WIN_RATE,
    "daily_returns": (
        *("time", "time_ms", "return_fraction", "profit", "drawdown_fraction", "equity", "money_in"),
        "flow_free_equity",
    ),
    "monthly_returns": ("year", "month", "return_fraction", "profit", "days"),
    "rolling_sharpe": ("time", "time_ms", "sharpe_ratio", "days"),
    "benchmark": ("time", "time_ms", "symbol", "return_fraction"),
    "costs": ("bot", "sleeve", "symbol", "gross_profit", "fees", "funding", "profit", "money_in", "equity"),
    "correlations": ("bot", "other", "correlation"),
    "held": ("time", "time_ms", "equity", "profit", "return_fraction"),
    "profit_by_time": ("time", "from_ms", "by", "profit", "return_fraction", "fees", "fills", "days"),
    "symbol_bots": (
        *("bot", "sleeve", "symbol", "side", "position", "notional", "open_profit", "period_profit", "period_fees"),
        *("round_trips", "win_rate"),
    ),
    "crossed": (
        *("time", "time_ms", "bot", "sleeve", "symbol", "side", "quantity", "crossed", "price", "crossed_notional"),
        "saved",
    ),
    "brakes": (
        *("brake", "scope_kind", "scope", "value_fraction", "limit_fraction", "left_fraction", "level"),
        *("is_warned", "is_on"),
    ),
    "brake_history": (
        *("time", "time_ms", "wall_ms", "what", "cause", "scope_kind", "scope", "value", "limit", "message"),
    ),
    "exposures": ("symbol", "long", "short", "net", "gross", "of_equity", "positions"),
    "gate": ("row", "reason", "meaning"),
    "verdicts": ("reason", "stops", "measured", "limit_said", "meaning"),
    "fleet_decisions": ("bot", "sleeve", "symbol", "reason", "value", "limit", "confirmed", "steps", "from_ms"),
    "reason_counts": ("bot", "sleeve", "symbol", "reason", "steps", "ordered"),
    "levels": ("scope_kind", "scope", "sleeve", "level", "own_level", "positions", "notional", "unprotected"),
    "settings": ("setting", "value"),
    "settings_versions": ("time", "last_ms", "first_ms", "digest", "changes", "settings"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows on show that are not rows of the books, and the name of their download."""

    name: str
    frame: DataFrame

    def write(self, form: str) -> bytes:
        """Give them as `csv` or `json`: numbers with all their digits, times in ms UTC."""
        return "".join(PIECES[form](COLUMNS[self.name], [self.values()])).encode()

    def values(self) -> list[tuple[Any, ...]]:
        """Give the rows by the columns of the download; what is not there is None."""
        names = [name for name in COLUMNS[self.name] if name != "time"]
        columns = [_known(self.frame[name], name) for name in names]
        if len(names) < len(COLUMNS[self.name]):
            at = next(place for place, name in enumerate(names) if name.endswith("_ms"))
            columns.insert(0, [None if time_ms is None else iso(time_ms) for time_ms in columns[at]])
        return list(zip(*columns, strict=True))


def pairs(square: DataFrame) -> DataFrame:
    """Give a square of correlations as rows, whose columns are the same whatever bots there are."""
    names = square.index.to_list()
    corner = [(one, other, square.iat[row, at]) for row, one in enumerate(names) for at, other in enumerate(names)]
    return DataFrame(corner, columns=["bot", "other", "correlation"])


def _known(values: Series, name: str) -> list[Any]:
    whole = name.endswith("_ms")
    return [None if _is_missing(value) else int(value) if whole else value for value in values.tolist()]


def _is_missing(value: Any) -> bool:
    return not math.isfinite(value) if isinstance(value, float) else isna(value) is True
