"""Orders that rest: followed, taken at market or dropped, each attempt an order of its own on the exchange."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.enums import CommandKind
from tests.exchange import record
from tests.exchange.prices import Wave
from tests.live.plain_strategies import NO_DEFAULTS, PLAIN_RISK, make_strategy
from tests.simulation.checks import broken
from tests.simulation.crash_matrix import walk
from tests.simulation.world import START_MS, STEP_MS, VENUES, Process, World, settings_of
from worker.exchange.protocol import AccountClient
from worker.strategies.bands import Bands
from worker.strategies.bars import Bars
from worker.strategies.registry import STRATEGIES

# Orders leave at the close of the first bar; the other symbol is not traded.
SENT_MS = START_MS + STEP_MS
EXITS_FROM_MS = START_MS + STEP_MS
LEVEL = 60_000.0
QUIET = ("risk.brakes=false", "allocation.policy=fixed", "broker.reconcile_seconds=600")
SPOT = "binance spot"

Price = Callable[[float], float]


def _long_for_a_bar(bars: Bars, exposure: float) -> Bands:
    wanted = np.where(bars.open_ms < EXITS_FROM_MS, exposure, 0.0)
    return Bands(wanted, wanted)


@pytest.fixture(autouse=True)
def strategies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STRATEGIES, "brief", make_strategy("brief", _long_for_a_bar))


def make_world(root: Path, venue: str, price: Price, *overrides: str, **given: Any) -> World:
    """Make a world whose price is a function of the seconds since the first orders leave."""
    grid = ("portfolio.symbols=['BTC/USDT']", "strategies.brief.grid=[[1.0]]")
    settings = settings_of(VENUES[venue], *NO_DEFAULTS, *PLAIN_RISK, *QUIET, *grid, *overrides)
    world = World(root, VENUES[venue], settings, prices=Wave(), **given)
    world.exchange.price_override["BTCUSDT"] = lambda at_ms: price((at_ms - SENT_MS) / 1000)
    return world


def go(world: World, seconds: float, process: Process | None = None) -> Process:
    process = process or world.start()
    walk(world, process, SENT_MS + round(1000 * seconds))
    return process


def _attempts(world: World, step: int = 1) -> list[tuple[int, str, str]]:
    asked = 'SELECT attempt, style, status FROM "order" WHERE step = ? ORDER BY attempt'
    return [tuple(row) for row in world.rows(asked, step)]  # type: ignore[misc]


def _partly(world: World, offered: Decimal, seconds: float = 5, process: Process | None = None) -> Process:
    """Offer so much, and then nothing."""
    world.exchange.liquidity["BTCUSDT"] = offered
    process = go(world, seconds, process)
    world.exchange.liquidity["BTCUSDT"] = Decimal(0)
    return process


def _is_flat(world: World) -> bool:
    """Say whether no more is held than what a fee in coins makes of a step."""
    ((units, step),) = world.rows("SELECT bot_state.units, step_units FROM bot_state, market_state")
    return bool(0 <= units < step)


def _end(world: World, process: Process) -> None:
    """Hold the books to the exchange's record: whatever rested, every order is accounted for."""
    world.end(process)
    assert broken(world) == []
    known = record.orders_by_client_id(world.exchange, world.account)
    assert all(len(orders) == 1 for orders in known.values())


def test_a_maker_order_that_is_reached_is_filled_at_its_price(tmp_path: Path) -> None:
    world = make_world(tmp_path, SPOT, lambda s: LEVEL if s < 60 else LEVEL - 5, "broker.order=maker")
    process = go(world, 150)
    assert _attempts(world) == [(0, "MAKER", "FILLED")]
    ((price, limit, is_maker),) = set(
        world.rows('SELECT trade.price, limit_price, is_maker FROM trade JOIN "order" USING (client_order_id)')
    )
    assert (float(price), is_maker) == (limit, 1)
    assert limit < LEVEL
    _end(world, process)


def test_a_maker_order_that_is_not_reached_is_taken_at_market_when_its_patience_is_over(tmp_path: Path) -> None:
    world = make_world(tmp_path, SPOT, lambda s: LEVEL, "broker.order=maker")
    process = go(world, 290)
    assert _attempts(world) == [(0, "MAKER", "OPEN")]
    go(world, 330, process)
    assert _attempts(world) == [(0, "MAKER", "CANCELLED"), (1, "MARKET", "FILLED")]
    _end(world, process)


