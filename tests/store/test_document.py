"""`docs/database.md` names every table and every column."""

import re
from pathlib import Path

import pytest

import shared.tables

DOCUMENT = Path(__file__).parents[2] / "docs" / "database.md"
TABLES = {getattr(shared.tables, name).__tablename__: getattr(shared.tables, name) for name in shared.tables.__all__}


def sections() -> dict[str, str]:
    parts = re.split(r"^### `(\w+)`$", DOCUMENT.read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_table_has_its_section() -> None:
    assert set(sections()) == set(TABLES)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_column_is_named_in_the_section_of_its_table(name: str) -> None:
    named = set(re.findall(r"`(\w+)`", sections()[name]))
    missing = [column.name for column in TABLES[name].__table__.c if column.name not in named]
    assert not missing
