"""The default fleet over real five-minute candles: the live path, restarted in the middle, is the backtest."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from shared.settings import load_settings
from tests.conftest import candles_folder
from tests.live.running import Place, assert_parity, backtest, make_database, step
from worker.build import make_worker
from worker.market.files import load_candles

BARS = 2016
FIRST_BAR = 20_000


@pytest.mark.slow
def test_the_live_path_over_real_candles_is_the_backtest(tmp_path: Path) -> None:
    symbols = ("BTC", "ETH", "SOL")
    folder = tmp_path / "spot"
    folder.mkdir()
    for symbol in symbols:
        name = f"{symbol}_USDT-5m.parquet"
        pq.write_table(pq.read_table(candles_folder("spot-5m") / name).slice(FIRST_BAR, BARS), folder / name)
    overrides = (
        "portfolio.timeframe=5m",
        "market.kind=replay",
        f"market.candles={folder}",
        "market.bar_seconds=0",
        "database.url=sqlite:///flotilla.db",
    )
    settings = load_settings(None, {}, overrides)
    make_database(tmp_path)
    steps = 0
    for limit in (BARS // 2, None):
        worker = make_worker(settings, tmp_path, lambda: settings)
        worker.recover(False)
        steps += step(worker, limit)
        worker.close()
    assert steps == BARS
    bars = {symbol: load_candles(folder, symbol, settings.step_ms) for symbol in settings.portfolio.symbols}
    place = Place(tmp_path, settings, worker._market)
    assert_parity(place, worker, backtest(settings, bars))
    assert place.value("SELECT count(*) FROM fill") > 500
    place.close()
