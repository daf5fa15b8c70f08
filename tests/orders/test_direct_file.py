"""The file of direct orders: on disk before one leaves, whole lines only, the newest word of each order counts."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from shared.enums import Side
from shared.errors import ConfigurationError
from worker.orders.direct_file import DirectOrder, append_order, direct_file, read_orders

ORDER = DirectOrder("w1", "main", "BTC/USDT", Side.SELL, Decimal("0.10"), Decimal("60000.5"), 7)


def test_orders_come_back_as_they_were_written_with_what_became_of_them(tmp_path: Path) -> None:
    file = direct_file(tmp_path / "state", "flotilla")
    assert read_orders(file) == []
    append_order(file, ORDER)
    append_order(file, replace(ORDER, client_order_id="w2"))
    append_order(file, replace(ORDER, filled=Decimal(0)))
    assert read_orders(file) == [replace(ORDER, filled=Decimal(0)), replace(ORDER, client_order_id="w2")]


def test_a_line_that_was_cut_short_is_no_order(tmp_path: Path) -> None:
    file = direct_file(tmp_path, "flotilla")
    append_order(file, ORDER)
    with file.open("a") as stream:
        stream.write('{"client_order_id": "w2", "acc')
    assert read_orders(file) == [ORDER]
    append_order(file, replace(ORDER, client_order_id="w3"))
    assert [order.client_order_id for order in read_orders(file)] == ["w1", "w3"]


def test_a_file_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    file = tmp_path / "f.direct.jsonl"
    file.mkdir()
    with pytest.raises(ConfigurationError, match="must be readable for this user, was not: must be a file"):
        read_orders(file)
