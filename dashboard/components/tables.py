"""Tables: columns of a frame as they are called and written everywhere, their total, and the download of the rows."""

from collections.abc import Callable, Iterable

import pandas as pd

from dashboard import loaders
from dashboard.components.cells import TOTAL, cells, decimals_of
from dashboard.components.downloads import Source, download
from dashboard.components.grid import Picks, grid
from dashboard.components.words import words
from shared.enums import Side

DIRECTIONS = {Side.BUY.name: "long", Side.SELL.name: "short"}
# Some ten rows; more are scrolled to.
HEIGHT_PX = 420


def table(
    frame: pd.DataFrame,
    columns: Iterable[str],
    key: str,
    source: Source,
    *more: Source,
    picks: Picks | None = None,
    on_row: Callable[[int], None] | None = None,
    height: int = HEIGHT_PX,
    pinned: bool = False,
    free_text: Iterable[str] = (),
    of_trips: bool = False,
    total: str | None = TOTAL,
) -> tuple[int, ...]:
    """Draw columns of a frame, in this order, and the download of its rows; give the places of the ticked rows.

    `picks` is `ticks`, or `rows` where a click on one calls `on_row` with its place before the page is drawn again.
    `height` is the most it takes, in pixels. `pinned` keeps the first column where it is. `free_text` names columns
    whose values are stored text though elsewhere their name is a closed vocabulary. `of_trips` says that a side is
    that of a round trip: a BUY was a long. `total` is what the line of sums is called, None for a table without one.
    """
    shown = frame.assign(side=frame["side"].map(DIRECTIONS)) if of_trips and "side" in frame else frame
    has_total, counted, decimals, free = (
        total is not None and len(shown) > 1,
        loaders.counted(),
        decimals_of(shown),
        set(free_text),
    )
    drawn = {name: cells(shown, name, counted, decimals, name in free, has_total) for name in columns if name in shown}
    data = {
        "columns": [column.drawn(name) for name, column in drawn.items()],
        "height": height,
        "label": words(source.name).capitalize(),
        "pinned": pinned,
        "total": total or "",
    }
    picked = grid(f"{key}_rows", data, picks, on_row)
    download(key, source, *more)
    return picked
