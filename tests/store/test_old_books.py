"""Books of a program that kept quantities in floats become books that are counted, and go on.

`books_of_0002.json.gz` holds the rows of a small fleet as revision 0002 left them: netted orders and in-house crosses
off the step, positions of a coin of which a bot holds hundreds of milliards, orders that wait for the next open, and a
position of 1.0000008e-8 coins that a close in floats left behind.
"""

import gzip
import json
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from shared.database import open_writer, transaction
from shared.migrations import make_config
from shared.migrations.upgrade import upgrade
from tests.live.fake_market import FakeMarket, random_bars
from tests.live.running import Place, small_settings
from worker.store.doctor import examine
from worker.strategies.bars import Bars, make_bars

FILE = Path(__file__).with_name("books_of_0002.json.gz")
CHEAP, DUSTY = "AAA/USDT", "BBB/USDT"


def old_rows() -> dict[str, dict[str, list]]:
    return json.loads(gzip.decompress(FILE.read_bytes()))


def make_old(engine: Engine) -> None:
    """Give a database of now the tables and rows of then."""
    from alembic import command

    with transaction(engine) as connection:
        command.downgrade(make_config(connection), "0002")
    with transaction(engine) as connection:
        waiting = old_rows()
        for name in sorted(waiting, key=_after):
            _insert(connection, name, **waiting[name])


def _after(name: str) -> tuple[int, str]:
    order = ["portfolio", "sleeve", "bot", "settings_version", "command"]
    return (order.index(name) if name in order else len(order)), name


def _insert(connection: Connection, name: str, columns: list[str], rows: list[list]) -> None:
    if rows:
        quoted, values = ", ".join(f'"{column}"' for column in columns), ", ".join(f":{column}" for column in columns)
        sql = text(f'INSERT INTO "{name}" ({quoted}) VALUES ({values})')
        connection.execute(sql, [dict(zip(columns, row, strict=True)) for row in rows])
        if connection.dialect.name == "postgresql" and "id" in columns:
            last = f'(SELECT max(id) FROM "{name}")'
            connection.execute(text(f"SELECT setval(pg_get_serial_sequence('\"{name}\"', 'id'), {last})"))


def held_before() -> dict[int, float]:
    state = old_rows()["bot_state"]
    bot, quantity = state["columns"].index("bot_id"), state["columns"].index("quantity")
    return {row[bot]: row[quantity] for row in state["rows"]}


@pytest.fixture
def upgraded(engine: Engine, url: str) -> Engine:
    make_old(engine)
    upgrade(url)
    return engine


def test_old_books_sum_exactly_once_they_are_counted(upgraded: Engine) -> None:
    with transaction(upgraded) as connection:
        assert [finding for finding in examine(connection, 1) if not finding.holds] == []


def test_positions_are_what_they_were(upgraded: Engine) -> None:
    with transaction(upgraded) as connection:
        after = dict(connection.execute(text("SELECT bot_id, quantity FROM bot_state")).all())
    before = held_before()
    assert max(map(abs, before.values())) > 1e11
    for bot_id, quantity in before.items():
        assert after[bot_id] == pytest.approx(quantity, rel=1e-12, abs=2e-8)


def test_a_coin_of_which_there_are_milliards_has_a_unit_that_counts_them(upgraded: Engine) -> None:
    with transaction(upgraded) as connection:
        rows = connection.execute(text("SELECT symbol, coins_per_unit, units_per_coin FROM market_state")).all()
    assert {row.symbol: (row.coins_per_unit, row.units_per_coin) for row in rows} == {
        CHEAP: (1.0, 10.0),
        DUSTY: (1.0, 1e8),
    }


SENT = """SELECT symbol, SUM(order_units - crossed_units) FROM bot_state JOIN bot ON bot.id = bot_id GROUP BY symbol"""


def test_what_waited_for_its_price_waits_for_the_same(upgraded: Engine) -> None:
    """A short of 4,142.73824127 that is to be closed: by all of it, and no unit more."""
    with transaction(upgraded) as connection:
        bots = {symbol: int(units) for symbol, units in connection.execute(text(SENT))}
        markets = dict(connection.execute(text("SELECT symbol, order_units FROM market_state")).all())
        closing = "SELECT order_units FROM bot_state WHERE order_units != 0 AND order_units = -units"
        closes = connection.execute(text(closing)).scalars().all()
    assert bots == markets == {CHEAP: 0, DUSTY: 414_273_824_127}
    assert closes == [414_273_824_127]


def test_the_dust_of_a_close_is_closed_and_its_round_trip_ended(upgraded: Engine) -> None:
    ((dusty, dust),) = [(bot, held) for bot, held in held_before().items() if 0.0 < abs(held) < 1e-6]
    assert abs(dust) == 1.0000008e-8
    with transaction(upgraded) as connection:
        state = connection.execute(text(f"SELECT units, entry_price FROM bot_state WHERE bot_id = {dusty}")).one()
        open_ = connection.execute(text(f"SELECT count(*) FROM open_round_trip WHERE bot_id = {dusty}")).scalar()
        lots = connection.execute(text(f"SELECT count(*) FROM lot WHERE bot_id = {dusty}")).scalar()
        ended = connection.execute(text("SELECT count(*) FROM round_trip")).scalar()
    assert (*state, open_, lots) == (0, 0.0, 0, 0)
    assert ended == len(old_rows()["round_trip"]["rows"]) + 1


def test_the_fleet_of_old_books_steps_on(tmp_path: Path) -> None:
    """Over the very candles that come next, with books that sum after every step."""
    bars = {CHEAP: scaled(random_bars(160, 9), 1e-11), DUSTY: scaled(random_bars(160, 509), 0.0004)}
    settings = small_settings("risk.edge_to_cost=0.5", "risk.cooldown=0", "risk.min_notional=20")
    place = Place(tmp_path, settings, FakeMarket(bars))
    engine = open_writer(settings.database.url, tmp_path)
    make_old(engine)
    engine.dispose()
    upgrade(settings.database.url, tmp_path)
    place.run()
    fills = place.value("SELECT count(*) FROM fill") - len(old_rows()["fill"]["rows"])
    with transaction(place.engine) as connection:
        assert [finding for finding in examine(connection, 1) if not finding.holds] == []
    place.close()
    assert fills > 10


def scaled(bars: Bars, factor: float) -> Bars:
    prices = (getattr(bars, name) * factor for name in ("open", "high", "low", "close"))
    return make_bars(bars.open_ms, *prices, bars.volume)
