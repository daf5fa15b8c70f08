"""The whole content of a database, without what the wall clock or the process leaves in it."""

from tests.live.running import Place

# What differs from one run to the next: wall times and the lease.
WALL = {
    "portfolio": {"created_ms", "installation"},
    "sleeve": {"created_ms"},
    "bot": {"created_ms", "retired_ms"},
    "event": {"wall_ms"},
    "command": {"asked_ms", "taken_ms", "answered_ms"},
    "settings_version": {"first_ms", "last_ms"},
    "heartbeat": {
        "wall_ms",
        "duration_ms",
        "due_ms",
        "lease_token",
        "lease_host",
        "lease_machine",
        "lease_boot",
        "lease_pid",
        "lease_started",
        "lease_since_ms",
        "lease_renewed_ms",
    },
}
# Numbers of rows: a roll-back may leave a gap in them on some databases.
Content = dict[str, list[tuple]]


def content(place: Place) -> Content:
    """Give every table's rows, in order."""
    names = place.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    # Each database draws its own id, which is in the name of every order.
    orders = place.rows('SELECT client_order_id FROM "order" ORDER BY id')
    said = {name: f"order {number}" for number, (name,) in enumerate(orders, 1)}
    return {
        name: [tuple(said.get(value, value) if isinstance(value, str) else value for value in row) for row in rows]
        for name, rows in ((name, _rows(place, name)) for (name,) in names)
    }


def _rows(place: Place, table: str) -> list[tuple]:
    columns = [row[1] for row in place.rows(f'PRAGMA table_info("{table}")') if row[1] not in WALL.get(table, ())]
    listed = ", ".join(f'"{column}"' for column in columns)
    return place.rows(f'SELECT {listed} FROM "{table}" ORDER BY {listed}')


def assert_same(content: Content, expected: Content) -> None:
    """Hold two databases to each other and name the first row that differs."""
    assert content.keys() == expected.keys()
    for table, rows in expected.items():
        for one, other in zip(content[table], rows, strict=False):
            assert one == other, f"{table}: {one} must be {other}"
        assert len(content[table]) == len(rows), f"{table} must have {len(rows)} rows, has {len(content[table])}"
