"""The tables of a page, as they are sent to the browser."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

COMPONENT = "flotilla_grid"


class Grid(NamedTuple):
    """A table: its columns as they are drawn, by name, what it is called, and its key."""

    columns: dict[str, dict[str, Any]]
    label: str
    key: str

    @property
    def value(self) -> pd.DataFrame:
        """Give what columns are sorted by: numbers with all their digits, times as ms, and the texts of the rest."""
        found = {}
        for name, column in self.columns.items():
            held = column.get("lines") or column.get("values")
            if held is None:
                found[name] = ["" if text == "–" else text for text in column["texts"]]
            else:
                found[name] = held if "lines" in column else np.array(held, np.float64)
        return pd.DataFrame(found)

    @property
    def texts(self) -> pd.DataFrame:
        """Give what a person reads."""
        return pd.DataFrame({name: column["texts"] for name, column in self.columns.items()})

    @property
    def totals(self) -> dict[str, str]:
        """Give the line of sums by column."""
        return {name: column["total"] for name, column in self.columns.items() if "total" in column}


def is_grid(element: Any) -> bool:
    """Tell whether an element of a page is a table."""
    return element.type == "bidi_component" and element.proto.component_name.endswith(COMPONENT)


def grids(app: AppTest) -> list[Grid]:
    """Give the tables of a page, in order."""
    return [_grid(element) for element in elements(app.main) if is_grid(element)]


def elements(block: Any) -> Iterator[Any]:
    """Give what a part of a page is made of, in order, blocks before what is in them."""
    for part in block.children.values():
        yield part
        if hasattr(part, "children"):
            yield from elements(part)


def _grid(element: Any) -> Grid:
    data = json.loads(element.proto.json)
    return Grid({column["name"]: column for column in data["columns"]}, data["label"], element.proto.id)
