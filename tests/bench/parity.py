"""The fleet replayed through the live path, database and all, against the backtest of the same candles."""

import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet

from shared.database import open_reader, transaction
from shared.settings import Settings, load_settings
from tests.bench.document import table
from tests.conftest import candles_folder
from worker.build import make_worker
from worker.fleet.plan import plan_fleet, planned_bots
from worker.market.files import load_candles
from worker.market.protocol import file_limits
from worker.research.candles import lay_on_grid
from worker.research.replay import Replay, replay_fleet

TITLE = "Parity of live path and backtest"

BARS = 8_640
FIRST_BAR = 20_000
FILLS = "SELECT time_ms, quantity, price, fee, crossed FROM fill ORDER BY id"
EQUITY = "SELECT equity FROM equity_point WHERE scope_kind = 'PORTFOLIO' AND resolution = 'STEP' ORDER BY time_ms"


def measure(bars: int = BARS) -> str:
    """Step real candles live with a restart in the middle, replay them, and compare to the last digit."""
    source = candles_folder("spot-5m")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        candles = root / "candles"
        candles.mkdir()
        for file in sorted(source.glob("*.parquet")):
            parquet.write_table(parquet.read_table(file).slice(FIRST_BAR, bars), candles / file.name)

        def load() -> Settings:
            timeframe, market = "portfolio.timeframe=5m", "market.kind=replay"
            return load_settings(None, {}, (timeframe, market, f"market.candles={candles}", "market.bar_seconds=0"))

        began = time.perf_counter()
        steps = _step(load, root, bars // 2) + _step(load, root, bars)
        seconds = time.perf_counter() - began
        fills, equity = _books(load(), root)
        replay = _replay(load(), candles)
    expected = [
        tuple(fill[name].item() for name in ("time_ms", "quantity", "price", "fee", "crossed")) for fill in replay.fills
    ]
    gap = float(np.max(np.abs(np.array(equity) - replay.equity)))
    rows = [
        ("bars stepped", f"{steps:,}", f"{len(replay.open_ms):,}"),
        ("fills", f"{len(fills):,}", f"{len(expected):,}"),
        ("equity at the end", f"{equity[-1]:.9f}", f"{replay.equity[-1]:.9f}"),
    ]
    same = "the same to the last bit" if fills == expected else "NOT the same"
    return (
        f"27 bots over {bars:,} real 5m bars, restarted in the middle: fills are {same}, equity is at most "
        f"{gap:.3g} apart. "
        f"{1000 * seconds / steps:.1f} ms a step.\n\n" + table(("", "live path", "backtest"), rows)
    )


def _step(load, root: Path, limit: int) -> int:
    worker = make_worker(load(), root, load)
    worker.recover(False)
    made = [0]

    def enough() -> bool:
        made[0] += 1
        return made[0] >= limit

    worker.step_due(enough)
    worker.close()
    return made[0]


def _books(settings: Settings, root: Path) -> tuple[list[tuple], list[float]]:
    engine = open_reader(settings.database.url, root)
    try:
        with transaction(engine) as connection:
            fills = [tuple(row) for row in connection.exec_driver_sql(FILLS)]
            equity = [row[0] for row in connection.exec_driver_sql(EQUITY)]
    finally:
        engine.dispose()
    return fills, equity


def _replay(settings: Settings, candles: Path) -> Replay:
    bars = {symbol: load_candles(candles, symbol, settings.step_ms) for symbol in settings.portfolio.symbols}
    limits = {symbol: file_limits(own) for symbol, own in bars.items()}
    return replay_fleet(settings, plan_fleet(planned_bots(settings)), lay_on_grid(bars, settings.step_ms), {}, limits)
