"""Candle files that were damaged: cut short, with bytes changed, taken out, put in or zeroed."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator

import numpy as np

from tests.market.fakes import HOUR_MS, frame_of, wavy_bars

FRAME = frame_of(wavy_bars(200, HOUR_MS))


def _parquet(compression: str) -> bytes:
    content = FRAME.to_parquet(index=False, compression=compression)
    assert content is not None
    return content


def _feather(compression: str) -> bytes:
    stream = io.BytesIO()
    FRAME.to_feather(stream, compression=compression)
    return stream.getvalue()


def _zip(inner: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(inner, content)
    return stream.getvalue()


CSV = FRAME.to_csv(index=False).encode()
COUNTED = FRAME.assign(timestamp=FRAME["timestamp"].astype("int64"))
DUMP = COUNTED.to_csv(index=False, header=False).encode()
JSON = json.dumps(COUNTED.to_numpy().tolist()).encode()

ARCHIVES = {
    "zip": _zip("BTCUSDT-1h.csv", CSV),
    "csv.gz": gzip.compress(CSV),
    "json.gz": gzip.compress(JSON),
    "csv.zip": _zip("BTCUSDT-1h.csv", DUMP),
}
TABLES = {
    "csv": CSV,
    "CSV": DUMP,
    "json": JSON,
    "parquet": _parquet("snappy"),
    "PARQUET": _parquet("none"),
    "feather": _feather("lz4"),
    "FEATHER": _feather("uncompressed"),
}


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content)))]


def _changed(content: bytes, rng: np.random.Generator) -> bytes:
    cells = bytearray(content)
    for place in rng.integers(len(cells), size=int(rng.integers(1, 6))):
        cells[place] = int(rng.integers(256))
    return bytes(cells)


def _taken_out(content: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(len(content), size=2).tolist())
    return content[:first] + content[min(last, first + 64) :]


def _put_in(content: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(content)))
    return content[:place] + rng.bytes(int(rng.integers(1, 64))) + content[place:]


def _zeroed(content: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(content)))
    return content[:place] + bytes(min(64, len(content) - place)) + content[place + 64 :]


def _twisted(content: bytes, rng: np.random.Generator) -> bytes:
    """Change bytes near the ends, where archives and tables say what they hold."""
    cells = bytearray(content)
    reach = min(400, len(cells))
    for place in rng.integers(-reach, reach, size=3):
        cells[place] = int(rng.integers(256))
    return bytes(cells)


DAMAGES: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    _cut, _changed, _taken_out, _put_in, _zeroed, _twisted,
)  # fmt: skip


def damaged(files: dict[str, bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Give `count` damaged files by their suffix, each kind and each damage in turn."""
    rng = np.random.default_rng(seed)
    kinds = list(files.items())
    for number in range(count):
        suffix, content = kinds[number % len(kinds)]
        yield suffix, DAMAGES[number // len(kinds) % len(DAMAGES)](content, rng)
