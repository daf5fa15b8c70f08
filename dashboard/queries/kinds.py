"""What a fill is to a position: an entry or an exit, of a long or a short."""

import numpy as np
from pandas import DataFrame, Series

from shared.enums import Leg


def with_kinds(fills: DataFrame) -> DataFrame:
    """Give fills (columns leg, quantity) with kind: ENTRY_LONG, ENTRY_SHORT, EXIT_LONG or EXIT_SHORT."""
    bought, opens = fills["quantity"] > 0.0, fills["leg"] == Leg.OPEN.name
    entry, exit_ = np.where(bought, "ENTRY_LONG", "ENTRY_SHORT"), np.where(bought, "EXIT_SHORT", "EXIT_LONG")
    return fills.assign(kind=Series(np.where(opens, entry, exit_), dtype="str", index=fills.index))
