"""What a page shows in numbers: its tiles, captions, tables and charts; and whether a sentence says what it should."""

import base64
import json
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from tests.dashboard.views.grids import grids, is_grid

NUMBER = r"[+−-]?[\d,]*\.?\d+%?|–"
_DIGIT = re.compile(r"\d")

# A sentence with `#` in place of each number, and the numbers.
Said = tuple[Any, ...]


class Tile(NamedTuple):
    """A figure, what it is measured against, and how it changed."""

    label: str
    value: str
    about: str
    change: str


def tiles(app: AppTest) -> list[Tile]:
    """Give the tiles of a page: each metric with the caption that stands in one box with it."""
    found = []
    for box in _boxes(app.main):
        metrics = [part for part in box.children.values() if part.type == "metric"]
        about = [part.value for part in box.children.values() if part.type == "caption"]
        for metric in metrics:
            own = about[0] if len(metrics) == 1 and about else ""
            found.append(Tile(metric.label, str(metric.value), plain(own), str(metric.delta or "")))
    return found


def captions(app: AppTest) -> list[str]:
    """Give the captions with a digit that belong to no tile."""
    in_tiles = {tile.about for tile in tiles(app)}
    said = [plain(caption.value) for caption in app.main.caption]
    return [text for text in said if _DIGIT.search(text) and text not in in_tiles]


def tables(app: AppTest) -> list[pd.DataFrame]:
    """Give the tables of a page, in order, times as ms."""
    return [grid.value for grid in grids(app)]


def charts(app: AppTest) -> dict[str, list[dict[str, Any]]]:
    """Give the traces of each chart of a page by its key, arrays unpacked."""
    found = {}
    for part in _parts(app.main):
        if part.type == "bidi_component" and not is_grid(part):
            figure = json.loads(json.loads(part.proto.json)["figure"])
            found[part.proto.id.split("-", 2)[2]] = [_unpacked(trace) for trace in figure["data"]]
    return found


def plain(text: str) -> str:
    """Give a text without what keeps markdown from reading it as more."""
    return text.replace("\\", "").replace("\u2060", "")


def disagreement(said: str, template: str, *values: float) -> str:
    """Tell how a sentence differs from what it should say, by half of the last digit shown; empty where it does not."""
    parts = [re.escape(part) for part in template.split("#")]
    match = re.fullmatch(f"({NUMBER})".join(parts), said)
    if match is None or len(parts) != len(values) + 1:
        return f"{said!r} must read {template!r} with {len(values)} numbers"
    for text, value in zip(match.groups(), values, strict=True):
        if not agrees(text, value):
            return f"{said!r} must say {value!r} where it says {text}"
    return ""


def agrees(text: str, value: float) -> bool:
    """Tell whether a number as written is a value, rounded to the digits written."""
    if text == "–" or value is None or math.isnan(value):
        return text == "–" and (value is None or math.isnan(value))
    unit = 0.01 if text.endswith("%") else 1.0
    written = text.rstrip("%").replace(",", "").replace("−", "-")
    digits = len(written.partition(".")[2])
    return abs(float(written) * unit - value) <= 0.5 * 10.0**-digits * unit * (1.0 + 1e-6)


def _boxes(block: Any) -> Iterator[Any]:
    yield block
    for part in block.children.values():
        if hasattr(part, "children"):
            yield from _boxes(part)


def _parts(block: Any) -> Iterator[Any]:
    return (part for box in _boxes(block) for part in box.children.values())


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict) and "bdata" in value:
        flat = np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
        return flat.reshape([int(size) for size in str(value["shape"]).split(",")]) if "shape" in value else flat
    if isinstance(value, dict):
        return {name: _unpacked(part) for name, part in value.items()}
    return value
