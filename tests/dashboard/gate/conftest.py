"""A page behind the gate: one with two people, one that nobody guards yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.passwords import OPERATOR, VIEWER
from tests.dashboard.gate.serving import ANNA, BO, Served, serve


@pytest.fixture
def open_page(tmp_path: Path) -> Iterator[Served]:
    with serve(tmp_path, allowed_hosts=("fleet.example",)) as served:
        yield served


@pytest.fixture
def page(open_page: Served) -> Served:
    open_page.allow("anna", OPERATOR, ANNA)
    open_page.allow("bo", VIEWER, BO)
    return open_page
