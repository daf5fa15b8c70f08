"""The file of orders that were sent without the database: each is written before it leaves, and booked at a start."""

import json
import os
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path

from shared.enums import Side
from shared.errors import ConfigurationError
from shared.private_files import make_folders
from shared.regular_file import read_regular


@dataclass(frozen=True, slots=True)
class DirectOrder:
    """An order of `flotilla flatten --direct`; quantities are base units, `price` the one at sending.

    `filled` is none where what became of it was not known when it was written down last.
    """

    client_order_id: str
    account: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    sent_ms: int
    filled: Decimal | None = None


def direct_file(state: Path, portfolio: str) -> Path:
    """Name the file of a portfolio."""
    return state / f"{portfolio}.direct.jsonl"


def append_order(file: Path, order: DirectOrder) -> None:
    """Write an order, and again once it is known what was filled; returns when it is on the disk. Raises OSError."""
    make_folders(file.parent)
    with file.open("a") as stream:
        # What was cut short before it ends here.
        stream.write("\n" + json.dumps(asdict(order), default=str) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def read_orders(file: Path) -> list[DirectOrder]:
    """Give the orders, oldest first; none where there is no file. A line that was cut short never left.

    Raises ConfigurationError for a file that cannot be read: nobody else knows of what it holds.
    """
    try:
        lines = read_regular(file).splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigurationError(
            f"{file}, orders of flatten --direct, must be readable for this user, was not: {why}"
        ) from error
    orders = [order for line in lines if (order := _order(line)) is not None]
    return list({order.client_order_id: order for order in orders}.values())


def _order(line: str) -> DirectOrder | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    order = DirectOrder(
        told["client_order_id"],
        told["account"],
        told["symbol"],
        Side[told["side"]],
        Decimal(told["quantity"]),
        Decimal(told["price"]),
        told["sent_ms"],
    )
    return order if told["filled"] is None else replace(order, filled=Decimal(told["filled"]))
