"""Books in PostgreSQL that were made in SQLite."""

from sqlalchemy import Connection, insert, select
from sqlmodel import SQLModel

from shared.database import open_writer, transaction
from shared.migrations.upgrade import upgrade


def copied(connection: Connection, rest: str, name: str = "dashboard") -> str:
    """Copy books row by row into a new database of a server (`postgresql_server`); give its url."""
    import psycopg

    with psycopg.connect(f"postgresql:///postgres{rest}", autocommit=True) as server:
        # The tests of a module may be interrupted by those of another, and then everything is made anew.
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}"')
    url = f"postgresql:///{name}{rest}"
    upgrade(url)
    writer = open_writer(url)
    with transaction(writer) as copy:
        for table in SQLModel.metadata.sorted_tables:
            rows = [dict(row) for row in connection.execute(select(table)).mappings()]
            if rows:
                copy.execute(insert(table), rows)
    writer.dispose()
    return url
