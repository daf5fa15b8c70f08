"""A real exchange that fails: two failures in a row are survived, and one that lasts is a sentence."""

from typing import Any

import pytest

from shared.errors import MarketError
from tests.exchange.server import Server
from tests.market.exchanges import IMPATIENT, NOW_MS, PATIENT, PatientClock, expected, market
from tests.market.fakes import HOUR_MS, START_MS, MemoryStore, same_bars

READ_FAULTS: dict[str, dict[str, Any]] = {
    "reset": {"action": "reset"},
    "server error": {"action": "status", "code": 500},
    "bad gateway": {"action": "status", "code": 502},
    "forbidden page": {"action": "status", "code": 403},
    "too many requests": {"action": "status", "code": 429, "body": "{}", "headers": {"Retry-After": "2"}},
    "broken JSON": {"action": "malformed"},
    "empty body": {"action": "empty"},
    "null": {"action": "null"},
    "page instead of JSON": {"action": "html"},
    "body cut short": {"action": "short"},
    "silence": {"action": "hang", "s": 1.0},
}


def patience(kind: str) -> dict[str, float]:
    return IMPATIENT if kind == "silence" else PATIENT


READS = [(kind, "klines") for kind in READ_FAULTS]
# What the listing adds: ccxt takes a body it cannot read for an exchange without markets.
READS += [(kind, "exchangeInfo") for kind in ("broken JSON", "empty body", "null", "page instead of JSON", "reset")]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "path"), READS)
def test_two_failures_in_a_row_are_survived(server: Server, clock: PatientClock, kind: str, path: str) -> None:
    server.faults.add(path=f"*/{path}", times=2, **READ_FAULTS[kind])
    bars = market(server, clock, **patience(kind)).fetch_bars("BTC/USDT", START_MS + 90 * HOUR_MS, NOW_MS)
    assert same_bars(bars, expected(server, "BTCUSDT", START_MS + 90 * HOUR_MS, 10))
    assert len(server.faults.fired) == 2 and len(clock.slept) == 2


@pytest.mark.parametrize("kind", READ_FAULTS)
def test_a_failure_that_lasts_is_one_sentence_and_keeps_nothing_wrong(
    server: Server, clock: PatientClock, kind: str
) -> None:
    store = MemoryStore()
    broken = market(server, clock, store, **patience(kind))
    server.faults.add(path="*/klines", times=4, **READ_FAULTS[kind])
    for _ in range(2):
        with pytest.raises(MarketError, match=r"^binance candles of BTC/USDT (could not be read|must be valid)"):
            broken.fetch_bars("BTC/USDT", START_MS + 99 * HOUR_MS, NOW_MS)
    assert len(server.asked("/klines")) == 4, "three attempts, then one while it keeps failing"
    assert store.kept == {}
    assert len(broken.fetch_bars("BTC/USDT", START_MS + 99 * HOUR_MS, NOW_MS)) == 1


def test_slow_answers_are_waited_for(server: Server, clock: PatientClock) -> None:
    slow = market(server, clock)
    server.faults.add("drip", "*/klines", s=0.05, parts=4)
    server.faults.add("delay", "*/klines", s=0.2)
    for first in (98, 99):
        assert len(slow.fetch_bars("BTC/USDT", START_MS + first * HOUR_MS, START_MS + (first + 1) * HOUR_MS)) == 1
    assert len(server.faults.fired) == 2 and clock.slept == []


def test_retry_after_is_obeyed(server: Server, clock: PatientClock) -> None:
    limited = market(server, clock)
    server.faults.add("status", "*/klines", code=429, body="{}", headers={"Retry-After": "7"})
    assert len(limited.fetch_bars("BTC/USDT", START_MS + 99 * HOUR_MS, NOW_MS)) == 1
    assert clock.slept == [7.0]


def test_a_ban_ends_all_reads_until_it_is_over(server: Server, clock: PatientClock) -> None:
    banned = market(server, clock)
    server.faults.add("status", "*/klines", code=418, body="{}", headers={"Retry-After": "120"})
    for _ in range(3):
        with pytest.raises(MarketError):
            banned.fetch_bars("BTC/USDT", START_MS + 99 * HOUR_MS, NOW_MS)
    assert len(server.asked("/klines")) == 1, "asking on makes a ban longer"
    with pytest.raises(MarketError, match="wants silence for 120 s more"):
        banned.fetch_bars("ETH/USDT", START_MS + 99 * HOUR_MS, NOW_MS)
    clock.advance_ms(121_000)
    assert len(banned.fetch_bars("BTC/USDT", START_MS + 99 * HOUR_MS, NOW_MS)) == 1


def test_a_market_that_is_delisted_meanwhile_is_not_asked_for_again_and_again(
    server: Server, clock: PatientClock
) -> None:
    delisted = market(server, clock)
    server.exchange.listings[0].listed = False
    with pytest.raises(MarketError, match="BadSymbol"):
        delisted.fetch_bars("BTC/USDT", START_MS + 99 * HOUR_MS, NOW_MS)
    assert len(server.asked("/klines")) == 1