@pytest.mark.slow
def test_a_maker_order_follows_the_price_so_often_and_no_longer(tmp_path: Path) -> None:
    world = make_world(
        tmp_path, SPOT, lambda s: LEVEL + 10 * max(s // 20, 0), "broker.order=maker", "broker.requotes=2"
    )
    process = go(world, 250)
    rested = [(0, "MAKER", "CANCELLED"), (1, "MAKER", "CANCELLED"), (2, "MAKER", "OPEN")]
    assert _attempts(world) == rested
    limits = [limit for (limit,) in world.rows('SELECT limit_price FROM "order" ORDER BY attempt')]
    assert limits == sorted(set(limits))
    go(world, 330, process)
    assert _attempts(world) == [*rested[:2], (2, "MAKER", "CANCELLED"), (3, "MARKET", "FILLED")]
    _end(world, process)


@pytest.mark.slow
def test_an_entry_that_lapses_is_dropped_and_an_exit_is_taken(tmp_path: Path) -> None:
    lapse = ("broker.order=maker", "broker.maker_unfilled=lapse")

    def reached_only_at_first(s: float) -> float:
        return LEVEL - 5 if 60 <= s < 120 else LEVEL

    world = make_world(tmp_path, SPOT, lambda s: LEVEL, *lapse)
    process = go(world, 400)
    assert _attempts(world) == [(0, "MAKER", "CANCELLED")]
    _end(world, process)
    world = make_world(tmp_path / "exit", SPOT, reached_only_at_first, *lapse)
    process = go(world, STEP_MS / 1000 + 400)
    assert _attempts(world, 2) == [(0, "MAKER", "CANCELLED"), (1, "MARKET", "FILLED")]
    assert _is_flat(world)
    _end(world, process)


def test_a_limit_order_leaves_what_its_price_does_not_reach_an_exit_is_then_taken(tmp_path: Path) -> None:
    def price(s: float) -> float:
        return LEVEL if s < STEP_MS / 1000 + 5 else LEVEL - 100

    world = make_world(tmp_path, SPOT, price, "broker.order=limit", "broker.limit_offset=0.0001")
    process = _partly(world, Decimal("0.01"))
    assert _attempts(world) == [(0, "LIMIT", "PARTLY_FILLED")]
    go(world, 40, process)
    assert _attempts(world) == [(0, "LIMIT", "CANCELLED")]
    ((held,),) = world.rows("SELECT units FROM bot_state")
    assert held > 0
    # The book is thinner still when the bot wants out.
    world.exchange.liquidity["BTCUSDT"] = Decimal("0.001")
    go(world, STEP_MS / 1000 + 5, process)
    assert _attempts(world, 2) == [(0, "LIMIT", "PARTLY_FILLED")]
    world.exchange.liquidity["BTCUSDT"] = Decimal(10)
    go(world, STEP_MS / 1000 + 40, process)
    assert _attempts(world, 2) == [(0, "LIMIT", "CANCELLED"), (1, "MARKET", "FILLED")]
    assert _is_flat(world)
    _end(world, process)


class OldPrices:
    """An account whose prices are older than they seem: what is to rest at the best of its side would fill at once."""

    def __init__(self, client: AccountClient) -> None:
        self._client = client
        self.times = 2

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def best_prices(self, symbols: Any) -> Mapping[str, tuple[Decimal, Decimal]]:
        """Give a bid above the ask there is."""
        prices = self._client.best_prices(symbols)
        self.times -= 1
        above = Decimal(20) if self.times >= 0 else Decimal(0)
        return {symbol: (bid + above, ask + above) for symbol, (bid, ask) in prices.items()}


@pytest.mark.parametrize(
    "venue",
    [venue if venue in (SPOT, "bybit unified") else pytest.param(venue, marks=pytest.mark.slow) for venue in VENUES],
)
def test_an_order_refused_for_it_would_fill_at_once_is_placed_anew(tmp_path: Path, venue: str) -> None:
    world = make_world(tmp_path, venue, lambda s: LEVEL, "broker.order=maker", wrap=lambda _, client: OldPrices(client))
    process = go(world, 200)
    attempts = _attempts(world)
    assert attempts[0] == (0, "MAKER", "CANCELLED")
    assert 2 <= len(attempts) <= 3
    assert attempts[-1][1:] == ("MAKER", "OPEN")
    assert world.rows("SELECT kind FROM event WHERE kind LIKE 'ORDER%'") == []
    go(world, 330, process)
    assert _attempts(world)[-1][1] == "MARKET"
    ((held,),) = world.rows('SELECT sum(filled_quantity) FROM "order"')
    assert held * LEVEL == pytest.approx(5_000, rel=0.01)
    _end(world, process)


def test_what_a_person_flattens_rests_no_longer(tmp_path: Path) -> None:
    world = make_world(tmp_path, SPOT, lambda s: LEVEL - 1 if 30 <= s < 38 else LEVEL, "broker.order=maker")
    process = go(world, 28)
    _partly(world, Decimal("0.01"), 38, process)
    assert _attempts(world) == [(0, "MAKER", "PARTLY_FILLED")]
    # What was filled last the books do not know yet.
    world.exchange.liquidity["BTCUSDT"] = Decimal(10)
    world.ask(CommandKind.FLATTEN)
    go(world, 55, process)
    statuses = dict(world.rows('SELECT "trigger", status FROM "order"'))
    assert statuses == {"SIGNAL": "CANCELLED", "FLATTEN": "FILLED"}
    assert _is_flat(world)
    _end(world, process)


def test_an_entry_that_a_level_forbids_by_now_rests_no_longer(tmp_path: Path) -> None:
    world = make_world(tmp_path, SPOT, lambda s: LEVEL, "broker.order=maker")
    process = go(world, 30)
    world.ask(CommandKind.PAUSE)
    go(world, 45, process)
    assert _attempts(world) == [(0, "MAKER", "CANCELLED")]
    assert world.rows('SELECT reason FROM "order"') == [("a level forbids it now",)]
    _end(world, process)


@pytest.mark.slow
def test_a_worker_that_dies_while_an_order_rests_takes_it_up_where_it_was(tmp_path: Path) -> None:
    world = make_world(tmp_path, SPOT, lambda s: LEVEL, "broker.order=maker")
    process = go(world, 100)
    process.places.is_dead = True
    world.end(process)
    process = go(world, 290)
    assert _attempts(world) == [(0, "MAKER", "OPEN")]
    go(world, 330, process)
    assert _attempts(world) == [(0, "MAKER", "CANCELLED"), (1, "MARKET", "FILLED")]
    _end(world, process)
