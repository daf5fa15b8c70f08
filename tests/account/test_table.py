"""The table of quirks: every exchange has its row and its line in the docs, and one without is refused."""

import pytest

from shared.errors import ConfigurationError
from tests.account.recording import ID
from tests.account.table import PAGE, written
from worker.exchange.quirks import ByName, Quirks
from worker.exchange.table import QUIRKS, quirks_of


def test_the_docs_show_the_table_as_it_is() -> None:
    assert PAGE.read_text() == written(PAGE.read_text()), "write it anew with python -m tests.account.table"


@pytest.mark.parametrize(
    ("exchange", "kind", "words"),
    [
        ("mtgox", "spot", "exchange of an account must be one of binance, bitget, .*, was 'mtgox'"),
        ("binance", "unified", "type of an account on binance must be one of spot, swap, was 'unified'"),
        ("coinbase", "swap", "type of an account on coinbase must be one of spot, was 'swap'"),
    ],
)
def test_an_exchange_without_a_row_is_refused(exchange: str, kind: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        quirks_of(exchange, kind)


@pytest.mark.parametrize("row", QUIRKS, ids=lambda row: f"{row.exchange} {row.kind}")
def test_each_row_says_what_it_stands_on(row: Quirks) -> None:
    assert not set(row.verified) & set(row.not_verified)
    about = {"market order", "limit order", "post-only", "cancel", "look-up", "client id", "answers", "duplicates"}
    assert about <= set(row.verified) | set(row.not_verified)
    assert "finality" in (*row.verified, *row.not_verified) or row.finality.window_ms is None
    assert row.absent or row.look_up_by is not ByName.PARAMETER, "not found must be provable"
    assert row.hosts and row.lists and row.rate.limit > 0
    row.require_id(ID)
    assert row.ours(row.named(ID)) == ID


def test_every_exchange_that_was_asked_for_is_there() -> None:
    kinds = {(row.exchange, row.kind) for row in QUIRKS}
    assert {("binance", "spot"), ("binance", "swap"), ("gate", "spot"), ("gate", "swap"), ("kraken", "spot")} <= kinds
    assert {("bybit", kind) for kind in ("spot", "swap", "unified")} <= kinds
    assert {"okx", "krakenfutures", "kucoin", "coinbase", "bitget"} <= {exchange for exchange, _ in kinds}
    assert len(kinds) == len(QUIRKS)
